# SPDX-License-Identifier: Apache-2.0
"""What the paper claims, and what the data says of it: every verdict is computed, with the thresholds below.

A claim is looked at with each load, and where it is about memory, by each meaning that the paper can have had. If it
holds in all of these it is confirmed, if in none refuted, and refined if the answer differs. Where noise hides the
answer there is none: a claim of which all is hidden cannot be told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Optional, Sequence

from .facts import Facts, Unknown
from .quantity import BYTES, MB, Quantity

# A line explains the medians of the steps: at least so much of their variance.
R2 = 0.9
# And one through the seconds of an arm, which are not medians of several, so much in its second half.
SERIES_R2 = 0.5
# Of what all containers of figure 4 had added, or of what MemFree loses in figure 8 where nothing cleans up: less is
# "hardly", and a remedy gives back at least so much.
HARDLY = 0.10
# Of the share of the containers that have stopped: memory hardly changes if stopping gives back less.
STAYS = 0.25
# A step may go the wrong way by so much of the whole change, and still be noise.
NOISE = 0.10
# Memory follows the number if removal gives back at least so much of what as many containers had added, and stopping
# less.
GIVES_BACK = 0.50
# An arm of figure 8 levels out, or goes on, if in its second half it grows by so much of what the arm grows by where
# nothing cleans up; in between it does neither.
LEVELS, GOES_ON = 0.25, 0.75

CONFIRMED, REFINED, REFUTED, UNTOLD = "confirmed", "refined", "refuted", "cannot be told here"
MEMORY = {"used": "MemFree", "unavailable": "MemAvailable"}

# None: noise hides it.
Answer = Optional[bool]


# -- predicates ------------------------------------------------------------------

def _is_line(facts: Facts, figure: str, load: str, metric: str, sign: int) -> bool:
    """Every repetition goes this way, and the medians are close to a line."""
    return (all(sign * slope.per_x > 0 for slope in facts.slopes(figure, load, metric))
            and facts.line(figure, load, metric).r2 >= R2)


def rises(facts: Facts, figure: str, load: str, metric: str) -> Answer:
    """No if it falls; what neither rises nor falls in a line is noise."""
    if _is_line(facts, figure, load, metric, 1):
        return True
    return False if _is_line(facts, figure, load, metric, -1) else None


def falls(facts: Facts, figure: str, load: str, metric: str) -> Answer:
    """No if what falls is hardly anything of the share that figure 4 shows."""
    if _is_line(facts, figure, load, metric, -1):
        return True
    if not rises(facts, "figure4", load, metric):
        return None
    return False if facts.number(f"{figure}.{load}.{metric}.share") < 100 * HARDLY else None


def falls_each(facts: Facts, figure: str, load: str, metric: str) -> Answer:
    """With every step, but for noise."""
    in_a_line = falls(facts, figure, load, metric)
    if not in_a_line:
        return in_a_line
    medians = [point.median for point in facts.points(figure, load, metric)]
    allowed = NOISE * (medians[0] - medians[-1])
    return all(after - before <= allowed for before, after in zip(medians, medians[1:]))


def hardly(facts: Facts, figure: str, load: str, metric: str) -> Answer:
    """It changes by little of what all containers had added."""
    if not rises(facts, "figure4", load, metric):
        return None
    return abs(facts.rise(figure, load, metric)) < HARDLY * facts.rise("figure4", load, metric)


def stays(facts: Facts, figure: str, load: str, metric: str) -> Answer:
    """It changes by little of what as many containers had added."""
    if not rises(facts, "figure4", load, metric):
        return None
    return abs(facts.number(f"{figure}.{load}.{metric}.share")) < 100 * STAYS


def follows(facts: Facts, load: str, metric: str) -> Answer:
    """The number of containers, not their state."""
    risen = rises(facts, "figure4", load, metric)
    if not risen:
        return risen
    stopping, removal = (facts.number(f"{figure}.{load}.{metric}.share") / 100 for figure in ("figure6", "figure7"))
    return stopping < GIVES_BACK <= removal


def _grows_alone(facts: Facts, load: str, metric: str) -> bool:
    """Where nothing cleans up, which is what the arms are held against."""
    alone = facts.late_slope(load, "nothing", metric)
    return alone.per_x > 0 and alone.r2 >= SERIES_R2


def grows(facts: Facts, load: str, arm: str, metric: str) -> Answer:
    """All the time, where nothing cleans up; elsewhere about as much as there."""
    if not _grows_alone(facts, load, metric):
        return None
    alone = facts.late_slope(load, "nothing", metric)
    return facts.late_slope(load, arm, metric).per_x >= GOES_ON * alone.per_x


def levels(facts: Facts, load: str, arm: str, metric: str) -> Answer:
    """It does not go on to grow, while it does where nothing cleans up."""
    if not _grows_alone(facts, load, metric):
        return None
    alone = facts.late_slope(load, "nothing", metric)
    return facts.late_slope(load, arm, metric).per_x <= LEVELS * alone.per_x


def still(facts: Facts, load: str, arm: str, metric: str) -> Answer:
    """It hardly moves, compared with what MemFree loses where nothing cleans up."""
    lost = facts.number(f"figure8.{load}.nothing.used.rise")
    if lost <= 0 or not _grows_alone(facts, load, "used"):
        return None
    return abs(facts.number(f"figure8.{load}.{arm}.{metric}.rise")) < HARDLY * lost


def verdict(facts: Facts, name: str, word: str) -> bool:
    return claim(facts, name).verdict == word


# What sentences of the documents rest on: <!--holds: levels writes reaperd used-->
PREDICATES: dict[str, Callable[..., Answer]] = {
    "rises": rises, "falls": falls, "falls-each": falls_each, "hardly": hardly, "stays": stays, "follows": follows,
    "grows": grows, "levels": levels, "still": still, "verdict": verdict,
    "zero": lambda facts, name: facts.number(name) == 0,
    "more": lambda facts, name, than, factor="1": facts.number(name) > float(factor) * facts.number(than),
    "above": lambda facts, name, bound: facts.number(name) > float(bound),
    "below": lambda facts, name, bound: facts.number(name) < float(bound),
}


def holds(facts: Facts, text: str) -> bool:
    """A predicate and its arguments, as a document has them; `not` before it turns it round. What noise hides does
    not hold either way."""
    words = text.split()
    wanted = words[:1] != ["not"]
    words = words if wanted else words[1:]
    if not words or words[0] not in PREDICATES:
        raise Unknown(f"there is no predicate {text!r}, but {', '.join(PREDICATES)}")
    try:
        return PREDICATES[words[0]](facts, *words[1:]) is wanted
    except (TypeError, ValueError):
        raise Unknown(f"these are not the arguments of the predicate: {text!r}") from None


# -- claims ----------------------------------------------------------------------

@dataclass(frozen=True)
class Part:
    load: str
    what: str           # "MemFree", "Swarm's default limit"
    holds: Answer
    found: str


@dataclass(frozen=True)
class Claim:
    name: str
    says: str
    figure: str         # ours
    parts: Sequence[Part]
    untold: str = ""    # why nothing can be said

    @property
    def verdict(self) -> str:
        if self.untold:
            return UNTOLD
        found = {part.holds for part in self.parts} - {None}
        return {(): UNTOLD, (True,): CONFIRMED, (False,): REFUTED}.get(tuple(found), REFINED)


def _course(facts: Facts, figure: str, metrics: dict[str, str], judge: Callable[..., Answer],
            found: str) -> list[Part]:
    """`found` has statistics of the figure in braces, or of another: {share}, {figure4:share}."""
    parts = []
    for load in facts.loads():
        for metric, what in metrics.items():
            named = re.sub(r"{(?:(\w+):)?(\w+)}", lambda f: f"{{{f[1] or figure}.{load}.{metric}.{f[2]}}}", found)
            parts.append(Part(load, what, judge(load, metric), _filled(facts, named)))
    return parts


def _filled(facts: Facts, text: str) -> str:
    return re.sub("{(.*?)}", lambda found: facts.text(found[1]), text)


def _arm(facts: Facts, load: str, what: str, found: str, it_holds: Answer) -> Part:
    return Part(load, what, it_holds, _filled(facts, found.replace("LOAD", load)))


def _swarm(facts: Facts) -> list[Part]:
    """That it gives back nothing: it does not where memory goes on to grow, and nothing is removed."""
    parts = []
    for load in facts.loads("figure8"):
        for arm, what in (("history", "a service, default limit"), ("job", "a job")):
            grown = grows(facts, load, arm, "used")
            none_removed = facts.number(f"figure8.{load}.{arm}.removed") == 0
            parts.append(_arm(facts, load, what,
                              f"{{figure8.LOAD.{arm}.removed}} removed as {{figure8.LOAD.{arm}.ended}} tasks ended, "
                              f"MemFree {{figure8.LOAD.{arm}.used.back}}",
                              None if grown is None else grown and none_removed))
    return parts


def _by_hand(facts: Facts) -> list[Part]:
    parts = []
    for load in facts.loads("figure8"):
        levelled = levels(facts, load, "prune", "used")
        parts.append(_arm(facts, load, "memory", "MemFree {figure8.LOAD.prune.used.back}, against "
                          "{figure8.LOAD.nothing.used.back} where nothing does",
                          None if levelled is None else not levelled))
        parts.append(_arm(facts, load, "tasks that wait to start", "{figure8.LOAD.prune.delayed_damaged} of "
                          "{figure8.LOAD.prune.delayed_ended} damaged",
                          facts.number(f"figure8.{load}.prune.delayed_damaged") > 0))
    return parts


def _remedy(facts: Facts) -> list[Part]:
    parts = []
    for load in facts.loads("figure8"):
        for metric, what in MEMORY.items():
            gained = (facts.number(f"figure8.{load}.nothing.{metric}.rise")
                      - facts.number(f"figure8.{load}.reaperd.{metric}.rise"))
            lost = facts.number(f"figure8.{load}.nothing.used.rise")
            parts.append(_arm(facts, load, what, f"{{figure8.LOAD.reaperd.{metric}.back}}, against "
                              f"{{figure8.LOAD.nothing.{metric}.back}} where nothing does",
                              gained >= HARDLY * lost if lost > 0 and _grows_alone(facts, load, "used") else None))
        parts.append(_arm(facts, load, "outcomes", "{figure8.LOAD.reaperd.all_damaged} damaged",
                          facts.number(f"figure8.{load}.reaperd.all_damaged") == 0))
    return parts


CPU = {"cpu": "CPU"}


def claims(facts: Facts) -> list[Claim]:
    def course(figure: str, metrics: dict[str, str], judge: Callable[..., Answer], found: str) -> list[Part]:
        return _course(facts, figure, metrics, lambda load, metric: judge(facts, figure, load, metric), found)

    return [
        Claim("rise-cpu", "More containers use more CPU", "figure 4",
              course("figure4", CPU, rises, "{change} (r² {r2})")),
        Claim("rise-memory", "More containers use more memory", "figure 4",
              course("figure4", MEMORY, rises, "{back} (r² {r2})")),
        Claim("workers-cpu", "With more workers, CPU nears 100 %", "figure 5", [],
              "the workers share one machine's CPUs"),
        Claim("workers-memory", "The number of workers hardly matters for memory", "figure 5",
              course("figure5", MEMORY, hardly, "{back} with all workers instead of one")),
        Claim("stop-cpu", "As containers stop, CPU falls", "figure 6",
              course("figure6", CPU, falls, "{change} (r² {r2})")),
        Claim("stop-memory", "As containers stop, memory hardly changes", "figure 6",
              course("figure6", MEMORY, stays, "{back}, {share} of their share")),
        Claim("remove-memory", "Memory falls with every stopped container that is deleted", "figure 7",
              course("figure7", MEMORY, falls_each, "{back} (r² {r2}), {share} of their share")),
        Claim("number", "So memory follows the number of containers, not their state", "figures 4, 6, 7",
              _course(facts, "", MEMORY, lambda load, metric: follows(facts, load, metric), "of their share, stopping "
                      "gave back {figure6:share}, removal {figure7:share}")),
        Claim("swarm", "Swarm does not give back what finished containers hold, and cannot delete them", "figure 8",
              _swarm(facts)),
        Claim("by-hand", "Deleting by hand does not do (here `docker container prune` from a timer)", "figure 8",
              _by_hand(facts)),
        Claim("remedy", "What is finished should be deleted automatically (here reaperd)", "figure 8",
              _remedy(facts)),
    ]


# A number of the page that must be the one that is used here.
THRESHOLDS = {"line": R2, "series": SERIES_R2, "hardly": HARDLY, "stays": STAYS, "noise": NOISE,
              "gives-back": GIVES_BACK, "levels": LEVELS, "goes-on": GOES_ON}


def file_size(facts: Facts, name: str) -> Quantity:
    """How much a task must at least write for a claim to hold by MemFree, if all else is as with the load `writes`.

    A larger file adds to what a container adds, and to what its removal gives back; stopping gives back the same.
    """
    if name not in ("stop-memory", "number"):
        raise Unknown(f"the claim {name!r} does not depend on what tasks write")
    added = facts.number("figure4.writes.used.rise_each")
    stopping, removal = (facts.number(f"{figure}.writes.used.back_each") for figure in ("figure6", "figure7"))
    more = stopping / STAYS - added
    if name == "number":
        more = max(stopping / GIVES_BACK - added, (GIVES_BACK * added - removal) / (1 - GIVES_BACK))
    return Quantity(max(facts.number("about.layer_mb") * MB + more, 0.0), BYTES)


def claim(facts: Facts, name: str) -> Claim:
    for found in claims(facts):
        if found.name == name:
            return found
    raise Unknown(f"there is no claim {name!r}")
