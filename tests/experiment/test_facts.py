# SPDX-License-Identifier: Apache-2.0
"""Values by name, out of the tables: each is compared with what the made-up tables were made of."""

from __future__ import annotations

from pathlib import Path

import pytest

import documents
import made
from experiment.facts import Facts, Unknown
from experiment.quantity import BYTES, COUNT, CPUS, MS, NUMBER, PERCENT, Quantity, digits
from made import MB


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return documents.facts(tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize("quantity, text", [
    (Quantity(890.4 * MB, BYTES), "890 MB"), (Quantity(12_345 * MB, BYTES), "12,345 MB"),
    (Quantity(99.6 * MB, BYTES), "100 MB"), (Quantity(13.64 * MB, BYTES), "13.6 MB"), (Quantity(MB, BYTES), "1.0 MB"),
    (Quantity(-0.5 * MB, BYTES), "-0.50 MB"), (Quantity(53_400, BYTES), "53 kB"), (Quantity(-53_400, BYTES), "-53 kB"),
    (Quantity(0, BYTES), "0.00 MB"), (Quantity(499, BYTES), "0.00 MB"), (Quantity(-12, BYTES), "0.00 MB"),
    (Quantity(1234, COUNT), "1,234"), (Quantity(65.5, COUNT), "66"), (Quantity(3.5, COUNT), "3.5"),
    (Quantity(7, COUNT), "7"), (Quantity(0.998, NUMBER), "1.00"), (Quantity(0.846, CPUS), "0.85 CPUs"),
    (Quantity(0.0021, CPUS), "0.0021 CPUs"), (Quantity(12.34, PERCENT), "12.3 %"), (Quantity(254.4, MS), "254 ms"),
])
def test_text(quantity: Quantity, text: str) -> None:
    assert quantity.text() == text


def test_digits_have_no_negative_zero() -> None:
    assert digits(-0.001) == "0.00" and digits(-0.006) == "-0.01"


@pytest.mark.parametrize("name, value", [
    # 70 containers that each write 10 MB, and have 50 kB of cache beside it.
    ("figure4.writes.page_cache.rise", 70 * 10.05 * MB), ("figure4.nothing.page_cache.rise", 70 * 0.05 * MB),
    ("figure4.writes.page_cache.each", 10.05 * MB), ("figure4.writes.page_cache.r2", 1.0),
    ("figure4.writes.page_cache.first", 500 * MB), ("figure4.writes.page_cache.last", 1203.5 * MB),
    ("figure5.writes.page_cache.share", 0.0),
    # 35 stop, and keep all of their share, which removal gives back.
    ("figure6.writes.page_cache.share", 0.0), ("figure7.writes.page_cache.share", 100.0),
    ("figure7.writes.page_cache.fall", 35 * 10.05 * MB), ("figure7.writes.page_cache.rise", -35 * 10.05 * MB),
    ("figure6.nothing.shims.fall", 35), ("figure6.nothing.cgroup_rss.share", 100.0),
    ("figure8.writes.nothing.ended", 620), ("figure8.writes.nothing.removed", 0),
    ("figure8.writes.prune.all_damaged", 24), ("figure8.writes.reaperd.all_damaged", 0),
    ("figure8.writes.reaperd.cleaner_cpu_each", 1000 * 0.06 / 540),
    ("figure8.writes.reaperd.engine_cpu_each", 1000 * 88.0 / 620), ("figure8.writes.nothing.an_hour", 30 * 620),
    ("figure4.writes.page_cache.rise_each", 10.05 * MB), ("figure7.writes.page_cache.back_each", 10.05 * MB),
    ("figure8.writes.nothing.listed.each", 1.0), ("figure8.writes.nothing.listed.late", 100.0),
    ("about.containers", 70.0),
])
def test_values(facts: Facts, name: str, value: float) -> None:
    assert facts.number(name) == pytest.approx(value, rel=1e-6, abs=1e-6)


def test_late(facts: Facts) -> None:
    """Where something is cleaned up, what is there does not go on to grow."""
    assert abs(facts.number("figure8.writes.reaperd.listed.late")) < 10
    assert facts.number("figure8.writes.job.listed.late") == pytest.approx(100, abs=5)


def test_ends_of_an_arm_are_whole_periods_against_what_was_before() -> None:
    """Of the timer, for all of them."""
    rows = made.arms()
    for row in rows:
        row["listed"] = 1000 + (row["second"] if row["second"] >= 0 else -4) + (500 if row["second"] % 20 < 5 else 0)
    facts = Facts({"figure8": rows}, {"prune_every_s": "20"}, "")
    for arm in made.ARMS:
        assert facts.number(f"figure8.writes.{arm}.listed.end") == pytest.approx(1000 + 110.5 + 125)
        assert facts.number(f"figure8.writes.{arm}.listed.start") == 996
    half = Facts({"figure8": rows}, {"prune_every_s": "10"}, "")
    assert half.number("figure8.writes.prune.listed.end") == pytest.approx(1000 + 115.5 + 50)


def test_what_changed_is_told_with_its_sign(facts: Facts) -> None:
    assert facts.text("figure7.writes.page_cache.back") == "+352 MB"
    assert facts.text("figure7.writes.page_cache.change") == "-352 MB"
    assert facts.text("figure7.nothing.dockerd_rss.change") == "0.00 MB"
    # 70 containers came, and 35 of them went.
    assert facts.text("figure7.writes.page_cache.since") == "+352 MB"
    assert facts.text("figure8.writes.nothing.listed.change").startswith("+")


def test_r2_is_that_of_the_medians() -> None:
    rows = made.steps(4)
    for row in rows:
        row["cpu"] = row["running"] if row["repetition"] != 2 else row["running"] % 20
    facts = Facts({"figure4": rows}, {}, "")
    assert facts.number("figure4.writes.cpu.r2") == pytest.approx(1)
    assert facts.number("figure4.writes.cpu.each") == pytest.approx(1)
    for row in rows:
        row["cpu"] = row["running"] if row["repetition"] == 2 else row["running"] % 20
    facts = Facts({"figure4": rows}, {}, "")
    assert facts.number("figure4.writes.cpu.r2") < 0.1


def test_texts(facts: Facts) -> None:
    assert facts.text("figure7.writes.page_cache.fall") == "352 MB"
    assert facts.text("figure7.writes.page_cache.fall_range") == "352 MB"
    low, _, high = facts.text("figure4.writes.used.rise_range").partition(" to ")
    assert high.endswith(" MB") and float(low.replace(",", "")) < float(high[:-3].replace(",", ""))
    assert facts.text("about.kernel") == "6.18.44"


def test_stopped(facts: Facts) -> None:
    """docs/memory.md has the same: 0.018 MB of heap, 20.016 MB of cache, 22.958 MB of MemFree."""
    assert facts.text("figure9.small.engine_heap") == "18 kB"
    assert facts.text("figure9.large_layer.own_cached") == "20.0 MB"
    assert facts.number("figure9.large_layer.mem_free") == pytest.approx(22.958 * MB, rel=1e-4)


@pytest.mark.parametrize("name", [
    "", "figure4", "figure3.writes.used.rise", "figure4.writes.used", "figure4.writes.used.rise.more",
    "figure4.reads.used.rise", "figure4.writes.unused.rise", "figure4.writes.node.rise", "figure4.writes.used.fell",
    "figure8.writes.nobody.used.rise", "figure8.writes.nothing.unused.rise", "figure8.writes.nothing.used.fall",
    "figure8.writes.nothing.cleaner_rss", "figure8.writes.nobody.ended", "figure8.writes.nothing.cleaner_cpu_each",
    "figure9.tiny.disk", "figure9.small.dusk", "about.colour", "claim",
])
def test_unknown(facts: Facts, name: str) -> None:
    with pytest.raises(Unknown):
        facts.text(name)


def test_text_is_no_number(facts: Facts) -> None:
    with pytest.raises(Unknown, match="no number"):
        facts.number("about.kernel")


def test_missing_and_broken_tables(tmp_path: Path) -> None:
    results = documents.results(tmp_path)
    (results / "figure8.csv").write_text("load,arm,second,ended\nwrites,nothing,0,many\n")
    with pytest.raises(Unknown, match="line 2, column ended"):
        Facts.load(results, documents.TOP / "docs" / "memory.csv")
    (results / "figure8.csv").unlink()
    with pytest.raises(Unknown, match="figure8.csv"):
        Facts.load(results, documents.TOP / "docs" / "memory.csv")
