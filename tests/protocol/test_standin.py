# SPDX-License-Identifier: Apache-2.0
"""The stand-in itself: a test on a broken stand-in would prove nothing.

Uses http.client, which is not what reaperd uses, and checks the rules of engines that it claims to keep.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from typing import Any, Iterator
from urllib.parse import urlencode

import pytest

from engine_model import NODE_ID, SECOND, TASK_LABEL, log_frame, rfc3339
from standin import Standin, bulk_running, ring_event


class Connection(http.client.HTTPConnection):
    """HTTP over the stand-in's Unix socket."""

    def __init__(self, engine: Standin, timeout: float = 20.0) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = engine.addresses[0]

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def ask(self, method: str, path: str, **query: Any) -> http.client.HTTPResponse:
        pairs = {key: json.dumps(value) if isinstance(value, dict) else value
                 for key, value in query.items()}
        self.request(method, path + ("?" + urlencode(pairs) if pairs else ""))
        return self.getresponse()

    def call(self, method: str, path: str, **query: Any) -> tuple[int, Any]:
        answer = self.ask(method, path, **query)
        body = answer.read()
        return answer.status, json.loads(body) if body else None


@pytest.fixture
def http_(engine: Standin) -> Iterator[Connection]:
    connection = Connection(engine)
    yield connection
    connection.close()


def test_version_ping_info(engine: Standin, http_: Connection) -> None:
    engine.api, engine.min_api = "1.54", "1.44"
    status, version = http_.call("GET", "/version")
    assert (status, version["ApiVersion"], version["MinAPIVersion"]) == (200, "1.54", "1.44")
    answer = http_.ask("GET", "/_ping")
    assert answer.read() == b"OK" and answer.headers["Api-Version"] == "1.54"
    _, info = http_.call("GET", "/v1.44/info")
    assert info["Swarm"]["NodeID"] == NODE_ID and info["Swarm"]["LocalNodeState"] == "active"
    engine.swarm_state, engine.node_id = "inactive", ""
    assert http_.call("GET", "/info")[1]["Swarm"]["LocalNodeState"] == "inactive"
    assert engine.server.connections_seen == 1


@pytest.mark.parametrize(("prefix", "status"), [("1.40", 400), ("1.41", 200), ("1.43", 200), ("1.44", 400)])
def test_api_limits(engine: Standin, http_: Connection, prefix: str, status: int) -> None:
    engine.api, engine.min_api = "1.43", "1.41"
    got, body = http_.call("GET", f"/v{prefix}/info")
    assert got == status
    assert status == 200 or "client version" in body["message"]


def test_list_filters(engine: Standin, http_: Connection) -> None:
    task, running = engine.add(), engine.add(state="running")
    forged = engine.add(is_task=False)

    def ids(**query: Any) -> set[str]:
        status, body = http_.call("GET", "/v1.41/containers/json", **query)
        assert status == 200
        return {element["Id"] for element in body}

    assert ids() == {running.id}
    assert ids(all=1) == {task.id, running.id, forged.id}
    assert ids(all=1, filters={"is-task": ["true"]}) == {task.id, running.id}
    assert ids(all=1, filters={"is-task": {"false": True}}) == {forged.id}
    assert ids(all=1, filters={"is-task": ["true"], "id": [task.id, forged.id]}) == {task.id}
    assert ids(all=1, filters={"status": ["exited"], "label": [TASK_LABEL + "="]}) == {task.id, forged.id}
    assert http_.call("GET", "/containers/json", filters={"wrong": ["1"]})[0] == 400
    assert http_.call("GET", "/containers/json", filters="{")[0] == 400


def test_inspect_and_remove(engine: Standin, http_: Connection) -> None:
    c = engine.add(exit_code=3, oom_killed=True)
    status, detail = http_.call("GET", f"/containers/{c.id}/json")
    assert status == 200 and detail["State"]["FinishedAt"] == rfc3339(c.finished)
    assert detail["State"]["OOMKilled"] and detail["State"]["ExitCode"] == 3
    assert http_.call("DELETE", f"/containers/{c.id}", v=1) == (204, None)
    assert http_.call("DELETE", f"/containers/{c.id}", v=1)[0] == 404
    assert http_.call("GET", f"/containers/{c.id}/json")[0] == 404
    assert engine.removed == [c.id]
    assert [r.route for r in engine.requests] == ["inspect", "remove", "remove", "inspect"]
    assert engine.requests[1].query == {"v": "1"}


def test_nanoseconds_are_odd_and_long(engine: Standin) -> None:
    c = engine.add()
    assert c.finished is not None and int(float(c.finished)) != c.finished
    assert rfc3339(1_700_000_000_120_000_000) == "2023-11-14T22:13:20.12Z"
    assert rfc3339(None) == "0001-01-01T00:00:00Z"


def test_removal_outcomes(engine: Standin, http_: Connection) -> None:
    c = engine.add(removals=["500", "removing"])
    assert [http_.call("DELETE", f"/containers/{c.id}")[0] for _ in range(3)] == [500, 409, 409]
    assert c.state == "removing"
    other = engine.add(removals=["running"])
    assert http_.call("DELETE", f"/containers/{other.id}")[0] == 409 and other.state == "running"
    lost = engine.add(removals=["404"])
    assert http_.call("DELETE", f"/containers/{lost.id}")[0] == 404 and lost.id not in engine.containers


@pytest.mark.parametrize(("outcome", "left"), [("hang", False), ("stuck", True)])
def test_silent_removal(engine: Standin, outcome: str, left: bool) -> None:
    c = engine.add(removals=[outcome])
    impatient = Connection(engine, timeout=0.2)
    with pytest.raises(TimeoutError):
        impatient.call("DELETE", f"/containers/{c.id}")
    impatient.close()
    patient = Connection(engine)
    assert (patient.call("GET", f"/containers/{c.id}/json")[0] == 200) is left
    assert engine.asked("inspect")[0].same == 1
    patient.close()


def test_violations_are_noted(engine: Standin, http_: Connection) -> None:
    c, plain = engine.add(), engine.add(is_task=False)
    gate = threading.Event()
    engine.fault("inspect", hold=gate)
    other = Connection(engine)
    other.request("GET", f"/containers/{c.id}/json")
    engine.wait_asked("inspect")
    http_.call("DELETE", f"/containers/{c.id}", force=1)
    http_.call("DELETE", f"/containers/{plain.id}")
    gate.set()
    assert other.getresponse().status == 404
    other.close()
    noted = [text.split(":")[0] for text in engine.violations]
    assert noted == ["2 requests at once", "force or link", "removes what is no task"]
    engine.violations.clear()


def read_events(engine: Standin, count: int, **query: Any) -> list[dict[str, Any]]:
    """The first events of a stream, by lines."""
    connection = Connection(engine)
    answer = connection.ask("GET", "/events", **query)
    lines = [answer.readline() for _ in range(count)]
    connection.close()
    return [json.loads(line.lstrip(b"\x1e")) for line in lines if line]


def test_events(engine: Standin) -> None:
    c = engine.add(state="running")

    def tell() -> None:
        engine.wait_asked("events")
        engine.emit("kill", c, signal="15")
        engine.emit("start", c)
        engine.emit("die", c, exitCode="3")

    ready = threading.Thread(target=tell)
    ready.start()
    kill, die = read_events(engine, 2, filters={"type": ["container"], "event": ["kill", "die"],
                                                "label": [TASK_LABEL]})
    ready.join()
    assert (kill["Action"], kill["Actor"]["Attributes"]["signal"]) == ("kill", "15")
    assert die["Actor"]["ID"] == die["id"] == c.id and die["status"] == "die"
    assert int(float(die["timeNano"])) != die["timeNano"]


@pytest.mark.parametrize(("api", "legacy", "kind"), [("1.51", True, "application/json"),
                                                     ("1.52", False, "application/jsonl")])
def test_event_forms(engine: Standin, http_: Connection, api: str, legacy: bool, kind: str) -> None:
    engine.api = "1.54"
    engine.json_seq = True
    engine.split = lambda data: [data[i:i + 1] for i in range(len(data))]
    engine.emit("die", engine.add())
    answer = http_.ask("GET", f"/v{api}/events", since="0", until=f"{time.time():.9f}")
    assert answer.headers["Content-Type"] == kind
    body = answer.read()
    assert body.startswith(b"\x1e{") and ("status" in json.loads(body[1:])) is legacy


def test_ring(engine: Standin, http_: Connection) -> None:
    engine.emit_event(*[ring_event(400 - n) for n in range(300)])
    now = time.time_ns()
    until = f"{now // SECOND}.{now % SECOND:09d}"
    assert len(http_.ask("GET", "/events", since="0", until=until).read().splitlines()) == 256
    part = http_.ask("GET", "/events", since=f"{now // SECOND - 150}.000000000", until=until)
    assert 45 <= len(part.read().splitlines()) <= 55
    for wrong in ("2026-01-01T00:00:00Z", "1.5", "now", "-1"):
        assert http_.call("GET", "/v1.41/events", since=wrong, until=until)[0] == 500
    engine.stop()
    engine.start()
    again = Connection(engine)
    assert again.ask("GET", "/events", since="0", until=until).read() == b""
    again.close()


def test_faults(engine: Standin) -> None:
    def call() -> Any:
        connection = Connection(engine)
        try:
            return connection.call("GET", "/info")
        finally:
            connection.close()

    engine.fault("info", status=503, message="not now")
    engine.fault("info", cut=20)
    engine.fault("info", raw=b"garbage\r\n\r\n")
    engine.fault("info", edit=lambda body: b"[]")
    assert call() == (503, {"message": "not now"})
    with pytest.raises(http.client.IncompleteRead):
        call()
    with pytest.raises(http.client.HTTPException):
        call()
    assert call() == (200, [])
    assert call()[0] == 200
    engine.server.refuse()
    with pytest.raises(ConnectionRefusedError):
        call()
    engine.start()
    assert call()[0] == 200


def test_cut_in_a_long_list(engine: Standin, http_: Connection) -> None:
    for _ in range(20):
        engine.add()
    engine.fault("list", cut=5000)
    with pytest.raises(http.client.IncompleteRead) as caught:
        http_.call("GET", "/containers/json", all=1)
    assert len(caught.value.partial) == 5000


def test_hang_is_lifted(engine: Standin) -> None:
    silent = engine.fault("any", times=None, hang=True)
    connection = Connection(engine)
    connection.request("GET", "/_ping")
    engine.wait_asked("ping")
    engine.lift(silent)
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def test_large_list(engine: Standin, http_: Connection) -> None:
    engine.bulk = bulk_running(2000)
    engine.add()
    status, body = http_.call("GET", "/containers/json", all=1, filters={"is-task": ["true"]})
    assert status == 200 and len(body) == 2001
    assert len({element["Id"] for element in body}) == 2001


def test_tcp(engine: Standin) -> None:
    host, port = engine.server.listen(("127.0.0.1", 0))
    connection = http.client.HTTPConnection(host, port, timeout=20)
    connection.request("GET", "/_ping")
    assert connection.getresponse().read() == b"OK"
    connection.close()


LOG = [(1, b"one\n"), (2, b"two\n"), (1, b"three\n")]


@pytest.mark.parametrize(("tty", "api", "kind", "body"), [
    (False, "1.41", "application/octet-stream", b"\2\0\0\0\0\0\0\4two\n" b"\1\0\0\0\0\0\0\6three\n"),
    (False, "1.42", "application/vnd.docker.multiplexed-stream", log_frame(2, b"two\n") + log_frame(1, b"three\n")),
    (True, "1.42", "application/vnd.docker.raw-stream", b"two\nthree\n"),
])
def test_logs(engine: Standin, http_: Connection, tty: bool, api: str, kind: str, body: bytes) -> None:
    engine.api = "1.51"
    c = engine.add(tty=tty, log=LOG)
    answer = http_.ask("GET", f"/v{api}/containers/{c.id}/logs", stdout=1, stderr=1, tail=2)
    assert (answer.status, answer.headers["Content-Type"], answer.read()) == (200, kind, body)
    assert http_.call("GET", f"/containers/{'0' * 64}/logs", stdout=1, stderr=1, tail=2)[0] == 404
    assert http_.call("GET", f"/containers/{c.id}/json")[1]["Config"]["Tty"] is tty
    assert engine.story(c) == ["logs", "inspect"]


def test_broken_logs(engine: Standin) -> None:
    c = engine.add(log=LOG)
    connections = []

    def ask(tail: str = "9", **query: Any) -> http.client.HTTPResponse:
        connections.append(Connection(engine))
        return connections[-1].ask("GET", f"/containers/{c.id}/logs", stdout=1, stderr=1, tail=tail, **query)

    engine.fault("logs", status=501, message="no reader")
    engine.fault("logs", cut=5)
    engine.fault("logs", body=lambda: [b"a", b"bc"])
    assert ask().status == 501
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask().read()
    assert len(caught.value.partial) == 5
    assert ask().read() == b"abc"
    assert not engine.violations
    for wrong in ({"tail": "all"}, {"follow": "1"}):
        assert ask(**wrong).status == 200
    assert len(engine.violations) == 2
    engine.violations.clear()
    for connection in connections:
        connection.close()


def test_other_containers(engine: Standin, http_: Connection) -> None:
    """What is no task is listed and told apart, and some of it may go."""
    engine.bulk = bulk_running(3)
    task, plain = engine.add(), engine.add_plain(project="shop")
    cared_for = [engine.add_plain(auto_remove=True), engine.add_plain(restart_policy="on-failure")]
    assert (plain.image, plain.restart_policy) == ("registry.example/tool:1", "no")
    _, shown = http_.call("GET", "/containers/json", all=1, filters={"is-task": ["false"]})
    assert [element["Id"] for element in shown] == [c.id for c in (plain, *cared_for)]
    assert http_.call("GET", f"/containers/{cared_for[0].id}/json")[1]["HostConfig"]["AutoRemove"] is True
    http_.call("GET", "/containers/json", all=1, filters={"is-task": {"true": True}})
    assert engine.tally() == {"others": 1, "inspect": 1, "list": 1}

    engine.others_may_go = True
    for c in (task, plain, *cared_for):
        assert http_.call("DELETE", f"/containers/{c.id}") == (204, None)
    assert [text.split(":")[0] for text in engine.violations] == ["removes what others care for"] * 2
    engine.violations.clear()


def test_events_of_other_containers(engine: Standin) -> None:
    """They carry no label of Swarm's: a stream that is filtered by it does not show them."""
    task, plain = engine.add(state="running"), engine.add_plain(state="running")

    def tell() -> None:
        engine.wait_asked("events")
        engine.end(plain, 3)
        engine.end(task)

    for filters, expected in (({"type": ["container"]}, [plain, task]), ({"label": [TASK_LABEL]}, [task])):
        teller = threading.Thread(target=tell)
        teller.start()
        told = read_events(engine, len(expected), filters=filters)
        teller.join()
        assert [event["Actor"]["ID"] for event in told] == [c.id for c in expected]
        engine.requests.clear()
