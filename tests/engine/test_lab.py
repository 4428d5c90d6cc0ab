# SPDX-License-Identifier: Apache-2.0
"""The lab itself: it cleans up behind itself, and its proxy keeps true records."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bench import Bench
from conftest import HERE
from lab import ApiError, Engine, RecordingProxy, until
from lab.hog import MB, Hog, MemoryCgroup, Thrasher, meminfo, stalled
from lab.host import cgroup_folders, processes_naming, remove_cgroup
from lab.proxy import _Messages

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from lab import Engine
with Engine() as engine:
    engine.with_swarm()
    service = engine.swarm.create("sleeper", ["sleep", "1000"], replicas=2, restart="any")
    engine.swarm.await_tasks(service, "running", 2)
    print(engine.name, engine.dir, flush=True)
    if sys.argv[2] == "kill":
        engine.kill()
    print("idle", flush=True)
    sys.stdin.read()
"""


def assert_clean(name: str, folder: Path) -> None:
    assert not folder.exists()
    assert not Path("/run/netns", name).exists()
    assert not cgroup_folders(name)
    assert not processes_naming(folder)
    assert name not in Path("/proc/self/mounts").read_text()


@pytest.mark.parametrize("how", ["TERM", "INT", "end", "kill"])
def test_nothing_is_left_behind(host_ready: None, how: str) -> None:
    """However it ends: interrupted, by itself, or with the engine killed before."""
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(HERE.parent), how], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          # What runs in a shell's background has it ignored, and so would this.
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
        assert process.stdout and process.stdin
        first = process.stdout.readline().split()
        assert first, process.stderr and process.stderr.read()
        name, folder = first[0], Path(first[1])
        assert process.stdout.readline() == "idle\n"
        assert cgroup_folders(name) and processes_naming(folder)
        if how in ("TERM", "INT"):
            process.send_signal(getattr(signal, f"SIG{how}"))
        else:
            process.stdin.close()
        process.wait(30)
    assert_clean(name, folder)


def test_start_fails_with_the_log(host_ready: None) -> None:
    engine = Engine(options=["--no-such-option"])
    with pytest.raises(Exception, match="no-such-option"):
        with engine:
            pass
    assert_clean(engine.name, engine.dir)


def test_never_started() -> None:
    """Its directory goes with the process, also when nobody closes it."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from lab import Engine; print(Engine().dir)"
    done = subprocess.run([sys.executable, "-c", code, str(HERE.parent)], check=True, text=True,
                          capture_output=True)
    assert done.stdout.startswith("/tmp/rp-") and not Path(done.stdout.strip()).exists()


HOG = """
import sys
sys.path.insert(0, sys.argv[1])
from lab.hog import MB, Hog, MemoryCgroup
with MemoryCgroup() as cgroup, Hog(50 * MB, cgroup):
    print(cgroup.path, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, None])
def test_hogs_end_with_their_parent(host_ready: None, sign: signal.Signals | None) -> None:
    """Also when it is killed; then its empty cgroup stays."""
    with subprocess.Popen([sys.executable, "-c", HOG, str(HERE.parent)], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdin
        cgroup = Path(process.stdout.readline().strip())
        assert len((cgroup / "cgroup.procs").read_text().split()) == 1
        if sign is None:
            process.stdin.close()
        else:
            process.send_signal(sign)
        process.wait(10)
    if sign is None:
        assert not cgroup.exists()
    else:
        until(lambda: not (cgroup / "cgroup.procs").read_text(), 5, "the end of the hog")
        remove_cgroup(cgroup.name)


def test_hogs_are_bounded(host_ready: None, tmp_path: Path) -> None:
    """By what the machine has, and by the cgroup; nothing of them stays."""
    with pytest.raises(MemoryError):
        Hog(meminfo()["MemAvailable"])
    with MemoryCgroup(32 * MB) as cgroup, pytest.raises(ChildProcessError):
        Hog(100 * MB, cgroup)
    with Thrasher(tmp_path, 64 * MB, 16 * MB) as thrasher:
        before = stalled()
        until(lambda: stalled() > before, 20, "a stall")
    assert not thrasher.cgroup.path.exists() and not cgroup.path.exists() and not list(tmp_path.iterdir())


ANSWERS = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n2;x=y\r\nab\r\n0\r\n\r\n"
           b"HTTP/1.1 204 No Content\r\n\r\n"
           b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nHTTP/"
           b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
MARKS = [(mark, f"HTTP/1.1 {status}") for status in
         ("200 OK", "204 No Content", "404 Not Found", "200 OK") for mark in ("head", "end")]


def test_messages_over_every_split() -> None:
    for middle in range(len(ANSWERS) + 1):
        messages = _Messages()
        found = messages.feed(ANSWERS[:middle]) + messages.feed(ANSWERS[middle:])
        assert found == MARKS, middle
    messages = _Messages()
    assert [m for i in range(len(ANSWERS)) for m in messages.feed(ANSWERS[i:i + 1])] == MARKS


def test_proxy_records_and_hands_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes pass unchanged; the calls carry method, status and both times."""
    monkeypatch.chdir(tmp_path)                 # keeps the sockets' paths short
    upstream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    upstream.bind("up")
    upstream.listen()
    asked = b"GET /v1.41/info HTTP/1.1\r\n\r\n" + b"DELETE /v1.41/containers/ab?v=1 HTTP/1.1\r\n\r\n"

    def engine() -> None:
        connection, _ = upstream.accept()
        got = b""
        while len(got) < len(asked):
            got += connection.recv(100)
        assert got == asked
        connection.sendall(ANSWERS[:ANSWERS.index(b"HTTP/1.1 404")])
        connection.recv(1)
        connection.close()

    thread = threading.Thread(target=engine)
    thread.start()
    with RecordingProxy("proxy", "up") as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.tcp()))
        client.sendall(asked)
        got = b""
        while len(got) < ANSWERS.index(b"HTTP/1.1 404"):
            got += client.recv(100)
        assert ANSWERS.startswith(got)
        until(lambda: all(call.ended for call in proxy.snapshot()), 5, "both answered")
        info, delete = proxy.snapshot()
        assert (info.method, info.path, info.status) == ("GET", "/info", 200)
        assert (delete.method, delete.container, delete.status) == ("DELETE", "ab", 204)
        assert delete.query == {"v": ["1"]} and delete.time <= delete.ended
        proxy.cut()
        assert client.recv(1) == b""
        with socket.create_connection(client.getpeername()) as refused:
            assert refused.recv(1) == b""
    client.close()
    thread.join()
    upstream.close()


def test_an_update_is_made_anew_when_swarm_was_first(bench: Bench) -> None:
    """What is written from an older version is refused, and nothing of what others have written is lost."""
    swarm = bench.swarm
    service = swarm.create("contended", ["sleep", "1000"], replicas=0)
    calls: list[int] = []

    def change(spec: dict[str, Any]) -> None:
        calls.append(spec["TaskTemplate"].get("ForceUpdate", 0))
        if len(calls) < 3:
            swarm.force_update(service)     # somebody else
        spec["Mode"]["Replicated"]["Replicas"] = 1

    swarm.update(service, change)
    assert calls == [0, 1, 2]
    spec = bench.engine.client.get(f"/services/{service}")["Spec"]
    assert (spec["TaskTemplate"]["ForceUpdate"], spec["Mode"]["Replicated"]["Replicas"]) == (2, 1)
    with pytest.raises(ApiError, match="404"):
        swarm.scale("nobody", 2)
    swarm.remove(service)
