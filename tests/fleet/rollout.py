# SPDX-License-Identifier: Apache-2.0
"""reaperd as a service of a real Swarm, rolled out by the commands of docs/fleet.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Mapping

from lab import run_container, until
from lab.fleet import Fleet, Node

import doc

CONTAINER = doc.TOP / "container"
SERVICE = "reaperd_reaperd"
# The wait of the first start, in seconds: the floor of an age is 10.
WAIT = 15
# What the docs tell an operator to change; the rest of both files is as it is shipped.
SETTINGS = f"""
[Engine]
SettleTime=0
[Retention]
MinimumAge=10s
Success=12s
[Reaper]
FirstRunDelay={WAIT}s
[Pressure]
Enabled=no
"""
# What an operator's shell can have of another stack; none of it is to count.
LEFT_OVER = {"REAPERD_IMAGE": "busybox:1", "REAPERD_CONFIG": "other", "REAPERD_NODES": "node.hostname == nowhere"}
# In the place of ssh: what would be run on the node is run with its engine.
SSH = """\
#!/bin/sh
DOCKER_HOST=unix://$SOCKETS/$1.sock
export DOCKER_HOST
shift
exec sh -c "$*"
"""


class Refused(Exception):
    """A command ended badly; the text is what it said."""


class Rollout:
    """The operator: a folder on the manager, commands, and what there is to be seen."""

    def __init__(self, fleet: Fleet, folder: Path, image: Path) -> None:
        self.fleet, self.folder, self.image = fleet, folder, image
        self.began = time.time()
        self.started: dict[str, float] = {}     # by container of reaperd: when it was started
        for place in ("bin", "sockets"):
            (folder / place).mkdir()
        ssh = folder / "bin" / "ssh"
        ssh.write_text(SSH)
        ssh.chmod(0o755)
        for name in ("reaperd-stack.yml", "reaperd-fleet.conf"):
            shutil.copy(CONTAINER / name, folder)
        shutil.copy(image, folder)

    # -- what an operator does ---------------------------------------------------

    def sh(self, script: str, **replaced: str) -> str:
        """Runs commands of the page, in a shell of their own. Nodes, files and versions become the real ones."""
        script = re.sub(r"\bnode1 node2 node3\b", " ".join(node.hostname for node in self.fleet.nodes), script)
        script = script.replace("reaperd-image_0.1.0_amd64.tar", self.image.name)
        script = re.sub(r"(?<=\breaperd:)0\.1\.0", self.version, script)
        for old, new in replaced.items():
            script = script.replace(old, new)
        for node in self.fleet.nodes:
            link = self.folder / "sockets" / f"{node.hostname}.sock"
            if not link.is_symlink():
                link.symlink_to(node.socket)
        environment = {**os.environ, **LEFT_OVER, "SOCKETS": str(self.folder / "sockets"),
                       "DOCKER_HOST": f"unix://{self.fleet.manager.socket}",
                       "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        # The command ends what the shell has started as well; the logs of a service wait for all its nodes.
        done = subprocess.run(["timeout", "120", "sh", "-eu", "-c", script], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Refused(f"{script}\nexit {done.returncode}: {done.stdout}")
        return done.stdout

    @property
    def version(self) -> str:
        return self.image.name.split("_")[1]

    def configure(self, more: str = "") -> None:
        """The file that is shipped, with the settings of these tests behind it."""
        shipped = (CONTAINER / "reaperd-fleet.conf").read_text()
        (self.folder / "reaperd-fleet.conf").write_text(shipped + SETTINGS + more)

    def deploy(self) -> None:
        """As for a changed configuration."""
        _check, deploy, _look = doc.commands("Changing it")[0].splitlines()
        self.sh(deploy)

    def load(self, node: Node) -> None:
        with open(self.image, "rb") as archive:
            node.load_image(archive)

    def workloads(self) -> None:
        """On every node, now and later: one of each that has ended, one that stays, and one that runs."""
        create = self.fleet.manager.swarm.create
        create("batch", ["true"], mode="global")
        create("failing", ["sh", "-c", "exit 3"], mode="global")
        create("kept", ["true"], mode="global", labels={"org.reaperd.keep": "true"})
        create("web", ["sleep", "1000000"], mode="global", restart="any")
        for node in self.fleet.nodes:
            run_container(node.client, "plain", ["true"])
        for node in self.fleet.nodes:
            until(lambda: {"batch", "failing", "kept", "plain"} <= self.ended(node), 20, f"{node.hostname} has all")

    # -- what is to be seen --------------------------------------------------------

    def task(self, node: Node) -> dict[str, Any] | None:
        """The container of reaperd that runs on a node."""
        found = node.client.containers(label=f"com.docker.swarm.service.name={SERVICE}", status="running")
        assert len(found) < 2, f"{node.hostname} has {len(found)} of them"
        inspected = node.client.inspect(found[0]["Id"]) if found else None
        if inspected:
            self.started[inspected["Id"]] = _seconds(inspected["State"]["StartedAt"])
        return inspected

    def await_task(self, node: Node, other_than: str = "", timeout: float = 30.0) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            task = self.task(node)
            return task if task and task["Id"] != other_than else None

        found = until(there, timeout, f"a task on {node.hostname}")
        assert found is not None
        return found

    def ended(self, node: Node) -> set[str]:
        """The services and plain containers of which a node has stopped containers."""
        return {self.workload(container) for container in node.client.containers(status="exited")}

    def present(self, node: Node) -> set[str]:
        return {self.workload(container) for container in node.client.containers()}

    @staticmethod
    def workload(container: Mapping[str, Any]) -> str:
        return container["Labels"].get("com.docker.swarm.service.name") or container["Names"][0].strip("/")

    def said(self, task: Mapping[str, Any]) -> str:
        """What a task of reaperd has said, as Swarm tells it by its service."""
        ident = task["Config"]["Labels"]["com.docker.swarm.task.id"]
        return "".join(line for line in self.log().splitlines(keepends=True) if f".{ident[:12]}" in line.split("|")[0])

    def log(self) -> str:
        (line,) = (block for block in doc.commands("Rolling it out") if "logs" in block)
        return self.sh(line)

    def await_said(self, task: Mapping[str, Any], text: str, timeout: float = 30.0) -> str:
        return until(lambda: next((line for line in self.said(task).splitlines() if text in line), ""), timeout,
                     f"{text!r} from {task['Name']}", poll=0.5)

    def gone(self, node: Node) -> dict[str, list[float]]:
        """When containers were removed, by workload."""
        found: dict[str, list[float]] = defaultdict(list)
        with node.client.events(since=self.began) as stream:
            for event in stream:
                if event is None:
                    break
                if event["Action"] == "destroy":
                    about = event["Actor"]["Attributes"]
                    name = about.get("com.docker.swarm.service.name") or about["name"]
                    found[name].append(event["timeNano"] / 1e9)
        return dict(found)

    def update_status(self) -> str:
        service = self.fleet.manager.client.get(f"/services/{SERVICE}")
        return service.get("UpdateStatus", {}).get("State", "")


def _seconds(stamp: str) -> float:
    """An engine's time stamp; what is below a microsecond is cut."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    exact = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return exact.timestamp() + float(f"0.{fraction[:6] or 0}")
