# SPDX-License-Identifier: Apache-2.0
"""What the stand-in engine knows of its Swarm: the node's part in it, its settings and its services."""

from __future__ import annotations

import itertools
from typing import Any

from engine_model import NODE_ID, SECOND

_serial = itertools.count(1)


class SwarmModel:
    """A test may set the attributes at any time."""

    def __init__(self) -> None:
        self.node_id, self.swarm_state = NODE_ID, "active"
        self.manager = True                         # if the node is in a Swarm
        self.history_limit: Any = 5
        self.services: list[dict[str, Any]] = []    # see make_service()

    def swarm_info(self) -> dict[str, Any]:
        """The Swarm of GET /info."""
        return {"NodeID": self.node_id, "NodeAddr": "", "LocalNodeState": self.swarm_state,
                "ControlAvailable": self._manages(), "Error": "", "RemoteManagers": None}

    def swarm_answer(self) -> tuple[int, Any]:
        """To GET /swarm."""
        if not self._manages():
            return 503, {"message": "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm "
                                    "join\" to connect this node to swarm and try again."}
        return 200, {"ID": "sw4rm", "Version": {"Index": 10}, "Spec": {
            "Name": "default", "Orchestration": {"TaskHistoryRetentionLimit": self.history_limit}}}

    def services_answer(self, status: bool) -> tuple[int, Any]:
        """To GET /services; status: with `status=1`."""
        if not self._manages():
            return self.swarm_answer()
        return 200, [{key: value for key, value in service.items() if status or key != "ServiceStatus"}
                     for service in self.services]

    def _manages(self) -> bool:
        return self.swarm_state == "active" and self.manager


def make_service(name: str = "web", *, mode: str = "Replicated", total: int = 1,
                 status: tuple[int, int, int] | None = None, driver: str | None = None, delay: float | None = None,
                 labels: dict[str, str] | None = None, **policy: Any) -> dict[str, Any]:
    """An element of GET /services.

    mode: as the API calls it; total: replicas, or completions of a job; status: tasks that run, that are wanted,
    and of a job those that are complete; driver: its log driver; delay: between restarts, in seconds; labels: of
    its containers; policy: more of its restart policy.
    """
    modes = {"Replicated": {"Replicas": total}, "ReplicatedJob": {"MaxConcurrent": total, "TotalCompletions": total}}
    template: dict[str, Any] = {"ContainerSpec": {"Image": "registry.example/web:1", "Labels": labels or {}},
                                "ForceUpdate": 0, "Runtime": "container"}
    if driver is not None:
        template["LogDriver"] = {"Name": driver}
    if delay is not None or policy:
        template["RestartPolicy"] = {"Condition": "any", "Delay": int((delay or 5) * SECOND), "MaxAttempts": 0} | policy
    running, desired, completed = status or (total, total, 0)
    return {"ID": f"s{next(_serial):024d}", "Version": {"Index": 11},
            "Spec": {"Name": name, "Labels": {}, "TaskTemplate": template, "Mode": {mode: modes.get(mode, {})}},
            "ServiceStatus": {"RunningTasks": running, "DesiredTasks": desired, "CompletedTasks": completed}}
