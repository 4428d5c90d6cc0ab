# SPDX-License-Identifier: Apache-2.0
"""Who may only look, and who asks too often: neither holds up what reaperd is there for. Who may call what is shown in
test_bus_policy.py.
"""

from __future__ import annotations

import subprocess
import threading
from typing import Iterator

import pytest

from console_kit import QUIET, Bus, Console, begin, bus, console, until  # noqa: F401
from daemon import Reaperd
from lab.bus import DOCKER
from lab.console import FAILED, results
from lab.dbus import DBusError
from standin import Standin

REQUESTS_MAX = 16

# Asks for whole pages for ever, without waiting for an answer.
FLOOD = """
import ctypes, sys
bus, sd = ctypes.c_void_p(), ctypes.CDLL("libsystemd.so.0")
assert sd.sd_bus_new(ctypes.byref(bus)) >= 0
assert sd.sd_bus_set_address(bus, sys.argv[1].encode()) >= 0
assert sd.sd_bus_set_bus_client(bus, 1) >= 0 and sd.sd_bus_start(bus) >= 0
for n in range(sys.maxsize):
    message = ctypes.c_void_p()
    assert sd.sd_bus_message_new_method_call(bus, ctypes.byref(message), b"org.reaperd", b"/org/reaperd",
                                             b"org.reaperd.Reaper1", b"ListContainers") >= 0
    assert sd.sd_bus_message_append(message, b"a{sv}su", 1, b"All", b"b", 1, b"", 1000) >= 0
    assert sd.sd_bus_message_set_expect_reply(message, 0) >= 0
    assert sd.sd_bus_send(bus, message, None) >= 0
    sd.sd_bus_message_unref(message)
    if n % 100 == 0:
        sd.sd_bus_flush(bus)
        print(n, flush=True)
"""


@pytest.fixture
def flood(bus: Bus) -> Iterator[subprocess.Popen[str]]:  # noqa: F811
    """Begun by reading its first line; of a user of group docker."""
    process = subprocess.Popen([*DOCKER, "/usr/bin/python3", "-c", FLOOD, bus.address], stdout=subprocess.PIPE,
                               text=True)
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def test_calls_without_end(engine: Standin, reaperd: Reaperd, console: Console,  # noqa: F811
                           flood: subprocess.Popen[str]) -> None:
    """Somebody of group docker asks for pages of a thousand, faster than they can be made: removals go on, memory does
    not grow, and it can be stopped. What root asks meanwhile waits in the bus behind all that."""
    for n in range(1000):
        engine.add(service="kept", slot=n, asks={"org.reaperd.keep": "true"})
    assert flood.stdout and flood.stdout.readline()
    begin(reaperd, console)
    for _ in range(20):
        assert flood.stdout.readline()
    for n in range(10):
        late = engine.add(slot=n)
        engine.tell_end(late)
        engine.wait_removed(late, timeout=60)
        assert flood.poll() is None and flood.stdout.readline()
    assert reaperd.memory("VmHWM")["VmHWM"] < 32 << 20
    assert reaperd.stop() == 0


def test_requests_have_a_cap(engine: Standin, reaperd: Reaperd, console: Console) -> None:  # noqa: F811
    """Requests that wait for a container that does not go: so many are kept, all others are refused at once, and none
    of it holds up anything else."""
    stuck, gate = engine.add(slot=1), threading.Event()
    engine.fault("remove", stuck, hold=gate)
    begin(reaperd, console, **QUIET | {"Parallelism": 2})
    asked = [console.start_reap(stuck.id) for _ in range(100)]
    until(lambda: sum(each.done for each in asked) == len(asked) - REQUESTS_MAX, "all but those that wait")
    for each in asked[REQUESTS_MAX:]:
        with pytest.raises(DBusError) as refused:
            each.result()
        assert refused.value.name == FAILED + "TooMany"
    assert not any(each.done for each in asked[:REQUESTS_MAX]) and console.verdict(stuck.id) == "requested"
    by_itself = engine.add(slot=2, asks={"org.reaperd.ttl": "1h"})
    engine.tell_end(by_itself)
    engine.wait_removed(by_itself)
    gate.set()
    assert [[r.removed for r in results(each)] for each in asked[:REQUESTS_MAX]] == [[True]] * REQUESTS_MAX
    assert len(engine.asked("remove", stuck)) == 1
