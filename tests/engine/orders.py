# SPDX-License-Identifier: Apache-2.0
"""What an operator asked of reaperd: that it remove something now, or nothing for a while.

Written without a look at the daemon's code.
"""

from __future__ import annotations

from typing import Callable

from case import CLOCK, Case
from config import Configuration
from history import FOREVER, Look, Request, Run
from standing import Objection, must_go, objection

KNOWN = 2.0             # seconds after which what is due counts as that, whoever asks

OVERRIDDEN = ("kept-failure", "kept-last", "never-due")


def paused(case: Case, when: float) -> Objection | None:
    """The pause that a removal at that time has broken, if any."""
    for pause in case.h.standstills:
        if pause.begin + CLOCK < when < pause.end - CLOCK:
            return Objection("paused", f"{when - pause.begin:.1f} s into a pause")
    return None


def at_rest(case: Case, begin: float, end: float) -> bool:
    """Was there a pause within that time?"""
    return any(pause.begin <= end and begin <= pause.end for pause in case.h.standstills)


def request_of(case: Case, container: str, when: float) -> Request | None:
    """The request that a removal at that time may have been for."""
    return next((each for each in case.h.requests if container in each.results
                 and each.asked - CLOCK <= when <= each.answered + CLOCK), None)


def by_request(case: Case, container: str, look: Look, run: Run, when: float,
               configuration: Configuration) -> list[Objection]:
    """What stands against a removal as `requested`: spans and last ones do not, all else does."""
    if request_of(case, container, when) is None:
        return [Objection("unasked", "said to be requested, and nobody has asked for it then")]
    first = objection(case, container, look, run, when, configuration)
    if first is None:
        due = must_go(case, container, look, run, when - KNOWN, configuration)
        return [Objection("verdict", "said to be requested, and was due anyway")] if due else []
    # A span that has not passed yields to a cap, a floor does not.
    return [] if first.yields or first.kind in OVERRIDDEN else [first]


def judge_orders(case: Case, add: Callable[[str, str, str], None]) -> None:
    """Every answer was true: what it says to be removed went meanwhile, and nothing else did."""
    deleted = {(call.container, call.time) for call in case.h.calls if call.method == "DELETE" and call.status == 204}
    for request in case.h.requests:
        for container, removed in request.results.items():
            ours = any(each == container and request.asked - CLOCK <= when <= request.answered + CLOCK
                       for each, when in deleted)
            if removed and (case.left(container) > request.answered or case.left(container) == FOREVER):
                add("untrue", container, "said to have been removed, and was still there")
            elif ours and not removed:
                add("untrue", container, "said to have been kept, and was removed")
