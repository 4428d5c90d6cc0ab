#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes an image of reaperd from scratch, as a tar for `docker load`: no engine, no registry, no root rights.

    image.py --binary=build/reaperd --version=VERSION --epoch=SECONDS FOLDER

The folder then has reaperd-image_VERSION_ARCHITECTURE.tar; its path is printed.

In it are the daemon, the shared libraries that it is linked with, the configuration, and the licence texts of all of
them, as whoever passes an image on passes these on. Libraries come from the packages of the machine that builds:
Debian has no static ones of libcurl's whole family, and an image that names its packages (/var/lib/dpkg/status.d, as
scanners of images look for them) can be told to be out of date.

The same input gives the same bytes: times are those of --epoch, owners are root, entries are sorted. The tar is an
OCI layout with the manifest.json of `docker save` in it, so that engines of any age load it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
COMMON_LICENSES = Path("/usr/share/common-licenses")
# By e_machine of the ELF header: (architecture, variant) as images call them.
MACHINES = {3: ("386", ""), 21: ("ppc64le", ""), 22: ("s390x", ""), 40: ("arm", "v7"), 62: ("amd64", ""),
            183: ("arm64", "v8"), 243: ("riscv64", "")}
PASSWD = "root:x:0:0:root:/:/nonexistent\nnobody:x:65534:65534:nobody:/nonexistent:/nonexistent\n"
GROUP = "root:x:0:\nnogroup:x:65534:\n"


class ImageError(Exception):
    """The image cannot be made; the text says why."""


def output_of(*argv: str) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise ImageError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def libraries(binary: Path) -> list[Path]:
    """Where its loader and its libraries are on this machine, and will be looked for in the image."""
    text = output_of("ldd", str(binary))
    if missing := re.findall(r"(\S+) => not found", text):
        raise ImageError(f"{binary}: missing {', '.join(missing)}")
    found = [Path(path) for path in re.findall(r"(?:^\t|=> )(/\S+) \(0x", text, re.M)]
    if not found:
        raise ImageError(f"{binary}: not linked with anything: {text.strip()}")
    return sorted(found)


def packages_of(files: list[Path]) -> list[str]:
    """The packages that files belong to. Each is known by a path that leads through /lib -> usr/lib, or by another."""
    names = {file: (str(file.resolve()), re.sub("^/usr/", "/", str(file.resolve())), str(file)) for file in files}
    asked = sorted({name for each in names.values() for name in each})
    done = subprocess.run(["dpkg-query", "--search", *asked], capture_output=True, text=True, check=False)
    owners = {name: owner.split(", ")[0] for owner, _, name in (line.rpartition(": ")
                                                                for line in done.stdout.splitlines())}
    found = {file: next((owners[name] for name in each if name in owners), "") for file, each in names.items()}
    if strange := [str(file) for file, owner in found.items() if not owner]:
        raise ImageError(f"no package has {', '.join(strange)}, so that nothing is known of the licence")
    return sorted(set(found.values()))


def stripped(binary: Path) -> bytes:
    """Without what only a debugger wants."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "stripped")
        output_of("strip", "-o", str(out), str(binary))
        return out.read_bytes()


def machine_of(binary: Path) -> tuple[str, str]:
    head = binary.read_bytes()[:20]
    if head[:4] != b"\x7fELF":
        raise ImageError(f"{binary}: no ELF file")
    number = struct.unpack("<H" if head[5] == 1 else ">H", head[18:20])[0]
    if number not in MACHINES:
        raise ImageError(f"{binary}: of a machine ({number}) that has no name here")
    return MACHINES[number]


class Tree:
    """The files of a tar: root's, sorted, all of one time."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._entries: dict[str, tuple[bytes | None, int]] = {}

    def folder(self, path: str, mode: int = 0o755) -> None:
        path = path.strip("/")
        if path and path not in self._entries:
            self.folder(path.rpartition("/")[0])
            self._entries[path] = (None, mode)

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        path = path.strip("/")
        self.folder(path.rpartition("/")[0])
        self._entries[path] = (data, mode)

    def tar(self) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path, (data, mode) in sorted(self._entries.items()):
                entry = tarfile.TarInfo(path)
                entry.mode, entry.mtime = mode, self._epoch
                entry.uname = entry.gname = "root"
                entry.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
                entry.size = len(data or b"")
                tar.addfile(entry, io.BytesIO(data or b""))
        return out.getvalue()


def add_licence(tree: Tree, path: str, text: bytes) -> None:
    """A text about licences, and the common ones that it refers to."""
    tree.file(path, text)
    for licence in set(re.findall(rb"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])", text)):
        known = COMMON_LICENSES / licence.decode()
        if known.is_file():
            tree.file(str(known), known.read_bytes())


def root_file_system(binary: Path, epoch: int) -> bytes:
    tree = Tree(epoch)
    tree.file("/usr/sbin/reaperd", stripped(binary), 0o755)
    needed = libraries(binary)
    for library in needed:
        tree.file(str(library), library.read_bytes(), 0o755)
    packages = packages_of(needed)
    for package in packages:
        copyright_file = Path("/usr/share/doc", package.partition(":")[0], "copyright")
        add_licence(tree, str(copyright_file), copyright_file.read_bytes())
    for status in output_of("dpkg-query", "--status", *packages).split("\n\n"):
        name = re.search("^Package: (.*)$", status, re.M)
        if name is None:
            raise ImageError(f"a status without the name of its package: {status}")
        tree.file(f"/var/lib/dpkg/status.d/{name[1]}", f"{status.strip()}\n".encode())
    add_licence(tree, "/usr/share/doc/reaperd/LICENSE", (TOP / "LICENSE").read_bytes())
    tree.file("/etc/reaperd/reaperd.conf", (TOP / "conf/reaperd.conf").read_bytes())
    tree.file("/etc/os-release", Path("/etc/os-release").read_bytes())
    tree.file("/etc/passwd", PASSWD.encode())
    tree.file("/etc/group", GROUP.encode())
    # What gets mounted there needs a place; a new volume takes owner and mode of it.
    for place in ("/etc/reaperd/reaperd.conf.d", "/var/lib/reaperd", "/run/reaperd-metrics", "/proc", "/sys", "/dev"):
        tree.folder(place)
    tree.folder("/tmp", 0o1777)
    return tree.tar()


def described(binary: Path, version: str, epoch: int, layer: bytes) -> dict[str, Any]:
    """The image's configuration. Its labels are those of containers too, so none begins with org.reaperd."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
    architecture, variant = machine_of(binary)
    return {
        "architecture": architecture, **({"variant": variant} if variant else {}), "os": "linux", "created": created,
        "config": {
            "User": "0:0",
            "Env": ["PATH=/usr/sbin", "STATE_DIRECTORY=/var/lib/reaperd"],
            "Entrypoint": ["/usr/sbin/reaperd"], "WorkingDir": "/", "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "reaperd",
                "org.opencontainers.image.description": "Removes stale stopped containers of Swarm tasks from a node",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.created": created,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": created, "created_by": f"reaperd {version}, make image"}],
    }


def archive(configuration: dict[str, Any], layer: bytes, tag: str, epoch: int) -> bytes:
    tree = Tree(epoch)

    def text(value: Any) -> bytes:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    def blob(data: bytes) -> str:
        path = f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
        tree.file(path, data)
        return path

    def descriptor(kind: str, path: str, size: int) -> dict[str, Any]:
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{Path(path).name}", "size": size}

    about = text(configuration)
    config_path, layer_path = blob(about), blob(layer)
    manifest = text({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                     "config": descriptor("config.v1+json", config_path, len(about)),
                     "layers": [descriptor("layer.v1.tar", layer_path, len(layer))]})
    named = {**descriptor("manifest.v1+json", blob(manifest), len(manifest)),
             "annotations": {"io.containerd.image.name": f"docker.io/library/{tag}",
                             "org.opencontainers.image.ref.name": tag.partition(":")[2]}}
    tree.file("index.json", text({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                                  "manifests": [named]}))
    tree.file("oci-layout", text({"imageLayoutVersion": "1.0.0"}))
    tree.file("manifest.json", text([{"Config": config_path, "RepoTags": [tag], "Layers": [layer_path]}]))
    return tree.tar()


def main() -> int:
    parser = argparse.ArgumentParser(description="Make an image of reaperd.")
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--epoch", type=int, required=True, help="all times in the image: seconds since 1970")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        layer = root_file_system(arguments.binary, arguments.epoch)
        configuration = described(arguments.binary, arguments.version, arguments.epoch, layer)
        made = archive(configuration, layer, f"reaperd:{arguments.version}", arguments.epoch)
        out = arguments.folder / f"reaperd-image_{arguments.version}_{configuration['architecture']}.tar"
        fresh = out.with_name(f"{out.name}.new")
        fresh.write_bytes(made)
        fresh.rename(out)
        print(out)
    except (ImageError, OSError) as error:
        print(f"image.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
