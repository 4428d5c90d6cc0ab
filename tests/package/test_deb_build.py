# SPDX-License-Identifier: Apache-2.0
"""How the Debian package is built: by anybody, from anywhere, and the same each time."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from conftest import Package
from sources import SPELLED, TOP, VERSION, make, run

NOBODY = 65534
# What of its caller must not reach the package.
ODD = {"TZ": "Pacific/Kiritimati", "LC_ALL": "POSIX", "LANGUAGE": "de", "CFLAGS": "-O0", "LDFLAGS": "-Wl,-s",
       "HARDENING": "-fno-pie", "PREFIX": "/opt", "VERSION": "9", "DESTDIR": "/nowhere", "BUILD_CFLAGS": "-g3"}
# What a builder of packages may well have otherwise.
OTHER = {"TZ": "Asia/Kathmandu", "LC_ALL": "POSIX", "LANGUAGE": "de", "DPKG_DEB_THREADS_MAX": "1", "HOME": "/nowhere"}
# Unit tests that a build of a package, not being root, leaves out.
WANT_ROOT = {"test-layer-bounds", "test-layer-walk", "test-page-cache"}


@pytest.fixture(scope="module")
def theirs(sources: Path) -> Iterator[Path]:
    """The same sources, another user's, at a longer path than others, and where everybody can get to."""
    with tempfile.TemporaryDirectory(prefix="reaperd-package-") as scratch:
        os.chmod(scratch, 0o755)
        tree = Path(scratch, "somewhere/rather/deep/in/the/home/of", f"reaperd-{VERSION}")
        shutil.copytree(sources, tree, symlinks=True)
        if os.geteuid() == 0:
            run("chown", "-R", f"{NOBODY}:{NOBODY}", tree.parent)
        yield tree


def as_nobody(*command: str | Path) -> tuple[str | Path, ...]:
    """Without any right, where the tests have some."""
    if os.geteuid() != 0:
        return command
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all", *command)


def digests(folder: Path) -> dict[str, dict[str, str]]:
    """Of each package in a folder: what it hashes to, and, so that a difference can be found, what is in it."""
    found = {}
    for path in sorted(folder.glob("*deb")):
        if not path.is_file():
            continue
        digest = {"package": hashlib.sha256(path.read_bytes()).hexdigest()}
        for part in ("--fsys-tarfile", "--ctrl-tarfile"):
            data = subprocess.run(["dpkg-deb", part, path], stdout=subprocess.PIPE, check=True).stdout
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                digest |= {member.name: hashlib.sha256(tar.extractfile(member).read()).hexdigest() for member in tar
                           if member.isfile()}
        found[path.name] = digest
    return found


def test_by_anybody(deb: Package, theirs: Path) -> None:
    """`make deb` in unpacked sources, by a user without rights and with an odd environment, twice in a way: a build
    that was broken off has left its folder, and another one its package. The bytes are the same, and nothing is left
    but packages and what they were built with."""
    before = set(theirs.rglob("*"))
    stale = theirs / "build/deb" / f"reaperd-{VERSION}"
    run(*as_nobody("mkdir", "-p", stale / "debian"))
    run(*as_nobody("sh", "-c", 'echo old >"$1"; echo old >"$2"', "sh", stale / "debian/control",
                   theirs / "build" / deb.file.name))
    run(*as_nobody("make", "deb"), cwd=theirs, umask=0o077, DEB_BUILD_OPTIONS="nocheck parallel=2", **ODD)
    assert digests(theirs / "build") == digests(deb.file.parent)
    left = {path.relative_to(theirs / "build").as_posix() for path in (theirs / "build").rglob("*")}
    architecture = deb.field("Architecture")
    assert left == {deb.file.name, deb.symbols.name, f"reaperd_{SPELLED}_{architecture}.buildinfo"}
    assert {path for path in set(theirs.rglob("*")) - before if theirs / "build" not in path.parents} \
        == {theirs / "build"}
    shutil.rmtree(theirs / "build")


def test_by_dpkg(deb: Package, theirs: Path) -> None:
    """debian/ builds by itself, as a builder of packages would call it, elsewhere and under other circumstances, with
    the unit tests; what it leaves is the same, and what is needed to build is what debian/control names."""
    moved = theirs.with_name("elsewhere")
    theirs.rename(moved)
    (moved / "debian/changelog").write_text(run(moved / "tools/release.sh", "debian-changelog", SPELLED).stdout)
    said = run(*as_nobody("dpkg-buildpackage", "-b", "-us", "-uc"), cwd=moved, umask=0o077,
               DEB_BUILD_OPTIONS="parallel=3", **OTHER).stdout
    assert digests(moved.parent) == digests(deb.file.parent)
    ran = set(re.findall(r"^build/tests/(test-\S+)$", said, re.M))
    assert "test-policy" in ran and len(ran) == said.count("[  PASSED  ]")
    assert {path.stem for path in (moved / "tests/unit").glob("test-*.c")} - ran == WANT_ROOT
    # The flags are those of the distribution and of nobody else, so that they contradict nothing.
    assert "-fstack-protector-strong" in said and "warning:" not in said, said


def test_version_and_suffix(tmp_path: Path) -> None:
    """Another version, and one of a release, are spelled as Debian sorts them; only the copy is told."""
    makefile = (TOP / "Makefile").read_bytes()
    # Everything but the build itself, which two tests have.
    stub = tmp_path / "bin/dpkg-buildpackage"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\ncp Makefile debian/changelog "$HOME"\n'
                    "version=$(dpkg-parsechangelog -S Version)\n"
                    'for name in reaperd_$version.deb reaperd_$version.buildinfo; do echo >"../$name"; done\n')
    stub.chmod(0o755)
    said = make(f"BUILD={tmp_path}/build", "VERSION=7.0.0-dev", "DEB_SUFFIX=~deb12", "deb", HOME=str(tmp_path),
                PATH=f"{stub.parent}:{os.environ['PATH']}")
    assert "VERSION := 7.0.0-dev" in (tmp_path / "Makefile").read_text()
    assert (tmp_path / "changelog").read_text().startswith("reaperd (7.0.0~dev~deb12) ")
    assert (tmp_path / "build/reaperd_7.0.0~dev~deb12.deb").is_file(), said
    assert (TOP / "Makefile").read_bytes() == makefile and not (TOP / "debian/changelog").exists()
    for lower, higher in (("0.2.0~dev", "0.2.0"), ("0.2.0~deb12", "0.2.0~deb13"), ("0.1.0", "0.2.0~dev~deb12")):
        run("dpkg", "--compare-versions", lower, "lt", higher)


def test_failure_is_told(sources: Path, tmp_path: Path) -> None:
    """A build that fails fails the call, and says how."""
    tree = tmp_path / "tree"
    shutil.copytree(sources, tree, symlinks=True)
    (tree / "debian/rules").write_text("#!/usr/bin/make -f\n%:\n\techo broken on purpose; exit 1\n")
    done = run("make", "deb", cwd=tree, check=False, DEB_BUILD_OPTIONS="nocheck parallel=2")
    assert done.returncode != 0 and "broken on purpose" in done.stdout
    assert not list(tree.glob("build/*.deb"))
