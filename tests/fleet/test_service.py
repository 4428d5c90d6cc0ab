# SPDX-License-Identifier: Apache-2.0
"""The life of reaperd as a service of a Swarm: the stack file as it is shipped, by the commands of docs/fleet.md.

One fleet for all, in this order: each test goes on where the one before has ended.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import doc
from lab import until
from lab.fleet import Node
from rollout import SERVICE, WAIT, Refused, Rollout

# A failure that was kept is to go now, and what the nodes hold is to be seen.
CHANGED = """
[Retention]
Failure=10s
KeepLastFailure=0
[Metrics]
TextFile=/run/reaperd-metrics/reaperd.prom
"""
COLLECTOR = "/var/lib/prometheus/node-exporter"
FIRST_START = "First start here"


@pytest.fixture(scope="module")
def deployed(rollout: Rollout) -> Rollout:
    """The image on every node, loaded as the page tells, and something to remove there."""
    rollout.sh(doc.commands("The image")[1])
    rollout.workloads()
    rollout.configure()
    return rollout


def test_a_look_without_installing(deployed: Rollout) -> None:
    """What is there is too young to go by the defaults; it says so by saying nothing, and leaves nothing behind."""
    first = deployed.fleet.manager
    before = deployed.present(first)
    deployed.sh(doc.commands("Before the first node")[0])
    assert deployed.present(first) == before
    # What goes from here on is reaperd's doing.
    deployed.began = time.time()


def test_one_node_first(deployed: Rollout) -> None:
    deployed.sh(doc.commands("Rolling it out")[0])
    deployed.await_task(deployed.fleet.manager)
    assert not any(deployed.task(node) for node in deployed.fleet.workers)


def test_then_all(deployed: Rollout) -> None:
    first = deployed.await_task(deployed.fleet.manager)
    shown = deployed.sh(doc.commands("Rolling it out")[2])
    assert SERVICE in shown
    for node in deployed.fleet.nodes:
        deployed.await_task(node)
    assert deployed.await_task(deployed.fleet.manager)["Id"] == first["Id"], "the first node's task has gone on"


def test_fences_of_the_task(deployed: Rollout) -> None:
    for node in deployed.fleet.nodes:
        task = deployed.await_task(node)
        host = task["HostConfig"]
        assert host["ReadonlyRootfs"] and host["NetworkMode"] == "host" and host["Memory"] == 256 << 20
        assert {mount["Destination"]: mount["Type"] for mount in task["Mounts"]} == {
            "/run/docker.sock": "bind", "/var/lib/reaperd": "volume"}
        status = Path(f"/proc/{task['State']['Pid']}/status").read_text()
        assert {found[1] for found in re.finditer(r"^Cap(?:Prm|Eff|Bnd|Amb):\s+(\w+)", status, re.M)} == {"0" * 16}


def test_each_node_waits_and_says_so(deployed: Rollout) -> None:
    for node in deployed.fleet.nodes:
        line = deployed.await_said(deployed.await_task(node), FIRST_START)
        assert f"@{node.hostname} " in line and f"nothing is removed for another {WAIT}s" in line
        # The time stamp that --timestamps has put in front.
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line)


def assert_waited(rollout: Rollout, node: Node, task: dict[str, Any]) -> None:
    """Nothing was removed on a node before its first task had waited."""
    times = [when for each in rollout.gone(node).values() for when in each]
    assert times and min(times) >= rollout.started[task["Id"]] + WAIT


def test_then_what_is_due_goes_and_nothing_else(deployed: Rollout) -> None:
    for node in deployed.fleet.nodes:
        until(lambda: "batch" not in deployed.present(node), WAIT + 20, f"batch is gone from {node.hostname}")
        task = deployed.await_task(node)
        assert_waited(deployed, node, task)
        assert set(deployed.gone(node)) == {"batch"}
        assert deployed.present(node) == {"failing", "kept", "plain", "web", SERVICE}
        assert "Removed" in deployed.await_said(task, f" batch.{node.id}.")


def test_change(deployed: Rollout) -> None:
    """Another configuration, and two more files of the page; a node joins meanwhile."""
    before = {node.hostname: deployed.await_task(node) for node in deployed.fleet.nodes}
    layers, metrics = doc.fenced("What it does not see in there", "yaml")
    (deployed.folder / "reaperd-layers.yml").write_text(layers)
    (deployed.folder / "reaperd-metrics.yml").write_text(metrics)
    assert COLLECTOR in metrics

    def has_collector(node: Node) -> None:
        node.run_here("mkdir", "-p", COLLECTOR)

    def prepare(node: Node) -> None:
        has_collector(node)
        deployed.load(node)

    for node in deployed.fleet.nodes:
        has_collector(node)
    deployed.configure(CHANGED)
    check, _deploy, look = doc.commands("Changing it")[0].splitlines()
    assert "configuration OK" in deployed.sh(check)
    deployed.sh(doc.commands("What it does not see in there")[0])
    new = deployed.fleet.add_worker(prepare)

    for node in deployed.fleet.nodes:
        other = before.get(node.hostname, {}).get("Id", "")
        task = deployed.await_task(node, other_than=other, timeout=60)
        deployed.await_said(task, "What stopped containers hold under /var/lib/docker is measured")
        if node is new:
            deployed.await_said(task, FIRST_START)
    until(lambda: deployed.update_status() == "completed", 60, "the update is completed")
    assert json.loads(deployed.sh(look).splitlines()[-1])["State"] == "completed"

    for node in deployed.fleet.nodes:
        task = deployed.await_task(node)
        until(lambda: "failing" not in deployed.present(node), WAIT + 20, f"failing is gone from {node.hostname}")
        assert (FIRST_START in deployed.said(task)) == (node is new)
        told = node.run_here("cat", f"{COLLECTOR}/reaperd.prom").stdout
        assert "reaperd_build_info{" in told
    assert_waited(deployed, new, deployed.await_task(new))


def test_old_tasks_go_like_any(deployed: Rollout) -> None:
    for node in deployed.fleet.nodes:
        left = {"kept", "web", SERVICE} | ({"plain"} if node is not deployed.fleet.workers[-1] else set())
        until(lambda: deployed.present(node) == left and SERVICE not in deployed.ended(node), 40,
              f"{node.hostname} has nothing old")
        # Not a new node's: there were none.
        assert (SERVICE in deployed.gone(node)) == ("plain" in left)


def test_what_is_killed_comes_back(deployed: Rollout) -> None:
    """The task on one node, and the engine on another: there the socket that the task had is that of an engine which
    is gone, and the one that comes makes a new task."""
    task_only, engine = deployed.fleet.workers[:2]
    before = {node.hostname: deployed.await_task(node) for node in (task_only, engine)}
    os.kill(before[task_only.hostname]["State"]["Pid"], signal.SIGKILL)
    engine.restart(hard=True)
    for node in (task_only, engine):
        after = deployed.await_task(node, other_than=before[node.hostname]["Id"], timeout=60)
        deployed.await_said(after, "Connected to engine")
        assert FIRST_START not in deployed.said(after)


def test_a_mistake_is_rolled_back(deployed: Rollout) -> None:
    before = {node.hostname: deployed.await_task(node)["Config"]["Labels"] for node in deployed.fleet.nodes}
    deployed.configure("[Retention]\nSucces=1h\n")
    check, *_ = doc.commands("Changing it")[0].splitlines()
    with pytest.raises(Refused, match="Succes: unknown key"):
        deployed.sh(check)
    deployed.deploy()
    # First: what runs on the others removes the container of the task that has failed, and its log with it.
    until(lambda: "[Retention] Succes: unknown key" in deployed.log(), 60, "the log says what is wrong", poll=0.5)
    until(lambda: deployed.update_status() == "rollback_completed", 60, "the update is rolled back")
    changed = [node.hostname for node in deployed.fleet.nodes
               if deployed.await_task(node)["Config"]["Labels"] != before[node.hostname]]
    assert len(changed) == 1, "the mistake went no further than one node"


def test_a_node_without(deployed: Rollout) -> None:
    (off,) = (block for block in doc.commands("Rolling it out") if "label-add" in block)
    node = deployed.fleet.workers[1]
    assert off.strip().endswith(node.hostname)
    deployed.sh(off)
    until(lambda: deployed.task(node) is None, 20, f"no task on {node.hostname}")
    assert "`--label-rm reaperd`" in doc.section("Rolling it out")
    deployed.sh(off.replace("--label-add reaperd=off", "--label-rm reaperd"))
    deployed.await_said(task := deployed.await_task(node), "Connected to engine")
    assert FIRST_START not in deployed.said(task)


def test_other_nodes_other_settings(deployed: Rollout) -> None:
    """Two stacks: each node has a task of one of them, and does not wait anew for being the other's now."""
    (theirs,) = doc.commands("Other nodes, other settings")
    node = deployed.fleet.workers[0]
    deployed.configure(CHANGED)
    ours = deployed.folder / "deploy.sh"
    shutil.copytree(deployed.folder, ci := deployed.folder / "ci", ignore=shutil.ignore_patterns("bin", "sockets"))
    with open(ci / "reaperd-fleet.conf", "a", encoding="utf-8") as more:
        more.write("[Retention]\nShutdown=2h\n")
    before = ours.read_text()
    assert "`reaperd-ci`" in doc.section("Other nodes, other settings")
    (ci / ours.name).write_text(re.sub(" reaperd$", " reaperd-ci", for_nodes(before, theirs), flags=re.M))
    ours.write_text(for_nodes(before, theirs.replace("==", "!=")))

    deployed.sh(f"docker node update --label-add role=ci {node.hostname}\nsh {ours.name}")
    until(lambda: deployed.task(node) is None, 20, f"no task on {node.hostname}")
    deployed.sh(f"cd ci\nsh {ours.name}")

    def connected() -> str:
        log = deployed.sh("docker service logs reaperd-ci_reaperd")
        return log if "Connected to engine" in log else ""

    log = until(connected, 30, "a task of the other stack", poll=0.5)
    assert FIRST_START not in log and log.count("Connected to engine") == 1 and f"@{node.hostname} " in log
    for each in deployed.fleet.nodes:
        assert ("reaperd-ci_reaperd" in deployed.present(each)) == (deployed.task(each) is None) == (each is node)
    deployed.sh("docker stack rm reaperd-ci")


def for_nodes(script: str, line: str) -> str:
    """A deploy.sh with another line of which nodes it is for."""
    changed, count = re.subn("^REAPERD_NODES=.*\n", line, script, flags=re.M)
    assert count == 1
    return changed


def test_taking_it_away(deployed: Rollout) -> None:
    remove, clean = doc.commands("Taking it away")
    deployed.sh(remove)
    for node in deployed.fleet.nodes:
        until(lambda: SERVICE not in deployed.present(node), 30, f"no task on {node.hostname}")
        volumes = [volume["Name"] for volume in node.client.get("/volumes")["Volumes"]]
        assert volumes == ["reaperd-state"]
    assert not deployed.fleet.manager.client.get("/configs")
    deployed.sh(clean)
    for node in deployed.fleet.nodes:
        assert not node.client.get("/volumes")["Volumes"]
        assert not [image for image in node.client.get("/images/json") if "reaperd" in str(image["RepoTags"])]
        assert {"kept", "web"} <= deployed.present(node)
