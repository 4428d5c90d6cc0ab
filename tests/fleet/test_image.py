# SPDX-License-Identifier: Apache-2.0
"""What `make image` makes: the same twice, complete, and nothing that is not needed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from making import make_image

LABELS = "org.opencontainers.image"
# Where chroot is, and no other variable of this machine.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
# Beside /usr/share, /var/lib/dpkg and libraries.
FILES = {"usr/sbin/reaperd", "etc/reaperd/reaperd.conf", "etc/os-release", "etc/passwd", "etc/group"}


@pytest.fixture(scope="module")
def members(image: Path) -> dict[str, bytes]:
    with tarfile.open(image) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore


@pytest.fixture(scope="module")
def manifest(members: dict[str, bytes]) -> dict[str, Any]:
    (found,) = json.loads(members["manifest.json"])
    return found


@pytest.fixture(scope="module")
def root(members: dict[str, bytes], manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its file system, unpacked."""
    (layer,) = manifest["Layers"]
    folder = tmp_path_factory.mktemp("root")
    subprocess.run(["tar", "-xp", "-C", str(folder)], input=members[layer], check=True)
    return folder


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_twice_the_same(image: Path, reaperd: Path) -> None:
    first = image.read_bytes()
    again = make_image(reaperd, PYTHONHASHSEED="1", TZ="Asia/Tokyo", LC_ALL="C", USER="somebody")
    assert again == image and again.read_bytes() == first


def test_says_what_it_is(image: Path, members: dict[str, bytes], manifest: dict[str, Any], reaperd: Path) -> None:
    version = subprocess.run([reaperd, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    config = json.loads(members[manifest["Config"]])
    assert image.name == f"reaperd-image_{version}_{config['architecture']}.tar"
    assert manifest["RepoTags"] == [f"reaperd:{version}"]
    assert config["config"]["Labels"][f"{LABELS}.version"] == version
    assert config["config"]["Labels"][f"{LABELS}.created"] == config["created"]
    # They become those of containers, where these mean something.
    assert not [label for label in config["config"]["Labels"] if label.startswith("org.reaperd")]
    assert config["config"]["Entrypoint"] == ["/usr/sbin/reaperd"] and config["config"]["StopSignal"] == "SIGTERM"
    assert "STATE_DIRECTORY=/var/lib/reaperd" in config["config"]["Env"]


def test_digests(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Both ways to read it, as `docker save` has it and as an OCI layout, lead to the same."""
    for path, data in members.items():
        if path.startswith("blobs/"):
            assert Path(path).name == hashlib.sha256(data).hexdigest()
    config = json.loads(members[manifest["Config"]])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{Path(layer).name}" for layer in manifest["Layers"]]
    (listed,) = json.loads(members["index.json"])["manifests"]
    named = json.loads(members[f"blobs/sha256/{listed['digest'].partition(':')[2]}"])
    assert [named["config"]["digest"]] == [f"sha256:{Path(manifest['Config']).name}"]
    assert [layer["digest"] for layer in named["layers"]] == config["rootfs"]["diff_ids"]
    assert listed["annotations"]["io.containerd.image.name"] == f"docker.io/library/{manifest['RepoTags'][0]}"


def test_runs_by_itself(root: Path) -> None:
    """With its own libraries: there is nothing else."""
    done = subprocess.run(["chroot", str(root), "/usr/sbin/reaperd", "--check-config"], capture_output=True, text=True,
                          env=ENVIRONMENT, check=False)
    assert done.returncode == 0 and "configuration OK" in done.stdout + done.stderr


def test_holds_what_it_needs_and_no_more(root: Path) -> None:
    there = {file for file in files(root) if not file.startswith(("usr/share/", "var/lib/dpkg/"))}
    libraries = {file for file in there if re.match(r"(usr/)?lib(32|64|x32)?/", file)}
    assert there - libraries == FILES
    loader = next(root / file for file in libraries if "/ld-linux" in f"/{file}" or "/ld64" in f"/{file}")
    shown = subprocess.run(["chroot", str(root), f"/{loader.relative_to(root)}", "--list", "/usr/sbin/reaperd"],
                           capture_output=True, text=True, env=ENVIRONMENT, check=True).stdout
    used = set(re.findall(r"(?:=> |^\t)/(\S+) \(0x", shown, re.M)) | {str(loader.relative_to(root))}
    assert libraries == used


def test_modes(root: Path) -> None:
    """Nothing in it gives rights, and nobody but root may change anything."""
    for path in root.rglob("*"):
        mode = path.lstat().st_mode & 0o7777
        assert path.lstat().st_uid == 0 and (mode in (0o755, 0o644) or path.name == "tmp"), path


def test_licences_and_packages(root: Path) -> None:
    """Of each package that anything comes from: its version, its copyright, and what that refers to."""
    packages = {path.name for path in (root / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libcjson1", "libinih1", "libsystemd0"} <= packages
    for package in packages:
        status = (root / "var/lib/dpkg/status.d" / package).read_text()
        assert f"Package: {package}\n" in status and re.search("^Version: .", status, re.M)
    texts = [root / "usr/share/doc" / package / "copyright" for package in packages]
    for text in [*texts, root / "usr/share/doc/reaperd/LICENSE"]:
        for licence in re.findall(r"/usr/share/common-licenses/([\w.+-]*\w)", text.read_text(errors="replace")):
            here = Path("/usr/share/common-licenses", licence)
            assert not here.is_file() or (root / "usr/share/common-licenses" / licence).is_file(), (text, licence)
