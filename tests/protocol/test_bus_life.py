# SPDX-License-Identifier: Apache-2.0
"""The connection to the bus: absent, late, restarted, hung, without the policy, with two who want the name.

reaperd has to do its work in all of these as if there were no bus, and to be there again when the bus is.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from daemon import Reaperd, until  # noqa: E402
from lab.bus import ACCESS_DENIED, DOCKER, NAME, NOBODY, POLICY, ROOT, Bus, BusError  # noqa: E402
from standin import Standin  # noqa: E402

NONE = "^reaperd: No system bus: reaperctl cannot reach this daemon until there is one$"
OURS = "^reaperd: On the system bus as org.reaperd$"
QUEUED = "^reaperd: Another process has the name org.reaperd on the system bus"
REFUSED = "^reaperd: The system bus refuses the name org.reaperd"


# Signals that fill more than a socket, which takes 8 MB from sd-bus, and the queue before it.
MANY = 6000
LONG = "registry.example/" + 900 * "x"


def remove_many(engine: Standin, reaperd: Reaperd) -> None:
    """Each with a signal of its own."""
    due = [engine.add(slot=n, image=LONG, service=900 * "s") for n in range(MANY)]
    reaperd.hup()
    engine.wait_removed(*due, timeout=120)


@pytest.fixture
def bus(reaperd: Reaperd) -> Iterator[Bus]:
    """One that reaperd is told of, and that does not run yet."""
    made = Bus()
    reaperd.environment |= made.environment
    yield made
    made.close()


@pytest.fixture
def second(engine: Standin, folder: Path) -> Iterator[Reaperd]:
    """Another daemon, started by hand, that removes nothing."""
    place = folder / "second"
    place.mkdir()
    daemon = Reaperd(place, f"unix://{engine.addresses[0]}")
    yield daemon
    daemon.close()


def test_without_a_bus(engine: Standin, reaperd: Reaperd) -> None:
    """It is said once, within its time; everything else goes on; and nothing is done about it."""
    c = engine.add()
    reaperd.begin()
    engine.wait_removed(c)
    reaperd.wait_log(NONE, timeout=10)
    before = reaperd.cpu_ticks()
    time.sleep(5)
    assert reaperd.count(NONE) == 1 and reaperd.count("bus") == 1
    assert reaperd.cpu_ticks() - before <= 1
    assert reaperd.stop() == 0


def test_once_has_no_bus(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    engine.add()
    bus.start()
    with bus.signals() as signals:
        assert reaperd.once().removed == 1
        assert signals.settle().seen == []
    assert reaperd.count("bus") == 0


@pytest.mark.parametrize("address", ["nonsense", "unix:path=/dev/null", "tcp:host=127.0.0.1,port=1",
                                     "unix:path=/" + 120 * "x"])
def test_bad_address(engine: Standin, reaperd: Reaperd, address: str) -> None:
    """One that can never lead anywhere counts as no bus."""
    reaperd.environment["DBUS_SYSTEM_BUS_ADDRESS"] = address
    reaperd.begin()
    reaperd.wait_log(NONE, timeout=10)
    assert reaperd.stop() == 0


def test_bus_comes_later(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """It is noticed as soon as the socket is there, however long that takes."""
    reaperd.begin()
    reaperd.wait_log(NONE, timeout=10)
    assert reaperd.count(OURS) == 0
    bus.start()
    begun = time.monotonic()
    bus.await_owner()
    assert time.monotonic() - begun < 1.5
    reaperd.wait_log(OURS)
    assert bus.get("Connected") is True
    assert (reaperd.count(NONE), reaperd.count(OURS)) == (1, 1)


def test_bus_is_there(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    bus.start()
    reaperd.begin()
    bus.await_owner()
    reaperd.wait_log(OURS)
    time.sleep(6)
    assert (reaperd.count(NONE), reaperd.count(OURS)) == (0, 1)


def test_bus_is_restarted(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """The name is taken again each time; what was missed meanwhile is told."""
    bus.start()
    reaperd.begin(Success="infinity")
    for round_ in range(1, 4):
        bus.await_owner()
        reaperd.wait_log(OURS)
        assert bus.get("Stopped") == round_ - 1
        bus.stop()
        until(lambda n=round_: reaperd.count(NONE) == n, f"{round_} times without a bus", detail=reaperd.log)
        engine.add(slot=round_)
        engine.resync()
        reaperd.hup()
        reaperd.wait_notified(f"STATUS=Tracking {round_} containers")
        bus.start()
        until(lambda n=round_: reaperd.count(OURS) == n + 1, f"on the bus {round_ + 1} times", detail=reaperd.log)


def test_ends_in_order(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """The name goes with it."""
    bus.start()
    reaperd.begin()
    bus.await_owner()
    reaperd.terminate()
    assert reaperd.wait_exit(5) == 0
    assert bus.owner() is None


def test_bus_that_says_nothing(engine: Standin, reaperd: Reaperd, folder: Path) -> None:
    """It accepts, and that is all."""
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(folder / "mute"))
        mute.listen()
        reaperd.environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder / 'mute'}"
        c = engine.add()
        reaperd.begin()
        engine.wait_removed(c)
        reaperd.wait_log(NONE, timeout=10)
        assert reaperd.stop() == 0


def test_bus_that_hangs_up(engine: Standin, reaperd: Reaperd, folder: Path) -> None:
    """One that takes every connection and drops it is not asked at full speed."""
    with socket.socket(socket.AF_UNIX) as rude:
        rude.bind(str(folder / "rude"))
        rude.listen(100)
        rude.settimeout(10)
        reaperd.environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder / 'rude'}"
        reaperd.begin()
        begun = time.monotonic()
        count = 0
        while time.monotonic() < begun + 10:
            try:
                rude.accept()[0].close()
                count += 1
            except TimeoutError:
                break
        assert 3 <= count <= 10
        assert reaperd.count(NONE) == 1
        assert reaperd.stop() == 0


def test_bus_that_gives_no_name(engine: Standin, reaperd: Reaperd) -> None:
    """For another reason than its policy: that may pass, so it is tried again, ever more slowly."""
    with Bus(max_names_per_connection=0) as bus:
        reaperd.environment |= bus.environment
        reaperd.begin()
        reaperd.wait_log(NONE)
        time.sleep(6)
        assert (reaperd.count(NONE), reaperd.count(REFUSED), reaperd.count("bus")) == (1, 0, 1)
        assert reaperd.cpu_ticks() < 100


def test_hung_bus(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """It holds nothing up, and what it does not take does not pile up; when it goes on, so does the console."""
    bus.start()
    reaperd.begin(Parallelism=10, SurgeLimit=0)
    bus.await_owner()
    with bus.signals() as signals:
        bus.pause()
        remove_many(engine, reaperd)
        bus.resume()
        until(lambda: bus.get("Removed") == MANY, "the console")
        # What the daemon and the kernel have kept of them: the rest was never made.
        assert 1024 <= len(signals.settle().named("ContainerRemoved")) < MANY - 1024
    assert reaperd.count(NONE) == 0


def test_ends_while_the_bus_hangs(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """With signals that it has not taken."""
    bus.start()
    reaperd.begin(Parallelism=10, SurgeLimit=0)
    bus.await_owner()
    bus.pause()
    remove_many(engine, reaperd)
    reaperd.terminate()
    assert reaperd.wait_exit(5) == 0


def test_second_daemon_queues(engine: Standin, reaperd: Reaperd, second: Reaperd, bus: Bus) -> None:
    """Said once; it gets the name when the first one ends."""
    bus.start()
    reaperd.begin(Success="infinity")
    first = bus.await_owner()
    second.environment |= bus.environment
    second.begin("--dry-run", Success="infinity")
    second.wait_log(QUEUED)
    assert bus.owner() == first and bus.get("DryRun") is False
    assert reaperd.stop() == 0
    second.wait_log(OURS)
    assert bus.get("DryRun") is True
    assert (second.count(QUEUED), second.count(OURS), second.count(NONE)) == (1, 1, 0)


def test_a_queued_daemon_is_silent(engine: Standin, reaperd: Reaperd, second: Reaperd, bus: Bus) -> None:
    """Signals come from who has the name alone: of others the policy does not know that they are reaperd's."""
    bus.start()
    reaperd.begin(Success="infinity")
    owner = bus.await_owner()
    second.environment |= bus.environment
    second.begin("--dry-run", Success="infinity")
    second.wait_log(QUEUED)
    with bus.signals() as signals:
        engine.end(engine.add(state="running", ended=None))
        signals.wait("ContainerStopped")
        second.wait_notified("STATUS=Tracking 1 containers, 1 stopped")
        assert len(signals.settle().named("ContainerStopped")) == 1
    assert bus.owner() == owner


def test_name_is_refused(engine: Standin, reaperd: Reaperd, bus: Bus) -> None:
    """Without the policy file: said once, naming it; a reload looks again."""
    bus.set_policy(None)
    bus.start()
    c = engine.add()
    reaperd.begin()
    engine.wait_removed(c)
    reaperd.wait_log(REFUSED)
    assert reaperd.count(r"dbus-1/system\.d/org\.reaperd\.conf") == 1
    reaperd.reload()
    time.sleep(6)
    assert (reaperd.count(REFUSED), reaperd.count(NONE), reaperd.count(OURS)) == (1, 0, 0)
    assert bus.owner() is None
    with pytest.raises(BusError):
        bus.get("Version")

    bus.set_policy(POLICY)
    reaperd.reload()
    bus.await_owner()
    reaperd.wait_log(OURS)
    assert bus.get("Connected") is True


def test_no_name_is_taken_by_others(bus: Bus) -> None:
    """Only root and the user of the unit may be org.reaperd."""
    bus.start()
    ask = ("RequestName", "su", NAME, 4)
    driver = {"to": "org.freedesktop.DBus", "path": "/", "interface": "org.freedesktop.DBus"}
    for user in (NOBODY, DOCKER):
        with pytest.raises(BusError) as refused:
            bus.call(*ask, user=user, **driver)
        assert refused.value.name == ACCESS_DENIED
    assert bus.call(*ask, user=ROOT, **driver) == [1]
