# SPDX-License-Identifier: Apache-2.0
"""tools/release.sh: the date, the sources and the changelog that all kinds of packages are made from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sources import TOP, run

CONTROL = "Source: reaperd\nMaintainer: Some Body <some@body.example>\n"
NAME = "Some Body <some@body.example>"
HEAD = "# Changelog\n\nThe form is that of Keep a Changelog.\n\n"
OPEN = "## [Unreleased]\n\n### Added\n\n- What is 100% new.\n\n"
DATED = """\
## [0.2.0] - 2028-02-29

### Added

- `reaperd`: a text that goes on for longer than one line of a changelog may be, and that is wrapped
  where it was not.

- Another one.

### Fixed

- 50% of it.

"""
OLDER = "## [0.1.0] - 1999-12-31\n\n### Added\n\n- All.\n\n[0.1.0]: https://example.org/\n"
DEBIAN = f"""\
reaperd (0.2.0~deb12) unstable; urgency=medium

  * Added:
    - `reaperd`: a text that goes on for longer than one line of a changelog
      may be, and that is wrapped where it was not.
    - Another one.
  * Fixed:
    - 50% of it.

 -- {NAME}  Tue, 29 Feb 2028 00:00:00 +0000

reaperd (0.1.0) unstable; urgency=medium

  * Added:
    - All.

 -- {NAME}  Fri, 31 Dec 1999 00:00:00 +0000
"""
RPM = f"""\
* Tue Feb 29 2028 {NAME} - 0.2.0-1
- Added:
  - `reaperd`: a text that goes on for longer than one line of a changelog may
    be, and that is wrapped where it was not.
  - Another one.
- Fixed:
  - 50%% of it.

* Fri Dec 31 1999 {NAME} - 0.1.0-1
- Added:
  - All.
"""


class Tree:
    """Sources with a CHANGELOG.md, in a repository or not."""

    def __init__(self, root: Path, changelog: str) -> None:
        self.root = root
        for name, text in {"debian/control": CONTROL, "CHANGELOG.md": HEAD + changelog, "src/a.c": "a\n",
                           ".gitignore": "build/\n__pycache__/\n"}.items():
            self.write(name, text)
        self.write("tools/release.sh", (TOP / "tools/release.sh").read_text(encoding="utf-8"), 0o755)

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def git(self, *arguments: str) -> None:
        run("git", "-c", "user.name=x", "-c", "user.email=x@x.example", "-C", self.root, *arguments,
            GIT_COMMITTER_DATE="@1234567890 +0000", GIT_CONFIG_GLOBAL="/dev/null")

    def commit(self) -> "Tree":
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self

    def release(self, *arguments: str, **env: str) -> str:
        return run(self.root / "tools/release.sh", *arguments, cwd=Path("/"), **env).stdout


def test_date(tmp_path: Path) -> None:
    """The caller's, or the newest release's, or that of the sources."""
    dated = Tree(tmp_path / "dated", DATED + OLDER).commit()
    assert dated.release("date") == "1835395200\n"
    assert dated.release("date", SOURCE_DATE_EPOCH="17") == "17\n"
    # Between releases what counts is the last commit, and not the last release.
    between = Tree(tmp_path / "between", OPEN + DATED).commit()
    assert between.release("date") == "1234567890\n"
    unpacked = Tree(tmp_path / "between/build/unpacked", OPEN)
    os.utime(unpacked.root / "CHANGELOG.md", (7, 7))
    assert unpacked.release("date") == "7\n"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_tree_of_a_checkout(tmp_path: Path, umask: int) -> None:
    """What is tracked or could be, as it is now; nothing of a build, and nobody's rights or times."""
    tree = Tree(tmp_path / "checkout", DATED)
    tree.write("gone.c", "gone\n")
    tree.commit()
    tree.write("src/a.c", "changed\n", 0o600)
    tree.write("src/new name.c", "new\n", 0o666)
    tree.write("build/object.o", "no\n")
    tree.write("src/__pycache__/x.pyc", "no\n")
    (tree.root / "gone.c").unlink()
    (tree.root / "link").symlink_to("src/a.c")
    # A folder among the sources is no part of them.
    for target in (tmp_path / "copy", tree.root / "build/copy", tree.root / "elsewhere/copy"):
        said = run(tree.root / "tools/release.sh", "tree", target, cwd=Path("/"), umask=umask).stdout
        assert "src/new name.c" in said and "src/a.c" not in said
        found = {path.relative_to(target).as_posix(): path for path in target.rglob("*")}
        assert {name for name, path in found.items() if path.is_symlink() or path.is_file()} == {
            "CHANGELOG.md", "debian/control", "src/a.c", "src/new name.c", "tools/release.sh", ".gitignore", "link"}
        assert found["src/a.c"].read_text() == "changed\n"
        assert {name for name, path in found.items() if path.lstat().st_mode & 0o777 == 0o755} \
            == {"debian", "src", "tools", "tools/release.sh"}
        assert {oct(path.lstat().st_mode & 0o777) for path in found.values() if not path.is_symlink()} \
            == {"0o755", "0o644"}
        assert {path.lstat().st_mtime for path in found.values()} == {1835395200}
        shutil.rmtree(target)


def test_tree_of_unpacked_sources(tmp_path: Path) -> None:
    """Without git, and below another repository, it is everything but what was built; and has the same date again."""
    outer = Tree(tmp_path / "outer", DATED).commit()
    tree = Tree(outer.root / "build/unpacked", OPEN)
    os.utime(tree.root / "CHANGELOG.md", (7, 7))
    tree.write("build/object.o", "no\n")
    tree.write("tests/__pycache__/x.pyc", "no\n")
    # A checkout on a machine without git, which is told here as one that is none.
    tree.write(".git/config", "[remote] url = https://user:secret@example.org\n")
    for target in (tmp_path / "copy", tree.root / "build/copy", tree.root / "elsewhere/copy"):
        tree.release("tree", str(target))
        assert {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()} == {
            "CHANGELOG.md", "debian/control", "src/a.c", "tools/release.sh", ".gitignore"}
        assert run(target / "tools/release.sh", "date").stdout == "7\n"
    done = run(tree.root / "tools/release.sh", "tree", tmp_path / "copy", check=False)
    assert done.returncode == 1 and "not empty" in done.stdout


def test_root_in_the_checkout_of_another(tmp_path: Path) -> None:
    """As under sudo: git refuses to work in a repository of somebody else, unless it is told."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    tree = Tree(tmp_path / "checkout", OPEN).commit()
    run("chown", "-R", "65534:65534", tree.root)
    done = run("git", "-C", tree.root, "status", check=False, GIT_CONFIG_GLOBAL="/dev/null", SUDO_UID="")
    assert done.returncode != 0 and "safe.directory" in done.stdout
    assert tree.release("date", GIT_CONFIG_GLOBAL="/dev/null") == "1234567890\n"
    tree.release("tree", str(tmp_path / "copy"), GIT_CONFIG_GLOBAL="/dev/null")
    assert (tmp_path / "copy/src/a.c").is_file()


def test_changelogs(tmp_path: Path) -> None:
    """The whole of it, in the other forms; the newest entry has the version as that distribution spells it."""
    tree = Tree(tmp_path, DATED + OLDER)
    assert tree.release("debian-changelog", "0.2.0~deb12") == DEBIAN
    assert tree.release("rpm-changelog", "0.2.0-1") == RPM
    assert tree.release("debian-changelog", "0.2.0", SOURCE_DATE_EPOCH="951827696").splitlines()[9] \
        == f" -- {NAME}  Tue, 29 Feb 2000 12:34:56 +0000"


def test_changelog_between_releases(tmp_path: Path) -> None:
    tree = Tree(tmp_path, OPEN + DATED)
    os.utime(tree.root / "CHANGELOG.md", (86399, 86399))
    said = tree.release("debian-changelog", "0.3.0~dev")
    assert said.startswith("reaperd (0.3.0~dev) unstable; urgency=medium\n\n  * Added:\n    - What is 100% new.\n\n"
                           f" -- {NAME}  Thu, 01 Jan 1970 23:59:59 +0000\n\nreaperd (0.2.0) unstable;")
    assert tree.release("rpm-changelog", "0.3.0~dev-1").startswith(
        f"* Thu Jan 01 1970 {NAME} - 0.3.0~dev-1\n- Added:\n  - What is 100%% new.\n")


def test_changelog_of_another_version(tmp_path: Path) -> None:
    """As in tests of an upgrade: it claims nothing that was said of a version which this is not."""
    tree = Tree(tmp_path, DATED + OLDER)
    for version in ("0.0.9", "0.2.01", "0.20.0"):
        said = tree.release("debian-changelog", version)
        assert said.startswith(f"reaperd ({version}) ") and "sources of 0.2.0" in said
        assert "Another one" not in said and said.count("\n -- ") == 1


@pytest.mark.parametrize("moment", [0, 68169599, 68169600, 951782400, 1709164800, 1835481599, 4102444799])
def test_dates_are_those_of_the_calendar(tmp_path: Path, moment: int) -> None:
    tree = Tree(tmp_path, OPEN)
    date = run("date", "-u", "-R", "-d", f"@{moment}", LC_ALL="C").stdout.strip()
    said = tree.release("debian-changelog", "1", SOURCE_DATE_EPOCH=str(moment))
    assert said.endswith(f" -- {NAME}  {date}\n")
    run("dpkg-parsechangelog", "-l", "/dev/stdin", "-S", "Timestamp", check=False)


def test_usage(tmp_path: Path) -> None:
    tree = Tree(tmp_path, "")
    for arguments in ((), ("date", "x"), ("tree",), ("debian-changelog",), ("nothing", "x")):
        done = run(tree.root / "tools/release.sh", *arguments, check=False)
        assert done.returncode == 1 and "usage" in done.stdout
    done = run(tree.root / "tools/release.sh", "debian-changelog", "1", check=False)
    assert done.returncode == 1 and "has no section" in done.stdout
