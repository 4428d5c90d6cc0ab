# SPDX-License-Identifier: Apache-2.0
"""`make rpm`: what the packages hold, what they do when they come and go, and that they are the same twice.

They are built twice, from the checkout and from unpacked sources, by this machine's rpm; where that is Debian's, with
the macros of packaging/macros.elsewhere.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from sources import SPELLED, TARBALL, TOP, VERSION, installed, make, run, unpack

SOURCE = f"reaperd-{SPELLED}-1.src.rpm"
SOURCES = "reaperd.spec", "reaperd.sysusers"
# The unit tests are another suite's.
ONCE = {"RPMBUILD_OPTIONS": "--without=check"}
ZSH = "usr/share/zsh/vendor-completions/", "usr/share/zsh/site-functions/"
LICENSE = "usr/share/doc/reaperd/LICENSE", "usr/share/licenses/reaperd/LICENSE"
CONFIGURATION = "/etc/reaperd/reaperd.conf"
# What a unit's scriptlets may call; each call is written down, with what it reads.
STUB = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case ${0##*/} in systemd-sysusers) cat >"$CALLS.input" ;; esac
exit 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("rpm")
    make(f"BUILD={build}", "rpm", **ONCE)
    return build


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    packages = [path for path in folder.glob("*.rpm") if path.name != SOURCE]
    assert len(packages) == 1 and re.fullmatch(rf"reaperd-{re.escape(SPELLED)}-1\.\w+\.rpm", packages[0].name)
    return packages[0]


def rpm(folder: Path, *arguments: str | Path) -> str:
    """rpm with a database of its own."""
    return run("rpm", f"--dbpath={folder}/database", *arguments).stdout


def listed(package: Path, *tags: str) -> list[list[str]]:
    form = "\t".join(f"%{{{tag}}}" for tag in tags)
    return [line.split("\t") for line in rpm(package.parent, "-qp", "--qf", f"[{form}\n]", package).splitlines()]


def test_files(package: Path) -> None:
    """Those of `make install`, where Fedora has them; root's, and nobody else may write them."""
    wanted, policy = installed()
    wanted = {name.replace(*ZSH).replace(*LICENSE) for name in wanted | {policy}}
    wanted = {f"/{name}.gz" if "/man/" in name else f"/{name}" for name in wanted}
    files = {name: (mode, owner, group) for name, *_, mode, owner, group
             in listed(package, "FILENAMES", "FILEMODES:perms", "FILEUSERNAME", "FILEGROUPNAME")
             if not name.startswith("/usr/lib/.build-id")}
    assert {name for name, (mode, *_) in files.items() if not mode.startswith("d")} == wanted
    assert ({name for name, (mode, *_) in files.items() if mode.startswith("d")}
            == {"/etc/reaperd", "/usr/share/doc/reaperd", "/usr/share/licenses/reaperd"})
    for name, (mode, *owners) in files.items():
        program = mode.startswith("d") or "bin/" in name
        assert (mode[1:], owners) == ("rwxr-xr-x" if program else "rw-r--r--", ["root", "root"]), name


def test_flags(package: Path) -> None:
    """An admin's configuration stays when a new one comes, and what is a document may be left out."""
    flags = dict(listed(package, "FILENAMES", "FILEFLAGS:fflags"))
    assert {name for name, flag in flags.items() if "c" in flag} == {CONFIGURATION}
    assert flags[CONFIGURATION] == "cn"
    for name, flag in flags.items():
        if name.startswith("/usr/lib/.build-id"):       # rpm's own links
            continue
        kind = "l" if "/licenses/reaperd/" in name else "d" if re.search("/(man|doc/reaperd)/", name) else ""
        assert name == CONFIGURATION or flag == kind, name


def test_headers(package: Path) -> None:
    assert listed(package, "NAME", "VERSION", "RELEASE", "LICENSE") == [["reaperd", SPELLED, "1", "Apache-2.0"]]
    # Nothing of the machine and the moment.
    assert listed(package, "BUILDHOST", "OPTFLAGS") == [["reproducible", "-O2 -g"]]
    required = {name for name, in listed(package, "REQUIRENAME")}
    assert {"dbus-common", "systemd"} <= required
    assert {re.match(r"lib\w+", name)[0] for name in required if re.match(r"lib\w+\.so", name)} == \
        {"libc", "libcurl", "libcjson", "libsystemd", "libinih"}
    assert not {name for name in required if "docker" in name or "moby" in name}
    changes = listed(package, "CHANGELOGNAME", "CHANGELOGTEXT")
    assert changes[0][0].endswith(f" - {SPELLED}-1")
    assert {name for name, in listed(package.parent / SOURCE, "FILENAMES")} == {TARBALL, *SOURCES}


def scriptlets(package: Path) -> dict[str, str]:
    tags = ("PREIN", "POSTIN", "PREUN", "POSTUN", "PRETRANS", "POSTTRANS", "TRIGGERSCRIPTS", "FILETRIGGERSCRIPTS",
            "TRANSFILETRIGGERSCRIPTS", "VERIFYSCRIPT")
    texts = {tag: rpm(package.parent, "-qp", "--qf", f"%{{{tag}}}", package) for tag in tags}
    return {tag: text for tag, text in texts.items() if text != "(none)"}


def calls(package: Path, folder: Path, tag: str, left: int, booted: bool) -> list[str]:
    """What a scriptlet calls, on systems where every call fails, and no scriptlet may; `left`: its argument, how many
    of the package there will be."""
    script = scriptlets(package)[tag]
    for name in ("systemctl", "systemd-sysusers", "useradd", "groupadd", "getent"):
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    there = "/run/systemd/system"
    assert booted or there in script or tag in ("PREIN", "POSTIN")
    script = script.replace(there, str(folder if booted else folder / "no"))
    written = folder / f"{tag}-{left}-{booted}"
    done = subprocess.run(["/bin/sh", "-c", script, "sh", str(left)], text=True, capture_output=True, check=False,
                          env={"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(written)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return written.read_text().splitlines() if written.exists() else []


@pytest.mark.parametrize(("tag", "left", "booted", "called"), [
    ("POSTIN", 1, True, ["systemctl --no-reload preset reaperd.service"]),
    ("POSTIN", 2, True, []),
    ("PREUN", 1, True, []),
    ("PREUN", 0, True, ["systemctl --no-reload disable --now reaperd.service"]),
    ("PREUN", 0, False, ["systemctl --no-reload disable reaperd.service"]),
    ("POSTUN", 1, True, ["systemctl daemon-reload", "systemctl try-restart reaperd.service"]),
    ("POSTUN", 0, True, ["systemctl daemon-reload"]),
    ("POSTUN", 1, False, []),
])
def test_scriptlets(package: Path, tmp_path: Path, tag: str, left: int, booted: bool, called: list[str]) -> None:
    """Presets decide at the first install, an upgrade restarts what runs, removal stops it; docker is not touched."""
    assert calls(package, tmp_path, tag, left, booted) == called


def test_no_other_scriptlets(package: Path) -> None:
    assert set(scriptlets(package)) == {"PREIN", "POSTIN", "PREUN", "POSTUN"}


def test_user(package: Path, tmp_path: Path) -> None:
    """The user and the engine's group are there before any file is: before the bus could read the policy."""
    called = calls(package, tmp_path, "PREIN", 1, True)
    assert called == ["systemd-sysusers --replace=/usr/lib/sysusers.d/reaperd.conf -"]
    given = (tmp_path / "PREIN-1-True.input").read_text()
    (tmp_path / "etc").mkdir()
    run("sh", "-c", f'systemd-sysusers --root="$1" - <<END\n{given}\nEND', "sh", tmp_path)
    assert re.search(r"(?m)^reaperd:.*:/usr/sbin/nologin$|^reaperd:.*:/sbin/nologin$",
                     (tmp_path / "etc/passwd").read_text())
    assert re.search(r"(?m)^docker:", (tmp_path / "etc/group").read_text())


def test_unpacked(package: Path, tmp_path: Path) -> None:
    """rpm can unpack it, finds what was changed since, and its programs run."""
    options = f"--root={tmp_path}", "--dbpath=/database", "--nodeps", "--noscripts"
    run("rpm", *options, "-i", package)
    verified = run("rpm", *options[:2], "-V", "--nodeps", "--noscripts", "reaperd", check=False)
    assert (verified.returncode, verified.stdout) == (0, "")
    for program in ("usr/sbin/reaperd", "usr/bin/reaperctl"):
        told = run(tmp_path / program, "--version").stdout.splitlines()
        assert told[0] == f"{Path(program).name} {VERSION}"
    good = run(tmp_path / "usr/sbin/reaperd", f"--config={tmp_path}{CONFIGURATION}", "--check-config")
    assert "configuration OK" in good.stdout
    (tmp_path / CONFIGURATION.lstrip("/")).write_text("# mine\n")
    run("rpm", *options[:2], "-e", "--noscripts", "reaperd")
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.glob("etc/reaperd/*")} == \
        {"etc/reaperd/reaperd.conf.rpmsave"}
    assert not list(tmp_path.glob("usr/*bin/*"))


def test_digests(folder: Path) -> None:
    for path in folder.glob("*.rpm"):
        assert rpm(folder, "-K", "--nosignature", path).strip().endswith("digests OK")


def test_rpmlint(folder: Path) -> None:
    done = run("rpmlint", "--config", TOP / "packaging/rpmlint.toml", *folder.glob("*.rpm"),
               folder / "rpm/SPECS/reaperd.spec")
    assert re.search(r"2 packages and 1 specfiles checked; 0 errors, 0 warnings", done.stdout), done.stdout


def test_made_of_itself(folder: Path, package: Path, tmp_path: Path) -> None:
    """Sources that were unpacked make the same packages: without git, in another folder, of another user's macros."""
    tree = unpack(folder / TARBALL, tmp_path)
    (tmp_path / ".rpmmacros").write_text("%_buildhost elsewhere\n%packager somebody\n%dist .mine\n")
    make("rpm", cwd=tree, umask=0o027, HOME=str(tmp_path), CFLAGS="-O0", **ONCE)
    for made in (package, folder / SOURCE):
        assert (tree / "build" / made.name).read_bytes() == made.read_bytes()


def test_before_the_release(tmp_path: Path) -> None:
    """RPM's spelling sorts what comes before a version before it."""
    make(f"BUILD={tmp_path}", "VERSION=1.2.3-dev", "srpm")
    name = "reaperd-1.2.3~dev-1.src.rpm"
    assert {path.name for path in tmp_path.glob("*.rpm")} == {name}
    assert listed(tmp_path / name, "VERSION", "RELEASE") == [["1.2.3~dev", "1"]]
    assert {file for file, in listed(tmp_path / name, "FILENAMES")} == {"reaperd-1.2.3-dev.tar.xz", *SOURCES}
    order = run("rpm", "--eval", "%{lua: print(rpm.vercmp('1.2.3~dev', '1.2.3'))}").stdout.strip()
    assert order == "-1"
