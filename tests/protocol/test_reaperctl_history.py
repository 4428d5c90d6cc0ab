# SPDX-License-Identifier: Apache-2.0
"""reaperctl history: what the daemon has at hand, and what the journal has besides.

Journals are made from its export format by systemd-journal-remote, so that they are what sd-journal reads anywhere.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from console_kit import QUIET, Console
from lab.bus import DOCKER
from reaperctl import SGR
from reaperctl_kit import Asker, Bus, Peer, Reaperd, begin, bus, console, reaperctl  # noqa: F401
from standin import Standin

# pylint: disable=redefined-outer-name
REMOTE = "/lib/systemd/systemd-journal-remote"
REMOVED = "891fbc50057d4de08f3b69bb4ede2e62"
HOUR = 3600 * 10**6
HEADER = ["WHEN", "CONTAINER", "NAME", "SERVICE", "VERDICT", "AGE", "HELD", "OBSERVED", "EXIT"]


def ident(number: int) -> str:
    return f"{number:012x}" + "ab" * 26


class Journal:
    """A folder with one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "journal"
        self.folder.mkdir()
        self.now = time.time_ns() // 1000
        self._records: list[dict[str, Any]] = []

    def add(self, number: int, ago: float, **fields: str | bytes | None) -> None:
        """A record of so many seconds ago; a field that is None is left out."""
        at = self.now - int(ago * 1e6)
        record: dict[str, Any] = {
            "__REALTIME_TIMESTAMP": str(at), "__MONOTONIC_TIMESTAMP": str(max(10**12 - int(ago * 1e6), 1)),
            "_BOOT_ID": "0123456789abcdef0123456789abcdef", "_SYSTEMD_UNIT": "reaperd.service",
            "MESSAGE_ID": REMOVED, "MESSAGE": f"Removed {number}", "PRIORITY": "6",
            "CONTAINER_ID": ident(number)[:12], "CONTAINER_ID_FULL": ident(number), "CONTAINER_NAME": f"web.1.t{number}",
            "IMAGE_NAME": "web:1", "SWARM_SERVICE_NAME": "web", "REAPERD_VERDICT": "ttl-expired",
            "REAPERD_SETTING": "Success", "REAPERD_ORIGIN": "default", "REAPERD_AGE_USEC": str(2 * HOUR),
            "REAPERD_EXIT_CODE": "0", "REAPERD_DRY_RUN": "0", "REAPERD_ATTEMPT": "1"}
        self._records.append({key: value for key, value in (record | fields).items() if value is not None})

    def write(self) -> Path:
        """One file for 500 records each: journal-remote takes them the slower the more there are of them."""
        records = sorted(self._records, key=lambda each: int(each["__REALTIME_TIMESTAMP"]))
        for begun in range(0, len(records), 500):
            subprocess.run([REMOTE, f"--output={self.folder}/test-{begun:05d}.journal", "-"], check=True,
                           input=b"".join(map(exported, records[begun:begun + 500])), capture_output=True)
        return self.folder


def exported(record: dict[str, Any]) -> bytes:
    """In journald's export format."""
    data = b""
    for key, value in record.items():
        if isinstance(value, bytes):
            data += key.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
        else:
            data += f"{key}={value}\n".encode()
    return data + b"\n"


@pytest.fixture
def journal(folder: Path) -> Journal:
    return Journal(folder)


def names(asker: Asker, *arguments: str | Path, status: int = 0) -> list[str]:
    return [row["name"] for row in asker("history", "--json=short", *arguments, status=status).rows]


def test_of_the_daemon(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    c = engine.add(ended=7200.0, exit_code=3)
    begin(reaperd, console, **QUIET)
    # As this bus has no machine with a journal of it, there is nothing but the daemon's.
    done = reaperctl("history", "--since=1h")
    assert done.lines == [] or done.lines[-1] == "0 removals listed."
    reaperctl("reap", c.name)
    done = reaperctl("history", "--since=1h")
    assert done.lines[0].split() == HEADER and done.lines[2:] == ["", "1 removal listed."]
    words = done.lines[1].split()
    assert words[2:6] == [c.short, c.name, "web", "requested"] and words[-1] == "3" and "2h" in words
    assert done.lines[1].startswith(time.strftime("%Y-%m-%d "))

    row, = reaperctl("history", "--since=1h", "--json=short").rows
    told = console.history()[0]
    assert row == {
        "when_usec": told.at, "id": c.id, "name": c.name, "service": "web", "image": c.image, "outcome": "failure",
        "verdict": "requested", "setting": None, "origin": None, "rule": None, "age_usec": told.age, "exit_code": 3,
        "held_cached": None, "held_dirty": None, "held_disk": None, "held_inodes": None, "observed": told.observed,
        "observed_of": 1, "dry_run": False, "attempts": 1}
    assert len(reaperctl("history", "--since=1h", "--no-legend").lines) == 1
    # What it gave back is to be seen on a narrow terminal, too; its id is not needed any more.
    narrow = SGR.sub("", reaperctl.on_terminal("history", "--since=1h", columns=74).out).splitlines()
    assert narrow[0].split() == [word for word in HEADER if word != "CONTAINER"] and max(map(len, narrow)) <= 74


def test_of_the_journal(journal: Journal, reaperctl: Asker) -> None:
    """Alone, when there is no daemon, which is said."""
    journal.add(1, 7200, REAPERD_HELD_BYTES="52533658", REAPERD_HELD_DIRTY_BYTES="1", REAPERD_HELD_DISK_BYTES="2",
                REAPERD_HELD_INODES="3", REAPERD_OBSERVED_BYTES="-3145728", REAPERD_RULE="jobs", REAPERD_EXIT_CODE="1")
    journal.add(2, 3600, SWARM_SERVICE_NAME=None, CONTAINER_NAME="plain", REAPERD_DRY_RUN="1")
    folder = journal.write()
    done = reaperctl("history", "-D", folder)
    assert done.errors == ["reaperctl: reaperd cannot be asked, so this is what the journal has"]
    assert done.lines[1].split()[2:] == [ident(1)[:12], "web.1.t1", "web", "ttl-expired", "2h", "50.1M", "-3.0M", "1"]
    assert done.lines[2].split()[2:] == [ident(2)[:12], "plain", "-", "ttl-expired", "(dry", "run)", "2h", "-", "-", "0"]
    assert done.lines[-1] == "2 removals listed."
    first, second = reaperctl("history", "--json=pretty", "-D", folder).rows
    assert first == {
        "when_usec": journal.now - 2 * HOUR, "id": ident(1), "name": "web.1.t1", "service": "web", "image": "web:1",
        "outcome": None, "verdict": "ttl-expired", "setting": "Success", "origin": "default", "rule": "jobs",
        "age_usec": 2 * HOUR, "exit_code": 1, "held_cached": 52533658, "held_dirty": 1, "held_disk": 2,
        "held_inodes": 3, "observed": -3145728, "observed_of": 1, "dry_run": False, "attempts": 1}
    assert (second["service"], second["dry_run"], second["held_cached"]) == (None, True, None)


def test_merged(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker, journal: Journal) -> None:
    """The oldest first, and what both know once."""
    c = engine.add(ended=7200.0)
    begin(reaperd, console, **QUIET)
    reaperctl("reap", c.name)
    journal.add(2, 7200)
    journal.add(3, 86400)
    journal.add(4, 0, CONTAINER_ID_FULL=c.id, CONTAINER_NAME="as-the-journal-knows-it")
    journal.add(5, 60, CONTAINER_ID_FULL=c.id, CONTAINER_NAME="would-have-been", REAPERD_DRY_RUN="1")
    folder = journal.write()
    done = reaperctl("history", "--json=short", "-D", folder)
    assert [row["name"] for row in done.rows] == ["web.1.t3", "web.1.t2", "would-have-been", c.name]
    assert done.rows[3]["outcome"] == "success" and not done.errors
    assert names(reaperctl, "-D", folder, "--since=3h") == ["web.1.t2", "would-have-been", c.name]
    assert names(reaperctl, "-D", folder, "-n1") == [c.name]
    assert names(reaperctl, "-D", folder, "--lines=3") == ["web.1.t2", "would-have-been", c.name]
    assert names(reaperctl, "-D", folder, "--since=1min ago", "-n", "9")[-1] == c.name


def test_only_the_unit_counts(journal: Journal, reaperctl: Asker) -> None:
    """Anybody can write a message id; a unit is journald's own word."""
    journal.add(1, 60)
    journal.add(2, 50, _SYSTEMD_UNIT="session-1.scope")
    journal.add(3, 40, _SYSTEMD_UNIT=None)
    journal.add(4, 30, _SYSTEMD_UNIT=None, UNIT="reaperd.service", SYSTEMD_UNIT="reaperd.service")
    journal.add(5, 20, MESSAGE_ID="501c4a071f594f33a304f4cf0883ba3f")
    assert names(reaperctl, "-D", journal.write()) == ["web.1.t1"]


def test_hostile_records(journal: Journal, reaperctl: Asker) -> None:
    """What does not parse is unknown; a record that names no container is none."""
    journal.add(1, 60, REAPERD_AGE_USEC="soon", REAPERD_EXIT_CODE="2147483648", REAPERD_HELD_BYTES="-1",
                REAPERD_OBSERVED_BYTES="1e9", REAPERD_ATTEMPT="", REAPERD_VERDICT=None)
    journal.add(2, 50, CONTAINER_NAME=b"\x1b[31mred\nnext\xff", IMAGE_NAME="\u202eevil")
    journal.add(3, 40, CONTAINER_ID_FULL="../../etc/passwd")
    journal.add(4, 30, CONTAINER_ID_FULL=None)
    folder = journal.write()
    row, other = reaperctl("history", "--json=short", "-D", folder).rows
    unknown = ("age_usec", "exit_code", "held_cached", "observed", "observed_of", "attempts", "verdict")
    assert {row[key] for key in unknown} == {None}
    done = reaperctl("history", "-D", folder)
    assert done.lines[1].split()[5:] == ["-"] * 5
    assert r"\x1b[31mred\x0anext\xff" in done.lines[2] and len(done.lines) == 5


def test_many(journal: Journal, reaperctl: Asker) -> None:
    """The newest 10,000, and that there are more is said."""
    few = dict.fromkeys(("CONTAINER_ID", "IMAGE_NAME", "SWARM_SERVICE_NAME", "REAPERD_SETTING", "REAPERD_ORIGIN",
                         "REAPERD_AGE_USEC", "REAPERD_EXIT_CODE", "REAPERD_ATTEMPT", "PRIORITY", "MESSAGE"))
    for number in range(10050):
        journal.add(number, 20000 - number, **few)
    folder = journal.write()
    done = reaperctl("history", "--json=short", "-D", folder)
    assert [row["name"] for row in done.rows] == [f"web.1.t{number}" for number in range(50, 10050)]
    assert "The journal has more: its newest 10000 removals are shown, see --since=" in done.err
    done = reaperctl("history", "--json=short", "-D", folder, "-n2")
    assert [row["name"] for row in done.rows] == ["web.1.t10048", "web.1.t10049"] and "has more" not in done.err


def test_no_journal(reaperd: Reaperd, console: Console, reaperctl: Asker, folder: Path) -> None:
    """Of the daemon what it has, and of a named folder that there is none."""
    begin(reaperd, console)
    done = reaperctl("history", "-D", folder / "nothing", status=1)
    assert done.errors[0].startswith(f"reaperctl: --directory={folder}/nothing: no journal can be read there: ")


def test_nothing_at_all(reaperctl: Asker) -> None:
    """Neither a daemon nor a record of the last second: "0 removals" would be a claim that nobody has made."""
    done = reaperctl("history", "--since=0", status=1)
    assert not done.lines and done.errors[0].startswith("reaperctl: No reaperd on the system bus of this node: ")


@pytest.mark.parametrize("arguments, said", [
    (["--since=tomorrow"], "accepted: a span such as 2h"), (["--since=2026-02-30"], "YYYY-MM-DD HH:MM[:SS]"),
    (["-D", "/x", "-H", "node1"], "--directory= cannot be used with --host="), (["-n", "0"], "--lines=0"),
])
def test_usage(reaperctl: Asker, arguments: list[str], said: str) -> None:
    error, = reaperctl("history", *arguments, status=2).errors
    assert said in error


def test_hosts(bus: Bus, reaperctl: Asker, folder: Path) -> None:
    """The daemons' alone, in one table by time; a host that fails is told, and the others are listed."""
    now = time.time_ns() // 1000

    def removal(number: int, ago: int) -> tuple[Any, ...]:
        return (now - ago * 10**6, ident(number), f"job.{number}", "", "img", "success", "orphan", "", "", "", HOUR, 0,
                2**64 - 1, 0, 0, 0, 36 << 20, 3, False, 1)
    with Bus() as second:
        one = Peer(bus, History=lambda since: ("a(tssssssssstittttxubu)", [[removal(1, 30), removal(3, 10)]]))
        two = Peer(second, History=lambda since: ("a(tssssssssstittttxubu)", [[removal(2, 20)]]))
        try:
            reaperctl.hosts(folder, node1=bus, node2=second)
            done = reaperctl("-H", "node1,node2", "history")
            assert done.lines[0].split() == ["NODE"] + HEADER
            assert [(line.split()[0], line.split()[4]) for line in done.lines[1:4]] == \
                [("node1", "job.1"), ("node2", "job.2"), ("node1", "job.3")]
            assert "~12.0M" in done.lines[1]
            done = reaperctl("-H", "node1,away", "history", "--json=short", status=1)
            assert [(row["node"], row["name"]) for row in done.rows] == [("node1", "job.1"), ("node1", "job.3")]
            assert any("away: " in error for error in done.errors)
        finally:
            one.close()
            two.close()


def test_not_everybody(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    begin(reaperd, console)
    assert reaperctl("history", "--since=0", user=DOCKER).lines[-1] == "0 removals listed."
