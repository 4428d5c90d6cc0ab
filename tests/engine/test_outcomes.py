# SPDX-License-Identifier: Apache-2.0
"""Every outcome of a task at once: each is removed at its time, nothing else is.

All services start together and run side by side while one reaperd works; the
scenario ends when everything that has to go is gone.  Then each test looks at
one thing in what was recorded, and the oracle at all of it.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from bench import Bench
from history import Look
from lab import run_container, until
from oracle import Judgement

FORGED = {
    "com.docker.swarm.task": "", "com.docker.swarm.task.id": "abcdefghijklmnopqrstuvwxy",
    "com.docker.swarm.task.name": "web.1.abcdefghijklmnopqrstuvwxy",
    "com.docker.swarm.service.name": "web", "com.docker.swarm.service.id": "svc",
}
SLEEP = ["sleep", "1000"]                   # as pid 1 it ignores SIGTERM
TERM_143 = ["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.1; done"]
TERM_0 = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]


def volumes(name: str) -> list[dict[str, Any]]:
    return [{"Type": "volume", "Target": "/anonymous"},
            {"Type": "volume", "Target": "/named", "Source": name}]


class Scenario:
    """The services and what became of them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.services: dict[str, str] = {}
        self.verdict = Judgement()
        self.volumes_before: set[str] = set()

    def create(self, name: str, command: list[str], **options: Any) -> None:
        self.services[name] = self.bench.swarm.create(name, command, **options)

    def looks(self, name: str) -> list[Look]:
        """The last look at each container of a service."""
        history = self.bench.recorder.history
        looks = [history.last_look(ident) for ident in
                 sorted(self.bench.of_service(self.services[name]))]
        return [look for look in looks if look is not None]

    def removed(self, name: str) -> set[str]:
        return self.bench.of_service(self.services[name]) & self.verdict.removed

    def volumes(self) -> set[str]:
        found = self.bench.engine.client.get("/volumes")["Volumes"] or []
        return {volume["Name"] for volume in found}

    def run(self) -> None:
        bench, swarm = self.bench, self.bench.swarm
        bench.reaper().await_ready()
        run_container(bench.engine.client, "forged", ["true"], FORGED)
        run_container(bench.engine.client, "forged-created", ["true"], FORGED, start=False)
        run_container(bench.engine.client, "plain", ["sh", "-c", "exit 1"])
        for name, command in (("ignores", SLEEP), ("exits143", TERM_143), ("exits0", TERM_0)):
            self.create(name, command, replicas=2, restart="any")
        self.create("startfirst", TERM_0, replicas=2, restart="any", order="start-first")
        self.create("everywhere", TERM_0, mode="global", restart="any")
        self.create("scaled", TERM_0, replicas=3, restart="any")
        self.create("condemned", TERM_0, replicas=2, restart="any")
        self.create("succeeds", ["true"], replicas=3)
        self.create("fails", ["sh", "-c", "exit 3"], replicas=2)
        self.create("oom", ["tail", "/dev/zero"], memory=16 << 20, replicas=4)
        self.create("missing", ["/no/such/program"])
        self.create("delayed", ["false"], restart="any", delay=40)
        self.create("volumes", ["sh", "-c", "echo x >/anonymous/f; echo x >/named/f"],
                    mounts=volumes("kept"))
        running = ("ignores", "exits143", "exits0", "startfirst", "everywhere", "scaled",
                   "condemned")
        for name in running:
            swarm.await_tasks(self.services[name], "running", 1 if name == "everywhere" else 2)
        for name in running[:5]:
            swarm.force_update(self.services[name])
        bench.recorder.let_go(self.services["scaled"])
        swarm.scale(self.services["scaled"], 1)
        bench.recorder.let_go(self.services["condemned"])
        swarm.remove(self.services["condemned"])
        bench.await_stopped(self.services["volumes"], 1)
        self.volumes_before = self.volumes()
        for name in running[:5]:
            bench.await_stopped(self.services[name], 1 if name == "everywhere" else 2)
        bench.await_stopped(self.services["fails"], 2)
        goners = ("succeeds", "fails", "oom", "missing", "volumes", *running[:5])
        until(lambda: all(len(self.stopped_or_failed(n)) for n in goners), 20, "all ended")
        bench.await_gone(lambda: set().union(*(self.stopped_or_failed(n) for n in goners)), 60)
        # The second task of "delayed" ran 40 s after the first, and goes too.
        bench.await_stopped(self.services["delayed"], 2, 60)
        self.verdict = bench.judge()

    def stopped_or_failed(self, name: str) -> set[str]:
        looks = self.bench.recorder.history.looks
        return {ident for ident in self.bench.of_service(self.services[name])
                if looks[ident][-1].finished or looks[ident][-1].error}


@pytest.fixture(scope="module")
def scenario(bench: Bench) -> Scenario:
    made = Scenario(bench)
    with bench.scenario():
        made.run()
    return made


def test_oracle(scenario: Scenario) -> None:
    """The whole scenario, and that there was enough to judge."""
    assert len(scenario.verdict.removed) >= 18
    assert scenario.verdict.removed <= scenario.verdict.awaited


@pytest.mark.parametrize(("name", "count", "exits"), [
    ("succeeds", 3, {0}), ("fails", 2, {3}), ("oom", 4, {137}), ("ignores", 2, {137}),
    ("exits143", 2, {143}), ("exits0", 2, {0}), ("startfirst", 2, {0}), ("everywhere", 1, {0}),
])
def test_stopped_tasks_are_removed(scenario: Scenario, name: str, count: int,
                                   exits: set[int]) -> None:
    assert len(scenario.removed(name)) == count
    stopped = [look for look in scenario.looks(name) if look.finished]
    assert {look.exit_code for look in stopped} == exits
    if name == "oom":
        # Engine 20.10 now and then takes the end of a container for known
        # before it hears of the OOM; that one is a failure for everybody.
        assert any(look.oom_killed for look in stopped)


@pytest.mark.parametrize("name", ["ignores", "exits143", "exits0", "startfirst", "everywhere"])
def test_updated_services_go_on(scenario: Scenario, name: str) -> None:
    """The tasks that took the place of the removed ones run untouched."""
    running = [look for look in scenario.looks(name) if look.state == "running"]
    assert len(running) == (1 if name == "everywhere" else 2)


def test_failed_start_is_removed(scenario: Scenario) -> None:
    look, = scenario.looks("missing")
    assert look.state == "created" and look.exit_code == 127
    assert len(scenario.removed("missing")) == 1


def test_created_container_of_a_delayed_restart_is_kept(scenario: Scenario) -> None:
    """It waits longer than FailedStart in `created`, then runs."""
    looks = scenario.bench.recorder.history.looks
    waited = 0.0
    for ident in scenario.bench.of_service(scenario.services["delayed"]):
        created = [look.time - look.created for look in looks[ident] if look.state == "created"]
        waited = max(waited, *created, 0.0)
    assert waited > 15 + 10 + 5
    assert len([look for look in scenario.looks("delayed") if look.finished]) >= 2


def test_anonymous_volume_goes_and_named_stays(scenario: Scenario) -> None:
    anonymous = scenario.volumes_before - {"kept"}
    assert len(anonymous) == 1 and "kept" in scenario.volumes_before
    assert scenario.volumes() == {"kept"}


def test_forged_and_plain_containers_are_untouched(scenario: Scenario) -> None:
    names = {name for item in scenario.bench.engine.client.containers() for name in item["Names"]}
    assert {"/forged", "/forged-created", "/plain"} <= names
    forged = {item["Id"] for item in scenario.bench.engine.client.containers(is_task=False)}
    asked = {call.container for call in scenario.bench.proxy.snapshot() if call.container}
    assert not forged & asked, "reaperd inspected what is no task"


def test_one_record_for_each_removal(scenario: Scenario) -> None:
    """On stderr, when that is not the journal, the text alone."""
    lines = [line for line in scenario.bench.reapers[0].log if line.startswith("reaperd: Removed ")]
    pattern = (r"reaperd: Removed ([0-9a-f]{12}) (\S+): ttl-expired, "
               r"age ([0-9a-z ]+), exit (-?\d+)(?:, held [0-9.]+[BKM])?")
    found = [re.fullmatch(pattern, line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found) if not match]
    by_id = {match[1]: match for match in found if match}
    removed = scenario.verdict.removed
    assert len(lines) == len(by_id) and set(by_id) >= {ident[:12] for ident in removed}
    for ident in removed:
        look = scenario.bench.recorder.history.last_look(ident)
        assert look is not None
        assert by_id[ident[:12]][2] == look.name
        assert int(by_id[ident[:12]][4]) == look.exit_code

