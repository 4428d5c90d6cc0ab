# SPDX-License-Identifier: Apache-2.0
"""What the Debian package holds, and what it says of itself."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from conftest import Package
from sources import SPELLED, VERSION, installed, run, suites

CONFIGURATION = "etc/reaperd/reaperd.conf"
DOC = "usr/share/doc/reaperd"
PROGRAMS = "usr/sbin/reaperd", "usr/bin/reaperctl"
# What Debian wants to be there besides, and what it says in another way.
OVERRIDES = "usr/share/lintian/overrides/reaperd"
ADDED = {f"{DOC}/changelog.gz", f"{DOC}/copyright", OVERRIDES}
LEFT_OUT = {f"{DOC}/LICENSE"}
# What lintian may say: that there is no script for sysvinit. That it does not find docker.service among the targets
# that it knows is what the one override is for.
ACCEPTED = {"I: reaperd: package-supports-alternative-init-but-no-init.d-script"}
OVERRIDDEN = {"O: reaperd: systemd-service-file-refers-to-unusual-wantedby-target"}
# By the place in the package: texts that are packed as they are in the tree.
TEXTS = {
    CONFIGURATION: "conf/reaperd.conf",
    "usr/lib/sysusers.d/reaperd.conf": "systemd/reaperd.sysusers",
    "usr/lib/systemd/catalog/reaperd.catalog": "systemd/reaperd.catalog",
    "usr/share/dbus-1/system.d/org.reaperd.conf": "dbus/org.reaperd.conf",
    "usr/share/man/man8/reaperd.8.gz": "man/reaperd.8",
    "usr/share/man/man5/reaperd.conf.5.gz": "man/reaperd.conf.5",
    "usr/share/bash-completion/completions/reaperctl": "completions/reaperctl.bash",
    f"{DOC}/metrics.conf.example": "systemd/reaperd.service.d/metrics.conf.example",
    f"{DOC}/CHANGELOG.md": "CHANGELOG.md",
}


def unit() -> str:
    """Where units belong depends on the release, and its debhelper with it."""
    folder = run("pkg-config", "--variable=systemdsystemunitdir", "systemd").stdout.strip()
    return f"{folder.lstrip('/')}/reaperd.service"


def wanted() -> set[str]:
    files, policy = installed()
    moved = {"usr/lib/systemd/system/reaperd.service": unit()}
    return {moved.get(name, f"{name}.gz" if "/share/man/" in name else name)
            for name in (files | {policy}) - LEFT_OUT} | ADDED


def members(deb: Package) -> list[tarfile.TarInfo]:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb.file], stdout=subprocess.PIPE) as unpacker:
        with tarfile.open(fileobj=unpacker.stdout, mode="r|") as tar:
            return list(tar)


def test_files(deb: Package) -> None:
    """Those of `make install`, at the places of this release; root's, and nobody else may write them."""
    packed = members(deb)
    files = {member.name.removeprefix("./"): member for member in packed if not member.isdir()}
    assert set(files) == wanted()
    assert all(member.isfile() for member in files.values())
    assert {name: member.mode for name, member in files.items()} \
        == {name: 0o755 if name in PROGRAMS else 0o644 for name in files}
    assert {member.mode for member in packed if member.isdir()} == {0o755}
    assert {(member.uname, member.gname, member.uid, member.gid) for member in packed} == {("root", "root", 0, 0)}
    parents = {str(parent) for name in files for parent in (deb.files / name).relative_to(deb.files).parents}
    assert {member.name.removeprefix("./").rstrip("/") or "." for member in packed if member.isdir()} == parents


def test_texts(deb: Package, sources: Path) -> None:
    for packed, source in {**TEXTS, unit(): "systemd/reaperd.service"}.items():
        data = (deb.files / packed).read_bytes()
        assert (gzip.decompress(data) if packed.endswith(".gz") else data) == (sources / source).read_bytes(), packed


def test_conffiles(deb: Package) -> None:
    """What an admin changes is kept by an upgrade, and nothing else is asked about."""
    assert (deb.control / "conffiles").read_text().split() == [f"/{CONFIGURATION}"]


def test_control(deb: Package, architecture: str) -> None:
    assert deb.field("Package") == "reaperd" and deb.field("Source") == ""
    assert deb.field("Version") == SPELLED
    assert deb.field("Architecture") == architecture
    assert deb.field("Section") == "admin"
    depends = {re.split(r"[ (|]", part.strip())[0] for part in deb.field("Depends").split(",")}
    assert {re.sub("t64$", "", name) for name in depends} \
        == {"systemd", "libc6", "libcurl4", "libcjson1", "libinih1", "libsystemd0"}
    # Whichever packager's engine it is, or one that no package is of: apt installs what is recommended.
    assert "docker.io | docker-ce | moby-engine" in deb.field("Suggests")
    assert not re.search("docker|moby|containerd", deb.field("Recommends") + deb.field("Depends"))
    assert deb.field("Pre-Depends") == "" and deb.field("Conflicts") == ""


def test_copyright_and_changelog(deb: Package, sources: Path) -> None:
    assert "/usr/share/common-licenses/Apache-2.0" in (deb.files / DOC / "copyright").read_text()
    changelog = gzip.decompress((deb.files / DOC / "changelog.gz").read_bytes()).decode()
    assert changelog.startswith(f"reaperd ({SPELLED}) ")
    assert changelog == run(sources / "tools/release.sh", "debian-changelog", SPELLED).stdout


def test_readme(deb: Package) -> None:
    """Its links lead to what is packed, compressed or moved as that is."""
    readme = deb.files / DOC / "README.md"
    assert suites().dead_links(readme, deb.files) == []
    assert suites().dead_links(deb.files / DOC / "paper.md", deb.files) == []
    assert re.search(r"\]\([^)]*reaperd\.8\.gz\)", readme.read_text())


def test_programs(deb: Package) -> None:
    """They are those of this version, know its places, and accept what comes with them."""
    for program in PROGRAMS:
        assert run(deb.files / program, "--version").stdout.split()[:2] == [program.rsplit("/", 1)[1], VERSION]
    said = run(deb.files / PROGRAMS[0], "--check-config", f"--config={deb.files / CONFIGURATION}").stdout
    assert "configuration OK" in said
    for program, place in zip(PROGRAMS, (b"/etc/reaperd/reaperd.conf\0", b"/usr/sbin/reaperd\0")):
        assert place in (deb.files / program).read_bytes()


@pytest.mark.parametrize("program", PROGRAMS)
def test_hardening(deb: Package, program: str) -> None:
    elf = run("readelf", "--wide", "--dynamic", "--program-headers", "--dyn-syms", "--file-header",
              "--section-headers", deb.files / program).stdout
    for what in (r"Type:\s+DYN", r"GNU_RELRO", r"\(BIND_NOW\)|BIND_NOW", r"Flags: .*\bPIE\b", "__stack_chk_fail",
                 r"__\w+_chk\b(?<!stack_chk)", r"\.gnu_debuglink|\.note\.gnu\.build-id"):
        assert re.search(what, elf), what
    assert not re.search(r"\.symtab|\.debug_info|RPATH|RUNPATH|GNU_STACK.*RWE", elf)


def test_symbols(deb: Package) -> None:
    """The other package has the debugging symbols of just these programs."""
    listed = run("dpkg-deb", "--contents", deb.symbols).stdout
    for program in PROGRAMS:
        notes = run("readelf", "--notes", deb.files / program).stdout
        build_id = re.search(r"Build ID: (\w+)", notes)[1]
        assert f"usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug" in listed


def test_lintian(deb: Package) -> None:
    assert shutil.which("lintian"), "tools/deps.sh test installs lintian"
    options = "--allow-root", "--pedantic", "--display-info", "--show-overrides", "--tag-display-limit=0"
    said = run("lintian", *options, deb.file, deb.symbols)
    tags = {" ".join(line.split()[:3]) for line in said.stdout.splitlines() if re.match("[A-Z]: ", line)
            and not line.startswith("N:")}
    assert tags and tags <= ACCEPTED | OVERRIDDEN, said.stdout
    assert (deb.files / OVERRIDES).read_text().count("\nreaperd: ") == len(OVERRIDDEN)
