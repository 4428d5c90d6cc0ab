# SPDX-License-Identifier: Apache-2.0
"""reaperctl check-config: by the daemon, or by reaperd itself where there is none to ask."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from console_kit import Console
from daemon import BINARY
from lab.bus import NOBODY
from reaperctl_kit import REAPERCTL, Asker, Bus, Peer, Reaperd, begin, bus, console, reaperctl  # noqa: F401

# pylint: disable=redefined-outer-name
BAD = "[Retention]\nSucces=1h\nFailure=soon\nSuccess=1h\nSuccess=2h\n"


@pytest.fixture
def bad(folder: Path) -> Path:
    path = folder / "bad.conf"
    path.write_text(BAD, encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    return [f"{path}:{line}: " for line in (2, 3)]


def check(asker: Asker, path: Path, *arguments: str | Path) -> None:
    """All faults, one a line, and nothing in front of the file's name."""
    done = asker("check-config", *arguments, status=1)
    errors = [line for line in done.errors if ": notice: " not in line]
    assert [line.partition("[")[0] for line in errors] == faults(path) and not done.lines

    done = asker("check-config", "--json=short", *arguments, status=1)
    assert [row["fault"].partition("[")[0] for row in done.rows if row["severity"] == "error"] == faults(path)
    assert {row["severity"] for row in done.rows} <= {"error", "notice"} and not done.errors


def test_of_the_daemon(reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """What it would read now, as it was told where."""
    begin(reaperd, console)
    assert reaperctl("check-config").out == "configuration OK\n"
    assert reaperctl("check-config", "--json=short").rows == []
    reaperd.config.write_text(BAD, encoding="utf-8")
    check(reaperctl, reaperd.config)
    assert reaperd.running()


def test_of_a_file(reaperd: Reaperd, console: Console, reaperctl: Asker, bad: Path) -> None:
    """Not the daemon's matter: it may not even see it."""
    begin(reaperd, console)
    check(reaperctl, bad, bad)
    bad.write_text("[Retention]\nSuccess=1h\nSuccess=2h\n", encoding="utf-8")
    done = reaperctl("check-config", bad)
    assert done.out == "configuration OK\n"
    assert len(done.errors) == 1 and done.errors[0].startswith(f"{bad}:3: notice: ")
    assert [row["severity"] for row in reaperctl("check-config", "--json=short", bad).rows] == ["notice"]


def test_relative_path(reaperctl: Asker, bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bad.parent)
    check(reaperctl, Path(bad.name), bad.name)


def test_missing(reaperctl: Asker, folder: Path) -> None:
    done = reaperctl("check-config", folder / "nothing.conf", status=1)
    assert done.errors[0].startswith(f"{folder}/nothing.conf: ") and not done.lines


def test_hostile_text(reaperctl: Asker, bad: Path) -> None:
    bad.write_bytes(b"[Retention]\nSuc\x1b[31mcess=1h\n")
    assert reaperctl("check-config", bad, status=1).errors


def test_which_reaperd(reaperctl: Asker, folder: Path, bad: Path) -> None:
    """That of its own installation: ../sbin/reaperd, then the one beside it."""
    tree = folder / "usr"
    (tree / "bin").mkdir(parents=True)
    (tree / "sbin").mkdir()
    shutil.copy(REAPERCTL, tree / "bin" / "reaperctl")
    fake = tree / "sbin" / "reaperd"
    fake.write_text('#!/bin/sh\necho "$0: $*" >&2\nexit 1\n', encoding="utf-8")
    fake.chmod(0o755)

    def own(*arguments: str | Path) -> tuple[int, str, list[str]]:
        done = subprocess.run([tree / "bin" / "reaperctl", "check-config", *arguments], check=False, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, env=reaperctl.environment)
        return done.returncode, done.stdout, done.stderr.splitlines()

    ran = f"{tree}/bin/../sbin/reaperd"
    assert own(bad) == (1, "", [f"{ran}: --check-config --config={bad}"])
    for end in ("kill -9 $$", "exit 0", "exit 3"):
        fake.write_text(f"#!/bin/sh\n{end}\n", encoding="utf-8")
        assert own(bad) == ((0, "configuration OK\n", []) if end == "exit 0"
                            else (1, "", [f"reaperctl: {ran} ended in an unexpected way"]))
    fake.unlink()
    shutil.copy(BINARY, tree / "bin" / "reaperd")
    status, out, errors = own(bad)
    assert (status, out) == (1, "")
    assert [line.partition("[")[0] for line in errors if ": notice: " not in line] == faults(bad)


def test_without_a_daemon(reaperctl: Asker) -> None:
    """The default files are reaperd's to find; whatever is in them on this machine, it says the same."""
    direct = subprocess.run([BINARY, "--check-config"], check=False, text=True, capture_output=True)
    done = reaperctl("check-config", status=1 if direct.returncode else 0)
    assert (done.out, done.err) == (direct.stdout, direct.stderr)


def test_elsewhere(bus: Bus, reaperctl: Asker, folder: Path) -> None:
    """The daemon of another host is asked, also about a file, which is then one of that host."""
    asked: list[str] = []

    def answer(path: str) -> tuple[str, list[list[tuple[str, str]]]]:
        asked.append(path)
        return "a(ss)", [[("error", "x\x1b[31m"), ("notice", "y")]]
    peer = Peer(bus, CheckConfigFile=answer, CheckConfig=lambda: ("a(ss)", [[]]))
    try:
        reaperctl.hosts(folder, node1=bus, node2=bus)
        assert reaperctl("-H", "node1", "check-config").out == "configuration OK\n"
        done = reaperctl("-H", "node1", "check-config", "/x.conf", status=1)
        assert (done.out, done.errors, asked) == ("", [r"x\x1b[31m", "y"], ["/x.conf"])
        done = reaperctl("-H", "node1,node2", "check-config", "/x.conf", status=1)
        assert done.errors == [r"reaperctl: node1: x\x1b[31m", "reaperctl: node1: y",
                               r"reaperctl: node2: x\x1b[31m", "reaperctl: node2: y"]
        error, = reaperctl("-H", "node1", "check-config", "x.conf", status=2).errors
        assert "accepted: an absolute path" in error
    finally:
        peer.close()


def test_refused(reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    begin(reaperd, console)
    error, = reaperctl("check-config", status=1, user=NOBODY).errors
    assert error.startswith("reaperctl: Access denied: ")
