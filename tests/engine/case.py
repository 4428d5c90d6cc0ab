# SPDX-License-Identifier: Apache-2.0
"""A history under judgement: what the oracle asks of it again and again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Mapping

from config import Configuration, Values
from history import FOREVER, EngineLife, Event, History, Look, Record, Run
from lab.proxy import Call
from lab.reaper import Reload
from levels import Levels

CLOCK = 0.05            # seconds that two readings of a clock may differ
NOTICE = 0.2            # seconds that the record of a READY=1 may lag


@dataclass
class Segment:
    """When one configuration held for certain in a run."""

    begin: float
    end: float
    configuration: Configuration


def failed_to_start(look: Look) -> bool:
    return look.state == "created" and look.error != "" and look.exit_code != 0


def end_of(look: Look) -> float:
    """What its age counts from: its end; a failed start has only its creation."""
    return look.created if failed_to_start(look) else look.finished


class Case:
    def __init__(self, history: History) -> None:
        self.h = history
        self._events: dict[str, list[Event]] = defaultdict(list)
        self._deletes: dict[str, list[Call]] = defaultdict(list)
        self._configurations: dict[int, Configuration] = {}
        self._levels: dict[tuple[int, int], Levels] = {}
        for event in sorted(history.events, key=lambda e: e.time):
            self._events[event.container].append(event)
        for call in history.calls:
            if call.method == "DELETE":
                self._deletes[call.container or ""].append(call)

    # -- a container -----------------------------------------------------------------

    @property
    def containers(self) -> set[str]:
        return self.h.listed.keys() | self._events.keys()

    def is_task(self, container: str) -> bool:
        return container in self.h.is_task

    def events(self, container: str, *actions: str) -> list[Event]:
        return [e for e in self._events.get(container, ()) if not actions or e.action in actions]

    def destroyed(self, container: str) -> float:
        times = [e.time for e in self.events(container, "destroy")]
        return min([*times, self.h.gone.get(container, FOREVER)])

    def left(self, container: str) -> float:
        """When the removal that made it go was asked for: a slow engine is no fault."""
        gone = self.destroyed(container)
        asked = [call.time for call in self._deletes.get(container, ())
                 if call.status in (0, 204) and call.time <= gone]
        return max(asked, default=gone)

    def stopped(self, container: str, when: float) -> Look | None:
        """The look that tells how it had stopped, if it had then and was still there."""
        if self.left(container) <= when:
            return None
        found = None
        for look in self.h.looks.get(container, ()):
            if (look.state in ("exited", "dead") and look.finished <= when
                    or failed_to_start(look) and look.time <= when):
                found = look
        if found is None or failed_to_start(found):
            return found
        return None if self._started_again(container, found, when) else found

    def _started_again(self, container: str, ended: Look, when: float) -> bool:
        """The start event of a short life comes after its end: only a look tells one from the other."""
        same = [look.time for look in self.h.looks[container]
                if look.state == ended.state and look.finished == ended.finished]
        return any(ended.finished < event.time <= when and max(same) < event.time
                   for event in self.events(container, "start"))

    def orphan_since(self, look: Look, when: float) -> tuple[float, bool] | None:
        """Since when it is another node's, and whether the node was in no Swarm since."""
        label = look.labels.get("com.docker.swarm.node.id", "")
        since: tuple[float, bool] | None = None
        for seen, node in self.h.node_ids:
            if seen > when + 2.0:       # the record's own period, generously
                break
            if node == label:
                since = None
            else:
                first, no_swarm = since or (seen, False)
                since = (first, no_swarm or node == "")
        return since if label else None

    # -- the engine and the runs -------------------------------------------------------

    def life_at(self, when: float) -> EngineLife | None:
        """The life of the engine at that time."""
        for life in self.h.lives:
            if life.started <= when <= life.ended:
                return life
        return None

    def run_of(self, call: Call) -> Run | None:
        for run in reversed(self.h.runs):
            if run.start <= call.time <= run.end + 0.5:
                return run
        return None

    def said(self, run: Run, container: str) -> Record | None:
        """What the run has said of its removal."""
        return next((record for record in run.records if record.is_removal
                     and record.fields["CONTAINER_ID"] == container[:12]), None)

    def configuration(self, settings: Mapping[str, Any]) -> Configuration:
        """Made once for each mapping, which the history keeps alive."""
        if id(settings) not in self._configurations:
            self._configurations[id(settings)] = Configuration(settings)
        return self._configurations[id(settings)]

    def levels(self, run: Run, configuration: Configuration) -> Levels:
        """Those of a run by a configuration of it, which the case keeps alive."""
        key = (id(run), id(configuration))
        if key not in self._levels:
            self._levels[key] = Levels(run, configuration, self.h.samples)
        return self._levels[key]

    def reloads(self, run: Run) -> list[Reload]:
        """Those that changed something, in order."""
        return sorted((r for r in run.reloads if r.good), key=lambda r: r.sent)

    def segments(self, run: Run) -> list[Segment]:
        found, begin, settings = [], run.start, run.settings
        for reload in self.reloads(run):
            found.append(Segment(begin, reload.sent, self.configuration(settings)))
            begin, settings = reload.done, reload.settings
        return [*found, Segment(begin, run.end, self.configuration(settings))]

    def possible(self, run: Run, when: float) -> list[Configuration]:
        """The configurations that may hold at that time: two while one is read."""
        found = [self.configuration(run.settings)]
        for reload in self.reloads(run):
            if reload.sent > when:
                break
            if reload.done + NOTICE <= when:
                found = []
            found.append(self.configuration(reload.settings))
        return found

    def values(self, configuration: Configuration, container: str, look: Look) -> Values:
        return configuration.values(look, self.is_task(container))

    def full_list(self, run: Run, since: float) -> Call | None:
        """The run's first complete list that was asked for after that time."""
        return next((call for call in self.h.calls if call.is_full_list and call.status == 200
                     and call.ended is not None and since <= call.time <= run.end), None)
