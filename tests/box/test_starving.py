# SPDX-License-Identifier: Apache-2.0
"""The shortage of memory that reaperd is there for, and its own limits.

The box has a limit of its own, and hogs from outside are put below it: so its node starves, and the machine does
not. /proc/meminfo and /proc/pressure are the machine's all the same: that the box stalls shows there, what is
available there says nothing of the box, so that a threshold is laid over it where one is wanted.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator

import pytest

import service_kit as kit
from lab import IMAGE
from lab.box import UNIT, Box, BoxImage
from lab.hog import MB, Hog, MemoryCgroup, Thrasher, meminfo, memory_cgroup_of

sys.path.append(str(kit.TOP / "tests/protocol"))

from standin import Standin, bulk_exited  # noqa: E402

NODE = 640 * MB     # the box's memory; about 70 MB of it are not reclaimable in a node at rest
LEFT = 40 * MB      # what the hog leaves of it: less than dockerd, containerd and systemd like to have
FAKE = 20_000       # containers that only a stand-in of the engine has
ENGINE = "/run/standin.sock"

# Nothing goes by its span. While tasks stall, successes go once they are as old as they have to be; failures never.
SETTINGS = """\
[Engine]
SettleTime=0
[Retention]
MinimumAge=10s
Success=1h
Failure=infinity
KeepLastFailure=0
[Reaper]
FirstRunDelay=0
[Pressure]
ElevatedFactor=0%
MinimumAge=10s
"""
# The machine passes this threshold for certain.
SHORT = """\
[Pressure]
MemoryAvailableLow={low:.2f}%
Sustain=1s
CoolDown=1s
BatchSize=2
MinimumReclaim=0
"""


@pytest.fixture(scope="module")
def small(box_image: BoxImage, deb: Path) -> Iterator[Box]:
    """A node with little memory."""
    with Box(box_image, memory=NODE) as box:
        kit.furnish(box, deb, SETTINGS)
        yield box


@contextmanager
def starved(box: Box) -> Iterator[None]:
    """Next to nothing is left to the box, and two that want it too read what does not fit in it again and again."""
    whole = cgroup_of(box)
    folder = Path(tempfile.mkdtemp(prefix="rp-walk-", dir="/var/tmp"))      # on a disk
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        held = stack.enter_context(MemoryCgroup(within=whole))
        stack.enter_context(Hog(NODE - not_reclaimable(whole) - LEFT, held))
        for number in range(2):
            walked = folder / str(number)
            walked.mkdir()
            stack.enter_context(Thrasher(walked, 200 * MB, None, whole))
        yield


def cgroup_of(box: Box) -> Path:
    """That of the whole box. Its PID 1 may have gone into one below it."""
    found = memory_cgroup_of(box.pid)
    return found.parent if found.name == "init.scope" else found


def memory_stat(cgroup: Path) -> dict[str, int]:
    """Of it and all below it."""
    facts = {key: int(value) for key, value in map(str.split, (cgroup / "memory.stat").read_text().splitlines())}
    return {key.removeprefix("total_"): value for key, value in facts.items()
            if key.startswith("total_") or f"total_{key}" not in facts}


def not_reclaimable(cgroup: Path) -> int:
    """What its processes have in their own memory, and the kernel for them."""
    facts = memory_stat(cgroup)
    if "kernel" in facts:
        return facts["anon"] + facts["kernel"]
    return facts["rss"] + int((cgroup / "memory.kmem.usage_in_bytes").read_text())


def read_back(box: Box) -> int:
    """Pages of files that were thrown out, and wanted again."""
    return memory_stat(cgroup_of(box))["workingset_refault_file"]


def service(box: Box, name: str, replicas: int, script: str) -> None:
    """One whose tasks are not run again when they have ended; a job's would be until they succeed."""
    box.docker("service", "create", "--detach", "--no-resolve-image", "--name", name, "--replicas", str(replicas),
               "--restart-condition", "none", IMAGE, "sh", "-c", script)


def unharmed(box: Box, *units: str) -> dict[str, tuple[str, str, str]]:
    """Which process each of them is, how often it had to be started again, and what ended it."""
    return {unit: tuple(box.show(unit, name)[name] for name in ("MainPID", "NRestarts", "Result")) for unit in units}


def short_of_memory() -> str:
    """A configuration to which the machine is short of memory, unless a gigabyte more gets available."""
    memory = meminfo()
    return SHORT.format(low=min(100.0, 100 * (memory["MemAvailable"] + 1024 * MB) / memory["MemTotal"]))


def test_starving(small: Box) -> None:
    """It does its work in the middle of it, by both levels, and takes a new configuration in."""
    box = small
    kit.job(box, "good", 4)
    service(box, "bad", 6, "exit 1")
    service(box, "lasting", 1, "exec sleep 3600")
    good, bad = kit.ended(box, "good", 4), kit.ended(box, "bad", 6)
    lasting = box.until(lambda: kit.here(box, "name=lasting", "status=running"), 20, "the service that lasts")
    before = unharmed(box, UNIT, "docker.service")
    pages = read_back(box)

    # The kernel has to kill to get memory, and takes who has most of it.
    box.run("systemd-run", "--unit=glutton", "tail", "/dev/zero")
    box.until(lambda: box.state("glutton.service") == "failed", 30, "a process that takes everything is killed")
    assert box.show("glutton.service", "ExecMainStatus")["ExecMainStatus"] == "9"
    assert unharmed(box, UNIT, "docker.service") == before

    began = time.time()
    with starved(box):
        elevated = kit.await_record(box, kit.PRESSURE_LEVEL, "REAPERD_PRESSURE_LEVEL=elevated", seconds=60)
        gone = kit.await_removed(box, good, seconds=60)
        assert {one["REAPERD_VERDICT"] for one in gone.values()} == {"pressure"}
        assert {one["REAPERD_SETTING"] for one in gone.values()} == {"ElevatedFactor"}
        assert kit.here(box) == {*bad, *lasting}

        kit.settings(box, short_of_memory())
        gone = kit.await_removed(box, bad, seconds=60)
        assert {one["REAPERD_VERDICT"] for one in gone.values()} == {"pressure"}
        assert {one["REAPERD_SETTING"] for one in gone.values()} == {"MemoryAvailableLow"}
        assert kit.await_record(box, kit.PRESSURE_LEVEL, "REAPERD_PRESSURE_LEVEL=critical")
        assert kit.await_record(box, kit.PRESSURE_BATCH)["REAPERD_REMOVED"] == "2"
        assert "critical" in box.run("reaperctl").stdout
        ended = time.time()
    assert kit.when(elevated) < ended and all(began < kit.when(one) < ended for one in gone.values())
    box.run("rm", "/etc/reaperd/reaperd.conf.d/60-test.conf")
    assert read_back(box) - pages > 10_000, "the box had memory enough"
    assert kit.here(box) == lasting
    assert unharmed(box, UNIT, "docker.service") == before


@contextmanager
def fake_engine(box: Box) -> Iterator[Standin]:
    """In the place of the box's engine, for reaperd alone; the socket is the box's, as who made it does not matter."""
    place = Path(f"/proc/{box.pid}/root{ENGINE}")
    standin = Standin(str(place))
    try:
        box.run("chown", "root:docker", ENGINE)
        box.run("chmod", "0660", ENGINE)
        box.configure(f"[Engine]\nEndpoint=unix://{ENGINE}\n[Pressure]\nEnabled=no\n", "70-standin.conf")
        yield standin
        assert standin.violations == [] and standin.server.errors == []
    finally:
        box.run("rm", "-f", "/etc/reaperd/reaperd.conf.d/70-standin.conf")
        standin.close()


def of_its_cgroup(box: Box, old: str, new: str) -> str:
    """What the service's cgroup has, by the name that it has in the first version and in the second."""
    group = box.show(UNIT, "ControlGroup")["ControlGroup"]
    controller = old.partition(".")[0]
    return box.sh(f"cat /sys/fs/cgroup/{controller}{group}/{old} || cat /sys/fs/cgroup{group}/{new}")


def test_limits(small: Box) -> None:
    """Of the memory that it may have it needs little, with far more containers than a node ever has."""
    box = small
    shown = box.show(UNIT, "MemoryMax", "MemorySwapMax", "TasksMax", "OOMScoreAdjust", "ManagedOOMPreference")
    limit = int(shown["MemoryMax"])
    assert int(of_its_cgroup(box, "memory.limit_in_bytes", "memory.max")) == limit
    assert of_its_cgroup(box, "pids.max", "pids.max") == shown["TasksMax"]
    # What these two do cannot be shown here: a box may not lower what PID 1 has been given, and has no systemd-oomd.
    assert (shown["OOMScoreAdjust"], shown["ManagedOOMPreference"]) == ("-900", "avoid")
    assert shown["MemorySwapMax"] == "0"

    with fake_engine(box) as engine:
        due = [engine.add(slot=n, ended=7200.0) for n in range(100)]
        engine.bulk = bulk_exited(FAKE)
        box.run("systemctl", "restart", UNIT)
        engine.wait_removed(*due, timeout=60)
        kit.await_status(box, f"^Tracking {FAKE} containers, {FAKE} stopped")
        box.run("systemctl", "reload", UNIT)
        engine.wait_answered("list", 2)
        assert len(json.loads(box.run("reaperctl", "list", "--json=short").stdout)) == FAKE
        highest = int(of_its_cgroup(box, "memory.max_usage_in_bytes", "memory.peak"))
        assert highest < limit / 4, f"{highest // MB} MB"
        assert unharmed(box, UNIT)[UNIT][1:] == ("0", "success")
    box.run("systemctl", "restart", UNIT)


def test_leak(small: Box) -> None:
    """What takes more and more is killed at the limit, by which nobody else loses anything, and starts anew."""
    box = small
    limit = int(box.show(UNIT, "MemoryMax")["MemoryMax"])
    mark = "/run/reaperd-metrics/leaked"
    engine = unharmed(box, "docker.service", "containerd.service")
    # It would end with an error of its own, for which it would not be started again, if it got twice as much.
    box.unit_dropin(f"""[Service]
RestartSec=100ms
ExecStart=
ExecStart=/bin/sh -c '[ -e {mark} ] && exec /usr/sbin/reaperd; : >{mark}; ulimit -v {limit // 512}; exec tail /dev/zero'
""")
    try:
        box.run("systemctl", "restart", UNIT, check=False)
        box.until(lambda: box.state() == "active", 30, "reaperd is back")
        assert box.show(UNIT, "NRestarts")["NRestarts"] == "1"
        assert [one for one in box.journal(f"UNIT={UNIT}", "EXIT_CODE=killed", "EXIT_STATUS=9")]
        assert kit.await_status(box, "^Tracking ")
        assert unharmed(box, "docker.service", "containerd.service") == engine
    finally:
        box.run("rm", "-r", f"/etc/systemd/system/{UNIT}.d", mark)
        box.run("systemctl", "daemon-reload")
