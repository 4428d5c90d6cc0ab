# SPDX-License-Identifier: Apache-2.0
"""An image without a registry: a static busybox and links to it, as a tar."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path


def busybox_tar() -> bytes:
    """A root file system for POST /images/create?fromSrc=-."""
    path = shutil.which("busybox")
    if path is None:
        raise FileNotFoundError("busybox is missing (Debian: busybox-static)")
    binary = Path(path).read_bytes()
    if b"/ld-linux" in binary[:4096]:
        raise FileNotFoundError(f"{path} is not static (Debian: busybox-static)")
    applets = subprocess.run([path, "--list"], check=True, capture_output=True,
                             text=True).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "data"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(binary), 0o755
        tar.addfile(entry, io.BytesIO(binary))
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, "busybox", 0o777
                tar.addfile(entry)
    return out.getvalue()
