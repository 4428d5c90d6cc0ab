# SPDX-License-Identifier: Apache-2.0
"""When a container may go and when it has to: the rules, from the issue alone.

Written without a look at the daemon's code, so that both cannot share an
error.  Where the daemon may lawfully know less than the oracle (a `kill` that
it was not connected to see), the answer is a range: no removal before the
earliest of the possible due times, none missing after the latest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from history import FOREVER, EngineLife, History, Look, Run

STOP_SIGNALS = (2, 3, 9, 15)
UNITS = {"ms": 0.001, "s": 1, "sec": 1, "": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
DEFAULTS = {
    "MinimumAge": "60s", "Success": "1h", "Failure": "24h", "FailedStart": "24h",
    "OrphanAge": "1h", "RemoveVolumes": "swarm", "SettleTime": "60s", "ResyncInterval": "5min",
    "Parallelism": 4,
}


def span(text: Any) -> float:
    """A time span in seconds."""
    text = str(text).strip()
    if text == "infinity":
        return FOREVER
    parts = re.findall(r"(\d+)\s*([a-z]*)", text)
    if not parts or re.sub(r"(\d+)\s*([a-z]*)\s*", "", text):
        raise ValueError(f"not a time span: {text!r}")
    return float(sum(int(number) * UNITS[unit] for number, unit in parts))


@dataclass
class Rules:
    """The settings of one run, in seconds."""

    minimum_age: float
    spans: dict[str, float]
    orphan_age: float
    settle: float
    resync: float
    parallelism: int
    volumes: bool

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rules":
        have = {**DEFAULTS, **{k: v for k, v in settings.items() if str(v) != ""}}
        spans = {name: span(have[name]) for name in ("Success", "Failure", "FailedStart")}
        spans["OOMKilled"] = span(have.get("OOMKilled", have["Failure"]))
        spans["Shutdown"] = span(have.get("Shutdown", have["Success"]))
        return cls(span(have["MinimumAge"]), spans, span(have["OrphanAge"]),
                   span(have["SettleTime"]), span(have["ResyncInterval"]),
                   int(have["Parallelism"]), have["RemoveVolumes"] != "never")


@dataclass
class Due:
    """Not before `earliest`, gone soon after `latest`; why says what it rests on."""

    earliest: float
    latest: float
    why: str


def life_at(history: History, when: float) -> EngineLife | None:
    """The life of the engine at that time."""
    for life in history.lives:
        if life.started <= when <= life.ended:
            return life
    return None


def streams(history: History, run: Run) -> list[tuple[float, float]]:
    """When the run was subscribed to the engine's events."""
    return [(call.answered, FOREVER if call.ended is None else call.ended)
            for call in history.calls
            if call.is_event_stream and call.status == 200 and call.answered is not None
            and run.start <= call.time <= run.end]


def asked_to_stop(history: History, container: str, run: Run) -> tuple[bool, bool]:
    """(possible, certain): did this run see that the engine was asked to stop it?"""
    started, ended, asked = 0.0, False, []
    for event in sorted((e for e in history.events if e.container == container),
                        key=lambda e: e.time):
        if event.action == "start":
            started, ended, asked = event.time, False, []
        elif event.action == "die":
            ended = True
        elif event.action == "stop" or event.action == "kill" and event.signal in STOP_SIGNALS:
            asked.append(event.time)
    if not asked:
        # Without a die event the record has a hole, in which a kill may hide.
        return (started > 0 and not ended, False)
    certain = any(opened + 0.1 <= when <= closed - 0.5 and when <= run.end - 0.5
                  and not any(a - 0.5 <= when <= b for a, b in run.blocked)
                  for when in asked for opened, closed in streams(history, run))
    return (True, certain)


def outcomes(look: Look, possible: bool, certain: bool) -> list[str]:
    """The outcomes that a stopped container may lawfully be given."""
    if look.oom_killed and look.exit_code != 0:
        return ["OOMKilled"]
    plain = {0: "Success", 143: "Shutdown"}.get(look.exit_code, "Failure")
    if certain:
        return ["Shutdown"]
    return [plain, "Shutdown"] if possible and plain != "Shutdown" else [plain]


def failed_to_start(look: Look) -> bool:
    return look.state == "created" and look.error != "" and look.exit_code != 0


def _orphan_since(history: History, look: Look, when: float) -> tuple[float, bool] | None:
    """Since when it is another node's, and whether the node was in no Swarm since."""
    label = look.labels.get("com.docker.swarm.node.id", "")
    since: tuple[float, bool] | None = None
    for seen, node in history.node_ids:
        if seen > when + 2.0:       # the record's own period, generously
            break
        if node == label:
            since: tuple[float, bool] | None = None
        else:
            first, no_swarm = since or (seen, False)
            since = (first, no_swarm or node == "")
    return since if label else None


def _failed_start_due(history: History, container: str, look: Look, rules: Rules, run: Run) -> Due:
    ripe = look.created + rules.spans["FailedStart"]
    # The floor counts from the run's first look at the error, which is on
    # record; the error itself may be as old as our last look without it.
    error_from = max((seen.time for seen in history.looks[container] if not seen.error),
                     default=look.created)
    sights = [call.time for call in history.calls
              if call.method == "GET" and call.container == container
              and max(run.start, error_from) <= call.time <= run.end]
    first = min(sights, default=FOREVER)
    error_by = min(seen.time for seen in history.looks[container] if seen.error)
    wait = 3600.0 if error_by > ripe else 0.0
    return Due(max(ripe, first + rules.minimum_age),
               max(ripe, run.start) + rules.minimum_age + wait, "failed start")


def due(history: History, container: str, look: Look, run: Run, when: float) -> Due:
    """When a stopped container is due in this run, seen from the time `when`."""
    rules = Rules.of(run.settings)
    if failed_to_start(look):
        return _failed_start_due(history, container, look, rules, run)
    names = outcomes(look, *asked_to_stop(history, container, run))
    spans = [rules.spans[name] for name in names]
    times = [look.finished + max(rules.minimum_age, value) for value in spans]
    found = Due(min(times), max(times), "/".join(names))
    orphan = _orphan_since(history, look, when)
    if orphan is not None:
        since, no_swarm = orphan
        known = run.start if run.start > since else since + rules.resync
        known += rules.resync if no_swarm else 0.0
        times = [look.finished + max(rules.minimum_age, min(rules.orphan_age, value))
                 for value in spans]
        found = Due(min(times), min(found.latest, max(known, *times)), found.why + ", orphan")
    return found
