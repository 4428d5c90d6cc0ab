# SPDX-License-Identifier: Apache-2.0
"""[Rule] sections against what an engine can tell: hostile texts, events that say less, and many rules.

Matching is the daemon's own business: it costs no call.
"""

from __future__ import annotations

import threading
import time

import pytest

from daemon import Reaperd, Summary
from standin import Standin
from test_hostile import HOSTILE, check_log

GONE, KEPT = Summary(0, 1, 0, 0, 0), Summary(0, 0, 0, 0, 1)
SERVICE = "com.docker.swarm.service.name"


@pytest.mark.parametrize(("key", "name"), [
    (key, name) for key in ("Service", "Stack", "Name", "Image", "Label") for name in HOSTILE
    if name != "empty" and (key, name) != ("Name", "slashes")])
def test_hostile_text(engine: Standin, reaperd: Reaperd, key: str, name: str) -> None:
    """It is text like any other, from its first byte to its last. (A name with slashes in it is no name but a link.)
    """
    text = HOSTILE[name]
    where = {"Service": {"asks": {SERVICE: text}}, "Stack": {"asks": {"com.docker.stack.namespace": text}},
             "Name": {"name": text}, "Image": {"image": text}, "Label": {"asks": {"owner": text}}}[key]
    first, last = (f"\\{char}" if char in "\\*?[!" else char if char.isprintable() and char not in "\"' " else "?"
                   for char in (text[0], text[-1]))
    pattern = f"{first}*{last}" if len(last.encode()) == 1 else f"{first}*"
    reaperd.rule("hostile", **{key: f"owner={pattern}" if key == "Label" else pattern}, Action="keep")
    engine.add(**where)
    assert reaperd.once() == KEPT
    check_log(reaperd, removed=0)


DIGEST = b"sha256:" + b"cd" * 32


@pytest.mark.parametrize("kind", ["task", "other"])
def test_image_that_the_list_names_otherwise(engine: Standin, reaperd: Reaperd, kind: str) -> None:
    """When a tag has moved on, lists tell the digest. What the container was made from its inspect tells."""
    engine.others_may_go = True
    kept = (engine.add if kind == "task" else engine.add_plain)(image="shop:1")
    gone = (engine.add if kind == "task" else engine.add_plain)(image="scrap:1")
    for route in ("list", "others"):
        engine.fault(route, times=None, edit=lambda body: body.replace(b"shop:1", DIGEST).replace(b"scrap:1", DIGEST))
    reaperd.rule("keep", Kind="any", Image="shop:*", Action="keep")
    reaperd.rule("others", Kind="other", Action="reap")
    reaperd.begin(Parallelism=1)
    engine.wait_removed(gone)
    engine.witness()
    for _ in range(2):
        engine.resync()
    engine.witness()
    assert set(engine.containers) == {kept.id} and not engine.asked("remove", kept)
    assert len(engine.asked("inspect", kept)) <= 4  # once behind each list, at most


def test_glob_that_never_ends(engine: Standin, reaperd: Reaperd) -> None:
    """Stars that can be spread in more ways than there are atoms, over a text that its owner has chosen."""
    reaperd.rule("stars", Name="*a" * 60 + "b", Image="*a" * 60 + "b", Action="keep")
    reaperd.rule("label", Label="owner=" + "*a?" * 40 + "b", Action="keep")
    for n in range(20):
        engine.add(slot=n, name="a" * 20_000, image="a" * 20_000, asks={"owner": "a" * 20_000})
    before = time.monotonic()
    assert reaperd.once().removed == 20
    assert time.monotonic() - before < 10


def test_many_rules(engine: Standin, reaperd: Reaperd) -> None:
    """256 rules and 2000 containers: the last rule keeps one of them, and nothing more is asked than without."""
    for n in range(255):
        reaperd.rule(f"rule {n}", Service=f"!*-{n} other-{n}-* *[!a-z]{n}x", Image="*nobody*", Label=f"tier=t{n}*",
                     Action="keep")
    reaperd.rule("last", Service="service-7 service-8", Name="*.3.*", Success="infinity")
    kept = engine.add(service="service-7", slot=3, asks={"tier": "t"})
    for n in range(2000):
        engine.add(service=f"service-{n % 50}", slot=n // 50 + 100, state="running", asks={"tier": f"t{n % 255}"})
    reaperd.begin(Parallelism=1)
    engine.witness()
    assert engine.tally() == {"version": 1, "events": 1, "info": 1, "ring": 1, "list": 1, "members": 2, "inspect": 2,
                              "remove": 2}
    assert reaperd.cpu_ticks() < 300 and kept.id in engine.containers


def test_first_match_counts(engine: Standin, reaperd: Reaperd) -> None:
    """For everything: what it leaves open comes from [Retention], not from the next rule."""
    reaperd.rule("shield", Service="web")
    reaperd.rule("all", Success="infinity", RemoveVolumes="never")
    web, other = engine.add(), engine.add(service="other")
    assert reaperd.once() == Summary(0, 1, 0, 0, 1)
    assert web.id not in engine.containers and other.id in engine.containers
    assert engine.asked("remove")[0].query == {"v": "1"}
    assert reaperd.count("no effect") == 1 == reaperd.count("shield")


RULES: dict[str, tuple[dict[str, str], bool]] = {
    "service": ({"Service": "web", "Success": "infinity"}, True),
    "service-case": ({"Service": "Web", "Success": "infinity"}, False),
    "service-negated": ({"Service": "!web", "Success": "infinity"}, False),
    "service-other-negated": ({"Service": "!mail w*", "Success": "infinity"}, True),
    "stack": ({"Stack": "shop", "Success": "infinity"}, True),
    "no-stack": ({"Stack": "!*", "Success": "infinity"}, False),
    "name": ({"Name": "web.1.*", "Success": "infinity"}, True),
    "image": ({"Image": "registry.example/*", "Success": "infinity"}, True),
    "image-part": ({"Image": "registry.example", "Success": "infinity"}, False),
    "labels-all": ({"Label": "tier=back* owner", "Success": "infinity"}, True),
    "labels-not-all": ({"Label": "tier=back* nobody", "Success": "infinity"}, False),
    "label-absent": ({"Label": "!nobody !tier=front", "Success": "infinity"}, True),
    "conditions-not-all": ({"Service": "web", "Image": "none", "Success": "infinity"}, False),
    "kind-other": ({"Kind": "other", "Success": "infinity", "Action": "keep"}, False),
    "kind-any": ({"Kind": "any", "Success": "infinity"}, True),
    "keep": ({"Action": "keep"}, True),
    "reap": ({"Action": "reap"}, False),
    "keep-last": ({"KeepLast": "1"}, True),
    "longer": ({"Success": "3h"}, True),
    "empty-value": ({"Success": ""}, False),
    "floor": ({"MinimumAge": "3h"}, True),
}


@pytest.mark.parametrize("name", RULES)
def test_rule(engine: Standin, reaperd: Reaperd, name: str) -> None:
    keys, kept = RULES[name]
    reaperd.rule("a rule", **keys)
    engine.add(asks={"com.docker.stack.namespace": "shop", "tier": "backend", "owner": ""})
    assert reaperd.once() == (KEPT if kept else GONE)


def test_forged_labels_name_no_task(engine: Standin, reaperd: Reaperd) -> None:
    """Service= and Stack= are of tasks only, and what is no task is none."""
    engine.others_may_go = True
    reaperd.rule("web", Service="web", Kind="any", Action="reap")
    reaperd.rule("stack", Stack="shop", Kind="any", Action="reap")
    forged = engine.add(is_task=False, restart_policy="no", asks={"com.docker.stack.namespace": "shop"})
    assert reaperd.once() == Summary(0, 0, 0, 0, 0)
    reaperd.rule("rest", Service="!mail", Stack="!post", Kind="other", Action="reap")
    assert reaperd.once() == GONE
    assert forged.id not in engine.containers


@pytest.mark.parametrize(("volumes", "query"), [("swarm", {}), ("always", {"v": "1"}), ("never", {})])
def test_others(engine: Standin, reaperd: Reaperd, volumes: str, query: dict[str, str]) -> None:
    """Only what nobody else cares for, by the inspect; and their volumes only if they are asked for."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Image="registry.example/tool*", Action="reap", RemoveVolumes=volumes)
    due = engine.add_plain()
    kept = [engine.add_plain(auto_remove=True), engine.add_plain(image="else"), engine.add_plain(ended=600.0),
            *(engine.add_plain(restart_policy=name) for name in ("always", "on-failure", "unless-stopped", "x"))]
    assert reaperd.once() == Summary(0, 1, 0, 0, len(kept) - 1)  # one is out of scope
    assert engine.removed == [due.id] and engine.asked("remove")[0].query == query
    assert all(len(engine.asked("inspect", c)) <= 1 for c in kept)


def test_others_are_never_orphans(engine: Standin, reaperd: Reaperd) -> None:
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap", OrphanAge="10s")
    plain = engine.add_plain(ended=600.0, labels={"com.docker.swarm.node.id": "another", "com.docker.swarm.task": ""})
    assert reaperd.once() == KEPT
    assert plain.id in engine.containers


def test_policy_that_is_looked_at_again_by_the_hour(engine: Standin, reaperd: Reaperd) -> None:
    """What its restart policy may start again is asked about once, also after lists; the rest goes on."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="any", Action="reap")
    kept = engine.add_plain(restart_policy="always")
    reaperd.begin(Parallelism=1)
    engine.witness()
    for _ in range(2):
        engine.resync()
    engine.witness()
    assert len(engine.asked("inspect", kept)) == 1


def test_others_by_events(engine: Standin, reaperd: Reaperd) -> None:
    """Which are no tasks the engine is asked in one list for a batch, also if they bear Swarm's labels."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Name="tool-*", Action="reap")
    reaperd.begin()
    due = [engine.add_plain(name=f"tool-{n}") for n in range(20)]
    forged = [engine.add(name=f"tool-x{n}", is_task=False, restart_policy="no") for n in range(5)]
    out = [engine.add_plain(name=f"else-{n}") for n in range(20)]
    tasks = [engine.add(slot=n, name=f"tool-t{n}", ended=600.0) for n in range(5)]
    engine.tell_end(*out, *due, *forged, *tasks)
    engine.wait_removed(*due)
    assert 1 <= len(engine.asked("members")) <= 3 and len(engine.asked("others")) == 1
    engine.resync()
    engine.wait_removed(*forged)  # what their labels are the event did not tell for certain
    assert not any(engine.asked("inspect", c) for c in out)


def test_labels_of_a_task_that_is_none(engine: Standin, reaperd: Reaperd) -> None:
    """That it is not listed among tasks is a conclusion only: it goes when the engine has listed it among others."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap")
    reaperd.begin(Parallelism=1)
    forged = engine.add(is_task=False, restart_policy="no")
    gate = threading.Event()
    engine.fault("others", hold=gate)
    engine.tell_end(forged)
    engine.wait_asked("others", 2)  # by which the conclusion has been drawn
    engine.tell_end(forged)
    engine.witness()
    assert engine.asked("members") and not engine.asked("inspect", forged)
    gate.set()
    engine.wait_removed(forged)


def test_task_that_is_denied_once(engine: Standin, reaperd: Reaperd) -> None:
    """A wrong answer about it lets no rule take it that is about others."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap", Success="1h")
    reaperd.begin(Success="infinity", Parallelism=1)
    gate = threading.Event()
    engine.fault("members", edit=lambda _: b"[]")
    engine.fault("list", hold=gate)
    task = engine.add()
    engine.tell_end(task)
    engine.wait_asked("list", 2)  # by which the conclusion has been drawn
    engine.tell_end(task)
    engine.witness()
    gate.set()
    engine.wait_answered("others", 2)
    engine.witness()
    assert task.id in engine.containers and not engine.asked("remove", task)


def test_status_counts_what_is_in_scope(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.rule("tools", Kind="other", Name="tool-*", Action="reap")
    engine.add(slot=1)
    engine.add(slot=2, state="running")
    for n in range(3):
        engine.add_plain(name=f"tool-{n}")
        engine.add_plain(name=f"else-{n}")
    engine.add_plain(name="tool-x", state="running")
    engine.add_plain(name="else-x", state="running")
    reaperd.begin(Success="infinity")
    reaperd.wait_notified("STATUS=Tracking 6 containers, 4 stopped, ")


def test_members_cannot_be_asked(engine: Standin, reaperd: Reaperd) -> None:
    """Not to be a task is no default: it waits until the engine has said so."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap")
    reaperd.begin(Success="infinity")
    plain, task = engine.add_plain(), engine.add(slot=7)
    reaperd.rule("others", Kind="other", Action="reap", Success="1h")
    engine.fault("members", status=500)
    reaperd.reload()
    engine.wait_answered("others", 2)
    late, late_task = engine.add_plain(), engine.add(slot=8)
    engine.tell_end(late, late_task)
    engine.wait_removed(plain, late)
    assert task.id in engine.containers and late_task.id in engine.containers
    assert engine.asked("inspect", late)[0].at >= engine.asked("members")[1].at


@pytest.mark.parametrize("label", ["image", "name"])
def test_label_over_an_attribute(engine: Standin, reaperd: Reaperd, label: str) -> None:
    """Labels overwrite an event's attributes: neither keeps that a container for good, nor does it let one go."""
    reaperd.rule("kept", **{label.capitalize(): "kept*"}, Action="keep")
    reaperd.begin(Parallelism=1)
    kept = engine.add(slot=1, **{label: "kept.1"}, asks={label: "other"})
    gone = engine.add(slot=2, **{label: "other"}, asks={label: "kept.1"})
    engine.tell_end(kept, gone)
    engine.witness()
    engine.resync()
    engine.wait_removed(gone)
    engine.witness()
    assert kept.id in engine.containers and not engine.asked("remove", kept)


def test_renamed(engine: Standin, reaperd: Reaperd) -> None:
    """A rule about names goes by the name that holds."""
    engine.others_may_go = True
    reaperd.rule("keep", Kind="any", Name="precious", Action="keep")
    reaperd.rule("others", Kind="other", Action="reap")
    kept = engine.add_plain(name="precious")
    reaperd.begin(Parallelism=1)
    engine.witness()
    assert kept.id in engine.containers
    kept.name = "scrap"
    engine.emit("rename", kept, oldName="precious")
    engine.wait_removed(kept)
