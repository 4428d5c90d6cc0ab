# SPDX-License-Identifier: Apache-2.0
"""What the stand-in engine knows: containers and events, and how each API writes them down.

Kept apart from the HTTP server so that a test can state a container's facts (also facts that contradict
each other, as a list from a stale replica and an inspect do) without a word about the protocol.
"""

from __future__ import annotations

import itertools
import json
import re
import struct
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Iterable

SECOND = 1_000_000_000
TASK_LABEL = "com.docker.swarm.task"
NODE_ID = "n0d3aaaaaaaaaaaaaaaaaaaaa"
NEVER = "0001-01-01T00:00:00Z"
LIVE_STATES = ("running", "paused", "restarting")

_serial = itertools.count(1)


def new_id() -> str:
    """A full container id; the counter comes first, so that the 12-digit form is unique too."""
    return f"{next(_serial):012x}" + "5c" * 26


def rfc3339(nsec: int | None) -> str:
    """As Go writes it: nanoseconds without trailing zeros; None is the zero time."""
    if nsec is None:
        return NEVER
    seconds, rest = divmod(nsec, SECOND)
    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:09d}".rstrip("0") if rest else "") + "Z"


@dataclass(eq=False)
class Container:
    """One container; `is_task` is the engine's own flag, which no answer shows."""

    name: str
    labels: dict[str, str]
    is_task: bool = True
    state: str = "exited"
    id: str = field(default_factory=new_id)
    image: str = "registry.example/web:1@sha256:" + "ab" * 32
    created: int = 0                      # ns, realtime
    finished: int | None = None
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    listed_as: str | None = None          # what the list says, where its replica is stale
    removals: list[str] = field(default_factory=list)  # outcomes of DELETE, see Standin
    auto_remove: bool = False             # HostConfig.AutoRemove: docker run --rm
    restart_policy: str = ""              # HostConfig.RestartPolicy.Name: "" of tasks, "no" of others
    tty: bool = False
    log: list[tuple[int, bytes]] = field(default_factory=list)  # what it wrote: (1 stdout, 2 stderr; a line)
    root: str = "/var/lib/docker"         # of the engine: below it are its layer and its log

    @property
    def short(self) -> str:
        return self.id[:12]

    @property
    def upper_dir(self) -> str:
        return f"{self.root}/overlay2/{self.id}/diff"

    @property
    def log_path(self) -> str:
        return f"{self.root}/containers/{self.id}/{self.id}-json.log"

    def summary(self) -> dict[str, Any]:
        """The element of GET /containers/json."""
        state = self.listed_as or self.state
        status = f"Exited ({self.exit_code}) 2 hours ago" if state == "exited" else state.capitalize()
        return {
            "Id": self.id, "Names": ["/" + self.name], "Image": self.image, "ImageID": "sha256:" + "cd" * 32,
            "Command": "/bin/sh -c true", "Created": self.created // SECOND, "Ports": [],
            "Labels": self.labels, "State": state, "Status": status,
            "HostConfig": {"NetworkMode": "default"}, "NetworkSettings": {"Networks": {}}, "Mounts": [],
        }

    def detail(self) -> dict[str, Any]:
        """The answer of GET /containers/{id}/json."""
        return {
            "Id": self.id, "Created": rfc3339(self.created), "Path": "/bin/sh", "Args": ["-c", "true"],
            "State": {
                "Status": self.state, "Running": self.state in LIVE_STATES, "Paused": self.state == "paused",
                "Restarting": self.state == "restarting", "OOMKilled": self.oom_killed,
                "Dead": self.state == "dead", "Pid": 4711 if self.state in LIVE_STATES else 0,
                "ExitCode": self.exit_code, "Error": self.error,
                "StartedAt": rfc3339(self.created + SECOND if self.state != "created" else None),
                "FinishedAt": rfc3339(self.finished),
            },
            "Image": "sha256:" + "cd" * 32, "Name": "/" + self.name, "RestartCount": 0, "Driver": "overlay2",
            "LogPath": self.log_path,
            "HostConfig": {"AutoRemove": self.auto_remove,
                           "RestartPolicy": {"Name": self.restart_policy, "MaximumRetryCount": 0}},
            "GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": self.upper_dir}},
            "Mounts": [], "Config": {"Image": self.image, "Labels": self.labels, "Tty": self.tty},
        }

    def log_body(self, lines: int) -> bytes:
        """The answer of GET /containers/{id}/logs with `tail`: framed by stream, with a terminal as it is."""
        tail = self.log[-lines:] if lines else []
        return b"".join(data if self.tty else log_frame(stream, data) for stream, data in tail)

    @property
    def may_be_removed(self) -> bool:
        """Does nobody else care for it? Swarm's own are never started again, whatever their policy says."""
        return self.is_task or (not self.auto_remove and self.restart_policy in ("", "no"))


def log_frame(stream: int, data: bytes) -> bytes:
    """One frame of a log without a terminal: the stream, three zero bytes, the length, the bytes."""
    return struct.pack(">BxxxL", stream, len(data)) + data


def task_labels(service: str = "web", slot: int = 1, node: str = NODE_ID) -> dict[str, str]:
    """The labels that Swarm gives; anybody can write the same into a plain container."""
    task = f"t{next(_serial):024d}"
    return {TASK_LABEL: "", TASK_LABEL + ".id": task, TASK_LABEL + ".name": f"{service}.{slot}.{task}",
            "com.docker.swarm.node.id": node, "com.docker.swarm.service.id": f"s{service:x<24}",
            "com.docker.swarm.service.name": service}


def make_container(*, service: str = "web", slot: int = 1, node: str = NODE_ID, ended: float | None = 7200.0,
                   age: float | None = None, name: str | None = None, labels: dict[str, str] | None = None,
                   asks: dict[str, str] | None = None, **facts: Any) -> Container:
    """A task's container, created `age` seconds ago, that ended `ended` seconds ago (or, negative, will).

    `labels` replaces those that Swarm gives, `asks` adds to them.
    """
    now = time.time_ns()
    given = (task_labels(service, slot, node) if labels is None else labels) | (asks or {})
    state = facts.get("state", "exited")
    if state in ("running", "paused", "created"):
        ended = None
    if age is None:
        age = 7300.0 if ended is None else max(ended, 0.0) + 60.0
    # An odd number of nanoseconds: a double cannot hold it.
    return Container(name=given.get(TASK_LABEL + ".name", "plain") if name is None else name, labels=given,
                     created=now - int(age * SECOND) | 1,
                     finished=None if ended is None else now - int(ended * SECOND) | 1, **facts)


def make_plain(*, name: str | None = None, project: str = "", ended: float | None = 7200.0,
               labels: dict[str, str] | None = None, **facts: Any) -> Container:
    """A container that is no task: `docker run`, or with a project, `docker compose up` of its service "app"."""
    given = dict(labels or {})
    if project:
        given |= {"com.docker.compose.project": project, "com.docker.compose.service": "app"}
    return make_container(name=name or f"plain-{next(_serial)}", labels=given, ended=ended, is_task=False,
                          **{"image": "registry.example/tool:1", "restart_policy": "no"} | facts)


@dataclass(frozen=True)
class Event:
    """One message of GET /events."""

    action: str
    actor: str
    attributes: dict[str, str]
    time: int                             # ns, realtime
    kind: str = "container"
    scope: str = "local"                  # or "swarm"

    def render(self, legacy: bool) -> bytes:
        """As the engine writes it; `legacy`: with the top-level fields that API 1.52 dropped."""
        message: dict[str, Any] = {}
        if legacy and self.kind == "container":
            message |= {"status": self.action, "id": self.actor, "from": self.attributes.get("image", "")}
        message |= {"Type": self.kind, "Action": self.action,
                    "Actor": {"ID": self.actor, "Attributes": self.attributes},
                    "scope": self.scope, "time": self.time // SECOND, "timeNano": self.time}
        return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def container_event(action: str, c: Container, at: int | None = None, **attributes: str) -> Event:
    """An event of this container; its labels are copied over the attributes last, as engines do."""
    return Event(action, c.id, {"image": c.image, "name": c.name} | attributes | c.labels,
                 time.time_ns() | 1 if at is None else at)


class BadFilter(ValueError):
    """The engine refuses these filters."""


def parse_filters(text: str | None) -> dict[str, list[str]]:
    """Both spellings that engines take: a list of values, or an object of value -> true."""
    if not text:
        return {}
    try:
        given = json.loads(text)
        return {key: [str(v) for v in values] for key, values in given.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise BadFilter(f"invalid filter: {error}") from error


def _labels_match(labels: dict[str, str], wanted: Iterable[str]) -> bool:
    for entry in wanted:
        key, equals, value = entry.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


_LIST_FILTERS = {"ancestor", "before", "exited", "expose", "health", "id", "isolation", "is-task", "label",
                 "name", "network", "publish", "since", "status", "volume"}


def listed(c: Container, filters: dict[str, list[str]], everything: bool) -> bool:
    """Does GET /containers/json show it? Filters that the tests do not need are refused, not ignored."""
    unknown = set(filters) - {"id", "is-task", "label", "status"}
    if unknown:
        known = "not modelled" if unknown <= _LIST_FILTERS else "Invalid filter"
        raise BadFilter(f"{known}: {sorted(unknown)}")
    state = c.listed_as or c.state
    if not everything and "status" not in filters and state not in LIVE_STATES:
        return False
    if "status" in filters and state not in filters["status"]:
        return False
    if "is-task" in filters and str(c.is_task).lower() not in filters["is-task"]:
        return False
    if "id" in filters and not any(c.id.startswith(prefix) for prefix in filters["id"] if prefix):
        return False
    return _labels_match(c.labels, filters.get("label", ()))


def event_wanted(e: Event, filters: dict[str, list[str]]) -> bool:
    """Does GET /events send it? Unknown filter keys are not refused: they are without effect."""
    return ((not filters.get("type") or e.kind in filters["type"])
            and (not filters.get("event") or e.action in filters["event"])
            and (not filters.get("container")
                 or any(e.actor.startswith(value) or e.attributes.get("name") == value
                        for value in filters["container"]))
            and _labels_match(e.attributes, filters.get("label", ())))


def parse_event_time(text: str | None) -> int | None:
    """Only `seconds` or `seconds.nnnnnnnnn`; ValueError for anything else, RFC 3339 included."""
    if not text:
        return None
    match = re.fullmatch(r"(\d+)(?:\.(\d{9}))?", text)
    if not match:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(match[1]) * SECOND + int(match[2] or 0)
