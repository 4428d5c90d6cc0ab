# SPDX-License-Identifier: Apache-2.0
"""The table at the end: what was seen, removed and kept, and whether it adds up.

"Kept and why" is this module's own reading of the engine and of the settings,
not what reaperd says of itself; its log is only compared with the events.
"""

from __future__ import annotations

import calendar
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from lab import Client
from measure import MB, Cost, Memory
from panel import memory_table
from terminal import Line
from watch import Life

LATE = 5.0      # seconds past the due time after which a container should be gone

LONG_WAIT = 15.0        # seconds between creation and start that only a restart delay explains

REASONS = {
    "running": "not stopped",
    "waiting to start": "their restart delay has not passed",
    "too young": "ended less than {floor:g} s ago",
    "retained": "failures are kept for {failure:g} s",
    "due": "became due in the last moments",
    "overdue": "should have been gone",
    "other": "in another state",
}


@dataclass(frozen=True)
class Spans:
    """The settings of the demonstration, in seconds."""

    floor: float
    success: float
    failure: float


@dataclass
class Facts:
    """What the report is made from."""

    spans: Spans
    lives: dict[str, Life]  # the containers made before `kept` was read, by id
    log: list[str]
    kept: dict[str, str]
    ended: int
    changed: list[str]
    job: list[str]          # states of the job's tasks
    job_wanted: int
    memory: dict[str, Memory]
    cost: Cost
    cost_span: float


def kept_and_why(client: Client, spans: Spans, now: float) -> dict[str, str]:
    """The reason for every container that is still there at `now`, by its id."""
    kept = {}
    for listed in client.containers():
        details = client.inspect(listed["Id"])
        if details is not None:
            kept[listed["Id"]] = _reason(details["State"], spans, now)
    return kept


def _reason(state: dict[str, Any], spans: Spans, now: float) -> str:
    if state["Status"] == "running":
        return "running"
    if state["Status"] == "created" and not state["Error"]:
        return "waiting to start"
    if state["Status"] not in ("exited", "dead"):
        return "other"
    age = now - _seconds(state["FinishedAt"])
    span = max(spans.floor, spans.success if state["ExitCode"] == 0 else spans.failure)
    if age < spans.floor:
        return "too young"
    if age < span:
        return "retained"
    return "due" if age < span + LATE else "overdue"


def _seconds(text: str) -> float:
    """RFC 3339 in UTC with any number of decimals, as the engine writes it."""
    whole, fraction = re.fullmatch(r"([^.Z]+)(\.\d+)?Z", text).groups()     # type: ignore[union-attr]
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(fraction or 0)


def faults(facts: Facts) -> list[str]:
    """Everything that must not be, in sentences; empty if all is well."""
    gone = [life for life in facts.lives.values() if life.destroyed]
    found = _few([f"The outcome of a task changed: {text}." for text in facts.changed])
    found += _few([f"{life.name} was removed before its end." for life in gone if life.died is None])
    # The event's time is taken a moment after FinishedAt; half a second is ample.
    found += _few([f"{life.name} was removed {age:.1f} s after its end, below the floor."
                   for life, age in _ages(facts) if age < facts.spans.floor - 0.5])
    if differ := _differ(facts):
        found.append(f"{differ} removals are in reaperd's log or in the engine's events, but not in both.")
    here = {ident for ident, life in facts.lives.items() if not life.destroyed}
    if lost := len(here ^ set(facts.kept)):
        found.append(f"{lost} containers are in the engine's list or in its events, but not in both.")
    if overdue := Counter(facts.kept.values())["overdue"]:
        found.append(f"{overdue} containers were due over {LATE:g} s ago and are still there.")
    if not gone:
        found.append("Nothing was removed.")
    if len(facts.job) > facts.job_wanted or "failed" in facts.job:
        found.append(f"The job of {facts.job_wanted} tasks ran {len(facts.job)}, "
                     f"{facts.job.count('failed')} of them failed.")
    return found


def _few(sentences: list[str]) -> list[str]:
    if len(sentences) <= 4:
        return sentences
    return [*sentences[:3], f"... and {len(sentences) - 3} more like this."]


def _ages(facts: Facts) -> list[tuple[Life, float]]:
    """Every removed container that had ended, and its age at that moment."""
    return [(life, life.destroyed - life.died) for life in facts.lives.values()
            if life.destroyed and life.died]


def _differ(facts: Facts) -> int:
    """Removals that only one of reaperd's log and the engine's events has."""
    matches = (re.match(r"reaperd: Removed ([0-9a-f]{12}) ", line) for line in facts.log)
    said = Counter(match[1] for match in matches if match)
    seen = Counter(ident[:12] for ident, life in facts.lives.items() if life.destroyed)
    return (said - seen).total() + (seen - said).total()


def _held(facts: Facts) -> float | None:
    """Bytes of page cache that the removed ones held, as reaperd had measured it; None if it could not."""
    powers = {"B": 0, "K": 1, "M": 2, "G": 3}
    found = [match for line in facts.log
             if (match := re.match(r"reaperd: Removed .*, held ([\d.]+)([BKMG])$", line.rstrip()))]
    return sum(float(match[1]) * 1024 ** powers[match[2]] for match in found) if found else None


def table(facts: Facts) -> list[Line]:
    gone = [life for life in facts.lives.values() if life.destroyed]
    kept = Counter(facts.kept.values())
    ages = [age for _, age in _ages(facts)]
    waited = sum(life.started - life.created > LONG_WAIT for life in facts.lives.values() if life.started)
    early = sum(life.died is None for life in gone)
    failed = sum(bool(life.exit_code) for life in gone)
    held = _held(facts)
    values = {"floor": facts.spans.floor, "failure": facts.spans.failure}

    def row(label: str, value: object, note: str = "", style: str = "bold") -> Line:
        return [(f" {label:<31}", ""), (f"{value:>6}", style), (f"  {note}", "dim")]

    def check(label: str, value: int, note: str) -> Line:
        return row(label, value, "must be 0" if value else note, "bad" if value else "good")

    lines: list[Line] = [
        row("containers seen", len(facts.lives), "made by Swarm for its tasks"),
        row("  removed by reaperd", len(gone), f"{len(gone) - failed} had succeeded, {failed} had failed"),
        *([] if held is None else
          [row("  page cache that they held, MB", f"{held / MB:.0f}", "as reaperd measured it")]),
        row("  kept", kept.total(), "as the engine says, not reaperd:"),
    ]
    lines += [row(f"    {reason}", kept[reason], text.format(**values))
              for reason, text in REASONS.items() if kept[reason]]
    lines += [
        check("tasks whose outcome changed", len(facts.changed), f"of the {facts.ended} that have ended"),
        check("removed before their end", early, "none that ran or waited to start"),
        check("log and engine's events differ", _differ(facts), "every removal is in both"),
        row(f"waited over {LONG_WAIT:g} s to start", waited, "and then ran: left alone meanwhile"),
        row("youngest at removal", f"{min(ages, default=0):.1f} s", f"the floor is {facts.spans.floor:g} s"),
        row("tasks of the job completed", facts.job.count("complete"),
            f"of {facts.job_wanted}, in {len(facts.job)} runs"),
        [],
        *memory_table(facts.memory, " memory, MB"),
        [(" The machine's: others move them too. Page cache that comes back shows in", "dim")],
        [(" MemFree and Cached, hardly in MemAvailable. Layers: the containers' files.", "dim")],
        [(f" reaperd: {facts.cost.anonymous / MB:.1f} MB of its own (RssAnon), "
          f"{facts.cost.rss / MB:.1f} MB with libraries (RSS),", "")],
        [(f" {facts.cost.cpu:.2f} s of CPU in {facts.cost_span:.0f} s: "
          f"{facts.cost.cpu * 1000 / max(len(gone), 1):.1f} ms for each removal.", "")],
    ]
    return lines
