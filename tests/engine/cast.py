# SPDX-License-Identifier: Apache-2.0
"""The services and plain containers of a scenario, by name."""

from __future__ import annotations

from typing import Any, Sequence

from bench import Bench
from history import Look
from lab import ApiError, run_container, until


class Cast:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.services: dict[str, str] = {}
        self.plain: dict[str, str] = {}

    def service(self, name: str, command: Sequence[str] = ("true",), **options: Any) -> None:
        self.services[name] = self.bench.swarm.create(name, command, **options)

    def container(self, name: str, command: Sequence[str] = ("true",), **options: Any) -> None:
        try:
            self.plain[name] = run_container(self.bench.engine.client, name, command, **options)
        except ApiError:            # a start that fails is what some are there for
            details = self.bench.engine.client.inspect(name)
            assert details is not None and details["State"]["Error"]
            self.plain[name] = details["Id"]

    def ids(self, *names: str) -> set[str]:
        """The containers that have ever been of these services, or are these."""
        found: set[str] = set()
        for name in names:
            found |= ({self.plain[name]} if name in self.plain
                      else self.bench.of_service(self.services[name]))
        return found

    def name_of(self, container: str) -> str:
        """The service or plain container behind an id."""
        return next((name for name in [*self.plain, *self.services]
                     if container in self.ids(name)), "?")

    def looks(self, *names: str) -> list[Look]:
        """The last look at each, the newest end first."""
        history = self.bench.recorder.history
        found = [history.last_look(ident) for ident in self.ids(*names)]
        return sorted((look for look in found if look), key=lambda l: (l.finished, l.created),
                      reverse=True)

    def newest(self, name: str, count: int = 1) -> set[str]:
        """Of one slot: the ids of those that ended last."""
        looks = self.bench.recorder.history.looks
        return set(sorted(self.ids(name), key=lambda ident: looks[ident][-1].finished)[-count:])

    def await_ended(self, name: str, count: int = 1, timeout: float = 30.0) -> set[str]:
        """Wait until so many have stopped, or failed to start."""
        def ended() -> set[str]:
            looks = self.bench.recorder.history.looks
            found = {ident for ident in self.ids(name) if looks.get(ident)
                     and (looks[ident][-1].finished or looks[ident][-1].error)}
            return found if len(found) >= count else set()

        return until(ended, timeout, f"{count} of {name} ended")

    def here(self, *names: str) -> bool:
        """Whether all of them are still on the engine."""
        return self.ids(*names) <= self.bench.ids() and bool(self.ids(*names))
