# SPDX-License-Identifier: Apache-2.0
"""Each fence of the unit is real: what it forbids works without it, and does not behind it."""

from __future__ import annotations

from typing import Iterator

import pytest

import service_kit as kit
from fence_lab import FenceLab, build, refused
from fence_table import (AS_OTHER_USER, CHANGES, DROPINS, FENCES, NEEDS, NO_FENCE, OTHERWISE, SOMEBODY, STALLS,
                         THEIRS, X86)
from lab import IMAGE
from lab.box import UNIT, Box

# Where the engine mounts the file systems of containers, and their networks.
ENGINES = ("/run/docker/netns/", "/var/lib/docker/")


@pytest.fixture(scope="module")
def lab(node: Box, tmp_path_factory: pytest.TempPathFactory) -> FenceLab:
    return FenceLab(node, build(tmp_path_factory.mktemp("probe")))


def listed(results: dict[str, str]) -> str:
    return "\n".join(f"{act} {result}" for act, result in results.items())


def test_every_line_is_a_fence_that_is_tried_or_none(lab: FenceLab) -> None:
    keys = lab.unit.keys()
    assert keys - (set(FENCES) | OTHERWISE | NO_FENCE) == set(), "lines that nobody tries"
    assert (set(FENCES) | OTHERWISE) - keys == set(), "fences that the unit has lost"
    untried = {key for key in lab.unit.fences() if not lab.unit.acts(key)}
    assert untried <= (set() if X86 else {"SystemCallArchitectures"})


def test_each_fence_alone(lab: FenceLab) -> None:
    units = {}
    for key in lab.unit.fences():
        if acts := lab.unit.acts(key):
            base = FENCES[key].base
            units[f"without-{key}"] = base, acts
            units[f"with-{key}"] = f"{base}\n{lab.unit.of(key)}", acts
    results = lab.run(units)
    wrong = {f"{unit}: {act}": result for unit, acts in results.items() for act, result in acts.items()
             if not (result == "done" if unit.startswith("without-") else refused(result))}
    # What works nowhere shows nothing.
    assert not wrong, listed(wrong)


def test_what_is_filtered_gets_an_error(lab: FenceLab) -> None:
    """Without SystemCallErrorNumber= it would be the end of who tries."""
    acts, lines = lab.unit.acts("SystemCallFilter"), lab.unit.of("SystemCallFilter")
    results = lab.run({"without-SystemCallErrorNumber": (lines, acts),
                       "with-SystemCallErrorNumber": (f"{lines}\n{lab.unit.of('SystemCallErrorNumber')}", acts)})
    assert set(results["without-SystemCallErrorNumber"].values()) == {"killed SYS"}
    assert set(results["with-SystemCallErrorNumber"].values()) == {"refused EPERM"}


def test_shared_memory_does_not_outlive_it(lab: FenceLab) -> None:
    """RemoveIPC= goes by the user, so each of the two units has one of its own."""
    left = {}
    for name, user, key, line in (("without", "games", 4711, ""), ("with", "nobody", 4712, lab.unit.of("RemoveIPC"))):
        make, find = ((f"{verb}-posix:/{key}", f"{verb}-system-v:{key}") for verb in ("leave", "find"))
        made = lab.run({f"{name}-RemoveIPC": (f"User={user}\n{line}", make)})
        assert set(made[f"{name}-RemoveIPC"].values()) == {"done"}
        left |= lab.run({name: ("", find)})
    assert set(left["without"].values()) == {"done"}
    assert set(left["with"].values()) == {"refused ENOENT"}


def test_all_together(lab: FenceLab) -> None:
    result = lab.inside("all", (*lab.unit.all_acts(), *NEEDS))
    needs = {act: result.pop(act) for act in lab.acts(NEEDS)}
    assert set(needs.values()) == {"done"}, listed(needs)
    assert not (wrong := {act: said for act, said in result.items() if not refused(said)}), listed(wrong)
    # A library that tries what is new gets an error, and not its end.
    assert {act for act, said in result.items() if said.startswith("killed")} <= {"foreign-call"}


def test_they_hold_for_root_as_well(lab: FenceLab) -> None:
    """The rights of files are not what keeps it: with User=root only what files allow to their owner is open."""
    acts = [act for act in lab.unit.all_acts() if act not in AS_OTHER_USER]
    result = lab.inside("root", acts, "User=root\n")
    # The folders are given back to their user.
    lab.box.run("systemctl", "start", UNIT)
    assert not (wrong := {act: said for act, said in result.items() if not refused(said)}), listed(wrong)


def test_the_daemon_runs_in_there(lab: FenceLab) -> None:
    """What runs is what was tried: the process itself, seen from outside."""
    box = lab.box
    kit.restart(box)
    pid = box.main_pid()
    status = dict(line.split(":\t", 1) for line in box.read(f"/proc/{pid}/status").splitlines())
    user, group, docker = box.sh("id -u reaperd; id -g reaperd; getent group docker | cut -d: -f3").split()
    assert (status["Uid"].split(), status["Gid"].split()) == ([user] * 4, [group] * 4)
    assert set(status["Groups"].split()) - {group} == {docker}
    assert {status[f"Cap{name}"] for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"], status["Umask"]) == ("1", "2", "0077")
    names = ("ipc", "mnt", "net", "user", "uts")
    own, first = (box.sh("readlink " + " ".join(f"/proc/{one}/ns/{name}" for name in names)).split()
                  for one in (pid, 1))
    assert len(own) == len(names) and not set(own) & set(first)


def mounted(box: Box, pid: int) -> set[str]:
    """What of the engine's a process has in its namespace."""
    points = (line.split()[4] for line in box.read(f"/proc/{pid}/mountinfo").splitlines())
    return {point for point in points if point.startswith(ENGINES)}


@pytest.mark.parametrize("line", ["", "MountFlags=private"], ids=["as-it-is", "with-mounts-of-its-own"])
def test_it_keeps_nothing_of_a_container(lab: FenceLab, line: str) -> None:
    """Its namespace is a copy of the mounts that were there when it started, those of containers included. They go
    with their container, or this would be the very thing that it is there to end; the other line shows it."""
    box = lab.box
    before = mounted(box, 1)
    ident = box.docker("run", "--detach", "--ipc", "shareable", IMAGE, "sleep", "1000")
    its = mounted(box, 1) - before
    assert {place for place in ENGINES if any(point.startswith(place) for point in its)} == set(ENGINES), its
    box.unit_dropin(f"[Service]\n{line}\n", "mounts.conf")
    try:
        kit.restart(box)
        pid = box.main_pid()
        assert its <= mounted(box, pid)
        box.docker("rm", "--force", ident)
        assert not its & mounted(box, 1)
        assert bool(its & mounted(box, pid)) == bool(line)
        assert box.main_pid() == pid
    finally:
        box.run("rm", f"/etc/systemd/system/{UNIT}.d/mounts.conf")
        box.run("systemctl", "daemon-reload")


@pytest.fixture
def dropin(lab: FenceLab, request: pytest.FixtureRequest) -> Iterator[str]:
    """The unit with an example of a drop-in as the package has it."""
    name = request.param
    text = lab.box.read(f"/usr/share/doc/reaperd/{name}.conf.example")
    # "Change the cgroup in both places."
    lab.box.unit_dropin(text.replace("/sys/fs/cgroup/system.slice", f"{lab.cgroup}/system.slice"), f"{name}.conf")
    kit.restart(lab.box)
    lab.box.run("sh", "-euc", f"echo >{THEIRS}; chown {SOMEBODY} {THEIRS}; chmod 600 {THEIRS};"
                              " echo >/var/lib/docker/fences; chmod 666 /var/lib/docker/fences")
    yield name
    lab.box.run("rm", f"/etc/systemd/system/{UNIT}.d/{name}.conf", THEIRS)
    lab.box.run("systemctl", "daemon-reload")


@pytest.mark.parametrize("dropin", DROPINS, indirect=True)
def test_a_dropin_opens_what_it_says(lab: FenceLab, dropin: str) -> None:
    wanted = DROPINS[dropin]
    closed = [act for act in lab.unit.all_acts() if act not in wanted.opens]
    needs = [act for act in NEEDS if act not in wanted.refused]
    result = lab.inside(dropin, (*closed, *wanted.refused, *wanted.opens, *wanted.done, *needs))
    done = {act for act, said in result.items() if said == "done"}
    opened = set(lab.acts((*wanted.opens, *wanted.done, *needs)))
    assert done == opened, f"too much: {sorted(done - opened)}, too little: {sorted(opened - done)}"
    others = {act: said for act, said in result.items() if act not in opened and not refused(said)}
    assert not others, listed(others)


@pytest.mark.parametrize("dropin", ["page-cache"], indirect=True)
def test_page_cache_has_two_capabilities_and_may_not_change_files(lab: FenceLab, dropin: str) -> None:
    box = lab.box
    status = dict(line.split(":\t", 1) for line in box.read(f"/proc/{box.main_pid()}/status").splitlines())
    dac_read_search, fowner = 2, 3
    two = f"{1 << dac_read_search | 1 << fowner:016x}"
    assert {status[f"Cap{name}"] for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {two}
    # CAP_FOWNER alone would allow it: it is the filter of system calls that does not.
    without = lab.inside("page-cache-without", CHANGES, "SystemCallFilter=\nSystemCallFilter=@system-service\n")
    assert set(without.values()) == {"done"}, listed(without)


@pytest.mark.parametrize("dropin", ["metrics"], indirect=True)
def test_only_its_dropin_lets_it_watch_a_cgroup(lab: FenceLab, dropin: str) -> None:
    """What is done with cgroup-pressure is refused with another."""
    result = lab.inside("no-cgroup-pressure", (STALLS,))
    assert all(refused(said) for said in result.values()), listed(result)
