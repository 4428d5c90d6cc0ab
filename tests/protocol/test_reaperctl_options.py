# SPDX-License-Identifier: Apache-2.0
"""reaperctl's command line, and how it treats its terminal: colours, the pager, output that nobody takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from console_kit import QUIET, Bus, Console, begin, bus, console  # noqa: F401
from daemon import Reaperd
from reaperctl import REAPERCTL, Reaperctl
from standin import Standin


@pytest.fixture
def reaperctl(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> Reaperctl:  # noqa: F811
    """There are three containers, and removals are paused."""
    for slot in (1, 2, 3):
        engine.add(slot=slot, ended=3600)
    begin(reaperd, console, **QUIET)
    console.pause(600)
    return Reaperctl(bus)


def test_help_and_version() -> None:
    for options in (("--help",), ("-h",), ("list", "--help"), ("--help", "list"), ("--no-pager", "-h")):
        shown = Reaperctl().good(*options)
        assert shown.lines[0] == "reaperctl [OPTIONS...] [COMMAND ...]"
        assert max(len(line) for line in shown.lines) <= 90
    assert Reaperctl().good("--version").out.startswith("reaperctl ")


@pytest.mark.parametrize(("words", "told"), [
    (("lst",), "There is no command lst, did you mean list?"),
    (("--hst=x",), "did you mean --host?"),
    (("list", "--sort=name"), "--sort=name: accepted is due, age, held or size"),
    (("list", "--json=yes"), "--json=yes: accepted is short, pretty or off"),
    (("list", "--lines=3"), "The command list has no option --lines="),
    (("explain",), "The command explain needs CONTAINER"),
    (("status", "web"), "The command status does not take another argument: web"),
    (("\x1b[2J",), "There is no command \\x1b[2J"),
])
def test_wrong_usage(words: tuple[str, ...], told: str) -> None:
    shown = Reaperctl()(*words)
    assert (shown.status, shown.out) == (2, "")
    assert shown.err.startswith("reaperctl: ") and told in shown.err and shown.err.count("\n") == 1


def test_colour_only_where_it_belongs(reaperctl: Reaperctl) -> None:
    for verb in (["status"], ["list"], ["memory"]):
        assert "\x1b[" in reaperctl.on_terminal(*verb).out, verb
        assert "\x1b[" in reaperctl.on_terminal(*verb, NO_COLOR="").out, verb
        for plain in (reaperctl.on_terminal(*verb, NO_COLOR="1"), reaperctl.on_terminal(*verb, TERM="dumb"),
                      reaperctl.good(*verb), reaperctl.on_terminal(*verb, "--json=pretty")):
            assert plain.status == 0 and "\x1b" not in plain.out, plain


def test_without_utf8_there_is_none(reaperctl: Reaperctl) -> None:
    for verb in (["status"], ["list"], ["memory"]):
        assert reaperctl.on_terminal(*verb, LC_ALL="C").out.isascii()
    assert reaperctl.good("status", LC_ALL="C").lines[0].startswith("* reaperd ")


def test_goes_through_the_pager(reaperctl: Reaperctl, folder: Path) -> None:
    pager = folder / "pager"
    pager.write_text('#!/bin/sh\necho "less=$LESS secure=$LESSSECURE arguments=$*"\nsed s/^/P:/\n')
    pager.chmod(0o755)
    plain = reaperctl.on_terminal("list", REAPERCTL_PAGER="cat").out
    rest = "".join(f"P:{line}\n" for line in plain.splitlines())
    for variables in ({"REAPERCTL_PAGER": f"{pager} -x  y", "PAGER": "false"}, {"PAGER": f"{pager} -x y"}):
        reaperctl.environment.pop("REAPERCTL_PAGER", None)
        shown = reaperctl.on_terminal("list", **variables)
        assert shown.out == f"less=FRSXMK secure=1 arguments=-x y\n{rest}", shown
    assert reaperctl.on_terminal("list", PAGER=str(pager), REAPERCTL_LESS="-R").out.startswith("less=-R secure=1")
    for without in (("--no-pager",), ("--json=short",)):
        shown = reaperctl.on_terminal("list", *without, PAGER=str(pager))
        assert "P:" not in shown.out and shown.status == 0
    assert "P:" not in reaperctl.good("list", PAGER=str(pager)).out, "it is not on a terminal"
    assert "P:" not in reaperctl.on_terminal("list", PAGER=str(pager), TERM="dumb").out
    assert reaperctl.on_terminal("list", PAGER="").out == plain
    assert reaperctl.on_terminal("list", PAGER="/nonexistent/pager").out == plain


def test_the_exit_status_is_not_the_pagers(reaperctl: Reaperctl) -> None:
    reaperctl.environment.pop("REAPERCTL_PAGER")
    assert reaperctl.on_terminal("list", PAGER="head -n 1").status == 0
    assert reaperctl.on_terminal("list", PAGER="false").status == 0
    assert reaperctl.on_terminal("explain", "nobody", PAGER="true").status == 1


@pytest.mark.parametrize("words", [("list",), ("status",), ("memory",), ("list", "--json=short"), ("--help",),
                                   ("--version",)])
def test_output_that_is_lost_is_an_error(reaperctl: Reaperctl, words: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([REAPERCTL, *words], check=False, stdout=full, stderr=subprocess.PIPE, text=True,
                              env=reaperctl.environment)
    assert done.returncode == 1
    assert done.stderr == "reaperctl: Cannot write to standard output: No space left on device\n"
