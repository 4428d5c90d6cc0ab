# SPDX-License-Identifier: Apache-2.0
"""Who may call what, and who hears signals, by the project's own policy file on a real bus."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from daemon import Reaperd  # noqa: E402
from lab.bus import (ACCESS_DENIED, DOCKER, INTERFACE, NOBODY, PATH, PROPERTIES, ROOT, Bus,  # noqa: E402
                     BusError)
from standin import Standin  # noqa: E402

READING: dict[str, tuple[Any, ...]] = {
    "ListContainers": ("a{sv}su", 0, "", 10), "FindContainers": ("s", "web"), "Explain": ("s", "none-such"),
    "History": ("t", 0), "MemoryByService": (), "Advise": (), "CheckConfig": (),
}
CHANGING: dict[str, tuple[Any, ...]] = {
    "CheckConfigFile": ("s", "/dev/null"), "Reap": ("asb", 1, "none-such", False),
    "ReapService": ("sb", "none-such", False), "ReapDue": ("b", False), "Pause": ("t", 5_000_000), "Resume": (),
    "Reload": (),
}
SETTING = ("Set", "ssv", INTERFACE, "Version", "s", "0")

# busctl always names an interface: this asks without, and prints the name of the error or nothing.
WITHOUT_INTERFACE = """
import ctypes, sys
class Error(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("message", ctypes.c_char_p), ("free", ctypes.c_int)]
bus, error, sd = ctypes.c_void_p(), Error(), ctypes.CDLL("libsystemd.so.0")
assert sd.sd_bus_new(ctypes.byref(bus)) >= 0
assert sd.sd_bus_set_address(bus, sys.argv[1].encode()) >= 0
assert sd.sd_bus_set_bus_client(bus, 1) >= 0 and sd.sd_bus_start(bus) >= 0
sd.sd_bus_call_method(bus, b"org.reaperd", b"/org/reaperd", None, sys.argv[2].encode(), ctypes.byref(error), None, None)
print((error.name or b"").decode())
"""


@pytest.fixture
def bus(engine: Standin, reaperd: Reaperd) -> Iterator[Bus]:
    """With reaperd on it, which has a container to tell of."""
    engine.add(service="secret")
    with Bus() as made:
        reaperd.environment |= made.environment
        reaperd.begin(Success="infinity")
        made.await_owner()
        yield made


def outcome(bus: Bus, user: Sequence[str], method: str, *words: Any, **how: Any) -> str:
    """The name of the error that it is answered with; "": it is not."""
    try:
        bus.call(method, *words, user=user, **how)
    except BusError as error:
        return error.name
    return ""


def test_reading(bus: Bus) -> None:
    """Root and the group; what comes back is reaperd's own answer, an error of its own among them."""
    for method, words in READING.items():
        for user in (ROOT, DOCKER):
            assert outcome(bus, user, method, *words) != ACCESS_DENIED, method
        assert outcome(bus, NOBODY, method, *words) == ACCESS_DENIED, method
    assert outcome(bus, DOCKER, "Explain", "s", "none-such") == "org.reaperd.Error.NoSuchContainer"
    assert [row[2] for row in bus.containers(user=DOCKER)] == ["secret"]


def test_changing(bus: Bus) -> None:
    for method, words in CHANGING.items():
        for user in (DOCKER, NOBODY):
            assert outcome(bus, user, method, *words) == ACCESS_DENIED, method
    assert bus.get("PausedUntil") == 0
    for method, words in CHANGING.items():
        assert outcome(bus, ROOT, method, *words) != ACCESS_DENIED, method


def test_every_method_is_looked_at(bus: Bus) -> None:
    """A new one must be put into one of the tables above."""
    listed = bus.busctl("--json=short", "introspect", "org.reaperd", PATH, INTERFACE)
    methods = {line.split()[0].lstrip(".") for line in bus.busctl("introspect", "org.reaperd", PATH, INTERFACE)
               .splitlines() if " method " in line}
    assert listed and methods == READING.keys() | CHANGING.keys()


def test_standard_interfaces(bus: Bus) -> None:
    for method, words, interface in [
            ("Get", ("ss", INTERFACE, "Tracked"), PROPERTIES), ("GetAll", ("s", INTERFACE), PROPERTIES),
            ("Introspect", (), "org.freedesktop.DBus.Introspectable"),
            ("Ping", (), "org.freedesktop.DBus.Peer"), ("GetMachineId", (), "org.freedesktop.DBus.Peer")]:
        for user, wanted in ((ROOT, ""), (DOCKER, ""), (NOBODY, ACCESS_DENIED)):
            assert outcome(bus, user, method, *words, interface=interface) == wanted, (method, user)


def test_properties_cannot_be_set(bus: Bus) -> None:
    """The group does not even get to try; root gets as far as reaperd, which has none that can."""
    for user in (DOCKER, NOBODY):
        assert outcome(bus, user, *SETTING, interface=PROPERTIES) == ACCESS_DENIED
    assert outcome(bus, ROOT, *SETTING, interface=PROPERTIES) == "org.freedesktop.DBus.Error.PropertyReadOnly"


def test_unique_name_is_no_way_around(bus: Bus) -> None:
    owner = bus.owner()
    assert owner and owner.startswith(":")
    for user in (DOCKER, NOBODY):
        assert outcome(bus, user, "ReapDue", "b", False, to=owner) == ACCESS_DENIED
    assert outcome(bus, NOBODY, "History", "t", 0, to=owner) == ACCESS_DENIED
    assert outcome(bus, DOCKER, "History", "t", 0, to=owner) == ""


def test_call_without_an_interface(bus: Bus) -> None:
    """It could mean any method of that name, so the group may not make it; of root's reaperd makes nothing."""
    def ask(user: Sequence[str], method: str) -> str:
        return subprocess.run([*user, "/usr/bin/python3", "-c", WITHOUT_INTERFACE, bus.address, method],
                              check=True, capture_output=True, text=True).stdout.strip()

    for user in (DOCKER, NOBODY):
        for method in ("MemoryByService", "Resume", "Introspect"):
            assert ask(user, method) == ACCESS_DENIED
    assert ask(ROOT, "MemoryByService") == "org.freedesktop.DBus.Error.UnknownObject"


def test_signals(bus: Bus, engine: Standin) -> None:
    """Both kinds of them: those of the interface, and PropertiesChanged."""
    c = engine.add(state="running", ended=None)
    with bus.signals(ROOT) as root, bus.signals(DOCKER) as group, bus.signals(NOBODY) as others, \
            bus.signals() as monitor:
        engine.end(c)
        monitor.wait("ContainerStopped")
        monitor.wait("PropertiesChanged")
        for each in (root, group):
            names = {name for name, _ in each.settle().seen}
            assert {"ContainerStopped", "PropertiesChanged"} <= names
        assert others.settle().seen == []
