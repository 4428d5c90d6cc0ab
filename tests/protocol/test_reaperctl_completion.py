# SPDX-License-Identifier: Apache-2.0
"""Completion in bash and zsh, against a daemon that knows containers, and against none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Callable, Iterator

import pytest

from completion import BASH_COMPLETION, Zsh, bash
from console_kit import QUIET, Console
from reaperctl_kit import REAPERCTL, Asker, Bus, Peer, Reaperd, begin, bus as bus, console, reaperctl  # noqa: F401
from standin import Standin

# pylint: disable=redefined-outer-name
Complete = Callable[[str], set[str]]
VERBS = {"status", "list", "explain", "history", "memory", "watch", "reap", "pause", "resume", "reload",
         "check-config", "advise"}
COMMON = {"--host", "--machine", "--json", "--no-legend", "--no-pager", "--full", "--help", "--version"}


@pytest.fixture(params=["bash", "zsh"])
def complete(request: pytest.FixtureRequest, folder: Path, reaperctl: Asker) -> Iterator[Complete]:
    """What that shell offers; an = or a space at the end of an option is left out."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/config").write_text("Host node1 node2\n", encoding="utf-8")
    (home / ".ssh/known_hosts").write_text("node1 ssh-ed25519 AAAA\nnode2 ssh-ed25519 AAAA\n", encoding="utf-8")
    programs = folder / "programs"
    programs.mkdir()
    (programs / "reaperctl").symlink_to(REAPERCTL)
    environment = reaperctl.environment | {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home)}

    def trimmed(offered: set[str]) -> set[str]:
        return {each.removesuffix("=") for each in offered}

    if request.param == "bash":
        if not BASH_COMPLETION.exists():
            pytest.skip("bash-completion is not installed")
        yield lambda line: trimmed(bash("reaperctl " + line, home, environment))
        return
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    with Zsh(home, environment) as zsh:
        yield lambda line: trimmed(zsh.complete("reaperctl " + line))


def words(offered: set[str]) -> set[str]:
    """Where there is nothing else, zsh offers options unasked."""
    return {each for each in offered if not each.startswith("-")}


def test_words(complete: Complete, folder: Path) -> None:
    assert complete("") == VERBS
    assert complete("re") == {"reap", "resume", "reload"}
    assert complete("-H node1 --json=short p") == {"pause"}
    assert COMMON <= complete("--")
    assert complete("list --a") == {"--all"} and complete("status --a") == set()
    assert complete("reap --du") == {"--due"} and complete("history --si") == {"--since"}
    assert complete("--no-") == {"--no-legend", "--no-pager"}
    assert {each.rpartition("=")[2] for each in complete("list --sort=")} == {"due", "age", "held", "size"}
    assert {each.rpartition("=")[2] for each in complete("list --verdict=over")} == {"over-cap"}
    assert {each.rpartition("=")[2] for each in complete("--json=")} == {"short", "pretty", "off"}
    assert complete("pause 1") == {"15min", "1h"}
    assert words(complete("resume ")) == set()


def test_from_the_daemon(engine: Standin, reaperd: Reaperd, console: Console, complete: Complete) -> None:
    """explain any, reap what has stopped; services once each."""
    stopped, fails = engine.add(slot=1, ended=600.0), engine.add(service="db", ended=600.0, exit_code=1)
    runs, api = engine.add(slot=2, state="running"), engine.add(service="api", state="running")
    begin(reaperd, console, **QUIET)
    assert complete("explain ") == {stopped.name, fails.name, runs.name, api.name}
    assert complete("explain web") == {stopped.name, runs.name}
    assert complete("reap ") == {stopped.name, fails.name}
    assert {each.rpartition("=")[2] for each in complete("list --service=")} == {"web", "db", "api"}
    assert {each.rpartition("=")[2] for each in complete("reap --service=w")} == {"web"}
    assert words(complete("-H node1 reap ")) == set(), "other hosts are not asked"


def test_without_a_daemon(complete: Complete) -> None:
    """Nothing is offered, and nothing said."""
    assert words(complete("explain ")) == set() and complete("reap w") == set()
    assert complete("list --service=") == set()


def test_hostile_names(bus: Bus, complete: Complete) -> None:
    """Nothing that a shell would have to quote is offered."""
    def row(name: str, slot: str) -> tuple[object, ...]:
        return ("ab" * 32, name, "", slot, "", "exited", "", "retained", 0, 0, 0, 0, 0, 0, False)
    rows = [row("good-1.x_y", "web.1"), row("$(touch pwned)", "$(reboot).1"), row("`id`", "a;b.1"), row("-rf", "-x.1"),
            row("a b", "a b.1"), row("a'b", "*.1"), row("", "")]
    peer = Peer(bus, ListContainers=lambda *_: ("a(ssssssssttttttb)s", [rows, ""]))
    try:
        assert complete("reap ") <= {"good-1.x_y", "a"} and "good-1.x_y" in complete("reap ")
        assert {each.rpartition("=")[2] for each in complete("list --service=")} <= {"web", "b", "a"}
    finally:
        peer.close()


def test_hosts(complete: Complete) -> None:
    """Those that ssh knows, one behind the other."""
    assert {"node1", "node2"} <= complete("-H ")
    assert {each.rpartition(",")[2] for each in complete("-H node1,no")} >= {"node1", "node2"}
    assert {each.rpartition("@")[2] for each in complete("-H ops@no")} >= {"node1", "node2"}


def test_files(complete: Complete, folder: Path) -> None:
    (folder / "one.conf").touch()
    (folder / "two").mkdir()
    offered = complete(f"check-config {folder}/")
    assert any(each.endswith("one.conf") for each in offered)
    assert not any(each.endswith("one.conf") for each in complete(f"history -D {folder}/"))
    assert any(each.rstrip("/").endswith("two") for each in complete(f"history -D {folder}/"))
