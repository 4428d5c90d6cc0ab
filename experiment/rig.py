# SPDX-License-Identifier: Apache-2.0
"""What a piece of the experiment runs on, and what it gives back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, TypeVar

from lab import until, update_object
from lab.fleet import Fleet, Node

from .sizes import Sizes

T = TypeVar("T")

# Table of the data ("figure4", "figure8", "figure8-arms", ...) to its rows, each a mapping of columns.
Row = Mapping[str, Any]
Tables = dict[str, list[Row]]


class Interrupted(Exception):
    """Asked to end."""


class Trouble(Exception):
    """Something that a user can understand; the text is a sentence."""


@dataclass
class Rig:
    """Swarms to work on; `go_on` raises Interrupted when the run is to be broken off, `say` tells what is done."""

    sizes: Sizes
    reaperd: Path
    go_on: Callable[[], None]
    say: Callable[[str], None]

    @contextlib.contextmanager
    def swarm(self, managers: int, workers: int, history: int = 100_000) -> Iterator[Fleet]:
        """A fresh one; `history` is its TaskHistoryRetentionLimit. Its managers run no tasks."""
        self.go_on()
        with Fleet(managers, workers, history) as fleet:
            for node in fleet.managers:
                set_availability(fleet, node, "drain")
            yield fleet

    def until(self, probe: Callable[[], T], timeout: float, what: str, poll: float = 0.1) -> T:
        """As lab.until, broken off when the run is."""
        def checked() -> T:
            self.go_on()
            return probe()

        return until(checked, timeout, what, poll)


def set_availability(fleet: Fleet, node: Node, availability: str) -> None:
    update_object(fleet.manager.client, f"/nodes/{node.id}", lambda spec: spec.update(Availability=availability))


@dataclass(frozen=True)
class Cell:
    """A piece of work that is done whole or not at all; `name` is that of its folder in the results."""

    name: str
    about: str              # "figures 4, 6, 7: each writes nothing, 2 of 3"
    seconds: float          # what it takes, about; for the time that is left
    run: Callable[[Rig], Tables]
