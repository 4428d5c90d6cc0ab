# SPDX-License-Identifier: Apache-2.0
"""Advice on a real Swarm: each piece is true, and its command, run as it is, makes it go away.

Services are made and changed with docker, as an operator does it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lab import IMAGE, Engine, Reaper, until
from lab.bus import Bus, BusError

SETTINGS = {"SettleTime": "0", "Success": "1h", "Failure": "1h", "KeepLastFailure": 1, "Pressure.Enabled": "no"}
FAILS = ["sh", "-c", "exit 3"]
STAYS = ["sleep", "1000"]

Told = dict[str, tuple[str, str]]


class Operator:
    """Somebody with docker, sh and reaperd's advice."""

    def __init__(self, engine: Engine, bus: Bus, reaper: Reaper, folder: Path) -> None:
        self.engine, self.bus, self.reaper = engine, bus, reaper
        self._path = folder / "bin"
        self._path.mkdir()
        systemctl = self._path / "systemctl"
        systemctl.write_text(f'#!/bin/sh\n[ "$*" = "reload reaperd" ] && kill -HUP {reaper.process.pid}\n')
        systemctl.chmod(0o755)

    def sh(self, command: str) -> str:
        environment = {**os.environ, "DOCKER_HOST": f"unix://{self.engine.socket}",
                       "PATH": f"{self._path}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, env=environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def docker(self, *words: str) -> str:
        return self.sh("docker " + " ".join(f"'{word}'" for word in words))

    def service(self, name: str, *words: str, command: list[str]) -> None:
        self.docker("service", "create", "--detach", "--no-resolve-image", "--network", "host", "--name", name, *words,
                    IMAGE, *command)

    def advice(self) -> Told:
        """"kind subject" -> (text, command), in order."""
        rows, = self.bus.call("Advise")
        return {f"{kind} {subject}": (text, command) for kind, subject, text, command in rows}

    def follow(self, key: str) -> str:
        """Runs the command as it is; the advice is then no longer given. Returns the command."""
        text, command = self.advice()[key]
        assert text
        # A service is updated by its version: what Swarm has just written to it itself comes in between at times.
        until(lambda: self._tried(command), 10, command)
        until(lambda: key not in self.advice(), 10, f"{key} is advised no more")
        return command

    def _tried(self, command: str) -> bool:
        if command.startswith("docker service update"):
            command = command.replace("update", "update --detach --no-resolve-image", 1)
        try:
            self.sh(command)
        except AssertionError as error:
            if "update out of sequence" in str(error):
                return False
            raise
        return True

    def is_answered(self) -> bool:
        try:
            self.advice()
        except BusError:
            return False
        return True

    def states(self, service: str) -> list[str]:
        return [task["Status"]["State"] for task in self.engine.swarm.tasks(service)]


@pytest.fixture(scope="module")
def operator(host_ready: None, reaperd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    if not shutil.which("docker"):
        pytest.fail("docker's command is missing", pytrace=False)
    with Engine() as engine, Bus() as bus:
        engine.import_image()
        engine.init_swarm(history=5)
        settings = {**SETTINGS, "Endpoint": f"unix://{engine.socket}"}
        with Reaper(reaperd, engine.dir, settings, environment=bus.environment) as reaper:
            reaper.await_ready()
            bus.await_owner()
            yield Operator(engine, bus, reaper, tmp_path_factory.mktemp("operator"))


def test_nothing_to_advise(operator: Operator) -> None:
    """A Swarm as it is by default, without services."""
    assert operator.advice() == {}


def test_history_limit(operator: Operator) -> None:
    operator.docker("swarm", "update", "--task-history-limit", "-1")
    assert operator.follow("history-limit-high swarm") == "docker swarm update --task-history-limit 5"
    operator.docker("swarm", "update", "--task-history-limit", "1")
    assert operator.follow("history-limit-low swarm") == "docker swarm update --task-history-limit 2"
    operator.docker("swarm", "update", "--task-history-limit", "1000")
    assert operator.follow("history-limit-high swarm") == "docker swarm update --task-history-limit 5"
    assert operator.engine.client.get("/swarm")["Spec"]["Orchestration"]["TaskHistoryRetentionLimit"] == 5
    assert operator.advice() == {}


def test_history_limit_is_what_counts(operator: Operator) -> None:
    """What is said of it is so: of a slot's failures Swarm leaves one fewer than the limit says."""
    operator.docker("swarm", "update", "--task-history-limit", "2")
    operator.service("fails", "--restart-delay", "500ms", "--log-driver", "journald", "--container-label",
                     "org.reaperd.keep-last=3", command=FAILS)
    text, command = operator.advice()["history-limit-low swarm"]
    assert "KeepLast=3 (label org.reaperd.keep-last) of service fails is cut to 1." in text
    assert command == "docker swarm update --task-history-limit 4"

    def ended() -> int:
        return sum(state in ("failed", "rejected", "complete") for state in operator.states("fails"))

    seen: set[str] = set()

    def many_tried() -> bool:
        seen.update(task["ID"] for task in operator.engine.swarm.tasks("fails"))
        return len(seen) >= 5 and ended() <= 2

    until(many_tried, 60, "trimming")
    operator.follow("history-limit-low swarm")
    until(lambda: ended() >= 3, 60, "three ended ones that are left")
    operator.docker("service", "rm", "fails")
    operator.docker("swarm", "update", "--task-history-limit", "5")
    assert operator.advice() == {}


def test_jobs(operator: Operator) -> None:
    """Finished ones are told of, those that run are not; their tasks' records go with the service only."""
    operator.service("job", "--mode", "replicated-job", "--replicas", "3", "--log-driver", "none", command=["true"])
    operator.service("everywhere", "--mode", "global-job", "--log-driver", "none", command=["true"])
    operator.service("half", "--mode", "replicated-job", "--replicas", "2", "--max-concurrent", "1", "--log-driver",
                     "none", command=STAYS)
    until(lambda: len(operator.advice()) == 2, 30, "two finished jobs")
    assert list(operator.advice()) == ["job everywhere", "job job"]
    assert operator.states("job") == ["complete"] * 3
    records = {task["ID"] for name in ("job", "everywhere") for task in operator.engine.swarm.tasks(name)}
    assert operator.follow("job job") == "docker service rm job"
    operator.follow("job everywhere")
    assert operator.advice() == {}
    operator.docker("service", "rm", "half")
    # Engine 20.10 lets go of the records when its managers begin to lead, and not before.
    operator.engine.restart()
    until(lambda: not records & {task["ID"] for task in operator.engine.swarm.tasks()}, 20, "records are gone")
    until(operator.is_answered, 30, "engine and Swarm are there again")


def test_restart_delay(operator: Operator) -> None:
    """The container that waits is what a prune takes, and the command ends that."""
    operator.service("slow", "--restart-delay", "1h", "--log-driver", "journald", command=FAILS)

    def waiting() -> list[str]:
        return [c["Id"] for c in operator.engine.client.containers(status="created")]

    operator.engine.swarm.await_tasks("slow", "ready")
    until(waiting, 20, "a container in state created")
    pruned = operator.docker("container", "prune", "--force")
    assert waiting() == [] and "Deleted Containers" in pruned
    assert operator.follow("restart-delay slow") == "docker service update --restart-delay 5s slow"
    operator.docker("service", "rm", "slow")
    assert operator.advice() == {}


def test_log_drivers(operator: Operator) -> None:
    """Of services one by one, and of those that name none at the engine, by reaperd's own setting."""
    operator.service("json", "--log-driver", "json-file", "--log-opt", "max-size=1m", command=STAYS)
    operator.service("nothing", "--log-driver", "none", command=STAYS)
    operator.service("default", command=STAYS)
    assert list(operator.advice()) == ["log-driver engine", "log-driver json", "log-driver nothing"]
    assert "1 service " in operator.advice()["log-driver engine"][0]
    for name in ("json", "nothing"):
        command = operator.follow(f"log-driver {name}")
        assert command == f"docker service update --log-driver journald {name}"
        spec = operator.engine.client.get(f"/services/{name}")["Spec"]
        # Options of the old driver would keep the new one from starting.
        assert spec["TaskTemplate"]["LogDriver"] == {"Name": "journald"}
    operator.service("json2", "--log-driver", "local", command=STAYS)
    operator.follow("log-driver engine")
    assert Path(f"{operator.reaper.config}.d/50-log-tail.conf").read_text() == "[Retention]\nLogTail=20\n"
    assert operator.advice() == {}, "the end of a failure's log is kept for json2 too"


def test_worker(operator: Operator) -> None:
    """Outside of a Swarm there is nobody to ask."""
    operator.docker("swarm", "leave", "--force")
    with pytest.raises(BusError) as refused:
        operator.bus.call("Advise")
    assert refused.value.name == "org.reaperd.Error.NotManager"
