# SPDX-License-Identifier: Apache-2.0
"""What a configuration means for one container, from the issue alone.

Written without a look at the daemon's code, so that both cannot share an
error.  Each value comes from the container's label, else from the first rule
that matches, else from [Retention], else it is the default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, Mapping

from history import FOREVER, Look

UNITS = {"ms": 0.001, "s": 1, "sec": 1, "": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
TRUE, FALSE = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
OUTCOMES = ("Success", "Failure", "OOMKilled", "Shutdown", "FailedStart")
FAILURES = ("Failure", "OOMKilled", "FailedStart")
FOLLOWS = {"OOMKilled": "Failure", "Shutdown": "Success"}
DEFAULTS = {
    "MinimumAge": "60s", "Success": "1h", "Failure": "24h", "FailedStart": "24h",
    "OrphanAge": "1h", "RemoveVolumes": "swarm", "KeepLast": 0, "KeepLastFailure": 1,
    "KeepLastFor": "7d", "LogTail": 0, "MaxStopped": "infinity", "Honor": "yes",
    "MaxTTL": "infinity", "SettleTime": "60s", "ResyncInterval": "5min", "Parallelism": 4,
    "SurgeLimit": 50, "FirstRunDelay": "10min", "Endpoint": "",
    "Pressure.Enabled": "yes", "Pressure.MemoryAvailableLow": "5%", "Pressure.MemoryUsedHigh": "off",
    "Pressure.Stall": "some 200ms/2s", "Pressure.PressureFile": "/proc/pressure/memory",
    "Pressure.MinimumAge": "15s", "Pressure.ElevatedFactor": "10%", "Pressure.Sustain": "5s",
    "Pressure.CoolDown": "15s", "Pressure.BatchSize": 8, "Pressure.MinimumReclaim": "16M",
    "Pressure.GiveUpAfter": 3, "Pressure.GiveUpFor": "10min",
    "Disk.UsedHigh": "off", "Disk.InodesHigh": "off",
}
# By the setting that enters: the one that leaves, and its distance in points if it is not given.
THRESHOLDS = {
    "MemoryAvailableLow": ("Pressure.MemoryAvailableHigh", 3.0),
    "MemoryUsedHigh": ("Pressure.MemoryUsedLow", -3.0),
    "UsedHigh": ("Disk.UsedLow", -3.0), "InodesHigh": ("Disk.InodesLow", -3.0),
}


def span(text: Any) -> float:
    """A time span in seconds."""
    text = str(text)
    if text == "infinity":
        return FOREVER
    if not re.fullmatch(r"\d+ *[a-z]*( *\d+ *[a-z]+)*", text):
        raise ValueError(f"not a time span: {text!r}")
    parts = re.findall(r"(\d+) *([a-z]*)", text)
    if any(unit not in UNITS for _, unit in parts):
        raise ValueError(f"not a unit: {text!r}")
    return float(sum(int(number) * UNITS[unit] for number, unit in parts))


def count(text: Any, most: int = 10_000) -> float:
    """A number of things, or FOREVER."""
    if str(text) == "infinity":
        return FOREVER
    if not re.fullmatch(r"\d+", str(text)) or int(text) > most:
        raise ValueError(f"not a count: {text!r}")
    return float(int(text))


def share(text: Any) -> float | None:
    """A percentage; None if it is off."""
    if str(text) == "off":
        return None
    if not re.fullmatch(r"\d+(\.\d{1,2})?%", str(text)) or float(str(text)[:-1]) > 100:
        raise ValueError(f"not a share: {text!r}")
    return float(str(text)[:-1])


def size(text: Any) -> float:
    """A number of bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([BKMGTP]?)", str(text))
    if found is None:
        raise ValueError(f"not a size: {text!r}")
    return float(found[1]) * 1024 ** "BKMGTP".index(found[2] or "B")


def boolean(text: Any) -> bool:
    if str(text).lower() in TRUE + FALSE:
        return str(text).lower() in TRUE
    raise ValueError(f"neither yes nor no: {text!r}")


def glob(pattern: str, text: str) -> bool:
    """Whether a pattern of * ? [] and \\ covers the whole text."""
    made, rest = "", pattern
    while rest:
        if found := re.match(r"\[(!?)(\]?[^]]*)\]", rest):
            made += "[" + "^" * len(found[1]) + re.sub(r"([]^[&~|])", r"\\\1", found[2]) + "]"
        elif found := re.match(r"\\(.)", rest, re.DOTALL):
            made += re.escape(found[1])
        elif found := re.match(r".", rest, re.DOTALL):
            made += {"*": ".*", "?": "."}.get(found[0], re.escape(found[0]))
        rest = rest[found.end():] if found else ""
    return re.fullmatch(made, text, re.DOTALL) is not None


def _list_holds(patterns: str, text: str | None) -> bool:
    """One that wants the text, or none that wants any; and none that refuses it."""
    def some(those: list[str]) -> bool:
        return text is not None and any(glob(each, text) for each in those)

    wanted = [each for each in patterns.split() if not each.startswith("!")]
    refused = [each[1:] for each in patterns.split() if each.startswith("!")]
    return (not wanted or some(wanted)) and not some(refused)


def _labels_hold(entries: str, labels: Mapping[str, str]) -> bool:
    """All of them, each `key` or `key=glob` or one of these negated."""
    for entry in entries.split():
        key, equals, pattern = entry.removeprefix("!").partition("=")
        has = key in labels and (not equals or glob(pattern, labels[key]))
        if has == entry.startswith("!"):
            return False
    return True


def rule_matches(rule: Mapping[str, Any], look: Look, is_task: bool) -> bool:
    """Whether all of its conditions hold for a container."""
    if rule.get("Kind", "task") not in ("any", "task" if is_task else "other"):
        return False
    texts = {"Service": look.labels.get("com.docker.swarm.service.name") if is_task else None,
             "Stack": look.labels.get("com.docker.stack.namespace") if is_task else None,
             "Name": look.name, "Image": look.image}
    return (all(_list_holds(str(rule[key]), text) for key, text in texts.items() if key in rule)
            and _labels_hold(str(rule.get("Label", "")), look.labels))


def slot_of(look: Look, is_task: bool) -> tuple[str, ...]:
    """Where it had its place: the ones of a slot followed each other there."""
    if is_task:
        return ("task", look.labels.get("com.docker.swarm.task.name", look.name).rpartition(".")[0])
    project = look.labels.get("com.docker.compose.project", "")
    service = look.labels.get("com.docker.compose.service", "")
    return ("compose", project, service) if project and service else ("image", look.image)


def workload_of(look: Look, is_task: bool) -> tuple[str, ...]:
    """What MaxStopped= counts by: the service, else the slot."""
    if is_task:
        return ("service", look.labels.get("com.docker.swarm.service.name", ""))
    return slot_of(look, is_task)


@dataclass
class Values:
    """What holds for one container; spans in seconds."""

    in_scope: bool
    rule: str                   # name of the first that matches, else ""
    keep_by_rule: bool
    keep_by_label: float        # for so long after the end; 0: not at all
    minimum_age: float
    spans: dict[str, float]
    orphan_age: float
    volumes: bool               # v=1 goes with the DELETE
    keep_last: float
    keep_last_failure: float
    keep_last_for: float
    log_tail: int


@dataclass
class Stall:
    """Elevated after so many seconds of stall within a window."""

    word: str
    threshold: float
    window: float


def _stall(text: str) -> Stall | None:
    if text == "off":
        return None
    word, threshold, window = re.split(r"[ /]+", text)
    return Stall(word, span(threshold), span(window))


class Configuration:
    """The settings that hold at one time.

    factor, floor, now: what becomes of spans under pressure, see `elevated` and `critical`.
    """

    def __init__(self, settings: Mapping[str, Any], factor: float = 1.0, floor: float | None = None,
                 now: bool = False) -> None:
        self._settings, self._factor, self._floor, self._now = settings, factor, floor, now
        self.rules = [(key.removeprefix("Rule "), _given(rule)) for key, rule in settings.items()
                      if key.startswith("Rule ")]
        self._main = _given({key: value for key, value in settings.items()
                             if not key.startswith("Rule ")})
        have = {**DEFAULTS, **self._main}
        self.endpoint = str(have["Endpoint"])
        self.settle = span(have["SettleTime"])
        self.resync = span(have["ResyncInterval"])
        self.parallelism = int(have["Parallelism"])
        self.max_stopped = count(have["MaxStopped"], 1_000_000)
        self.surge_limit = count(have["SurgeLimit"], 1_000_000)
        self.first_run_delay = span(have["FirstRunDelay"])
        self.enabled = boolean(have["Pressure.Enabled"])
        self.stall = _stall(str(have["Pressure.Stall"])) if self.enabled else None
        self.pressure_file = str(have["Pressure.PressureFile"])
        self.sustain = span(have["Pressure.Sustain"])
        self.cool_down = span(have["Pressure.CoolDown"])
        self.batch_size = int(have["Pressure.BatchSize"])
        self.minimum_reclaim = size(have["Pressure.MinimumReclaim"])
        self.give_up_after = int(have["Pressure.GiveUpAfter"])
        self.give_up_for = span(have["Pressure.GiveUpFor"])
        self.thresholds = _thresholds(have, self.enabled)
        self._elevated_factor = (share(have["Pressure.ElevatedFactor"]) or 0.0) / 100
        self._pressure_age = span(have["Pressure.MinimumAge"])
        self._honor = boolean(have["Honor"])
        self._max_ttl = span(have["MaxTTL"])
        self._known: dict[Any, Values] = {}

    @cached_property
    def elevated(self) -> "Configuration":
        """The same at the elevated level: spans shrink, and all else holds."""
        return Configuration(self._settings, factor=self._elevated_factor)

    @cached_property
    def critical(self) -> "Configuration":
        """The same for a batch at the critical level: from another floor on, whatever the spans."""
        return Configuration(self._settings, floor=self._pressure_age, now=True)

    def values(self, look: Look, is_task: bool) -> Values:
        key = (is_task, look.name, look.image, tuple(sorted(look.labels.items())))
        if key not in self._known:
            self._known[key] = self._resolve(look, is_task)
        return self._known[key]

    def _resolve(self, look: Look, is_task: bool) -> Values:
        name, rule = next(((name, rule) for name, rule in self.rules
                           if rule_matches(rule, look, is_task)), ("", {}))
        given = {**self._main, **rule}
        have = {**DEFAULTS, **given}
        spans = {outcome: span(given.get(outcome, have[FOLLOWS.get(outcome, outcome)]))
                 for outcome in OUTCOMES}
        labels = look.labels if self._honor else {}
        keep = _label(labels, "keep", boolean)
        ttl, ttl_failure = _label(labels, "ttl", span), _label(labels, "ttl.failure", span)
        keep_last = 0.0 if self._now else _label(labels, "keep-last", count)
        if ttl is not None:
            spans = dict.fromkeys(OUTCOMES, min(ttl, self._max_ttl))
        if ttl_failure is not None:
            spans |= dict.fromkeys(FAILURES, min(ttl_failure, self._max_ttl))
        floor = span(have["MinimumAge"]) if self._floor is None else self._floor
        return Values(
            in_scope=is_task or rule.get("Action") == "reap", rule=name,
            keep_by_rule=rule.get("Action") == "keep", keep_by_label=self._max_ttl if keep else 0.0,
            minimum_age=floor, spans={name: self._counted(each) for name, each in spans.items()},
            orphan_age=self._counted(span(have["OrphanAge"])),
            volumes=have["RemoveVolumes"] in (("swarm", "always") if is_task else ("always",)),
            keep_last=count(have["KeepLast"]) if keep_last is None else keep_last,
            keep_last_failure=count(have["KeepLastFailure"]),
            keep_last_for=span(have["KeepLastFor"]), log_tail=int(have["LogTail"]))

    def _counted(self, each: float) -> float:
        """What a span counts as at this level."""
        return 0.0 if self._now else each if each == FOREVER else each * self._factor


def _thresholds(have: Mapping[str, Any], enabled: bool) -> dict[str, tuple[float, float]]:
    """(enters, leaves) in percent of those that are on."""
    found = {}
    for key, (leave, distance) in THRESHOLDS.items():
        section = leave.partition(".")[0]
        enters = share(have[f"{section}.{key}"])
        if enters is not None and (enabled or section == "Disk"):
            leaves = share(have[leave]) if leave in have else None
            found[key] = (enters, min(max(enters + distance, 0), 100.0) if leaves is None else leaves)
    return found


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without the empty ones: these are as if not given."""
    return {key: value for key, value in settings.items() if str(value) != ""}


def _label(labels: Mapping[str, str], key: str, read: Callable[[str], Any]) -> Any:
    """The value of one of our labels; None without, and if it is malformed."""
    try:
        return read(labels[f"org.reaperd.{key}"])
    except (KeyError, ValueError):
        return None
