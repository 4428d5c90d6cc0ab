# SPDX-License-Identifier: Apache-2.0
"""How short the node was, from samples of it: when pressure was possible, and when it was certain.

Written without a look at the daemon's code, so that both cannot share an
error.  The daemon takes samples of its own at times that nobody knows, so
that there are two answers: could it have seen a level, and must it have?
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Callable, Sequence

from config import Configuration, Stall
from history import FOREVER, Record, Run, Sample

NEAR = 0.25             # seconds around a time in which a figure may have been read
GAP = 1.6               # seconds that the daemon may look away while a threshold is passed
LOOK = 10.5             # seconds in which it looks at the latest
BLUR = 0.02             # points that two readings of one figure may differ
STALL_LASTS = 10.0
TOTAL_LATE = 2.1        # seconds that the kernel's count of stalls may lag
ELEVATED = "ElevatedFactor"
MEMORY = ("MemoryAvailableLow", "MemoryUsedHigh")


@dataclass
class Span:
    begin: float
    end: float

    def holds(self, when: float) -> bool:
        return self.begin <= when <= self.end


def figure(sample: Sample, cause: str) -> float:
    """In percent: what a threshold is compared with."""
    return {"MemoryAvailableLow": 100 * sample.available / sample.total,
            "MemoryUsedHigh": 100 * (1 - sample.free / sample.total),
            "UsedHigh": sample.disk, "InodesHigh": sample.inodes}[cause]


class Threshold:
    """One that enters and leaves, over the samples of one run."""

    def __init__(self, cause: str, enters: float, leaves: float, samples: Sequence[Sample]) -> None:
        sign = 1 if cause == "MemoryAvailableLow" else -1       # the smaller the worse, then
        self._enters, self._leaves = sign * enters, sign * leaves
        times = [sample.time for sample in samples]
        figures = [sign * figure(sample, cause) for sample in samples]
        self._points: list[tuple[float, float, float]] = []
        for when in times:
            near = figures[bisect_left(times, when - NEAR):bisect_right(times, when + NEAR)]
            self._points.append((when, min(near), max(near)))

    def possible(self, sustain: float) -> list[Span]:
        """When it may have counted for one that looks now and then."""
        found: list[Span] = []
        since = calm = begin = None
        for when, least, most in self._points:
            if begin is None:
                if least < self._enters + BLUR:
                    since, calm = since or when - NEAR, None
                elif since is not None:
                    calm = calm or when
                    since = None if when - calm > GAP else since
                if since is not None and calm is None and when >= since + sustain:
                    begin, calm = since + sustain, None
            elif least < self._leaves + BLUR:
                calm = None
            else:
                calm = calm or when
                if when - calm > GAP:
                    found.append(Span(begin, when))
                    since = calm = begin = None
        return found + ([] if begin is None else [Span(begin, FOREVER)])

    def certain(self, sustain: float, told: Sequence[float]) -> list[Span]:
        """When it counted for anybody who looks, or has said so (`told`)."""
        found: list[Span] = []
        since = None
        for when, _, most in [*self._points, (FOREVER, 0.0, FOREVER)]:
            if since is None:
                since = when if most < self._enters - BLUR else None
            elif most > self._leaves - BLUR:
                begin = min([since + sustain + LOOK, *(each for each in told if since < each < when)])
                last = when if when < FOREVER else self._points[-1][0]
                if begin < last:
                    found.append(Span(begin, last))
                since = None
            elif most >= self._enters - BLUR and when < since + sustain + LOOK and not any(
                    since < each < when for each in told):
                since = None        # not yet seen by anybody, and no longer passed
        return found


def elevated(stall: Stall, samples: Sequence[Sample]) -> list[Span]:
    """When tasks may have been seen to stall.

    The kernel guesses what lies in a window from the one before and this one.
    """
    found: list[Span] = []
    times = [sample.time for sample in samples]
    totals = [getattr(sample, stall.word) or 0 for sample in samples]
    for number, when in enumerate(times):
        first = max(bisect_left(times, when - 2 * stall.window - 0.5) - 1, 0)
        last = min(bisect_right(times, when + TOTAL_LATE), len(times) - 1)
        if (totals[last] - totals[first]) / 1e6 >= stall.threshold:
            begin, end = when - NEAR, when + STALL_LASTS + GAP
            if found and begin <= found[-1].end:
                found[-1].end = end
            else:
                found.append(Span(begin, end))
    return found


class Levels:
    """What the level of a run was by one configuration, as if that had held all the time."""

    def __init__(self, run: Run, configuration: Configuration, samples: Sequence[Sample]) -> None:
        of_run = [sample for sample in samples if run.start - NEAR <= sample.time <= run.end]
        told = [record.time for record in run.records
                if is_level(record) and record.fields["REAPERD_PRESSURE_LEVEL"] == "critical"]
        self._possible: dict[str, list[Span]] = {}
        self.certain: dict[str, list[Span]] = {}
        self._elevated: list[Span] = []
        if run.once or configuration.endpoint.startswith("tcp://"):
            return
        for cause, (enters, leaves) in configuration.thresholds.items():
            threshold = Threshold(cause, enters, leaves, of_run)
            self._possible[cause] = threshold.possible(configuration.sustain)
            self.certain[cause] = threshold.certain(configuration.sustain, told)
        if configuration.stall is not None:
            known = configuration.pressure_file == "/proc/pressure/memory"
            self._elevated = elevated(configuration.stall, of_run) if known else [Span(0.0, FOREVER)]

    def may_be_critical(self, when: float) -> list[str]:
        """The thresholds that may have been counted at that time."""
        return _those(self._possible, lambda span: span.holds(when))

    def is_critical(self, when: float) -> list[str]:
        """Those that were counted for certain, and for some time yet."""
        return _those(self.certain, lambda span: span.holds(when) and span.holds(when - GAP))

    def may_be_elevated(self, when: float) -> bool:
        return any(span.holds(when) for span in self._elevated)


def _those(spans: dict[str, list[Span]], holds: Callable[[Span], bool]) -> list[str]:
    return [cause for cause, each in spans.items() if any(holds(span) for span in each)]


def is_level(record: Record) -> bool:
    """Does it tell of a new level? A batch names the level too."""
    return ("REAPERD_PRESSURE_LEVEL" in record.fields
            and record.fields["MESSAGE"].startswith("Pressure is "))
