# SPDX-License-Identifier: Apache-2.0
"""`make dist`: the sources as they are given away, and the checksums of what is given away with them."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from sources import SPELLED, TARBALL, TOP, VERSION, make, run, unpack

# Of what is given away, by the names that `make deb`, `make rpm` and `make image` leave.
PACKAGES = {f"reaperd_{SPELLED}_amd64.deb", f"reaperd_{SPELLED}~deb12_amd64.deb",
            f"reaperd-dbgsym_{SPELLED}_amd64.deb", f"reaperd-dbgsym_{SPELLED}~ubuntu24.04_amd64.ddeb",
            f"reaperd-{SPELLED}-1.x86_64.rpm", f"reaperd-{SPELLED}-1.fc42.aarch64.rpm",
            f"reaperd-debuginfo-{SPELLED}-1.fc42.x86_64.rpm", f"reaperd-debugsource-{SPELLED}-1.fc42.x86_64.rpm",
            f"reaperd-{SPELLED}-1.src.rpm", f"reaperd-image_{VERSION}_amd64.tar"}
STRANGERS = {f"reaperd_{SPELLED}_amd64.buildinfo", f"reaperd_{SPELLED}0_amd64.deb", "reaperd_0.0.9_amd64.deb",
             f"reaperd-{SPELLED}.1-1.x86_64.rpm", f"reaperd-{VERSION}1.tar.xz", f"reaperd-image_{VERSION}1_amd64.tar",
             "reaperd", "SHA256SUMS.old"}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build's folder after `make dist`."""
    folder = tmp_path_factory.mktemp("dist")
    make(f"BUILD={folder}", "dist")
    return folder


def summed(folder: Path) -> set[str]:
    """The names in SHA256SUMS, all of which hold."""
    run("sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS", cwd=folder)
    return {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}


def test_members(dist: Path, tmp_path: Path) -> None:
    """It has the files of the tree, below one folder, in order, with rights and times that depend on nobody."""
    run(TOP / "tools/release.sh", "tree", tmp_path / "tree")
    moment = int(run(TOP / "tools/release.sh", "date").stdout)
    with tarfile.open(dist / TARBALL) as tar:
        members = tar.getmembers()
    top = f"reaperd-{VERSION}"
    tree = {str(path.relative_to(tmp_path / "tree")) for path in (tmp_path / "tree").rglob("*")}
    assert {m.name for m in members} == {top} | {f"{top}/{name}" for name in tree}
    assert {"Makefile", "src/daemon/main.c", "tools/release.sh", "debian/rules"} <= tree
    assert not {name for name in tree if re.match(r"build(/|$)|\.git/", name)}
    assert [m.name for m in members] == sorted((m.name for m in members), key=lambda name: name.split("/"))
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
    assert {m.mtime for m in members} == {moment}
    assert {m.mode for m in members if m.isdir()} == {0o755}
    assert {m.mode for m in members if m.isfile()} == {0o755, 0o644}
    assert {m.type for m in members} == {tarfile.DIRTYPE, tarfile.REGTYPE}


def test_made_of_itself(dist: Path, tmp_path: Path) -> None:
    """Sources that were unpacked, without git, under another umask, at another time, make the same bytes."""
    tree = unpack(dist / TARBALL, tmp_path)
    assert not (tree / ".git").exists()
    make("dist", cwd=tree, umask=0o077)
    assert (tree / "build" / TARBALL).read_bytes() == (dist / TARBALL).read_bytes()
    assert (tree / "build" / TARBALL).stat().st_mode & 0o777 == 0o644


def test_nothing_beside_it(dist: Path) -> None:
    assert {path.name for path in dist.iterdir()} == {TARBALL, "SHA256SUMS"}
    assert summed(dist) == {TARBALL}


def test_other_version(tmp_path: Path) -> None:
    """The sources of what was made by `make VERSION=` say so too."""
    version = "9.8.7-dev"
    make(f"BUILD={tmp_path}", f"VERSION={version}", "dist")
    name = f"reaperd-{version}"
    assert summed(tmp_path) == {f"{name}.tar.xz"}
    with tarfile.open(tmp_path / f"{name}.tar.xz") as tar:
        text = tar.extractfile(f"{name}/Makefile").read().decode()
    assert text == re.sub(r"(?m)^VERSION := .*$", f"VERSION := {version}", (TOP / "Makefile").read_text())


def test_sums(tmp_path: Path) -> None:
    """All of this version, whatever it is, and nothing else; what was changed since is found."""
    for name in PACKAGES | STRANGERS | {TARBALL}:
        (tmp_path / name).write_text(name)
    run(TOP / "tools/dist.sh", "sums", VERSION, tmp_path)
    assert summed(tmp_path) == PACKAGES | {TARBALL}
    (tmp_path / TARBALL).write_text("other")
    broken = run("sha256sum", "-c", "SHA256SUMS", cwd=tmp_path, check=False)
    assert broken.returncode == 1 and f"{TARBALL}: FAILED" in broken.stdout


def test_sums_before_the_release(tmp_path: Path) -> None:
    """A version and what came before it are two."""
    of = {version: {f"reaperd_{spelled}_amd64.deb", f"reaperd-dbgsym_{spelled}_amd64.deb",
                    f"reaperd-{spelled}-1.x86_64.rpm", f"reaperd-{version}.tar.xz",
                    f"reaperd-image_{version}_amd64.tar"}
          for version, spelled in (("1.2.3", "1.2.3"), ("1.2.3-dev", "1.2.3~dev"))}
    for name in of["1.2.3"] | of["1.2.3-dev"]:
        (tmp_path / name).write_text(name)
    for version, names in of.items():
        run(TOP / "tools/dist.sh", "sums", version, tmp_path)
        assert summed(tmp_path) == names
