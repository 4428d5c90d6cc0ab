# SPDX-License-Identifier: Apache-2.0
"""Pictures of made-up results: that they show what the data say, and that a picture of other data is found out."""

from __future__ import annotations

import shutil
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import made
import pytest

from experiment import TOP, figure_held, gnuplot, plots, summary
from experiment.figure_arms import STYLES
from experiment.facts import Facts
from experiment.figure_held import memory_table
from experiment.rig import Trouble

MEMORY = TOP / "docs" / "memory.csv"
NAMES = ["figure4", "figure5", "figure6", "figure7", "figure8", "figure8-nothing", "figure9"]
FILES = [f"{name}.{kind}" for name in NAMES for kind in ("svg", "png")]
SWARM = ",".join(str(cell) for cell in made.row("writes", 2, 40, 0).values())       # a line of figure4.csv
drawing = pytest.mark.skipif(shutil.which("gnuplot") is None, reason="gnuplot is not installed")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    results = made.results(tmp_path_factory.mktemp("drawn"))
    assert [path.name for path in plots.make(results, MEMORY)] == FILES
    return results


@pytest.fixture()
def faked(tmp_path, monkeypatch) -> Path:
    """Results with pictures that no gnuplot has made: what they are is their script."""
    monkeypatch.setattr(gnuplot, "draw", lambda _, script: (b"<svg>" + script.encode(), b"PNG" + script.encode()))
    results = made.results(tmp_path / "results")
    plots.make(results, MEMORY)
    return results


def words(path: Path) -> str:
    return " ".join("".join(text.itertext()) for text in ElementTree.parse(path).iter()
                    if text.tag.endswith("}text"))


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@drawing
@pytest.mark.parametrize(("name", "said"), [
    ("figure4", ["Figure 4:", "running containers in the Swarm", "% of all CPUs", "% of all memory",
                 "MB since the first step", "Containers that write", "Containers that write nothing", "MemAvailable",
                 "medians of 3 repetitions", "from none to 70", "containers and engines of all nodes",
                 "MemFree, and free pages on CPUs' lists"]),
    ("figure5", ["Figure 5:", "workers that the containers run on", "on 1 to 5 workers", "with many, and in the middle"]),
    ("figure6", ["Figure 6:", "containers that have stopped, and are kept", "35 of them are stopped"]),
    ("figure7", ["Figure 7:", "stopped containers that have been removed", "35 containers go on running"]),
    ("figure8", ["Figure 8:", "seconds since the service began", "MB since the start", "no cleaning", "job service",
                 "Swarm's limit", "prune timer", "docker ps -a", "24 of 644", "0 of 644", "0.06 s", "one run of each",
                 "MemFree, and free pages on CPUs' lists",
                 "Each writes 4 MB and logs 5 lines a second."]),
    ("figure8-nothing", ["Figure 8:", "Each writes nothing."]),
    ("figure9", ["Figure 9:", "page cache of its files", "MB, logarithmic", "many files"]),
])
def test_a_picture_tells_what_it_shows(drawn, name, said):
    found = words(drawn / f"{name}.svg")
    assert [one for one in said if one not in found] == []
    machine = "Docker 20.10.24+dfsg1" if name == "figure9" else "containerd 1.6.20~ds1"
    assert "2 CPUs" in found and machine in found
    # What would be the traces of gnuplot's enhanced text.
    assert "{/" not in found and "\\" not in found


@drawing
def test_pictures_are_opaque_and_of_their_size(drawn):
    for name, picture in plots.pictures(drawn, MEMORY).items():
        svg = (drawn / f"{name}.svg").read_text()
        assert f'width="{picture.width}" height="{picture.height}"' in svg
        assert 'fill="#ffffff"' in svg
        png = (drawn / f"{name}.png").read_bytes()
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        width, height, _, colour = struct.unpack(">IIBB", png[16:26])
        assert (width, height) == (2 * picture.width, 2 * picture.height)
        assert colour in (2, 3)         # no alpha: what is behind does not shine through


@drawing
def test_same_data_same_bytes(drawn, tmp_path):
    again = made.results(tmp_path / "again")
    plots.make(again, MEMORY)
    assert [file for file in [*FILES, plots.PICTURES]
            if (again / file).read_bytes() != (drawn / file).read_bytes()] == []


@drawing
def test_words_from_outside_stay_words(tmp_path):
    results = made.results(tmp_path / "results")
    hostile = f"`touch {tmp_path}/ran` 'quoted' \"twice\" {{/=40 big}} a_b^c @d \\e"
    edited(results / plots.ABOUT, made.ABOUT["machine"], hostile)
    plots.make(results, MEMORY)
    assert not (tmp_path / "ran").exists()
    for part in ("'quoted'", '"twice"', "{/=40 big}", "a_b^c @d \\e"):
        assert part in words(results / "figure8.svg")


@drawing
def test_bold_words_keep_their_characters(tmp_path):
    picture = gnuplot.Picture(300, 60)
    picture.text(5, 20, "a_b {c} d^e @f \\g it's", bold=True)
    svg, _ = gnuplot.draw(picture, picture.script())
    (tmp_path / "bold.svg").write_bytes(svg)
    assert "a_b {c} d^e @f \\g it's" in words(tmp_path / "bold.svg")
    assert b'font-weight="bold"' in svg


@drawing
def test_what_gnuplot_refuses_is_told():
    with pytest.raises(Trouble, match="gnuplot failed: .*undefined"):
        gnuplot.draw(gnuplot.Picture(10, 10), "plot no_such_name\n")


def test_without_gnuplot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Trouble, match="gnuplot is not installed"):
        plots.make(made.results(tmp_path / "results"), MEMORY)


# What is drawn.

def test_a_curve_is_its_medians_and_their_spread(tmp_path):
    results = made.results(tmp_path / "results")
    picture = plots.pictures(results, MEMORY)["figure7"]
    rows = summary.load_table(results / "figure7.csv")
    writes, nothing = picture.panels[2:4]
    for panel, load in ((writes, "writes"), (nothing, "nothing")):
        points = summary.by_step(rows, load, "removed", "used_percent")
        assert [point.x for point in points] == [0, 7, 14, 21, 28, 35]
        assert list(panel.curves[0].rows) == [(p.x, p.median, p.low, p.high) for p in points]
    # Both loads on the same scale, or one could not compare them.
    assert (writes.y.low, writes.y.high) == (nothing.y.low, nothing.y.high)


def test_everything_is_within_its_axes(tmp_path):
    for name, picture in plots.pictures(made.results(tmp_path / "results"), MEMORY).items():
        for panel in picture.panels:
            box = panel.box
            assert 0 < box.left < box.right < picture.width and 0 < box.top < box.bottom < picture.height
            for curve in panel.curves:
                for x, y, *_ in curve.rows:
                    assert panel.x.low <= x <= panel.x.high, (name, panel.title, x)
                    room = abs(panel.y.step) * 0.03
                    low, high = sorted((panel.y.low, panel.y.high))
                    assert low - room <= y <= high + room, (name, panel.title, y)


def test_figure_8_draws_what_its_titles_say(tmp_path):
    results = made.results(tmp_path / "results")
    rows = summary.load_table(results / "figure8.csv")
    panels = {panel.title: panel for panel in plots.pictures(results, MEMORY)["figure8-nothing"].panels}

    def ends(title: str) -> list[float]:
        """Of all arms, in the order of the legend."""
        return [curve.rows[-1][1] for curve in panels[title].curves]

    def wanted(metric: str, unit: int, grows: bool) -> list[float]:
        look = summary.growth if grows else summary.series
        return [look(rows, "nothing", arm, metric)[-1][1] / unit for arm in STYLES]

    assert ends("Containers that the workers keep") == wanted("listed", 1, False)
    assert ends("Disk used") == wanted("disk_used", made.MB, True)
    assert ends("Memory that is not free (MemFree)") == wanted("used", made.MB, True)
    assert ends("Memory that is not available (MemAvailable)") == wanted("unavailable", made.MB, True)
    assert ends("RSS of dockerd and containerd") == wanted("daemons_rss", made.MB, True)
    times = panels["Time that `docker ps -a` takes"].curves[0].rows
    assert len(times) == 9 and times[-1] == (120, summary.series(rows, "nothing", "nothing", "ps_ms")[-1][1])
    damaged, cleaner, engines = ([(curve.rows[0][0], curve.labels[0]) for curve in panels[title].curves] for title in
                                 ("Tasks with a wrong outcome", "CPU of the cleaner", "CPU of the engines"))
    assert damaged == [(0, "0 of 644"), (0, "0 of 494"), (24, "24 of 644"), (0, "0 of 644"), (0, "0 of 644")]
    assert cleaner == [(0, "none"), (0, "none"), (0.41, "0.41 s"), (0, "inside the engines"), (0.06, "0.06 s")]
    assert engines[1] == (pytest.approx(1000 * 61 / 470), "130 ms")


def test_pictures_and_page_mean_the_same_by_each_task_that_ended(tmp_path):
    results = made.results(tmp_path / "results")
    facts = Facts.load(results, MEMORY)
    for figure, load in (("figure8", "writes"), ("figure8-nothing", "nothing")):
        panel = next(panel for panel in plots.pictures(results, MEMORY)[figure].panels
                     if panel.title == "CPU of the engines")
        assert [curve.labels[0] for curve in panel.curves] == [
            facts.text(f"figure8.{load}.{arm}.engine_cpu_each") for arm in STYLES]


def test_a_picture_of_an_arm_begins_with_its_services(tmp_path):
    results = made.results(tmp_path / "results")
    assert min(row["second"] for row in summary.load_table(results / "figure8.csv")) == -4
    assert {curve.rows[0][0] for panel in plots.pictures(results, MEMORY)["figure8"].panels
            for curve in panel.curves if curve.kind == "curve" and "docker ps" not in panel.title} == {0}


def test_cpu_is_drawn_as_it_is_judged(tmp_path):
    results = made.results(tmp_path / "results")
    rows = summary.load_table(results / "figure6.csv")
    nodes, busy = plots.pictures(results, MEMORY)["figure6"].panels[0].curves
    judged, machine = (summary.by_step(rows, "writes", "stopped", name) for name in ("cpu", "cpu_percent"))
    assert [row[1] for row in nodes.rows] == pytest.approx([100 * point.median / 2 for point in judged])
    assert [row[1] for row in busy.rows] == [point.median for point in machine]


def test_figure_9_is_that_of_the_page():
    picture = figure_held.picture(MEMORY.read_text())
    layer = picture.panels[1]
    gave, left, _ = ({names[round(y)]: (x, low, high) for x, y, low, high in curve.rows}
                     for names in [[name for name, *_ in figure_held.FIGURES]] for curve in layer.curves)
    page = (TOP / "docs" / "memory.md").read_text().partition("### large layer")[2]
    removal = ("own_cached", "engine_heap", "mem_free", "disk")
    for column, kinds, dots in ((3, removal, gave), (4, ("mem_free",), left)):
        for kind in kinds:
            name = next(name for figure, name, *_ in memory_table.FIGURES if figure == kind)
            cell = next(line for line in page.splitlines() if line.startswith(f"| {name} |")).split("|")[column + 1]
            median, low, high = dots[kind]
            assert cell.strip() == f"{median:.3f} ±{(high - low) / 2:.3f}", (kind, column)


def test_arms_differ_by_more_than_colour(tmp_path):
    assert len({(style.dash, style.width) for style in STYLES.values()}) == len(STYLES)
    picture = plots.pictures(made.results(tmp_path / "results"), MEMORY)["figure8"]
    assert [curve.label for curve in picture.panels[0].curves] == [
        "no cleaning", "job service", "prune timer", "Swarm's limit", "reaperd"]


def test_both_kinds_of_memory_have_one_scale(tmp_path):
    picture = plots.pictures(made.results(tmp_path / "results"), MEMORY)["figure8"]
    free, available = (panel.y for panel in picture.panels if panel.title.startswith("Memory that is not"))
    assert free == available


def test_a_missing_table_is_a_missing_figure(tmp_path):
    results = made.results(tmp_path / "results")
    for name in ("figure5", "figure8-arms"):
        (results / f"{name}.csv").unlink()
    made.write(results / "figure4.csv", made.steps(4, loads=["writes"], repetitions=1))
    made.write(results / "figure8.csv", made.arms(24, loads=["writes"]))
    (results / plots.ABOUT).unlink()
    found = plots.pictures(results, tmp_path / "no.csv")
    assert list(found) == ["figure4", "figure6", "figure7", "figure8"]
    assert len(found["figure4"].panels) == 3 and len(found["figure8"].panels) == 6


def test_one_arm_that_has_just_begun_can_be_drawn(tmp_path):
    made.write(tmp_path / "figure8.csv", [row for row in made.arms(0) if row["arm"] == "prune"])
    assert [curve.label for curve in plots.pictures(tmp_path, tmp_path / "no.csv")["figure8"].panels[0].curves] == [
        "prune timer"]


# What check finds.

def test_pictures_as_made_are_right(faked):
    assert plots.check(faked, MEMORY) == []


@pytest.mark.parametrize(("file", "old", "new", "wrong"), [
    ("figure4.csv", SWARM, SWARM.replace(str(made.TOTAL), str(made.TOTAL + 1000 * made.MB)), ["figure4"]),
    ("figure8.csv", "writes,job,7,", "writes,job,6,", ["figure8"]),
    ("figure8-arms.csv", "writes,prune,120,620,11", "writes,prune,120,620,10", ["figure8"]),
    ("about.txt", "6.18.44", "6.18.45", ["figure4", "figure5", "figure6", "figure7", "figure8", "figure8-nothing"]),
])
def test_other_data_are_found_out(faked, file, old, new, wrong):
    edited(faked / file, old, new)
    assert plots.check(faked, MEMORY) == [f"{faked}/{name}.{kind} is not made from the data that are there"
                                          for name in wrong for kind in ("svg", "png")]


def test_other_data_of_memory_are_found_out(faked, tmp_path):
    other = tmp_path / "memory.csv"
    lines = MEMORY.read_text().splitlines()
    other.write_text("\n".join(line for line in lines if not line.startswith("small,40,1,")) + "\n")
    assert plots.check(faked, other) == [f"{faked}/figure9.{kind} is not made from the data that are there"
                                         for kind in ("svg", "png")]


def test_another_picture_is_found_out(faked):
    (faked / "figure6.png").write_bytes(b"PNG of something else")
    (faked / "figure7.svg").unlink()
    assert plots.check(faked, MEMORY) == [f"{faked}/figure6.png is not the picture that was made",
                                          f"{faked}/figure7.svg is missing"]


def test_without_its_list_nothing_is_right(faked):
    (faked / plots.PICTURES).unlink()
    assert plots.check(faked, MEMORY) == [f"{faked / file} is not in {plots.PICTURES}" for file in FILES]


def test_a_picture_without_data_goes(faked):
    (faked / "figure5.csv").unlink()
    assert plots.check(faked, MEMORY) == [f"{faked}/figure5.{kind} is in {plots.PICTURES}, and has no data"
                                          for kind in ("svg", "png")]
    plots.make(faked, MEMORY)
    assert not (faked / "figure5.svg").exists() and plots.check(faked, MEMORY) == []


# Places of words.

@pytest.mark.parametrize("wanted", [
    [50.0], [50, 51, 52, 53], [99, 99, 99], [0, 0, 100], [70, 10, 70.5, 11, 40], [100, 0, 50, 50, 50, 50],
])
def test_labels_do_not_lie_on_each_other(wanted):
    found = gnuplot.apart(wanted, 14, 0, 100)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places = [found[index] for index in order]
    assert all(after - before >= 14 - 1e-9 for before, after in zip(places, places[1:]))
    assert places[0] >= 0 and places[-1] <= 100 + 1e-9


def test_labels_with_room_stay_where_they_are():
    assert gnuplot.apart([80, 10, 40], 14, 0, 100) == [80, 10, 40]
    assert gnuplot.apart([50, 50], 14, 0, 100) == [43, 57]


@pytest.mark.parametrize(("values", "zero", "wanted"), [
    ([0, 70], True, (0, 80, 20)), ([3, 9], True, (0, 10, 2.5)), ([-41, 5], True, (-60, 20, 20)),
    ([9.0, 13.6], False, (8, 14, 2)), ([], True, (0, 1, 0.25)), ([5, 5], False, (5, 6, 0.25)),
])
def test_axes_have_round_numbers(values, zero, wanted):
    axis = gnuplot.axis_of("x", values, zero=zero)
    assert (axis.low, axis.high, axis.step) == pytest.approx(wanted)


def test_lines_break_at_spaces_but_not_at_hard_ones():
    assert gnuplot.wrapped("one two three", 40, 12) == ["one", "two", "three"]
    assert gnuplot.wrapped("one two\u00a0three", 20, 12) == ["one", "two\u00a0three"]
    assert gnuplot.wrapped("one two", 500, 12) == ["one two"]
