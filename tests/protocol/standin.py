# SPDX-License-Identifier: Apache-2.0
"""A scripted Docker Engine for what a real engine cannot be made to do on demand.

Answers as engines do as long as no test says otherwise, records every request, and breaks in the way that a
test scripts: wrong, cut, late, silent or refused answers, and removals that end in each way that they can.
What no client may ever do (force, two requests for one container at once, removing what is no task unless a
test lets it, following a log) is noted in `violations`, so that every test checks it.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator

from engine_model import (LIVE_STATES, SECOND, BadFilter, Container, Event, container_event,
                          event_wanted, listed, make_container, make_plain, parse_event_time, parse_filters,
                          rfc3339)
from http_server import Address, Exchange, Gone, HttpServer
from swarm_model import SwarmModel

RING_SIZE = 256
_PATH = re.compile(r"(?:/v(\d+\.\d+))?(/.*)")
_CONTAINER = re.compile(r"/containers/([^/]+)(/json|/logs)?")
Api = tuple[int, int]


def api_version(text: str) -> Api:
    major, minor = text.split(".")
    return int(major), int(minor)


@dataclass(eq=False)
class Request:
    """What was asked, and how much was under way when it came."""

    # version ping info swarm services list others members inspect logs remove ring events unknown
    route: str
    method: str
    path: str                     # without the version
    query: dict[str, str]
    api: str | None
    ident: str | None             # the container's id
    exchange: Exchange
    at: float = field(default_factory=time.monotonic)
    same: int = 1                 # requests under way for this container, this one included
    busy: int = 1                 # requests under way for any one container
    headed: float | None = None   # when the head of the answer was sent
    status: int | None = None

    @property
    def filters(self) -> dict[str, list[str]]:
        return parse_filters(self.query.get("filters"))


@dataclass(eq=False)
class Fault:
    """How requests of a route go wrong. What is left at its default is as usual."""

    route: str
    ident: str | None = None
    times: int | None = 1                             # None: until lifted
    status: int | None = None                         # with `message`
    message: str = "scripted failure"
    hang: bool = False                                # accept and never answer
    raw: bytes | None = None                          # these bytes instead of HTTP, then the end
    cut: int | None = None                            # the head and so many bytes of the body, then the end
    edit: Callable[[bytes], bytes] | None = None      # another body
    body: Callable[[], Iterable[bytes]] | None = None  # another one, each piece sent as a chunk when it comes
    hold: threading.Event | None = None               # answer when this is set
    before: Callable[[], Any] | None = None           # done before the request is looked at
    after: Callable[[], Any] | None = None            # done when the answer is made and not yet sent
    lifted: bool = False                              # see lift()


class Standin(SwarmModel):
    """The engine. A test may set the attributes at any time; they hold for the next request.

    `removals` of a container lists the outcomes of DELETE, one after the other, then "204":
    "204" removed; "404" somebody else removed it; "running" 409, it was restarted; "removing" 409, somebody
    else removes it (vanish() ends that); "500" stays behind as dead; "hang" removed, but neither an answer
    nor an event tells; "stuck" no answer and not removed.
    """

    def __init__(self, *addresses: Address, api: str = "1.41", min_api: str = "1.12") -> None:
        super().__init__()
        self.api, self.min_api = api, min_api
        self.info_extra: dict[str, Any] = {}
        self.legacy_events: bool | None = None     # None: as the API version says
        self.json_seq = False
        self.event_type: str | None = None         # Content-Type of events; None: as the API version says
        self.split: Callable[[bytes], list[bytes]] = lambda data: [data]  # an event to chunks
        self.join = False                          # events that are there together go out as one
        self.bulk = b""                            # more elements of the list of tasks, already rendered
        self.others_may_go = False                 # those that are no tasks and that nobody else cares for

        self.containers: dict[str, Container] = {}
        self.requests: list[Request] = []
        self.removed: list[str] = []               # ids, in order
        self.violations: list[str] = []
        self.changed = threading.Condition(threading.RLock())
        self._events: list[Event] = []
        self._ring_from = 0
        self._faults: list[Fault] = []
        self._under_way: set[Request] = set()
        self._closed = False
        self.server = HttpServer(self._serve)
        self.addresses = [self.server.listen(address) for address in addresses]

    # What tests do to it.

    def add(self, **facts: Any) -> Container:
        """A container is there; no event tells. See make_container()."""
        c = make_container(**facts)
        with self.changed:
            self.containers[c.id] = c
        return c

    def add_plain(self, **facts: Any) -> Container:
        """The same of one that is no task. See make_plain()."""
        c = make_plain(**facts)
        with self.changed:
            self.containers[c.id] = c
        return c

    def tell_end(self, *containers: Container) -> None:
        """Events of containers that have ended, all at once, which only they tell of until the next list."""
        self.emit_event(*(container_event("die", c, c.finished, exitCode=str(c.exit_code)) for c in containers))

    def emit(self, action: str, c: Container, at: int | None = None, **attributes: str) -> None:
        self.emit_event(container_event(action, c, at, **attributes))

    def emit_event(self, *events: Event) -> None:
        with self.changed:
            self._events += events
            self.changed.notify_all()

    def vanish(self, c: Container, *, tell: bool = True) -> None:
        """The container is gone; `tell`: with an event."""
        with self.changed:
            if self.containers.pop(c.id, None) and tell:
                self.emit("destroy", c)
            self.changed.notify_all()

    def end(self, c: Container, code: int = 0, *, ago: float = 0.0) -> None:
        """A container that runs ends, and an event tells. Nobody who has seen it run believes in `ago`."""
        with self.changed:
            c.state, c.exit_code, c.finished = "exited", code, time.time_ns() - int(ago * SECOND) | 1
            self.emit("die", c, c.finished, exitCode=str(code))

    def restart_container(self, c: Container, *, tell: bool = True) -> None:
        with self.changed:
            c.state, c.listed_as = "running", None
            if tell:
                self.emit("start", c)

    def fault(self, route: str, c: Container | None = None, **how: Any) -> Fault:
        """Script a fault; of several that fit, the oldest comes first."""
        fault = Fault(route, c.id if c else None, **how)
        with self.changed:
            self._faults.append(fault)
        return fault

    def lift(self, fault: Fault) -> None:
        """End a fault, for requests that hang in it too: those are cut."""
        with self.changed:
            fault.lifted = True
            self._faults = [f for f in self._faults if f is not fault]
            self.changed.notify_all()

    def cut_streams(self) -> None:
        """End every event stream; everything else goes on."""
        with self.changed:
            for request in self._under_way:
                if request.route == "events":
                    request.exchange.hang_up()
            self.changed.notify_all()

    def stop(self) -> None:
        """The engine ends: connections are cut and refused, and its events are forgotten."""
        self.server.refuse()
        self.server.disconnect()
        with self.changed:
            self._ring_from = len(self._events)

    def start(self) -> None:
        for address in self.addresses:
            self.server.listen(address)

    def close(self) -> None:
        with self.changed:
            self._closed = True
            self.changed.notify_all()
        self.server.close()

    def wait(self, condition: Callable[[], Any], what: str, timeout: float = 20.0) -> None:
        """Wait until it holds; it is called with the lock held, after each change."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                seen = "\n".join(f"  {r.method} {r.path} {r.query} {r.status}" for r in self.requests[-30:])
                raise AssertionError(f"not within {timeout:g} s: {what}; the last requests were:\n{seen}")

    def wait_removed(self, *containers: Container, timeout: float = 20.0) -> None:
        self.wait(lambda: not any(c.id in self.containers for c in containers),
                  f"removal of {[c.name for c in containers]}", timeout)

    def asked(self, route: str, c: Container | None = None) -> list[Request]:
        """The requests of a route so far."""
        with self.changed:
            return [r for r in self.requests if r.route == route and (c is None or r.ident == c.id)]

    def wait_asked(self, route: str, count: int = 1, c: Container | None = None,
                   timeout: float = 20.0) -> None:
        self.wait(lambda: len(self.asked(route, c)) >= count, f"{count} x {route}", timeout)

    def wait_answered(self, route: str, count: int = 1, timeout: float = 20.0) -> None:
        """As wait_asked(), and the answers are made: what happens from now on is not in them."""
        self.wait(lambda: sum(r.headed is not None for r in self.asked(route)) >= count,
                  f"{count} answers to {route}", timeout)

    def witness(self) -> None:
        """Two containers, one after the other, turn out to be due (after an hour) and are removed.

        Whatever was due before them has been looked at then, if no more than one at a time is: so a test
        can say that a container was kept without waiting for nothing. Their labels have them go whatever else
        the test has configured.
        """
        self.wait_answered("list", timeout=60)
        for _ in range(2):
            c = self.add(service="witness", ended=3605.0,
                         asks={"org.reaperd.ttl": "1h", "org.reaperd.keep-last": "0"})
            self.emit("die", c, c.finished, exitCode="0")
            self.wait_removed(c)

    def resync(self) -> None:
        """Lose the stream, so that the client connects and lists anew, and wait until it has."""
        before = len(self.asked("list"))
        self.cut_streams()
        self.wait(lambda: any(r.headed for r in self.asked("list")[before:]), "another list", 60)

    def tally(self, since: int = 0) -> Counter[str]:
        """How many requests of each route there were, from the request of this number on."""
        with self.changed:
            return Counter(r.route for r in self.requests[since:])

    def story(self, c: Container) -> list[str]:
        """What was asked about one container, in order."""
        with self.changed:
            return [r.route for r in self.requests if r.ident == c.id]

    def calls(self) -> list[str]:
        """The routes of all requests but the event streams, for budgets."""
        with self.changed:
            return [r.route for r in self.requests if r.route != "events"]

    # How it answers.

    def _serve(self, x: Exchange) -> None:
        request = self._record(x)
        try:
            with self._fault_of(request) as fault:
                if fault.before:
                    fault.before()
                if fault.hold:
                    self._hang(x, fault.hold.is_set)
                if fault.hang:
                    self._hang(x, lambda: fault.lifted)
                    x.hang_up()
                elif fault.raw is not None:
                    x.send(fault.raw)
                    x.hang_up()
                elif fault.status is not None:
                    self._answer(request, fault.status, {"message": fault.message}, fault)
                else:
                    self._route(request, fault)
        finally:
            self._end(request)

    def _record(self, x: Exchange) -> Request:
        match = _PATH.fullmatch(x.path)
        api, path = match.groups() if match else (None, x.path)
        ident = None
        route = {"/version": "version", "/_ping": "ping", "/info": "info", "/containers/json": "list",
                 "/swarm": "swarm", "/services": "services",
                 "/events": "ring" if "until" in x.query else "events"}.get(path, "unknown")
        if route == "unknown" and (found := _CONTAINER.fullmatch(path)):
            ident = found[1]
            route = {("GET", "/json"): "inspect",
                     ("GET", "/logs"): "logs",
                     ("DELETE", None): "remove"}.get((x.method, found[2]), "unknown")
        filters = x.query.get("filters", "")
        if route == "list" and '"id"' in filters:
            route = "members"  # of a few containers: are they tasks?
        elif route == "list" and re.search(r'"is-task"\W+false', filters):
            route = "others"
        request = Request(route, x.method, path, x.query, api, ident, x)
        with self.changed:
            # A client that gave up and asks again closed the old connection before; the thread that
            # serves it may not have noticed yet.
            self._under_way -= {r for r in self._under_way if r.ident and r.exchange.gone()}
            self._under_way.add(request)
            if ident:
                request.same = sum(r.ident == ident for r in self._under_way)
                request.busy = sum(r.ident is not None for r in self._under_way)
            self.requests.append(request)
            self._judge(request)
            self.changed.notify_all()
        return request

    def _judge(self, request: Request) -> None:
        """Note what no client may do."""
        what = f"{request.method} {request.path} {request.query}"
        if request.same > 1:
            self.violations.append(f"{request.same} requests at once: {what}")
        if "force" in request.query or "link" in request.query:
            self.violations.append(f"force or link: {what}")
        if request.method not in ("GET", "HEAD") and request.route != "remove":
            self.violations.append(f"writes: {what}")
        if request.route == "unknown" or "size" in request.query:
            self.violations.append(f"not to be asked: {what}")
        if request.route == "remove":
            c = self.containers.get(request.ident or "")
            if c and not c.is_task and not self.others_may_go:
                self.violations.append(f"removes what is no task: {what}")
            if c and not c.may_be_removed:
                self.violations.append(f"removes what others care for: {what}")
            if len(request.ident or "") != 64:
                self.violations.append(f"removes by a short id: {what}")
        if request.route == "logs" and (set(request.query) != {"stdout", "stderr", "tail"}
                                        or not request.query["tail"].isdecimal()):
            self.violations.append(f"reads more of a log than its end: {what}")

    @contextmanager
    def _fault_of(self, request: Request) -> Iterator[Fault]:
        with self.changed:
            for fault in self._faults:
                if fault.route in (request.route, "any") and fault.ident in (None, request.ident):
                    if fault.times is not None:
                        fault.times -= 1
                    break
            else:
                fault = Fault(request.route)
            self._faults = [f for f in self._faults if f.times != 0]
        yield fault

    def _hang(self, x: Exchange, over: Callable[[], bool]) -> None:
        """Wait until it is over; Gone if the client leaves first or the test ends."""
        with self.changed:
            while not over():
                if self._closed or x.gone():
                    raise Gone("nobody waits for the answer")
                self.changed.wait(0.05)

    def _end(self, request: Request) -> None:
        with self.changed:
            self._under_way.discard(request)
            self.changed.notify_all()

    def _answer(self, request: Request, status: int, content: Any, fault: Fault) -> None:
        body = content
        if not isinstance(body, bytes):
            body = json.dumps(content, ensure_ascii=False).encode() + b"\n"
        if fault.edit:
            body = fault.edit(body)
        if fault.after:
            fault.after()
        request.status, request.headed = status, time.monotonic()
        # Before the last byte goes out: the client may ask again as soon as it has it.
        if fault.body is None:
            self._end(request)
        if status == 200 and (fault.body is not None or request.route == "logs"):
            self._answer_in_chunks(request, fault.body() if fault.body else [body[:fault.cut]], fault)
        else:
            request.exchange.answer(status, body, cut=fault.cut)

    def _answer_in_chunks(self, request: Request, pieces: Iterable[bytes], fault: Fault) -> None:
        x, c = request.exchange, self.containers.get(request.ident or "")
        content_type = "application/json"
        if request.route == "logs":
            content_type = "application/octet-stream"
            if api_version(request.api or self.api) >= (1, 42):
                content_type = f"application/vnd.docker.{'raw' if c and c.tty else 'multiplexed'}-stream"
        x.start(200, content_type)
        for piece in pieces:
            if x.gone() or self._closed:
                raise Gone("nobody reads on")
            x.chunk(piece)
        if fault.cut is not None:
            x.hang_up()
            raise Gone("cut by the test")
        self._end(request)
        x.end()

    def _route(self, request: Request, fault: Fault) -> None:
        asked = api_version(request.api or self.api)
        common = self.server.common_headers
        common["Api-Version"] = self.api
        if asked > api_version(self.api):
            status, content = 400, {"message": f"client version {request.api} is too new. "
                                               f"Maximum supported API version is {self.api}"}
        elif asked < api_version(self.min_api):
            status, content = 400, {"message": f"client version {request.api} is too old. "
                                               f"Minimum supported API version is {self.min_api}"}
        elif request.route in ("events", "ring"):
            self._stream(request, asked, fault)
            return
        else:
            with self.changed:
                status, content = getattr(self, "_do_" + request.route)(request)
        self._answer(request, status, content, fault)

    def _do_unknown(self, _: Request) -> tuple[int, Any]:
        return 404, {"message": "page not found"}

    def _do_ping(self, _: Request) -> tuple[int, Any]:
        return 200, b"OK"

    def _do_version(self, _: Request) -> tuple[int, Any]:
        return 200, {"Platform": {"Name": "stand-in"}, "Version": "20.10.24", "ApiVersion": self.api,
                     "MinAPIVersion": self.min_api, "Os": "linux", "Arch": "amd64"}

    def _do_info(self, _: Request) -> tuple[int, Any]:
        return 200, {"ID": "STAND:IN", "Name": "node-1", "Containers": len(self.containers),
                     "SystemTime": rfc3339(time.time_ns()), "ServerVersion": "20.10.24", "MemTotal": 1 << 34,
                     "LoggingDriver": "json-file", "Swarm": self.swarm_info()} | self.info_extra

    def _do_swarm(self, _: Request) -> tuple[int, Any]:
        return self.swarm_answer()

    def _do_services(self, request: Request) -> tuple[int, Any]:
        return self.services_answer("status" in request.query)

    def _do_list(self, request: Request) -> tuple[int, Any]:
        try:
            filters = request.filters
            everything = request.query.get("all", "") in ("1", "true", "True")
            shown = [c.summary() for c in self.containers.values() if listed(c, filters, everything)]
        except BadFilter as error:
            return 400, {"message": str(error)}
        parts = [json.dumps(s, ensure_ascii=False, separators=(",", ":")).encode() for s in shown]
        if self.bulk and request.route == "list":
            parts.append(self.bulk)
        return 200, b"[" + b",".join(parts) + b"]\n"

    _do_members = _do_others = _do_list

    def _do_inspect(self, request: Request) -> tuple[int, Any]:
        c = self.containers.get(request.ident or "")
        return (200, c.detail()) if c else (404, {"message": f"No such container: {request.ident}"})

    def _do_logs(self, request: Request) -> tuple[int, Any]:
        c, tail = self.containers.get(request.ident or ""), request.query.get("tail", "all")
        if not c:
            return 404, {"message": f"No such container: {request.ident}"}
        if not {"stdout", "stderr"} & set(request.query):
            return 400, {"message": "Bad parameters: you must choose at least one stream"}
        return 200, c.log_body(int(tail) if tail.isdecimal() else len(c.log))

    def _do_remove(self, request: Request) -> tuple[int, Any]:
        c = self.containers.get(request.ident or "")
        if not c:
            return 404, {"message": f"No such container: {request.ident}"}
        outcome = c.removals.pop(0) if c.removals else "204"
        if outcome == "running":
            self.restart_container(c)
        if outcome == "removing":
            c.state = "removing"
        if c.state == "removing":
            return 409, {"message": f"removal of container {c.id} is already in progress"}
        if c.state in LIVE_STATES:
            return 409, {"message": f"You cannot remove a {c.state} container {c.id}. Stop it first"}
        if outcome == "500":
            c.state = "dead"
            return 500, {"message": f"container {c.id}: driver \"overlay2\" failed to remove root "
                                    "filesystem: unlinkat: device or resource busy"}
        if outcome == "stuck":
            self._hang(request.exchange, lambda: False)
        self.vanish(c, tell=outcome != "hang")
        if outcome == "404":
            return 404, {"message": f"No such container: {request.ident}"}
        self.removed.append(c.id)
        if outcome == "hang":
            self._hang(request.exchange, lambda: False)
        return 204, b""

    def _stream(self, request: Request, asked: Api, fault: Fault) -> None:
        x = request.exchange
        try:
            since, until = (parse_event_time(request.query.get(key)) for key in ("since", "until"))
            filters = request.filters
        except ValueError as error:  # BadFilter is one
            self._answer(request, 400 if asked >= (1, 42) else 500, {"message": str(error)}, fault)
            return
        modern = asked >= (1, 52)
        legacy = not modern if self.legacy_events is None else self.legacy_events
        content_type = self.event_type or ("application/jsonl" if modern else "application/json")
        with self.changed:
            at = live = len(self._events)
            if since is not None or until is not None:
                at = max(self._ring_from, at - RING_SIZE)
        x.start(200, content_type)
        with self.changed:
            request.status, request.headed = 200, time.monotonic()
            self.changed.notify_all()
        sent = 0
        while True:
            with self.changed:
                # `since` chooses from the ring; what comes later is sent, whatever its time.
                batch = [event for n, event in enumerate(self._events[at:], at)
                         if n >= live or event.time >= (since or 0)]
                at = len(self._events)
            shown = [b"\x1e" * self.json_seq + event.render(legacy) for event in batch
                     if event_wanted(event, filters) and (until is None or event.time <= until)]
            for data in [b"".join(shown)] if self.join else shown:
                if fault.edit:
                    data = fault.edit(data)
                if fault.cut is not None and sent + len(data) > fault.cut:
                    x.chunk(data[:fault.cut - sent])
                    x.hang_up()
                    return
                x.chunks(self.split(data))
                sent += len(data)
            if until is not None and time.time_ns() >= until:
                self._end(request)
                x.end()
                return
            with self.changed:
                if len(self._events) == at:
                    self.changed.wait(0.1)
            if self._closed or x.gone():
                return


def bulk_running(count: int, services: int = 50) -> bytes:
    """List elements of so many running tasks, for tests of size: rendered once, then only sent."""
    made = (make_container(service=f"service-{n % services}", slot=n // services + 1, state="running")
            for n in range(count))
    return b",".join(json.dumps(c.summary(), separators=(",", ":")).encode() for c in made)


def bulk_exited(count: int, services: int = 50) -> bytes:
    """The same of tasks that have ended a moment ago."""
    made = (make_container(service=f"service-{n % services}", slot=n // services + 1, ended=30.0)
            for n in range(count))
    return b",".join(json.dumps(c.summary(), separators=(",", ":")).encode() for c in made)


def ring_event(age: float, action: str = "connect") -> Event:
    """An event about something else, `age` seconds ago: what the engine's ring remembers."""
    return Event(action, "b" * 64, {"name": "ingress", "type": "overlay"},
                 time.time_ns() - int(age * SECOND), kind="network")


def swarm_event(age: float) -> Event:
    """About a service: a manager that starts tells of what it finds in its log, in the times of the objects."""
    return Event("update", "s" * 25, {"name": "web"}, time.time_ns() - int(age * SECOND), kind="service", scope="swarm")
