# SPDX-License-Identifier: Apache-2.0
"""What tests of packages share: this tree, its version, and make."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

TOP = Path(__file__).resolve().parents[2]
VERSION = re.search(r"^VERSION := (\S+)$", (TOP / "Makefile").read_text(encoding="utf-8"), re.M)[1]
TARBALL = f"reaperd-{VERSION}.tar.xz"
# As Debian and RPM spell it.
SPELLED = re.sub("-dev$", "~dev", VERSION)


def run(*argv: str | Path, cwd: Path = TOP, umask: int = 0o022, check: bool = True,
        **env: str) -> subprocess.CompletedProcess[str]:
    """What a command says; the environment is that of an ordinary caller, not of the tests' own make."""
    clean = {name: value for name, value in os.environ.items()
             if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "SOURCE_DATE_EPOCH", "CFLAGS", "VERSION"}}
    done = subprocess.run(argv, cwd=cwd, umask=umask, env={**clean, **env}, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert not check or done.returncode == 0, done.stdout
    return done


def make(*arguments: str, cwd: Path = TOP, umask: int = 0o022, **env: str) -> str:
    return run("make", "--no-print-directory", *arguments, cwd=cwd, umask=umask, **env).stdout


def unpack(tarball: Path, folder: Path) -> Path:
    """The sources, as who has only these has them: without git, and with times and rights of another machine."""
    run("tar", "-C", folder, "-xJf", tarball)
    tree = folder / tarball.name.removesuffix(".tar.xz")
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o777 | 0o060)
            if path.name != "CHANGELOG.md":     # the date of a version that has none yet
                os.utime(path, (1, 1))
    return tree


def suites() -> ModuleType:
    """tests/run.py, for what it knows."""
    spec = importlib.util.spec_from_file_location("tests_run", TOP / "tests/run.py")
    suite = importlib.util.module_from_spec(spec)
    # Its dataclasses look themselves up there.
    sys.modules["tests_run"] = suite
    spec.loader.exec_module(suite)
    return suite


def installed() -> tuple[set[str], str]:
    """What `make install` puts where, for a package, as its own suite knows it: files, and the bus's policy."""
    suite = suites()
    return suite.INSTALLED, suite.POLICY
