# SPDX-License-Identifier: Apache-2.0
"""--version: the version on a line of its own, and below it what was built with what, for who compares or reports."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import pytest

from sources import TOP, VERSION, make, run

BINARIES = {"reaperd": Path(os.environ.get("REAPERD", TOP / "build/reaperd")),
            "reaperctl": Path(os.environ.get("REAPERCTL", TOP / "build/reaperctl"))}
# By pkg-config's name; those that tell which they are at run time too, and how.
LIBRARIES = {"libcurl": "libcurl", "cJSON": "libcjson", "libsystemd": "libsystemd", "inih": "inih"}
USED = {"reaperd": list(LIBRARIES), "reaperctl": ["cJSON", "libsystemd"]}
TELL = {"libcurl", "cJSON"}


def told(program: str, binary: Path | None = None) -> list[str]:
    return run(binary or BINARIES[program], "--version").stdout.splitlines()


def listed(line: str, words: str) -> dict[str, str]:
    assert line.startswith(f"{words} glibc ")
    return dict(item.split(" ", 1) for item in line.removeprefix(f"{words} ").split(", "))


@pytest.mark.parametrize("program", BINARIES)
def test_lines(program: str) -> None:
    first, compiler, built, running, *others = told(program)
    assert first == f"{program} {VERSION}"
    assert re.fullmatch(rf"Built by (gcc|clang) \d+\.\d+\.\d+.* for {platform.machine()}-\S+, PIE, stack protector, "
                        r"_FORTIFY_SOURCE=\d(, CET)?", compiler)
    assert len(others) == (2 if program == "reaperd" else 0)

    known = {name: run("pkg-config", "--modversion", LIBRARIES[name]).stdout.strip() for name in USED[program]}
    glibc = os.confstr("CS_GNU_LIBC_VERSION").removeprefix("glibc ")
    assert listed(built, "Built with") == {"glibc": glibc, **known}
    # What this machine has to build with is what it has to run with.
    assert (listed(running, "Runs with")
            == {"glibc": glibc, **{name: version for name, version in known.items() if name in TELL}})


def test_engine_and_configuration() -> None:
    header = (TOP / "include/engine/client.h").read_text()
    newest, oldest = (".".join(re.search(rf"ENGINE_API_{which} \(\(ApiVersion\)\{{ (\d+), (\d+) \}}\)", header).groups())
                      for which in ("NEWEST", "OLDEST"))
    assert told("reaperd")[4:] == [f"Speaks Docker Engine API {oldest} to {newest}", "Reads /etc/reaperd/reaperd.conf"]


def test_of_another_build(tmp_path: Path) -> None:
    """What it tells is of the build: without optimisation nothing is fortified, whatever was asked for."""
    make(f"BUILD={tmp_path}", "VERSION=9.8.7-dev", "CFLAGS=-O0 -fno-stack-protector", f"{tmp_path}/reaperctl",
         "HARDENING=-D_FORTIFY_SOURCE=2")
    lines = told("reaperctl", tmp_path / "reaperctl")
    assert lines[0] == "reaperctl 9.8.7-dev"
    assert re.fullmatch(r"Built by .* for [^,]+, PIE(, CET)?", lines[1])


@pytest.mark.parametrize("program", BINARIES)
def test_of_other_libraries(tmp_path: Path, program: str) -> None:
    """What it runs with is asked of the library that is there, which can be newer than that of the build."""
    (tmp_path / "newer.c").write_text('const char *cJSON_Version(void);\n'
                                      'const char *cJSON_Version(void) { return "9.9.9"; }\n')
    run("cc", "-shared", "-fPIC", "-o", tmp_path / "newer.so", tmp_path / "newer.c")
    lines = run(BINARIES[program], "--version", LD_PRELOAD=str(tmp_path / "newer.so")).stdout.splitlines()
    assert lines[:3] == told(program)[:3]
    assert listed(lines[3], "Runs with") == {**listed(told(program)[3], "Runs with"), "cJSON": "9.9.9"}
