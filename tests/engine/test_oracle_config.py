# SPDX-License-Identifier: Apache-2.0
"""The oracle's own reading of a configuration: values, globs, rules, labels."""

from __future__ import annotations

from typing import Any

import pytest

from config import Configuration, boolean, count, glob, slot_of, span, workload_of
from history import FOREVER, Look

TASK = {"com.docker.swarm.service.name": "web", "com.docker.swarm.task.name": "web.1.abc",
        "com.docker.stack.namespace": "shop", "team": "red", "empty": ""}


def look(labels: dict[str, str] | None = None, **more: Any) -> Look:
    return Look(**{"time": 0.0, "state": "exited", "name": "web.1.abc", "image": "busy:latest",
                   "labels": {**TASK, **(labels or {})}, **more})


def matches(rule: dict[str, Any], is_task: bool = True, **more: Any) -> bool:
    return Configuration({"Rule x": rule}).values(look(**more), is_task).rule == "x"


def test_spans_counts_and_booleans() -> None:
    assert [span(t) for t in ("0", "10s", "1h 30min", "90", "500ms", "infinity", "2d", "1h30min")] \
        == [0, 10, 5400, 90, 0.5, FOREVER, 172800, 5400]
    assert [count(t) for t in ("0", 10000, "infinity")] == [0, 10000, FOREVER]
    assert [boolean(t) for t in ("Yes", "TRUE", "on", "1", "no", "False", "OFF", "0")] == \
        [True] * 4 + [False] * 4
    for read, texts in ((span, ("soon", "", " 1h", "1h ", "1 parsec", "-1")),
                        (count, ("10001", "-1", "", "many", "1 ")), (boolean, ("", "maybe", " yes"))):
        for text in texts:
            with pytest.raises(ValueError):
                read(text)


@pytest.mark.parametrize(("pattern", "text", "holds"), [
    ("a*c", "abbc", True), ("a*c", "abbcd", False), ("*", "", True), ("?", "", False),
    ("a?c", "a/c", True), ("[a-c]x", "bx", True), ("[!a-c]x", "bx", False), ("[!a-c]x", "dx", True),
    (r"\*", "*", True), (r"\*", "a", False), ("[x", "[x", True), ("[]]", "]", True),
    ("[^a]", "^", True), ("[^a]", "b", False), ("A", "a", False), ("a.c", "abc", False),
    ("*", ".x/y\n", True),
])
def test_globs(pattern: str, text: str, holds: bool) -> None:
    assert glob(pattern, text) is holds


@pytest.mark.parametrize(("rule", "holds"), [
    ({}, True), ({"Service": "web"}, True), ({"Service": "we"}, False), ({"Service": "db w*"}, True),
    ({"Service": "!db"}, True), ({"Service": "!web"}, False), ({"Service": "w* !web"}, False),
    ({"Service": "web", "Stack": "blog"}, False), ({"Service": "web", "Stack": "sh??"}, True),
    ({"Name": "web.*"}, True), ({"Name": "web"}, False), ({"Image": "busy:*"}, True),
    ({"Image": "busy"}, False), ({"Label": "team"}, True), ({"Label": "!team"}, False),
    ({"Label": "team=r*"}, True), ({"Label": "team=blue"}, False), ({"Label": "team=red gone"}, False),
    ({"Label": "team=red !gone"}, True), ({"Label": "empty="}, True), ({"Label": "team="}, False),
    ({"Label": "!team=blue"}, True), ({"Kind": "task"}, True), ({"Kind": "other"}, False),
    ({"Kind": "any"}, True), ({"Service": ""}, True),
])
def test_conditions(rule: dict[str, Any], holds: bool) -> None:
    assert matches(rule) is holds


def test_what_is_missing_matches_nothing_wanted() -> None:
    """Swarm's labels of what is no task count for nothing: they can be forged."""
    for rule, holds in (({"Service": "web"}, False), ({"Service": "!web"}, True),
                        ({"Stack": "*"}, False), ({"Name": "web.1.*"}, True),
                        ({"Label": "team=red"}, True)):
        assert matches({**rule, "Kind": "other"}, is_task=False) is holds
        assert not matches(rule, is_task=False)


def test_first_rule_alone_counts() -> None:
    values = Configuration({
        "Success": "1h", "Failure": "2h",
        "Rule not": {"Service": "db", "Success": "1min"}, "Rule one": {"Service": "web"},
        "Rule two": {"Success": "2min", "Action": "keep"}}).values(look(), True)
    assert values.rule == "one" and values.spans["Success"] == 3600 and not values.keep_by_rule


def test_values_follow_one_another() -> None:
    values = Configuration({"Failure": "2h", "Success": "20min"}).values(look(), True)
    assert values.spans["OOMKilled"] == 7200 and values.spans["Shutdown"] == 1200
    assert values.minimum_age == 60 and values.volumes and values.keep_last_failure == 1
    for main, rule, oom in (({}, {"Failure": "3h"}, 10800), ({"OOMKilled": "1h"}, {"Failure": "3h"}, 3600),
                            ({"OOMKilled": "1h"}, {"OOMKilled": "2h"}, 7200),
                            ({"Failure": "3h"}, {"Failure": ""}, 10800)):
        found = Configuration({**main, "Rule x": rule}).values(look(), True)
        assert found.spans["OOMKilled"] == oom, (main, rule)


def labelled(settings: dict[str, Any], **labels: str) -> Any:
    ours = {f"org.reaperd.{key.replace('_', '-').replace('ttl-', 'ttl.')}": value
            for key, value in labels.items()}
    return Configuration(settings).values(look(ours), True)


def test_labels_beat_rules() -> None:
    rules = {"Rule x": {"Failure": "5h", "Success": "5h", "KeepLast": 5}}
    values = labelled(rules, ttl="10min", ttl_failure="20min", keep_last="2", keep="yes")
    assert values.spans == {"Success": 600, "Shutdown": 600, "Failure": 1200, "OOMKilled": 1200,
                            "FailedStart": 1200}
    assert values.keep_last == 2 and values.keep_by_label == FOREVER
    values = labelled({**rules, "Honor": "no"}, ttl="10min", keep_last="2", keep="yes")
    assert values.spans["Success"] == 18000 and values.keep_last == 5 and not values.keep_by_label


def test_labels_are_bounded() -> None:
    values = labelled({"MaxTTL": "1h"}, ttl="infinity", ttl_failure="2h", keep="true")
    assert set(values.spans.values()) == {3600} and values.keep_by_label == 3600
    assert labelled({"MaxTTL": "0"}, keep="true").keep_by_label == 0


def test_malformed_labels_are_as_if_absent() -> None:
    values = labelled({}, ttl="soon", ttl_failure=" 1h", keep_last="-1", keep="perhaps")
    assert values == labelled({}) and values == labelled({}, keep="no")


def test_volumes_and_scope_by_kind() -> None:
    reap = {"Kind": "any", "Action": "reap"}
    for text, is_task, sent in (("swarm", True, True), ("swarm", False, False), ("always", False, True),
                                ("never", True, False)):
        for settings in ({"RemoveVolumes": text, "Rule x": reap},
                         {"Rule x": {**reap, "RemoveVolumes": text}}):
            assert Configuration(settings).values(look(), is_task).volumes is sent
    for rule, scope in ((reap, True), ({"Kind": "other"}, False),
                        ({"Kind": "any", "Action": "keep"}, False)):
        assert Configuration({"Rule x": rule}).values(look(), False).in_scope is scope
        assert Configuration({"Rule x": rule}).values(look(), True).in_scope


def test_slots() -> None:
    compose = {"com.docker.compose.project": "p", "com.docker.compose.service": "s"}
    assert slot_of(look(), True) == ("task", "web.1") and workload_of(look(), True) == ("service", "web")
    assert slot_of(look(compose), False) == workload_of(look(compose), False) == ("compose", "p", "s")
    assert slot_of(look(), False) == ("image", "busy:latest")
