# SPDX-License-Identifier: Apache-2.0
"""What reaperd says it offers is what dbus/ and the manual say, and PropertiesChanged says what has changed."""

from __future__ import annotations

import re
import sys
import time
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from daemon import Reaperd, until  # noqa: E402
from lab.bus import INTERFACE, INTERFACE_XML, POLICY, Bus, BusError  # noqa: E402
from standin import Standin  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"


@pytest.fixture
def bus(reaperd: Reaperd) -> Iterator[Bus]:
    with Bus() as made:
        reaperd.environment |= made.environment
        yield made


def interface_of(text: str) -> xml.Element:
    found = xml.fromstring(text).find(f"interface[@name='{INTERFACE}']")
    assert found is not None
    return found


def canonical(member: xml.Element) -> tuple[object, ...]:
    """One member: kind, name, what else is said of it, its arguments in order, its annotations."""
    others = {key: value for key, value in member.attrib.items() if key != "name"}
    arguments = [(each.get("name"), each.get("type"), each.get("direction", "out")) for each in member.iter("arg")]
    notes = {each.get("name"): each.get("value") for each in member.iter("annotation")}
    return (member.tag, member.get("name"), others, arguments, notes)


def members(text: str) -> list[tuple[object, ...]]:
    return [canonical(each) for each in interface_of(text)]


def test_introspection(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """Names, types, directions, annotations and the order of all members."""
    reaperd.begin()
    bus.await_owner()
    told, written = members(bus.introspect()), members(INTERFACE_XML.read_text(encoding="utf-8"))
    for one, other in zip(told, written):
        assert one == other
    assert len(told) == len(written) > 50


def test_every_property_can_be_read(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """Also before the engine was ever reached."""
    engine.stop()
    reaperd.start()
    bus.await_owner()
    names = [each.get("name") for each in interface_of(INTERFACE_XML.read_text()).iter("property")]
    assert list(bus.properties()) == names
    assert bus.get("Connected") is False and bus.get("SettlesAt") == 2**64 - 1
    engine.start()
    reaperd.wait_log("^reaperd: Connected to engine ")
    assert list(bus.properties()) == names and bus.get("Connected") is True


def test_policy_knows_every_method() -> None:
    """What the group may call are methods that exist."""
    members_ = {each.get("name") for each in interface_of(INTERFACE_XML.read_text()).iter("method")}
    allowed = {each.get("send_member") for each in xml.parse(POLICY).getroot().iter("allow")
               if each.get("send_interface") == INTERFACE}
    assert len(allowed) == 7 and allowed < members_


def test_manual() -> None:
    """Every method, property, signal and error is explained, each once, as an item of a list; and no others."""
    page = (TOP / "man" / "org.reaperd.Reaper1.5").read_text(encoding="utf-8")
    items = re.findall(r"^\.It (?:Fn|Va|Er|Ic) \"?([\w.]+)", page, re.M)
    header = (TOP / "include/daemon/console.h").read_text(encoding="utf-8")
    errors = re.findall(r'"(org\.reaperd\.Error\.\w+)"', header)
    names = [each.get("name") for each in interface_of(INTERFACE_XML.read_text())
             if each.tag in ("method", "property", "signal")]
    assert errors and sorted(items) == sorted([*names, *errors])


def test_manual_has_the_types() -> None:
    """Of properties and arguments, and a star for each property whose change is told."""
    page = (TOP / "man" / "org.reaperd.Reaper1.5").read_text(encoding="utf-8")
    for member in interface_of(INTERFACE_XML.read_text()):
        types = [member.get("type", "")] if member.tag == "property" else [
            each.get("type", "") for each in member.iter("arg")]
        item = re.search(rf'^\.It (?:Fn|Va|Ic) \"?{member.get("name")}\b(.*(?:\n[^.].*|\n\.(?!It|El|Sh).*)*)', page, re.M)
        assert item, member.get("name")
        if member.tag == "property":
            assert ("*" in item[0].partition("\n")[0]) == (not list(member)), member.get("name")
        for each in types:
            assert re.search(rf"(?<![\w(]){re.escape(each)}(?![\w)])", item[1]), (member.get("name"), each)


def test_changes(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """Only what has changed, only what says that it is told, and once a second at most however much happens."""
    told = {each.get("name") for each in interface_of(INTERFACE_XML.read_text()).iter("property")
            if not list(each)}
    reaperd.begin(Success="infinity", FirstRunDelay=0)
    bus.await_owner()
    with bus.signals() as signals:
        engine.end(engine.add(state="running", ended=None))
        signals.wait("PropertiesChanged")
        time.sleep(1.5)
        signals.settle()
        known = {name: value for each in signals.changed() for name, value in each.items()}
        before = len(signals.changed())

        begun = time.monotonic()
        for slot in range(2, 302):
            engine.end(engine.add(slot=slot, state="running", ended=None))
            time.sleep(0.01)
        until(lambda: bus.get("Stopped") == 301, "all of them")
        time.sleep(1.5)
        span = time.monotonic() - begun
        changes = signals.settle().changed()[before:]
        assert 2 <= len(changes) <= span + 1
        for each in changes:
            assert each and each.keys() <= told
            # Ends of containers change these, and nothing else.
            assert each.keys() <= {"Known", "Tracked", "Stopped"}
            assert all(known.get(name) != value for name, value in each.items())
            known |= each
        assert known["Stopped"] == 301 == bus.get("Stopped")
        assert all(arguments[0] == INTERFACE and arguments[2] == []
                   for arguments in signals.named("PropertiesChanged"))


def test_nothing_happens_nothing_is_told(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """Times that are made from another clock tremble by microseconds: that is no change."""
    engine.add()
    reaperd.begin(Success="infinity", SettleTime="1h")
    bus.await_owner()
    with bus.signals() as signals:
        reaperd.reload()
        reaperd.wait_notified("STATUS=Tracking 1 containers", since=len(reaperd.notified()))
        time.sleep(1.5)
        before = len(signals.settle().changed())
        for _ in range(3):
            reaperd.reload()
            time.sleep(1.5)
        assert signals.settle().changed()[before:] == []


@pytest.mark.parametrize("method, words", [
    ("Explain", ("s", 126 * "a" + "éé")), ("ReapService", ("sb", 254 * "a" + "éé", True)),
    ("Reap", ("asb", 1, 127 * "é", True)), ("FindContainers", ("s", 5000 * "é")),
    ("ListContainers", ("a{sv}su", 1, 127 * "é", "s", "", "", 1)),
    ("ListContainers", ("a{sv}su", 1, "Verdict", "s", "x" + 127 * "é", "", 1)),
    ("ListContainers", ("a{sv}su", 0, "x" + 127 * "é", 1))])
def test_long_words_are_answered(engine: Standin, reaperd: Reaperd, bus: Bus, method: str,
                                 words: tuple[object, ...]) -> None:
    """An error that repeats them must not cut a character in two: the bus would not take it."""
    reaperd.begin()
    bus.await_owner()
    try:
        bus.call(method, *words, timeout=5)
    except BusError as error:
        assert error.name.startswith(("org.reaperd.Error.", "org.freedesktop.DBus.Error.InvalidArgs"))
