# SPDX-License-Identifier: Apache-2.0
"""Removals against pressure: was there any, might this one go, and batch by batch?

Written without a look at the daemon's code.  Whether there was pressure is
read from the samples of the recorder, never from what the daemon says; what it
says must agree with them.
"""

from __future__ import annotations

from typing import Callable

from case import CLOCK, Case, end_of
from config import Configuration
from gates import Hold, held_until
from history import Look, Record, Run
from lab.proxy import Call
from levels import ELEVATED, GAP, MEMORY, is_level
from orders import at_rest
from retention import due
from standing import Objection, must_go, objection

Add = Callable[[str, str, str], None]
CAUSES = {"memory-available": "MemoryAvailableLow", "memory-used": "MemoryUsedHigh",
          "disk-used": "UsedHigh", "disk-inodes": "InodesHigh"}


def against_pressure(case: Case, container: str, look: Look, run: Run, when: float,
                     configuration: Configuration, said: Record | None) -> list[list[Objection]]:
    """What stands against a removal by each level that may have been the reason for it.

    Without a record of it any level may have been that; without pressure none.
    """
    level = case.levels(run, configuration)
    setting = None if said is None else said.fields.get("REAPERD_SETTING")
    causes = level.may_be_critical(when)
    found: list[list[Objection]] = []
    if setting != ELEVATED and (setting is None or setting in causes) and causes:
        found.append(_as_list(objection(case, container, look, run, when, configuration.critical)))
    if setting in (None, ELEVATED) and level.may_be_elevated(when):
        found.append(_as_list(_shrunk(case, container, look, run, when, configuration, said)))
    if not found and said is not None:
        found.append([Objection("no-pressure", f"said to go by {setting}, and that was passed "
                                               f"at no time near: {causes}")])
    return found


def _as_list(found: Objection | None) -> list[Objection]:
    return [] if found is None else [found]


def _shrunk(case: Case, container: str, look: Look, run: Run, when: float,
            configuration: Configuration, said: Record | None) -> Objection | None:
    """At the elevated level; what goes by its full span anyway is no removal against pressure."""
    full = due(case, container, look, run, when, configuration)
    if said is not None and full.latest <= when - GAP:
        return Objection("verdict", f"said to go by {ELEVATED}, and was due {when - full.latest:.1f} s before")
    return objection(case, container, look, run, when, configuration.elevated)


# -- what a run did and said, in order -----------------------------------------------------


def judge_pressure(case: Case, run: Run, waits: list[Hold], late: float, add: Add) -> None:
    """The levels that it told of, its batches and pauses, and that it did something."""
    if run.journal:
        _judge_levels(case, run, add)
        _judge_batches(case, run, add)
        _judge_given_up(run, add)
    _judge_pauses(case, run, add)
    _judge_idle(case, run, waits, late, add)


def _judge_levels(case: Case, run: Run, add: Add) -> None:
    """"Critical" and "elevated" only when it was possible, "over" only when nothing was certain."""
    for record in run.records:
        possible = [case.levels(run, each) for each in case.possible(run, record.time)]
        message, when = record.fields["MESSAGE"], record.time
        setting = record.fields.get("REAPERD_SETTING", "")
        if not is_level(record):
            continue
        if record.fields["REAPERD_PRESSURE_LEVEL"] == "critical":
            if not any(setting in each.may_be_critical(when) for each in possible):
                add("false-level", "-", f"{message}, and {setting} was not passed")
        elif all(each.is_critical(when) for each in possible):
            add("false-level", "-", f"{message}, and it is critical")
        elif (record.fields["REAPERD_PRESSURE_LEVEL"] == "elevated"
              and not any(each.may_be_elevated(when) for each in possible)):
            add("false-level", "-", f"{message}, and nothing has stalled")


def _of_batch(record: Record) -> bool:
    return (record.is_removal and record.fields["REAPERD_VERDICT"] == "pressure"
            and record.fields.get("REAPERD_SETTING") != ELEVATED)


def _number(record: Record, key: str) -> int:
    return int(record.fields.get(key, "0"))


def _judge_batches(case: Case, run: Run, add: Add) -> None:
    """No more of them between two records of batches than allowed, and the record counts these."""
    batch: list[Record] = []
    for record in run.records:
        if _of_batch(record):
            batch.append(record)
            most = max(each.batch_size for each in case.possible(run, record.time))
            if len(batch) > most:
                add("batch-size", record.fields["CONTAINER_ID"], f"{len(batch)} in one batch of {most}")
        elif "REAPERD_REMOVED" in record.fields:
            for key, told in (("REAPERD_REMOVED", len(batch)),
                              *((key, sum(_number(each, key) for each in batch)) for key in
                                ("REAPERD_HELD_BYTES", "REAPERD_HELD_DISK_BYTES", "REAPERD_HELD_INODES"))):
                if _number(record, key) != told:
                    add("batch-record", "-", f"{record.fields['MESSAGE']}: {key} should be {told}")
            batch = []


def _judge_given_up(run: Run, add: Add) -> None:
    """For so long nothing goes for that cause, and by a cause of memory nothing for its want."""
    until: dict[str, float] = {}
    for record in run.records:
        if "REAPERD_WAIT_USEC" in record.fields and "REAPERD_PRESSURE_CAUSE" in record.fields:
            cause = CAUSES[record.fields["REAPERD_PRESSURE_CAUSE"]]
            until[cause] = record.time + _number(record, "REAPERD_WAIT_USEC") / 1e6
        elif record.is_removal and record.fields["REAPERD_VERDICT"] == "pressure":
            setting = record.fields.get("REAPERD_SETTING", "")
            for cause in MEMORY if setting == ELEVATED else (setting,):
                if record.time < until.get(cause, 0.0) - CLOCK:
                    add("given-up", record.fields["CONTAINER_ID"],
                        f"{until[cause] - record.time:.1f} s before it was to try again")


def _deletes(case: Case, run: Run) -> list[Call]:
    """The removals of batches, each when it was asked for first."""
    first: dict[str, Call] = {}
    for call in case.h.calls:
        said = case.said(run, call.container or "")
        if call.method == "DELETE" and case.run_of(call) is run and said is not None and _of_batch(said):
            first.setdefault(call.container or "", call)
    return sorted(first.values(), key=lambda call: call.time)


def _judge_pauses(case: Case, run: Run, add: Add) -> None:
    """Of more than one batch, the last begins a pause after the first."""
    calls = _deletes(case, run) if run.journal else []
    for number, call in enumerate(calls):
        possible = case.possible(run, call.time)
        size = max(each.batch_size for each in possible)
        pause = min(each.cool_down for each in possible)
        before = calls[number - size] if number >= size else None
        if before is not None and call.time < (before.ended or before.time) + pause - CLOCK:
            add("no-pause", call.container or "", f"{size + 1} removals within "
                                                  f"{call.time - before.time:.2f} s")


def _judge_idle(case: Case, run: Run, waits: list[Hold], late: float, add: Add) -> None:
    """While it was critical for certain, and nothing could make it give up, batch followed batch."""
    if run.dry_run or not run.journal:
        return
    times = [call.time for call in _deletes(case, run)]
    for segment in case.segments(run):
        conf = segment.configuration
        if conf.minimum_reclaim:
            continue
        for spans in case.levels(run, conf).certain.values():
            for span in spans:
                begin = max(span.begin, segment.begin + conf.sustain)
                end = min(span.end, segment.end, case.h.end)
                for since in [begin, *(each for each in [*times, *_floors(case, conf)]
                                       if begin < each < end)]:
                    limit = since + conf.cool_down + late
                    if (limit < end and not any(since < when <= limit for when in times)
                            and not at_rest(case, since, limit)
                            and (left := _may_go(case, run, waits, since, limit, conf))):
                        add("idle", left, f"nothing went from {since:.1f} on, and this one could")
                        return


def _floors(case: Case, conf: Configuration) -> list[float]:
    """From when on each of them might go."""
    return [end_of(looks[-1]) + case.values(conf.critical, container, looks[-1]).minimum_age + 2 * CLOCK
            for container, looks in case.h.looks.items()]


def _may_go(case: Case, run: Run, waits: list[Hold], since: float, until: float,
            conf: Configuration) -> str | None:
    """One that a batch could have taken for all of that time."""
    for container in case.h.looks.keys() - case.h.stuck:
        look = case.stopped(container, since)
        if (look is not None and case.left(container) > until and held_until(waits, container) <= since
                and objection(case, container, look, run, since - CLOCK, conf.critical) is None
                and not must_go(case, container, look, run, until, conf)):
            return container
    return None
