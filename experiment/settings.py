# SPDX-License-Identifier: Apache-2.0
"""Sizes from the command line: `--set containers=40 --set layer_mb=5`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Sequence

from .rig import Trouble
from .sizes import MB, Load, Sizes, loads


@dataclass(frozen=True)
class Range:
    low: float
    high: float
    about: str
    whole: bool = True

    def __str__(self) -> str:
        return f"{'a whole number' if self.whole else 'a number'} from {self.low:g} to {self.high:g}"


# Those of Sizes by their names; what is of two only is held by RELATIONS and SHORTER.
RANGES: dict[str, Range] = {
    "managers": Range(1, 7, "managers of the paper's Swarm, which run no tasks"),
    "workers": Range(1, 20, "its workers"),
    "repetitions": Range(1, 50, "of figures 4 to 7"),
    "containers": Range(1, 1000, "in all, in figures 4 to 7"),
    "step": Range(1, 1000, "containers that are started at a time (figure 4)"),
    "stopped": Range(1, 1000, "of all, in the end (figures 6 and 7)"),
    "stop_step": Range(1, 1000, "that are stopped, then removed, at a time"),
    "settle_s": Range(0, 60, "seconds after each step before it is looked at", whole=False),
    "window_s": Range(1, 600, "seconds for which it is looked at"),
    "others_cpu": Range(0, 1000, "CPUs that others may use meanwhile, else it is looked at anew", whole=False),
    "arm_managers": Range(1, 7, "managers of an arm's Swarm (figure 8)"),
    "arm_workers": Range(1, 20, "its workers"),
    "arm_s": Range(10, 86400, "seconds of an arm"),
    "churn_replicas": Range(1, 200, "of the service whose tasks keep finishing"),
    "churn_life_s": Range(0.1, 600, "seconds that such a task lives", whole=False),
    "delayed_replicas": Range(1, 100, "of the service beside it, with a restart delay"),
    "delayed_s": Range(1, 3600, "seconds of that delay", whole=False),
    "prune_every_s": Range(1, 3600, "seconds between two `docker container prune`", whole=False),
    "keep_s": Range(10, 86400, "seconds that reaperd keeps what has ended"),
    "ps_every_s": Range(0.5, 600, "seconds between two `docker ps -a`", whole=False),
}
# Those of Load, the writing one; with "arm_" in front those of figure 8's. The other load has the same CPU.
LOAD_RANGES: dict[str, Range] = {
    "layer_mb": Range(0.1, 1000, "MB that a task writes into its layer", whole=False),
    "log_lines": Range(0, 1000, "lines that it logs a second"),
    "cpu": Range(0, 1, "CPUs that it uses", whole=False),
}
RELATIONS = (("step", "containers"), ("stopped", "containers"), ("stop_step", "stopped"))
# Else a cleaner would have nothing to do within an arm, or the delay would not come to its end.
SHORTER = tuple((key, "arm_s") for key in ("keep_s", "prune_every_s", "delayed_s"))
LOADS = ("loads", "arm_loads")


def changed(sizes: Sizes, settings: Sequence[str]) -> Sizes:
    """These sizes with some of them set, each as KEY=VALUE; Trouble names the key and what it accepts."""
    numbers: dict[str, Any] = {}
    writing = {prefix: _numbers_of(getattr(sizes, f"{prefix}loads")) for prefix in ("", "arm_")}
    chosen = {key: [load.name for load in getattr(sizes, key)] for key in LOADS}
    for setting in settings:
        key, separator, text = setting.partition("=")
        prefix = "arm_" if key.startswith("arm_") else ""
        if not separator:
            raise Trouble(f"{setting!r} is no setting: KEY=VALUE, for instance containers=40.")
        if key in RANGES:
            numbers[key] = _number(key, text, RANGES[key])
        elif (of_load := key.removeprefix("arm_")) in LOAD_RANGES:
            writing[prefix][of_load] = _number(key, text, LOAD_RANGES[of_load])
        elif key in LOADS:
            chosen[key] = _names(key, text)
        else:
            raise Trouble(f"There is no size {key!r}; there are {', '.join(known())}.")
    made = {key: tuple(load for load in _loads(writing[key.removesuffix("loads")]) if load.name in chosen[key])
            for key in LOADS}
    result = dataclasses.replace(sizes, **numbers, **made)
    for small, large in RELATIONS:
        if getattr(result, small) > getattr(result, large):
            raise Trouble(f"{small} is {getattr(result, small)}: it must be at most {large}, which is "
                          f"{getattr(result, large)}.")
    for short, long in SHORTER:
        if getattr(result, short) >= getattr(result, long):
            raise Trouble(f"{short} is {getattr(result, short):g}: it must be less than {long}, which is "
                          f"{getattr(result, long):g}.")
    return result


def known() -> list[str]:
    return [*RANGES, *LOAD_RANGES, *(f"arm_{key}" for key in LOAD_RANGES), *LOADS]


def explained(sizes: Sizes) -> str:
    """All that can be set, a line each, with its value here."""
    values, lines = to_pairs(sizes), []
    about = {key: accepted.about for key, accepted in {**RANGES, **LOAD_RANGES}.items()}
    about["loads"] = "which loads are measured, with commas between them"
    for key in known():
        of_load = key.removeprefix("arm_")
        said = about.get(key) or f"{about[of_load]}, in figure 8"
        lines.append(f"  {f'{key}={values[key]}'.replace(', ', ','):26} {said}")
    return "\n".join(lines)


def to_pairs(sizes: Sizes) -> dict[str, str]:
    """What results name as their sizes."""
    pairs = {key: f"{getattr(sizes, key):g}" for key in RANGES}
    for prefix, key in (("", "loads"), ("arm_", "arm_loads")):
        each = getattr(sizes, key)
        pairs[key] = ", ".join(load.name for load in each)
        pairs.update({f"{prefix}load {load.name}".replace("_", " "): load.about for load in each})
        pairs.update({f"{prefix}{name}": f"{value:g}" for name, value in _numbers_of(each).items()})
    return pairs


def _loads(of_writing: dict[str, Any]) -> tuple[Load, ...]:
    return loads(round(of_writing["layer_mb"] * MB), of_writing["log_lines"], of_writing["cpu"], "")


def _numbers_of(each: Sequence[Load]) -> dict[str, Any]:
    """Where the writing load is left out, the other one's, which writes nothing."""
    load = each[0]
    return {"layer_mb": load.layer_bytes / MB, "log_lines": load.log_lines, "cpu": load.cpu}


def _number(key: str, text: str, accepted: Range) -> Any:
    try:
        value = int(text) if accepted.whole else float(text)
    except ValueError:
        value = None
    if value is None or not accepted.low <= value <= accepted.high:      # nan is in no range
        raise Trouble(f"{key}={text}: it takes {accepted}.")
    return value


def _names(key: str, text: str) -> list[str]:
    there = [load.name for load in loads(MB, 1, 0.0, "")]
    names = text.split(",")
    if not set(names) <= set(there) or len(set(names)) != len(names):
        raise Trouble(f"{key}={text}: it takes some of {', '.join(there)}, with commas between them.")
    return names
