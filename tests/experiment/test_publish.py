# SPDX-License-Identifier: Apache-2.0
"""Only complete results of the full scale become part of the documents, and they do whole."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from experiment import settings, sources
from experiment.publish import TABLES, doubts, publish, redraw
from experiment.rig import Trouble
from experiment.sizes import FULL, SMALL, Sizes
from experiment.store import Store

NAMES = ["one", "two"]


def results(folder: Path, sizes: Sizes = FULL, tables: tuple[str, ...] = TABLES) -> Store:
    store = Store(folder)
    with store.locked():
        store.begin({"scale": sizes.scale, "kernel": "6.1", "experiment": sources.digest(),
                     **settings.to_pairs(sizes), "date": "2026-01-01"})
        for number, name in enumerate(NAMES):
            store.keep(name, {table: [{"a": number}] for table in (*tables, "samples")}, {"seconds": "1"})
    return store


class Documents:
    def __init__(self, top: Path) -> None:
        self.top, self.calls = top, []      # type: ignore[var-annotated]
        (top / "docs/experiment").mkdir(parents=True)
        (top / "docs/experiment/old.svg").write_text("old")

    def draw(self, folder: Path, memory_csv: Path) -> None:
        assert (folder / "figure4.csv").read_text() == "a\n0\n1\n" and memory_csv == self.top / "docs/memory.csv"
        (folder / "figure4.svg").write_text("new")
        self.calls.append("draw")

    def renew(self, top: Path) -> None:
        assert top == self.top and (top / "docs/experiment/figure4.svg").exists()
        self.calls.append("renew")

    def there(self) -> list[str]:
        return sorted(path.name for path in (self.top / "docs").rglob("*"))


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path / "top")


def test_they_are_taken_whole(tmp_path: Path, documents: Documents) -> None:
    store = results(tmp_path / "results")
    publish(store, NAMES, documents.draw, documents.renew, documents.top)
    assert documents.calls == ["draw", "renew"]
    assert documents.there() == sorted(["experiment", "about.txt", "figure4.svg", *(f"{t}.csv" for t in TABLES)])
    assert (documents.top / "docs/experiment/about.txt").read_text() == (store.folder / "about.txt").read_text()


def test_results_from_before_a_size_are_taken(tmp_path: Path, documents: Documents) -> None:
    store = results(tmp_path / "results")
    about = store.folder / "about.txt"
    about.write_text(re.sub("^others_cpu: .*\n", "", about.read_text(), flags=re.M))
    publish(store, NAMES, documents.draw, documents.renew, documents.top)
    assert documents.calls == ["draw", "renew"]


def test_pictures_and_numbers_are_made_anew_of_what_is_there(tmp_path: Path, documents: Documents) -> None:
    """As after `make bench-memory`, or in a fresh clone after a change of words."""
    publish(results(tmp_path / "results"), NAMES, documents.draw, documents.renew, documents.top)
    there, documents.calls = documents.there(), []
    (documents.top / "docs/experiment/figure4.svg").unlink()
    redraw(documents.draw, documents.renew, documents.top)
    assert documents.calls == ["draw", "renew"] and documents.there() == there


def test_nothing_is_made_of_nothing(documents: Documents) -> None:
    with pytest.raises(Trouble, match="no results in .*/docs/experiment either: sudo make experiment"):
        redraw(documents.draw, documents.renew, documents.top)
    assert not documents.calls


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give away")
@pytest.mark.parametrize("again", [False, True])
def test_they_belong_to_who_called_sudo(tmp_path: Path, documents: Documents, monkeypatch: pytest.MonkeyPatch,
                                        again: bool) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    store = results(tmp_path / "results")
    publish(store, NAMES, documents.draw, documents.renew, documents.top)
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "54321")
    if again:
        redraw(documents.draw, documents.renew, documents.top)
    else:
        publish(store, NAMES, documents.draw, documents.renew, documents.top)
    place = documents.top / "docs/experiment"
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (place, *place.iterdir())} == {(12345, 54321)}
    assert place.parent.stat().st_uid == 0


def test_what_is_doubtful_is_told(tmp_path: Path) -> None:
    store = results(tmp_path / "results")
    assert doubts(store, NAMES) == []
    with store.locked():
        store.keep("three", {"t": [{"a": 1}]}, {"seconds": "1", "reclaimed": "120 MB"})
        store.keep("four", {"t": [{"a": 1}]}, {"seconds": "1", "reclaimed": "0 MB"})
    assert doubts(store, [*NAMES, "three", "four"]) == [
        "The kernel took 120 MB of memory back while three was measured."]
    with store.locked():
        for name in ("steps-a", "figure8-a"):
            store.keep(name, {"t": [{"a": 1}]}, {"seconds": "1", "others_cpu": "0.01", "others_cpu_most": "0.75"})
    assert doubts(store, ["steps-a", "figure8-a"]) == ["Others used up to 0.75 CPUs while steps-a was measured."]
    about = store.folder / "about.txt"
    about.write_text(about.read_text().replace(sources.digest(), "0123456789abcdef"))
    assert "code has changed since" in doubts(store, NAMES)[0]


@pytest.mark.parametrize("sizes, said", [
    (SMALL, "not those of the full scale with its default sizes.*: scale, "),
    (dataclasses.replace(FULL, containers=60), "default sizes.*: containers differ")])
def test_others_are_refused(tmp_path: Path, documents: Documents, sizes: Sizes, said: str) -> None:
    with pytest.raises(Trouble, match=said):
        publish(results(tmp_path / "results", sizes), NAMES, documents.draw, documents.renew, documents.top)
    assert documents.there() == ["experiment", "old.svg"] and not documents.calls


def test_incomplete_ones_are_refused(tmp_path: Path, documents: Documents) -> None:
    with pytest.raises(Trouble, match="1 of 3 cells are missing"):
        publish(results(tmp_path / "results"), [*NAMES, "three"], documents.draw, documents.renew, documents.top)
    with pytest.raises(Trouble, match="lack figure5, figure8$|lack figure5, figure8[.]"):
        publish(results(tmp_path / "other", tables=("figure4", "figure6", "figure7", "figure8-arms")), NAMES,
                documents.draw, documents.renew, documents.top)
    with pytest.raises(Trouble, match="There are no results in"):
        publish(Store(tmp_path / "none"), NAMES, documents.draw, documents.renew, documents.top)
    assert documents.there() == ["experiment", "old.svg"] and not documents.calls


def test_nothing_is_half_done_when_drawing_fails(tmp_path: Path, documents: Documents) -> None:
    def draw(_folder: Path, _memory_csv: Path) -> None:
        raise Trouble("gnuplot is missing")

    with pytest.raises(Trouble, match="gnuplot"):
        publish(results(tmp_path / "results"), NAMES, draw, documents.renew, documents.top)
    assert documents.there() == ["experiment", "old.svg"] and not documents.calls
