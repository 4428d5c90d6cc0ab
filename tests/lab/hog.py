# SPDX-License-Identifier: Apache-2.0
"""Child processes that use up memory, within bounds, so that a daemon has something to answer.

A Hog holds so many bytes until it is released; a Thrasher walks a mapped file
that is larger than its memory cgroup, so that it stalls on memory while the
machine does not.  Both end with the process that started them, however that
ends, and by themselves after LIFETIME.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import host
from .cgroups import Cgroups

MB = 1 << 20
LIFETIME = 300          # seconds after which a hog ends in any case
SPARE = 2048 * MB       # what a hog leaves to the machine

# Ends with its standard input, which is the parent's; should the machine run out of memory after all,
# it is the first that the kernel takes.
_BEGIN = """
import mmap, os, signal, sys, threading
signal.alarm({lifetime})
with open("/proc/self/oom_score_adj", "w") as score:
    score.write("1000")
cgroup, size = sys.argv[1], int(sys.argv[2])
if cgroup:
    with open(cgroup + "/cgroup.procs", "w") as procs:
        procs.write("0")
def await_end():
    sys.stdin.read()
    os._exit(0)
"""

_HOLD = _BEGIN + """
held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
print("ready", flush=True)
await_end()
"""

_THRASH = _BEGIN + """
file = os.open(sys.argv[3], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
os.unlink(sys.argv[3])
block = os.urandom(1 << 20)
for _ in range(size >> 20):
    os.write(file, block)
os.fsync(file)
walked = mmap.mmap(file, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
threading.Thread(target=await_end, daemon=True).start()
print("ready", flush=True)
while True:
    for place in range(0, size, mmap.PAGESIZE):
        walked[place]
"""


class MemoryCgroup:
    """A memory cgroup of its own, in v1 or v2, with a limit if one is given; a context manager.

    within: another one, below which it is to be, so that the limit of that one holds too.
    """

    _count = itertools.count(1)

    def __init__(self, limit: int | None = None, within: Path | None = None) -> None:
        root, kind = _memory_root()
        above = within or root
        if kind == "cgroup2":
            (above / "cgroup.subtree_control").write_text("+memory")
        self.path = above / f"rp-hog-{os.getpid()}-{next(self._count)}"
        self.name = str(self.path.relative_to(root))
        self.path.mkdir()
        if limit is not None:
            name = "memory.max" if kind == "cgroup2" else "memory.limit_in_bytes"
            (self.path / name).write_text(str(limit))

    def __enter__(self) -> "MemoryCgroup":
        return self

    def __exit__(self, *_: object) -> None:
        # Also ends what has escaped from its own test.
        host.remove_cgroup(self.name)


def memory_cgroup_of(pid: int) -> Path:
    """In which memory cgroup a process is."""
    root, kind = _memory_root()
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(",") if kind == "cgroup" else number == "0":
            return root / path.lstrip("/")
    raise FileNotFoundError(f"process {pid} is in no memory cgroup")


def _memory_root() -> tuple[Path, str]:
    """Where memory cgroups are made, and the type of that file system."""
    cgroups = Cgroups()
    return cgroups.root, "cgroup2" if cgroups.version == 2 else "cgroup"


def meminfo(proc: Path = Path("/proc")) -> dict[str, int]:
    """/proc/meminfo, in bytes."""
    found = {}
    for line in (proc / "meminfo").read_text().splitlines():
        key, _, rest = line.partition(":")
        found[key] = int(rest.split()[0]) * (1024 if rest.endswith("kB") else 1)
    return found


class _Child:
    """One that is ready when its memory is in use."""

    def __init__(self, code: str, cgroup: MemoryCgroup | None, *arguments: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", code.format(lifetime=LIFETIME), str(cgroup.path if cgroup else ""),
             *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        assert self._process.stdout and self._process.stderr
        if self._process.stdout.readline() != "ready\n":
            self.release()
            raise ChildProcessError(f"a hog ended with {self._process.returncode}: "
                                    f"{self._process.stderr.read().strip()}")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def pid(self) -> int:
        return self._process.pid

    def release(self) -> None:
        """Give everything back; returns when that is done."""
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Hog(_Child):
    """Holds `size` bytes of anonymous memory from now until release()."""

    def __init__(self, size: int, cgroup: MemoryCgroup | None = None) -> None:
        available = meminfo()["MemAvailable"]
        if available < size + SPARE:
            raise MemoryError(f"{available // MB} MB are available, a hog of {size // MB} MB and "
                              f"{SPARE // MB} MB for the others need more")
        super().__init__(_HOLD, cgroup, size)


class Thrasher(_Child):
    """Walks a file in `folder` (on a disk, no tmpfs), in a cgroup with less memory than it needs.

    within: as of MemoryCgroup.
    """

    def __init__(self, folder: Path, size: int = 300 * MB, limit: int | None = 64 * MB,
                 within: Path | None = None) -> None:
        self.cgroup = MemoryCgroup(limit, within)
        try:
            super().__init__(_THRASH, self.cgroup, size, folder / "walked")
        except BaseException:
            self.cgroup.__exit__()
            raise

    def release(self) -> None:
        super().release()
        if self.cgroup.path.exists():
            self.cgroup.__exit__()


def stalled(word: str = "some") -> int:
    """Microseconds that tasks have waited for memory since the machine started."""
    for line in Path("/proc/pressure/memory").read_text().splitlines():
        if line.startswith(f"{word} "):
            return int(line.rpartition("total=")[2])
    raise ValueError(f"no line of {word!r} in /proc/pressure/memory")
