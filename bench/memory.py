# SPDX-License-Identifier: Apache-2.0
"""What stopped containers hold, measured on a real engine; writes docs/memory.csv and the tables of docs/memory.md.

Starts a private Docker Engine with a Swarm (nothing of an engine of this
machine is touched), has it run tasks of several kinds, and looks at the machine
before, while they run, when they have stopped, and when their containers have
been removed. In a second course the kernel is first told to drop what it can
drop by itself; what is still held then only removal gives back.

That is /proc/sys/vm/drop_caches, and so the whole machine's cache: do not run
this where that hurts. Exit status: 0 if all is well, 1 if not, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import http.client
import os
import platform
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

sys.dont_write_bytecode = True      # as root, it would leave files that a user cannot remove
HERE = Path(__file__).resolve().parent
TOP = HERE.parent
sys.path[:0] = [str(HERE), str(TOP / "tests")]

from lab import ApiError, Engine, LabError, host, missing_tools, until     # noqa: E402
from lab import engine as engines                                          # noqa: E402
from lab.cgroups import Cgroups                                            # noqa: E402
from lab.hog import meminfo                                                # noqa: E402
from memory_figures import FIGURES, Meter, Sample                          # noqa: E402
import memory_table                                                        # noqa: E402

SETTLE = 3.0            # seconds: the kernel adds its counters up each second, and frees cgroups by and by
PARALLEL = 4            # removals at a time, as reaperd does by default
LINE = 200              # bytes of a line of log; the engine adds some 70
LOG_OVERHEAD = 71
FOLDERS = 20
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
MEMORY_NEEDED, DISK_NEEDED = 2_000_000_000, 3_000_000_000
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXPECTED = (ApiError, LabError, OSError, http.client.HTTPException)


class Interrupted(Exception):
    """Asked to end."""


class Trouble(Exception):
    """Something that a user can understand; the text is a sentence."""


@dataclass(frozen=True)
class Kind:
    name: str
    about: str
    count: int              # containers at a time
    script: str             # of sh


def kinds(options: argparse.Namespace) -> list[Kind]:
    lines = options.log_mb * 1_000_000 // (LINE + LOG_OVERHEAD)
    each = options.files // FOLDERS
    return [
        Kind("small", "writes nothing", options.small, ""),
        Kind("large layer", f"writes a file of {options.layer_mb} MB", options.others,
             f"head -c {options.layer_mb}000000 /dev/zero > /data/large; "),
        Kind("long log", f"logs {options.log_mb} MB, in lines of {LINE} bytes", options.others,
             f"yes {'x' * (LINE - 1)} | head -n {lines}; "),
        Kind("many files", f"writes {FOLDERS * each} files of 100 bytes in {FOLDERS} folders", options.others,
             f"for d in $(seq {FOLDERS}); do mkdir /data/$d; for f in $(seq {each}); do "
             f"echo {'x' * 99} > /data/$d/$f; done; done; "),
    ]


class Bench:
    """The courses on an engine with a Swarm; `go_on` raises when it is to be broken off."""

    def __init__(self, engine: Engine, go_on: Callable[[], None]) -> None:
        self._engine, self._go_on = engine, go_on
        self._meter = Meter(engine)
        self._gate = engine.dir / "gate"
        self._gate.mkdir()
        self._made = 0
        self._release = -1

    def remove(self, kind: Kind) -> dict[str, Sample]:
        """What removal gives back at once."""
        # Programs that tasks need are in memory before the first sample, and the folders' cgroup is there.
        service = self._start(kind, 1)
        self._stop(service, 1)
        self._remove(service)
        found = {"before": self._sample()}
        service = self._start(kind, kind.count)
        found["running"] = self._sample()
        self._stop(service, kind.count)
        found["stopped"] = self._sample()
        self._remove_containers()
        found["removed"] = self._sample()
        self._remove(service)
        return found

    def reclaim(self, kind: Kind) -> dict[str, Sample]:
        """What only removal gives back. From all samples but the first, the rest of the machine's cache is gone too."""
        # Cgroups of the course before are not to be counted here.
        os.sync()
        self._drop()
        service = self._start(kind, kind.count)
        self._stop(service, kind.count)
        found = {"stopped": self._sample()}
        self._drop()
        found["dropped"] = self._sample()
        os.sync()
        self._drop()
        found["written"] = self._sample()
        self._remove_containers()
        os.sync()
        self._drop()
        found["removed"] = self._sample()
        self._remove(service)
        return found

    # -- inside ------------------------------------------------------------------

    def _start(self, kind: Kind, count: int) -> str:
        """Runs that many tasks, and waits until all have written what they write; the name of the service."""
        self._made += 1
        os.mkfifo(self._gate / "fifo")
        # Open for both, so that nobody waits for the other side to open it.
        self._release = os.open(self._gate / "fifo", os.O_RDWR)
        # Each tells that it is done by a file, and then waits for a line of its own in the FIFO.
        script = f"{kind.script}: > /gate/$HOSTNAME; read x < /gate/fifo; exit 0"
        name = f"bench{self._made}"
        self._engine.swarm.create(name, ["sh", "-c", script], replicas=count, mounts=[
            {"Type": "bind", "Source": str(self._gate), "Target": "/gate"}])
        self._until(lambda: len(os.listdir(self._gate)) == count + 1, f"{count} tasks of {kind.name!r} have written")
        for file in self._gate.iterdir():
            if file.name != "fifo":
                file.unlink()
        return name

    def _stop(self, service: str, count: int) -> None:
        """Lets all tasks end, and waits until the Swarm has seen it."""
        os.write(self._release, b"\n" * count)
        self._until(lambda: [task["Status"]["State"] for task in self._engine.swarm.tasks(service)]
                    == ["complete"] * count, f"{count} tasks of {service} are complete")
        os.close(self._release)
        (self._gate / "fifo").unlink()

    def _remove_containers(self) -> None:
        client = self._engine.client
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(lambda c: client.call("DELETE", f"/containers/{c['Id']}", {"v": 1}), client.containers()))

    def _remove(self, service: str) -> None:
        self._engine.swarm.remove(service)
        self._until(lambda: not self._engine.client.containers(), f"{service} is gone")

    def _drop(self) -> None:
        DROP_CACHES.write_text("3\n")

    def _sample(self) -> Sample:
        until_then = time.monotonic() + SETTLE
        while time.monotonic() < until_then:
            self._go_on()
            time.sleep(0.1)
        return self._meter.sample()

    def _until(self, probe: Callable[[], Any], what: str) -> None:
        def checked() -> Any:
            self._go_on()
            return probe()

        until(checked, 120.0, what)


def choose_folder() -> None:
    """For the engine's files: one on a disk, as on a tmpfs a layer would be memory that nobody can take back."""
    fit = [folder for folder in host.on_disk(engines.FOLDERS) if shutil.disk_usage(folder).free >= DISK_NEEDED]
    if not fit:
        raise Trouble(f"The measurement needs {DISK_NEEDED / 1e9:g} GB below {' or '.join(engines.FOLDERS)}, on a disk "
                      "(no tmpfs), for some minutes.")
    engines.FOLDER = fit[0]


class Run:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._asked_to_end = False
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def run(self) -> int:
        self._check_host()
        began = time.monotonic()
        engine = Engine(["--debug"])        # it tells of its heap then
        try:
            engine.start()
            self._go_on()
            engine.with_swarm()
            load = os.getloadavg()[0]
            rows = self._measure(engine)
            header = self._header(engine, load)
        except EXPECTED:
            self._go_on()       # Ctrl-C reaches the tools that the lab runs, too
            raise
        finally:
            self._clean_up(engine)
        # In place: under sudo, the files stay their owner's.
        self._options.csv.write_text(memory_table.to_csv(header, FIGURES, rows))
        renew(self._options)
        print(f"{self._options.csv} and the tables in {self._options.page} are new, "
              f"after {time.monotonic() - began:.0f} s.")
        return 0

    def _on_signal(self, _number: int, _frame: Any) -> None:
        # Only noted: an exception out of the blue could hit anything.
        self._asked_to_end = True

    def _go_on(self) -> None:
        if self._asked_to_end:
            raise Interrupted

    def _check_host(self) -> None:
        if os.geteuid():
            raise Trouble("The measurement starts a private Docker Engine and must run as root: sudo make bench-memory")
        if missing := missing_tools():
            raise Trouble(f"The measurement needs {', '.join(missing)}: `make deps` installs or names it.")
        if not os.access(DROP_CACHES, os.W_OK):
            raise Trouble(f"The measurement needs to write {DROP_CACHES}, which is read-only here.")
        choose_folder()
        if meminfo()["MemAvailable"] < MEMORY_NEEDED:
            raise Trouble(f"The measurement needs {MEMORY_NEEDED / 1e9:g} GB of memory for some minutes.")

    def _header(self, engine: Engine, load: float) -> list[tuple[str, str]]:
        info, version = engine.client.get("/info"), engine.client.get("/version")
        backing = dict(info["DriverStatus"]).get("Backing Filesystem", "unknown")
        return [
            ("machine", f"{platform.machine()}, {os.cpu_count()} CPUs, {meminfo()['MemTotal'] / 1e6:.0f} MB of memory, "
                        f"{meminfo()['SwapTotal'] / 1e6:.0f} MB of swap"),
            ("kernel", f"{platform.release()}, memory cgroups of version {Cgroups().version}"),
            ("engine", f"Docker {version['Version']}, {info['Driver']} on {backing}, json-file, debug, "
                       "a Swarm of one node"),
            ("load", f"{load:.1f} when it began, {os.getloadavg()[0]:.1f} when it ended"),
            *((kind.name, f"{kind.about}; {kind.count} at a time") for kind in kinds(self._options)),
            ("repetitions", str(self._options.repetitions)),
        ]

    def _measure(self, engine: Engine) -> list[memory_table.Row]:
        bench = Bench(engine, self._go_on)
        rows = []
        for repetition in range(1, self._options.repetitions + 1):
            for kind in kinds(self._options):
                for course in (bench.remove, bench.reclaim):
                    began = time.monotonic()
                    for stage, found in course(kind).items():
                        rows.append(memory_table.Row(kind.name, kind.count, repetition, course.__name__, stage, found))
                    print(f"{repetition} of {self._options.repetitions}: {kind.name}, {course.__name__}: "
                          f"{time.monotonic() - began:.1f} s", flush=True)
        return rows

    def _clean_up(self, engine: Engine) -> None:
        # Ignored, and by the tools run from here too: half a cleaning up helps nobody.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        engine.close()
        left = [str(path) for path in (engine.dir, Path("/run/netns", engine.name)) if path.exists()]
        left += [str(path) for path in host.cgroup_folders(engine.name)]
        left += [f"process {pid}" for pid in host.processes_naming(engine.dir)]
        print(f"Not cleaned up: {', '.join(left)}" if left else "Cleaned up.", flush=True)


def renew(options: argparse.Namespace) -> None:
    """Makes the page's tables from the data."""
    page = options.page.read_text()
    options.page.write_text(memory_table.replaced(page, options.csv.read_text()))


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what stopped containers hold.")
    parser.add_argument("--csv", type=Path, default=TOP / "docs" / "memory.csv", help="the data")
    parser.add_argument("--page", type=Path, default=TOP / "docs" / "memory.md", help="the page with the tables")
    parser.add_argument("--tables", action="store_true", help="only make the page's tables from the data anew")
    for name, default, what in (("repetitions", 3, "repetitions of everything"),
                                ("small", 40, "containers of the kind `small`"),
                                ("others", 12, "containers of each other kind"),
                                ("layer-mb", 20, "MB in each large layer"), ("log-mb", 10, "MB in each long log"),
                                ("files", 2000, "files in each container of `many files`")):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} ({default})")
    options = parser.parse_args()
    try:
        if options.tables:
            renew(options)
            return 0
        return Run(options).run()
    except Interrupted:
        return 130
    except (Trouble, *EXPECTED) as error:
        print(f"memory.py: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
