# SPDX-License-Identifier: Apache-2.0
"""Results become part of the documents: tables, pictures, and the numbers in the text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable, Sequence

from . import TOP, quiet, settings, sources
from .owner import given_back
from .rig import Trouble
from .sizes import FULL
from .store import ABOUT, UNFINISHED, YOUNG, Store, write_whole

TABLES = ("figure4", "figure5", "figure6", "figure7", "figure8", "figure8-arms")
MEMORY_CSV = Path("docs", "memory.csv")
PLACE = Path("docs", "experiment")
NOTHING = "0 MB"
ARM = "figure8-"            # with which the names of its cells begin


def publish(store: Store, names: Sequence[str], draw: Callable[[Path, Path], object],
            renew: Callable[[Path], object], top: Path = TOP) -> None:
    """Takes complete results of the full scale, whose cells have these names, into the documents."""
    about = store.about()
    if not about:
        raise Trouble(f"There are no results in {store.folder}: sudo make experiment")
    wanted = {"scale": FULL.scale, **settings.to_pairs(FULL)}
    young = YOUNG - about.keys()
    if differ := [key for key in wanted if about.get(key) != wanted[key] and key not in young]:
        raise Trouble(f"The results in {store.folder} are not those of the full scale with its default sizes, which "
                      f"the documents are about: {', '.join(differ)} differ.")
    if missing := [name for name in names if not store.done(name)]:
        raise Trouble(f"The results in {store.folder} are not complete, {len(missing)} of {len(names)} cells are "
                      "missing: sudo make experiment goes on there.")
    with given_back(top / PLACE):
        _take(store, names, draw, top)
    renew(top)


def redraw(draw: Callable[[Path, Path], object], renew: Callable[[Path], object], top: Path = TOP) -> None:
    """Pictures and numbers anew, of the tables that are in the documents already."""
    place = top / PLACE
    if not (place / ABOUT).is_file():
        raise Trouble(f"There are no results in {place} either: sudo make experiment")
    with given_back(place):
        draw(place, top / MEMORY_CSV)
    renew(top)


def doubts(store: Store, names: Sequence[str], top: Path = TOP) -> list[str]:
    """What whoever takes these results into documents should know of them, in sentences."""
    said = []
    measured_by = store.about().get("experiment")
    if measured_by not in (None, sources.digest(top)):
        said.append("The experiment's code has changed since it measured these results: what the documents say of it "
                    "may not be true of them.")
    for name in names:
        taken = store.notes(name).get("reclaimed", NOTHING)
        if taken != NOTHING:
            said.append(f"The kernel took {taken} of memory back while {name} was measured.")
        # In an arm, what starts containers is never idle.
        if not name.startswith(ARM) and (others := quiet.most(store.notes(name))) > FULL.others_cpu:
            said.append(f"Others used up to {others:g} CPUs while {name} was measured.")
    return said


def _take(store: Store, names: Sequence[str], draw: Callable[[Path, Path], object], top: Path) -> None:
    place = top / PLACE
    fresh = place.with_name(place.name + UNFINISHED)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        made = {path.stem: path for path in store.merge(names, fresh)}
        if lacking := [table for table in TABLES if table not in made]:
            raise Trouble(f"The results in {store.folder} lack {', '.join(lacking)}.")
        for table, path in made.items():
            if table not in TABLES:
                path.unlink()       # every sample: too much for a document
        write_whole(fresh / ABOUT, (store.folder / ABOUT).read_text())
        draw(fresh, top / MEMORY_CSV)
        if place.exists():
            shutil.rmtree(place)
        fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
