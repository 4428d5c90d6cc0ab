# SPDX-License-Identifier: Apache-2.0
"""Services and plain containers, made through the engine's API."""

from __future__ import annotations

import copy
from typing import Any, Callable, Mapping, Sequence

from .client import ApiError, Client
from .wait import until

IMAGE = "busy:latest"
SECOND = 1_000_000_000
TERMINAL = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")
UPDATES = 5                 # of one object, to whose version Swarm itself adds whenever it notes something there


def service_spec(name: str, command: Sequence[str], *, mode: str = "replicated", replicas: int = 1,
                 concurrent: int | None = None, restart: str = "none", delay: float = 0.0,
                 memory: int | None = None, grace: float = 1.0, order: str = "stop-first",
                 env: Sequence[str] = (), labels: Mapping[str, str] | None = None,
                 mounts: Sequence[Mapping[str, Any]] = (), stack: str | None = None,
                 image: str = IMAGE) -> dict[str, Any]:
    """The specification of a service.

    mode: replicated, global or replicated-job (replicas: completions wanted,
    concurrent: how many at a time); restart: none, on-failure or any, with
    delay in seconds; memory: limit in bytes; grace: seconds from SIGTERM to
    SIGKILL; order: of updates, stop-first or start-first; labels: those of
    the containers; stack: the name of the stack that it says it belongs to.
    """
    modes: dict[str, dict[str, Any]] = {
        "replicated": {"Replicated": {"Replicas": replicas}},
        "global": {"Global": {}},
        "replicated-job": {"ReplicatedJob": {"TotalCompletions": replicas,
                                             "MaxConcurrent": concurrent or replicas}},
    }
    in_stack = {"com.docker.stack.namespace": stack} if stack else {}
    task: dict[str, Any] = {
        "ContainerSpec": {"Image": image, "Command": list(command), "Env": list(env),
                          "Labels": {**(labels or {}), **in_stack}, "StopGracePeriod": int(grace * SECOND),
                          "Mounts": [dict(mount) for mount in mounts]},
        "RestartPolicy": {"Condition": restart, "Delay": int(delay * SECOND)},
        "Networks": [],
    }
    if memory is not None:
        task["Resources"] = {"Limits": {"MemoryBytes": memory}}
    spec = {"Name": name, "TaskTemplate": task, "Mode": modes[mode]}
    if mode in ("replicated", "global"):
        spec["UpdateConfig"] = {"Parallelism": 0, "Order": order, "FailureAction": "continue",
                                "Monitor": SECOND}
    return spec


def update_object(client: Client, path: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the specification of a service or node ("/services/ID", "/nodes/ID") in place.

    An update names the version that it was made from.  Swarm makes versions of its own, as a node comes up or an
    update ends, and refuses what was made from an older one, of which nothing is then written: `change` is told
    the newer specification, and must not rely on being called once.
    """
    for left in reversed(range(UPDATES)):
        seen = client.get(path)
        spec = copy.deepcopy(seen["Spec"])
        change(spec)
        if spec == seen["Spec"]:
            return
        try:
            client.call("POST", f"{path}/update", {"version": seen["Version"]["Index"]}, body=spec)
            return
        except ApiError as error:
            # Its status is 500, as of anything else.
            if left == 0 or "out of sequence" not in str(error):
                raise


class Swarm:
    """The services of one Swarm."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, name: str, command: Sequence[str], **options: Any) -> str:
        """Create a service (options as of service_spec); returns its id."""
        spec = service_spec(name, command, **options)
        return self._client.call("POST", "/services/create", body=spec)["ID"]

    def update(self, service: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the specification of a service in place, as update_object does."""
        update_object(self._client, f"/services/{service}", change)

    def force_update(self, service: str) -> None:
        """Replace the tasks of a service, as `service update --force` does."""
        def change(spec: dict[str, Any]) -> None:
            spec["TaskTemplate"]["ForceUpdate"] = spec["TaskTemplate"].get("ForceUpdate", 0) + 1

        self.update(service, change)

    def scale(self, service: str, replicas: int) -> None:
        def change(spec: dict[str, Any]) -> None:
            spec["Mode"]["Replicated"]["Replicas"] = replicas

        self.update(service, change)

    def remove(self, service: str) -> None:
        self._client.call("DELETE", f"/services/{service}")

    def tasks(self, service: str | None = None) -> list[dict[str, Any]]:
        filters = {"service": [service]} if service else {}
        return self._client.get("/tasks", filters=filters)

    def await_tasks(self, service: str, states: str | Sequence[str], count: int = 1,
                    timeout: float = 30.0) -> list[dict[str, Any]]:
        """Wait until at least `count` tasks of a service are in one of the states."""
        wanted = (states,) if isinstance(states, str) else tuple(states)

        def found() -> list[dict[str, Any]]:
            tasks = [t for t in self.tasks(service) if t["Status"]["State"] in wanted]
            return tasks if len(tasks) >= count else []

        try:
            return until(found, timeout, f"{count} tasks {'/'.join(wanted)}", poll=0.2)
        except TimeoutError as error:
            seen = [(t["Status"]["State"], t["Status"].get("Err", "")) for t in self.tasks(service)]
            raise TimeoutError(f"{error}; seen: {seen}") from None


def run_container(client: Client, name: str, command: Sequence[str],
                  labels: Mapping[str, str] | None = None, start: bool = True, *,
                  restart: str | None = None, auto_remove: bool = False, image: str = IMAGE,
                  volume: str | None = None, tty: bool = False) -> str:
    """A plain container, no task of any service; returns its id.

    restart: the name of its restart policy; auto_remove: as `docker run --rm`;
    volume: where to mount an anonymous volume; tty: with a terminal.
    """
    host: dict[str, Any] = {"NetworkMode": "none", "AutoRemove": auto_remove}
    if restart is not None:
        host["RestartPolicy"] = {"Name": restart}
    body = {"Image": image, "Cmd": list(command), "Labels": dict(labels or {}), "HostConfig": host,
            "Volumes": {volume: {}} if volume else {}, "Tty": tty}
    ident: str = client.call("POST", "/containers/create", {"name": name}, body=body)["Id"]
    if start:
        client.call("POST", f"/containers/{ident}/start")
    return ident
