# SPDX-License-Identifier: Apache-2.0
"""What a run keeps: whole cells, one header a table, and nothing of another machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from experiment.rig import Trouble
from experiment.store import YOUNG, Store, from_text, to_csv, to_field, to_text

NOTES = {"seconds": "12.5"}
ABOUT = {"scale": "small", "kernel": "6.1", "reaperd": "0.1.0", "date": "2026-01-01"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.mark.parametrize("value, text", [
    (None, ""), (0, "0"), (123456789012, "123456789012"), ("writes", "writes"), (0.35, "0.35"), (2.0, "2"),
    (100.0, "100"), (1 / 3, "0.3333"), (-0.00001, "0"), (-0.5, "-0.5"), (0.0, "0"), (12345678.5, "12345678.5")])
def test_a_value_as_a_field(value: object, text: str) -> None:
    assert to_field(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, [1]])
def test_what_is_no_value_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        to_field(value)


def test_a_table_has_the_columns_of_its_first_row() -> None:
    assert to_csv([{"b": 1, "a": None}, {"a": 2.5, "b": 3}]) == "b,a\n1,\n3,2.5\n"


@pytest.mark.parametrize("row", [{"a": 1}, {"a": 1, "b": 2, "c": 3}])
def test_rows_of_other_columns_are_refused(row: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="differ in"):
        to_csv([{"a": 1, "b": 2}, row])


def test_pairs_come_back() -> None:
    pairs = {"machine": "x86_64: 2 CPUs", "load writes": "each writes 10 MB"}
    assert from_text(to_text(pairs)) == pairs


def test_a_table_that_is_empty_is_named(store: Store) -> None:
    """As a power cut may leave it."""
    with store.locked():
        store.keep("cell", {"t": [{"a": 3}]}, NOTES)
        (store.folder / "parts/cell/t.csv").write_text("")
        with pytest.raises(Trouble, match="parts/cell/t.csv has no rows. Remove .*/parts/cell, so"):
            store.merge(["cell"])


@pytest.mark.parametrize("text", [None, "", "load: 3.1"])
def test_a_cell_whose_notes_are_lost_is_not_done(store: Store, text: str | None) -> None:
    notes = store.folder / "parts/cell/cell.txt"
    with store.locked():
        store.keep("cell", {"t": [{"a": 3}]}, NOTES)
        assert store.done("cell") and store.notes("cell") == NOTES
        notes.unlink()
        if text is not None:
            notes.write_text(text)
        assert not store.done("cell") and store.names() == []
        store.keep("cell", {"t": [{"a": 4}]}, NOTES)
        assert store.done("cell") and (store.folder / "parts/cell/t.csv").read_text() == "a\n4\n"


def test_what_is_kept_is_on_the_disk_before_it_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may get there before what it names: after a power cut it would be an empty file."""
    synced: set[int] = set()

    def fsync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)

    rename = Path.rename

    def renamed(path: Path, target: Path) -> Path:
        assert {file.stat().st_ino for file in (path, *path.iterdir())} <= synced
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    with store.locked():
        store.begin(ABOUT)
        store.keep("cell", {"t": [{"a": 3}], "u": [{"b": 3}]}, NOTES)
    assert store.done("cell") and (store.folder / "parts").stat().st_ino in synced


def test_tables_of_all_cells_are_one(store: Store) -> None:
    with store.locked():
        store.keep("second", {"t": [{"a": 3}], "u": [{"b": 1}]}, NOTES)
        store.keep("first", {"t": [{"a": 1}, {"a": 2}], "nothing": []}, NOTES)
        made = store.merge(["first", "second"])
    assert [path.name for path in made] == ["t.csv", "u.csv"]
    assert (store.folder / "t.csv").read_text() == "a\n1\n2\n3\n"
    assert store.seconds("first") == 12.5 and store.names() == ["first", "second"]


def test_tables_of_other_columns_are_not_mixed(store: Store) -> None:
    with store.locked():
        store.keep("old", {"t": [{"a": 3}]}, NOTES)
        store.keep("new", {"t": [{"a": 3, "b": 1}]}, NOTES)
        with pytest.raises(Trouble, match="parts/new/t.csv has other columns"):
            store.merge(["old", "new"])


def test_a_cell_that_could_not_be_kept_whole_is_not_done(store: Store) -> None:
    with store.locked():
        with pytest.raises(ValueError):
            store.keep("cell", {"a": [{"a": 1}], "bad": [{"a": float("nan")}]}, NOTES)
        assert not store.done("cell") and store.names() == []
    with store.locked():        # what is left of it is in nobody's way
        store.keep("cell", {"a": [{"a": 1}]}, NOTES)
        assert store.done("cell")
        assert sorted(path.name for path in (store.folder / "parts").iterdir()) == ["cell"]


def test_one_run_at_a_time(store: Store) -> None:
    with store.locked():
        with pytest.raises(Trouble, match="Another run is at work in"):
            with Store(store.folder).locked():
                pass


def test_another_folder_is_left_alone(store: Store) -> None:
    store.folder.mkdir()
    (store.folder / "thesis.tex").write_text("mine")
    with pytest.raises(Trouble, match="holds something else"):
        with store.locked():
            pass
    assert [path.name for path in store.folder.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(store: Store) -> None:
    store.folder.write_text("")
    with pytest.raises(Trouble, match="is no folder"):
        with store.locked():
            pass


@pytest.mark.parametrize("key", ["kernel", "reaperd", "scale"])
def test_results_of_something_else_are_not_gone_on_with(store: Store, key: str) -> None:
    with store.locked():
        store.begin(ABOUT)
        store.keep("cell", {"t": [{"a": 1}]}, NOTES)
        with pytest.raises(Trouble, match=f"{key} is other, was {ABOUT[key]}.*Choose another folder"):
            store.begin({**ABOUT, key: "other"})
        with pytest.raises(Trouble, match=f"{key} is not known, was"):
            store.begin({other: value for other, value in ABOUT.items() if other != key})
        with pytest.raises(Trouble, match="cloud is big, was not known"):
            store.begin({**ABOUT, "cloud": "big"})
    assert store.about() == ABOUT


def test_results_are_gone_on_with_on_another_day(store: Store) -> None:
    with store.locked():
        store.begin(ABOUT)
        store.keep("cell", {"t": [{"a": 1}]}, NOTES)
        store.begin({**ABOUT, "date": "2026-01-02"})
    assert store.about() == ABOUT       # the day on which it began


def test_results_that_do_not_say_what_they_are_of_are_not_gone_on_with(store: Store) -> None:
    with store.locked():
        store.begin(ABOUT)
        store.keep("cell", {"t": [{"a": 1}]}, NOTES)
        (store.folder / "about.txt").unlink()
        with pytest.raises(Trouble, match="has results, but no about.txt.*Choose another folder"):
            store.begin(ABOUT)


@pytest.mark.parametrize("key", sorted(YOUNG))
def test_results_from_before_a_key_are_gone_on_with(store: Store, key: str) -> None:
    with store.locked():
        store.begin(ABOUT)
        store.keep("cell", {"t": [{"a": 1}]}, NOTES)
        store.begin({**ABOUT, key: "one"})
        assert store.about() == ABOUT       # which nobody knows to be so of what was there
        with pytest.raises(Trouble, match="kernel is 6.2, was 6.1"):
            store.begin({**ABOUT, key: "one", "kernel": "6.2"})


@pytest.mark.parametrize("key", sorted(YOUNG))
def test_results_that_have_the_key_are_not_mixed(store: Store, key: str) -> None:
    with store.locked():
        store.begin({**ABOUT, key: "one"})
        store.keep("cell", {"t": [{"a": 1}]}, NOTES)
        store.check({**ABOUT, key: "one"})
        with pytest.raises(Trouble, match=f"{key} is two, was one"):
            store.check({**ABOUT, key: "two"})


def test_where_nothing_is_done_yet_anything_may_begin(store: Store) -> None:
    with store.locked():
        store.begin(ABOUT)
        store.begin({**ABOUT, "kernel": "6.2"})
    assert store.about()["kernel"] == "6.2"
