# SPDX-License-Identifier: Apache-2.0
"""What reaperctl --help, its manual page and its completions say of verbs and options is the same."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from reaperctl import REAPERCTL

TOP = Path(__file__).resolve().parents[2]
BASH, ZSH = TOP / "completions/reaperctl.bash", TOP / "completions/_reaperctl"
MANUAL = TOP / "man/reaperctl.1"
# Of which options each verb has; they are told apart by the headings of --help.
HEADINGS = ("list", "history", "reap")


def help_text() -> str:
    if not REAPERCTL.exists():
        pytest.fail(f"{REAPERCTL} is not built", pytrace=False)
    done = subprocess.run([REAPERCTL, "--help"], check=True, capture_output=True, text=True)
    assert done.stderr == "" and max(map(len, done.stdout.splitlines())) < 80
    return done.stdout


def section(text: str, heading: str) -> str:
    found = re.search(rf"^{heading}:\n((?:  .*\n)+)", text, re.M)
    assert found, heading
    return found[1]


def verbs_of_help() -> set[str]:
    return set(re.findall(r"^  ([a-z-]+)", section(help_text(), "Commands"), re.M))


def options_of_help() -> dict[str, set[str]]:
    """By the verb, "" for those of all: "--host", "-H", ..."""
    text = help_text()
    made = {}
    for verb in ("", *HEADINGS):
        lines = section(text, f"Options of {verb}" if verb else "Options").splitlines()
        made[verb] = {word.partition("=")[0] for line in lines for word in line[:31].split()
                      if word.startswith("-")}
    return made


def verdicts() -> set[str]:
    source = (TOP / "src/core/policy.c").read_text(encoding="utf-8")
    return set(re.findall(r'\[VERDICT_\w+\] = "([a-z-]+)"', source))


def test_manual() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    commands = text[text.index(".Sh COMMANDS"):text.index(".Sh OPTIONS")]
    options = text[text.index(".Sh OPTIONS"):text.index(".Sh COLUMNS")]
    assert set(re.findall(r"^\.It Ic ([a-z-]+)", commands, re.M)) == verbs_of_help()

    parts = re.split(r"^Of\n\.Ic ([a-z]+) :\n", options, flags=re.M)
    told = {"": parts[0]} | dict(zip(parts[1::2], parts[2::2]))
    named = {verb: {"-" + flag for line in re.findall(r"^\.It (Fl .*)", part, re.M)
                    for flag in re.findall(r"Fl (-?[A-Za-z-]+)", line)} for verb, part in told.items()}
    assert named == options_of_help()


def test_bash() -> None:
    text = BASH.read_text(encoding="utf-8")
    found = re.search(r"local commands='([^']+)'", text)
    assert found and set(found[1].split()) == verbs_of_help()
    given = {"": set(re.findall(r"--[a-z-]+", re.search(r"local common='([^']+)'", text)[1]))}  # type: ignore[index]
    given |= {verb: set(re.findall(r"--[a-z-]+", words))
              for verb, words in re.findall(r"^ +([a-z]+)\) options\+=' ([^']+)'", text, re.M)}
    assert given == {verb: {each for each in named if each.startswith("--")}
                     for verb, named in options_of_help().items()}
    found = re.search(r"local verdicts='([^']+)'", text)
    assert found and set(found[1].split()) == verdicts()


def test_zsh() -> None:
    text = ZSH.read_text(encoding="utf-8")
    listed = text[text.index("local -a commands=("):]
    assert set(re.findall(r"^    '([a-z-]+):", listed[:listed.index("\n  )")], re.M)) == verbs_of_help()

    body = text[text.index("\n_reaperctl() {"):]
    given = {"": body[body.index("  options=("):body.index("  case $verb in")]}
    given |= dict(re.findall(r"^    \(([a-z]+)\)\n      options\+=\((.*?)\n      \)", body, re.M | re.S))
    named = {verb: {flag for spec in re.findall(r"""^ +(['"].*)""", part, re.M) for flag in flags(spec)}
             for verb, part in given.items()}
    assert named == options_of_help()
    found = re.search(r"verdicts=\(([^)]+)\)", text)
    assert found and set(found[1].split()) == verdicts()


def flags(spec: str) -> list[str]:
    """Those that a line of _arguments completes, without those that it excludes."""
    head = re.sub(r"^['\"]\([^)]*\)['\"]?", "", spec).partition("[")[0]
    return re.findall(r"(?<![\w-])-{1,2}[A-Za-z][a-z-]*", head)


def test_verdicts_are_found() -> None:
    """Else two empty sets would be the same."""
    assert {"ttl-expired", "requested", "running"} <= verdicts()
