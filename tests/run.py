#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests, all or by suite, and counts them.

    run.py [--list] [SUITE...]

Every suite prints what it does as it goes; the last line of all is `N passed, N failed`, with `, N skipped` behind
it if any were. A suite that could not even begin counts as a failure, so that nothing is passed by not being run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Callable, Iterator

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
SANITIZERS = "-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"


@dataclass
class Count:
    """What a suite came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes

    def one(self, good: bool, name: str, output: str = "") -> None:
        if good:
            self.passed += 1
        else:
            self.failed += 1
            self.notes.append(f"failed: {name}")
            print(output.rstrip())


def run(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **env}, check=False, errors="replace")


def make(*argv: str) -> subprocess.CompletedProcess[str]:
    return run("make", "--no-print-directory", f"-j{os.cpu_count() or 1}", "WERROR=-Werror", *argv)


def tap(name: str, output: str, status: int) -> Count:
    """Counts a program that speaks TAP; its own exit status and its plan have the last word."""
    count = Count()
    for line in output.splitlines():
        found = re.match(r"(ok|not ok) \d+(.*)", line)
        if not found:
            continue
        if found[1] != "ok":
            count.failed += 1
            count.notes.append(f"failed: {name}{found[2]}")
        elif re.search(r"# SKIP", found[2], re.I):
            count.skipped += 1
            count.notes.append(f"skipped: {name}{found[2]}")
        else:
            count.passed += 1
    plan = re.search(r"^1\.\.(\d+)", output, re.M)
    total = count.passed + count.failed + count.skipped
    if (status != 0 and count.failed == 0) or total == 0 or (plan and int(plan[1]) != total):
        count.failed += 1
        count.notes.append(f"failed: {name} ended with status {status} after {total} tests")
    if count.failed:
        print(output.rstrip())
    return count


def units(label: str, build: Path, wrapper: list[str], *make_arguments: str, **env: str) -> Count:
    count = Count()
    made = make(f"BUILD={build.relative_to(TOP)}", *make_arguments, "units")
    count.one(made.returncode == 0, f"building the unit tests ({label})", made.stdout)
    if made.returncode:
        return count
    sources = sorted((TOP / "tests/unit").glob("test-*.c"))

    def one(source: Path) -> subprocess.CompletedProcess[str]:
        return run(*wrapper, str(build / "tests" / source.stem), CMOCKA_MESSAGE_OUTPUT="TAP", **env)

    # Each is a process with folders of its own; all cores, as valgrind takes its time.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, done in zip(sources, pool.map(one, sources)):
            count.add(tap(f"{source.stem} ({label})", done.stdout, done.returncode))
    return count


PAGES = ("README.md", "docs/memory.md", "docs/paper.md")


def suite_style() -> Count:
    count = Count()
    for argument in ([], ["--self-test"]):
        done = run(PYTHON, "tests/style/check.py", *argument)
        count.add(tap(" ".join(["style", *argument]), done.stdout, done.returncode))
    for page in sorted((TOP / "man").glob("*.[1-8]")):
        done = run("mandoc", "-Tlint", "-Wstyle", str(page))
        # Which other pages there are, and are indexed, depends on the machine.
        said = [line for line in done.stdout.splitlines()
                if "referenced manual not found" not in line and "outdated mandoc.db" not in line]
        count.one(not said and done.returncode >= 0, f"mandoc -Tlint {page.name}", "\n".join(said))
    for page in PAGES:
        count.one(not (dead := dead_links(TOP / page, TOP)), f"every link of {page} leads somewhere", str(dead))
    return count


def dead_links(page: Path, root: Path) -> list[str]:
    """The links of a page that lead nowhere; those that are no relative ones begin at the root."""
    def target(link: str) -> Path:
        return root / link.removeprefix(str(root)).lstrip("/") if link.startswith("/") else page.parent / link

    return [link for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()) if not target(link).is_file()]


def suite_build() -> Count:
    """Every compiler at every warning, and what a release must be linked with."""
    count = Count()
    for compiler in ("gcc", "clang"):
        folder = f"build/{compiler}"
        made = make(f"CC={compiler}", f"BUILD={folder}")
        count.one(made.returncode == 0, f"building with {compiler}", made.stdout)
    for program in ("reaperd", "reaperctl"):
        elf = run("readelf", "--wide", "--dynamic", "--program-headers", "--symbols", "--file-header",
                  f"build/{program}").stdout
        for what, pattern in (("PIE", r"Type:\s+DYN"), ("RELRO", r"GNU_RELRO"),
                              ("immediate binding", r"BIND_NOW|NOW PIE"), ("stack protector", r"__stack_chk_fail"),
                              ("_FORTIFY_SOURCE", r"__\w+_chk\b(?<!stack_chk)")):
            count.one(re.search(pattern, elf) is not None, f"build/{program} has {what}")
    return count


def suite_unit() -> Count:
    return units("plain", BUILD, [])


def suite_valgrind() -> Count:
    return units("valgrind", BUILD, ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite,indirect",
                                     "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99"],
                 REAPERD_TEST_INSTRUMENTED="1")


def suite_sanitize() -> Count:
    return units("ASan and UBSan", BUILD / "sanitize", [], f"CFLAGS=-O1 -g {SANITIZERS}", "HARDENING=",
                 UBSAN_OPTIONS="print_stacktrace=1", ASAN_OPTIONS="detect_leaks=1")


def suite_lint() -> Count:
    count = Count()
    done = run("make", "--no-print-directory", "lint")
    count.one(done.returncode == 0, "make lint", done.stdout)
    return count


# What `make install` puts under PREFIX=/usr and SYSCONFDIR=/etc, and the one file that `make uninstall` leaves: what
# the admin may have changed is the admin's.
CONFIGURATION = "etc/reaperd/reaperd.conf"
INSTALLED = {
    CONFIGURATION,
    "usr/bin/reaperctl",
    "usr/sbin/reaperd",
    "usr/share/man/man1/reaperctl.1",
    "usr/share/man/man5/org.reaperd.Reaper1.5",
    "usr/share/man/man5/reaperd.conf.5",
    "usr/share/man/man8/reaperd.8",
    "usr/share/doc/reaperd/README.md",
    "usr/share/doc/reaperd/CHANGELOG.md",
    "usr/share/doc/reaperd/CONTRIBUTING.md",
    "usr/share/doc/reaperd/SECURITY.md",
    "usr/share/doc/reaperd/LICENSE",
    "usr/share/doc/reaperd/memory.md",
    "usr/share/doc/reaperd/fleet.md",
    "usr/share/doc/reaperd/paper.md",
    *(f"usr/share/doc/reaperd/figure{name}.svg" for name in (4, 5, 6, 7, 8, "8-nothing", 9)),
    "usr/share/doc/reaperd/reaperd-stack.yml",
    "usr/share/doc/reaperd/reaperd-fleet.conf",
    "usr/share/doc/reaperd/tcp.conf.example",
    "usr/share/doc/reaperd/page-cache.conf.example",
    "usr/share/doc/reaperd/cgroup-pressure.conf.example",
    "usr/share/doc/reaperd/metrics.conf.example",
    "usr/share/doc/reaperd/reaperd-alerts.yml",
    "usr/share/doc/reaperd/reaperd-dashboard.json",
    "usr/lib/systemd/system/reaperd.service",
    "usr/lib/systemd/catalog/reaperd.catalog",
    "usr/lib/sysusers.d/reaperd.conf",
    "usr/share/dbus-1/interfaces/org.reaperd.Reaper1.xml",
    "usr/share/bash-completion/completions/reaperctl",
    "usr/share/zsh/vendor-completions/_reaperctl",
}
# Where the bus reads policies: in one of two places, by the prefix.
POLICY, POLICY_ELSEWHERE = "usr/share/dbus-1/system.d/org.reaperd.conf", "etc/dbus-1/system.d/org.reaperd.conf"
# What the unit comes to by `systemd-analyze security`, by itself and with each drop-in (the examples tell some of these
# figures); 10 is a service without any fence.
EXPOSURE_MAX = 0.4
EXPOSURES_MAX = {"": EXPOSURE_MAX, "tcp": 0.9, "page-cache": 0.7, "cgroup-pressure": EXPOSURE_MAX,
                 "metrics": EXPOSURE_MAX}
NEW_CALLS = "(cachestat|fchmodat2|setxattrat|removexattrat|file_setattr)$"
STEPS_LEFT = "systemctl daemon-reload"
STEPS_IN_ORDER = ("systemd-sysusers", "systemctl reload dbus", "systemctl enable --now reaperd")


def files_under(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir()}


def steps_left(text: str, prefix: str) -> list[str]:
    """The commands, each with a comment behind it."""
    return re.findall(rf"^    {prefix}((?:systemd-sysusers|systemctl|journalctl)\b[^#\n]*?) +# ", text, re.M)


def check_installed(count: Count, root: Path, what: str, policy: str) -> None:
    """What was installed under `root` works by itself; what it says about places is true."""
    files, wanted = files_under(root), INSTALLED | {policy}
    count.one(files == wanted, f"{what}: installed are the files that belong there",
              f"missing: {sorted(wanted - files)}, too many: {sorted(files - wanted)}")
    modes = {file: (root / file).stat().st_mode & 0o777 for file in files}
    wrong = {file: oct(mode) for file, mode in modes.items() if mode != (0o755 if re.search("/s?bin/", file) else 0o644)}
    count.one(not wrong, f"{what}: anybody may read what was installed, root may write it", str(wrong))
    for page in PAGES:
        name = Path(page).name
        dead = dead_links(root / "usr/share/doc/reaperd" / name, root)
        count.one(not dead, f"{what}: every link of the installed {name} leads somewhere", str(dead))
    reaperd = (f"{root}/usr/sbin/reaperd", f"--config={root}/{CONFIGURATION}")
    done = run(*reaperd, "--check-config")
    count.one(done.returncode == 0 and "configuration OK" in done.stdout,
              f"{what}: the installed configuration is accepted", done.stdout)
    reaperctl = f"{root}/usr/bin/reaperctl"
    done = run(reaperctl, "check-config", f"{root}/{CONFIGURATION}")
    count.one(done.returncode == 0 and "configuration OK" in done.stdout,
              f"{what}: reaperctl finds the reaperd beside it", done.stdout)
    for command in ([*reaperd, "--check-config"], [*reaperd, "--print-config"], [*reaperd, "--help"],
                    [*reaperd, "--version"], [reaperctl, "--help"], [reaperctl, "--version"]):
        with open("/dev/full", "w") as full:
            full_disk = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        count.one(full_disk.returncode == 1 and "No space left" in full_disk.stderr,
                  f"{what}: {' '.join(command)} fails if nobody can read the answer",
                  f"{full_disk.returncode}: {full_disk.stderr}")


def check_systemd(count: Count, root: Path) -> None:
    """systemd's own tools accept what was installed with PREFIX=root/usr, so that the unit's commands exist."""
    missing = [tool for tool in ("systemd-analyze", "systemd-sysusers", "journalctl") if shutil.which(tool) is None]
    if missing:
        count.skipped += 1
        count.notes.append(f"skipped: systemd's view of what is installed: {', '.join(missing)} not there")
        return

    unit = root / "usr/lib/systemd/system/reaperd.service"
    examples = root / "usr/share/doc/reaperd"
    count.one({example.name for example in examples.glob("*.example")}
              == {f"{dropin}.conf.example" for dropin in EXPOSURES_MAX if dropin},
              "the examples of drop-ins are those that are looked at", str(list(examples.iterdir())))
    for dropin, exposure_max in EXPOSURES_MAX.items():
        what = f"the unit with the drop-in {dropin}.conf" if dropin else "the unit"
        folder = unit.with_name("reaperd.service.d")
        if dropin:
            example = examples / f"{dropin}.conf.example"
            if not example.is_file():
                continue
            folder.mkdir()
            shutil.copy(example, folder / f"{dropin}.conf")
        # Other units of this machine are not ours to judge, and that systemd does not know system calls which are
        # newer than itself is no fault of an example that says so.
        done = run("systemd-analyze", "verify", "--man=no", str(unit))
        said = [line for line in done.stdout.splitlines()
                if "reaperd" in line and not re.search("Failed to parse system call, ignoring: " + NEW_CALLS, line)]
        count.one(not said, f"systemd-analyze verify has nothing to say about {what}", done.stdout)
        done = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
        count.one(found is not None and float(found[1]) <= exposure_max,
                  f"the exposure of {what} is at most {exposure_max}", done.stdout)
        shutil.rmtree(folder, ignore_errors=True)

    with tempfile.TemporaryDirectory() as system:
        etc, catalogs = Path(system, "etc"), Path(system, "usr/lib/systemd/catalog")
        for folder in (etc, catalogs, Path(system, "var/lib/systemd/catalog")):
            folder.mkdir(parents=True)
        for database in ("passwd", "group"):
            (etc / database).touch()
        done = run("systemd-sysusers", f"--root={system}", str(root / "usr/lib/sysusers.d/reaperd.conf"))
        users, groups = ((etc / database).read_text() for database in ("passwd", "group"))
        made = re.search(r"^reaperd:", users, re.M) and re.search(r"^docker:", groups, re.M)
        count.one(done.returncode == 0 and made is not None,
                  "systemd-sysusers makes the user and the engine's group", done.stdout + users + groups)

        shutil.copy(root / "usr/lib/systemd/catalog/reaperd.catalog", catalogs)
        done = run("journalctl", f"--root={system}", "--update-catalog")
        listed = run("journalctl", f"--root={system}", "--no-pager", "--list-catalog").stdout
        headers = "".join(header.read_text() for header in sorted((TOP / "include/daemon").glob("record*.h")))
        ids = re.findall(r'#define MESSAGE_ID_\w+\s+"(\w+)"', headers)
        count.one(done.returncode == 0 and set(re.findall(r"^\w{32}", listed, re.M)) == set(ids) != set(),
                  "journalctl takes the catalog, with an entry for every message id", done.stdout + listed)


def suite_install() -> Count:
    """`make install` puts everything where it belongs, and `make uninstall` takes all of it away again."""
    count = Count()
    with tempfile.TemporaryDirectory() as folder:
        # As a packager does it.
        root = Path(folder, "package")
        where = (f"DESTDIR={root}", "PREFIX=/usr", "SYSCONFDIR=/etc")
        done = make(*where, "install")
        count.one(done.returncode == 0, "make install, for a package", done.stdout)
        count.one(STEPS_LEFT not in done.stdout, "a package's build is told nothing about this system", done.stdout)
        if done.returncode == 0:
            check_installed(count, root, "package", POLICY)
            unit = (root / "usr/lib/systemd/system/reaperd.service").read_text()
            commands = re.findall(r"^Exec\w+=(/\S*reaperd\b.*)", unit, re.M)
            count.one(commands == ["/usr/sbin/reaperd", "/usr/sbin/reaperd --check-config"],
                      "the unit runs what was installed", unit)
        done = make(*where, "uninstall")
        count.one(done.returncode == 0 and files_under(root) == {CONFIGURATION}
                  and not (root / "usr/share/doc/reaperd").exists(),
                  f"make uninstall leaves {sorted(files_under(root))}", done.stdout)

        # As an admin does it, elsewhere; a binary of its own, since it knows its SYSCONFDIR.
        root = Path(folder, "admin")
        where = (f"PREFIX={root}/usr", f"SYSCONFDIR={root}/etc", "BUILD=build/elsewhere")
        done = make(*where, "install")
        count.one(done.returncode == 0, "make install, elsewhere", done.stdout)
        told, readme = steps_left(done.stdout, ""), steps_left((TOP / "README.md").read_text(), "sudo ")
        count.one(told == readme and STEPS_LEFT in told,
                  "the admin is told what is left to do, as README.md does", f"{told}\n{readme}")
        # The bus leaves out what names a user that is not there when it reads the policy.
        count.one(tuple(step for step in told if step in STEPS_IN_ORDER) == STEPS_IN_ORDER,
                  "the user is there before the bus reads the policy, and both before the start", str(told))
        if done.returncode == 0:
            check_installed(count, root, "elsewhere", POLICY_ELSEWHERE)
            places = re.compile(rf"(?<!{re.escape(str(root))})(?:/etc/reaperd|/usr/sbin/reaperd|/usr/share/doc/reaperd)\b")
            stray = [f"{file}: {line}" for file in sorted(files_under(root) - {"usr/sbin/reaperd", "usr/bin/reaperctl"})
                     for line in (root / file).read_text().splitlines() if places.search(line)]
            count.one(not stray, "what is installed elsewhere names its own places only", "\n".join(stray))
            check_systemd(count, root)
            (root / CONFIGURATION).write_text("[Retention]\nSucces=1h\n")
            done = run(f"{root}/usr/sbin/reaperd", "--check-config")
            count.one(done.returncode == 1 and f"{root}/{CONFIGURATION}:2" in done.stdout,
                      "the binary reads the configuration of its SYSCONFDIR", done.stdout)
            done = make(*where, "install")
            count.one(done.returncode == 0 and "Succes=" in (root / CONFIGURATION).read_text(),
                      "make install keeps a configuration that is there", done.stdout)
        done = make(*where, "uninstall")
        count.one(done.returncode == 0 and files_under(root) == {CONFIGURATION},
                  f"make uninstall, elsewhere, leaves {sorted(files_under(root))}", done.stdout)
    return count


# The pytests that run, which take away what they have started when they are told to end.
_running: set[subprocess.Popen[bytes]] = set()


def wait_for(argv: list[str], **how: Any) -> int:
    """Runs a program to its end, also when this one is told to end meanwhile; its exit status."""
    process = subprocess.Popen(argv, **how)
    _running.add(process)
    broken_off = False
    while process.poll() is None:
        try:
            process.wait()
        except KeyboardInterrupt:
            broken_off = True   # so is the program: by the terminal, or by on_signal()
    _running.discard(process)
    if broken_off:
        raise KeyboardInterrupt
    return process.returncode


def on_signal(number: int, frame: Any) -> None:
    """Who ends the tests by SIGTERM or SIGHUP means all of them. pytest ends by SIGINT only."""
    for process in list(_running):
        process.send_signal(signal.SIGINT)
    raise KeyboardInterrupt


def pytest(places: list[str], output: IO[str] | None = None) -> Count:
    """Runs folders or files of tests; without `output` they are seen as they go."""
    count = Count()
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        status = wait_for([PYTHON, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-ra",
                           f"--junitxml={report}", f"--basetemp={scratch}/pytest", *places], cwd=TOP,
                          stdout=output, stderr=output and subprocess.STDOUT,
                          env={**os.environ, "REAPERD": str(BUILD / "reaperd"),
                               "REAPERCTL": str(BUILD / "reaperctl")})
        try:
            suites = list(xml.parse(report).getroot().iter("testsuite"))
        except (OSError, xml.ParseError):
            suites = []
        for suite in suites:
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            count.failed += bad
            count.skipped += skipped
            count.passed += int(suite.get("tests", 0)) - bad - skipped
            for case in suite.iter("testcase"):
                for kind in ("failure", "error", "skipped"):
                    if case.find(kind) is not None:
                        count.notes.append(f"{kind}: {case.get('classname')}.{case.get('name')}")
    if status != 0 and count.failed == 0 or count.passed == 0:
        count.failed += 1
        count.notes.append(f"failed: pytest {places[0]} ended with status {status}")
    return count


def places_of(suite: str) -> list[str]:
    """Where the tests of a suite that pytest runs are; three of them share those in tests/protocol."""
    if suite in ("engine", "package", "box", "fleet", "experiment"):
        return [f"tests/{suite}"]
    files = {str(path.relative_to(TOP)) for path in (TOP / "tests/protocol").glob("test_*.py")}
    parts = {"pressure": {file for file in files if re.search("test_(pressure|measuring)", file)},
             "console": {file for file in files if re.search("test_(bus|console|reaperctl|readme|advise|metrics)", file)}}
    return sorted(parts.get(suite, files.difference(*parts.values())))


SUITES: dict[str, tuple[str, Callable[[], Count]]] = {
    "style": ("layers, headers, formatting, manual pages", suite_style),
    "build": ("both compilers without a warning, hardening", suite_build),
    "unit": ("unit tests", suite_unit),
    "valgrind": ("unit tests under valgrind", suite_valgrind),
    "sanitize": ("unit tests under ASan and UBSan", suite_sanitize),
    "install": ("make install and uninstall", suite_install),
    "protocol": ("reaperd against a scripted engine", lambda: pytest(places_of("protocol"))),
    "pressure": ("the same under memory and disk pressure", lambda: pytest(places_of("pressure"))),
    "console": ("reaperctl, the bus and metrics", lambda: pytest(places_of("console"))),
    "engine": ("reaperd on a real engine with a real Swarm", lambda: pytest(places_of("engine"))),
    "package": ("packages and releases", lambda: pytest(places_of("package"))),
    "box": ("the package on whole nodes with systemd", lambda: pytest(places_of("box"))),
    "fleet": ("the image on a Swarm of several nodes", lambda: pytest(places_of("fleet"))),
    "experiment": ("the paper's experiment, small, and what makes its figures", lambda: pytest(places_of("experiment"))),
    "lint": ("clang-tidy", suite_lint),
}


# These spend most of their time waiting, on engines of their own: lanes that run at the same time, each suite of one
# behind the other. The first is seen as it goes.
LANES = (("engine",), ("protocol", "package"), ("console", "fleet", "experiment"), ("pressure", "box"))


@contextmanager
def tree_ahead(chosen: list[str]) -> Iterator[None]:
    """Has the tree of the boxes fetched meanwhile, where it is not there yet. The suite says what is wrong, if it is."""
    if "box" not in chosen or os.geteuid() != 0:
        yield
        return
    maker = subprocess.Popen(["tools/box-tree.sh"], cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        # Where the run was broken off. Its end is awaited: it takes away what it has mounted.
        if maker.poll() is None:
            os.killpg(maker.pid, signal.SIGTERM)
        maker.wait()


def run_suite(name: str, output: IO[str] | None = None) -> Count:
    """Runs a suite of pytest's with this output, any other with the one that there is."""
    what, suite = SUITES[name]
    began = time.monotonic()
    if output is None:
        print(f"== {name}: {what}", flush=True)
        count = suite()
    else:
        print(f"== {name}: {what} (at the same time, its output follows)", flush=True)
        count = pytest(places_of(name), output)
        output.seek(0)
        print(f"== {name}: {what}\n{output.read().rstrip()}", flush=True)
    print(f"   {name}: {count.passed} passed, {count.failed} failed, {count.skipped} skipped"
          f" in {time.monotonic() - began:.0f} s", flush=True)
    return count


def run_lane(names: list[str], broken_off: threading.Event) -> Count:
    total = Count()
    for name in names:
        if broken_off.is_set():
            break
        with tempfile.TemporaryFile("w+") as output:
            total.add(run_suite(name, output))
    return total


def run_lanes(chosen: list[str]) -> Count:
    """Those of the chosen suites that may run at the same time."""
    first, *others = [lane for names in LANES if (lane := [name for name in names if name in chosen])] or [[]]
    total = Count()
    broken_off = threading.Event()
    with ThreadPoolExecutor(len(LANES)) as pool:
        try:
            beside = [pool.submit(run_lane, lane, broken_off) for lane in others]
            for name in first:
                total.add(run_suite(name))
            for future in beside:
                total.add(future.result())
        except BaseException:
            # What runs ends by itself, as every pytest has got the same signal; nothing else is to begin.
            broken_off.set()
            raise
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tests.")
    parser.add_argument("--list", action="store_true", help="name the suites")
    parser.add_argument("suite", nargs="*", help="which (default: all)")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (what, _) in SUITES.items():
            print(f"{name:10} {what}")
        return 0
    if unknown := set(arguments.suite) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    if shutil.which("make") is None:
        parser.error("make is missing")

    total = Count()
    chosen = arguments.suite or list(SUITES)
    in_lanes = {name for lane in LANES for name in lane}
    with tree_ahead(chosen):
        for name in chosen:
            if name not in in_lanes:
                total.add(run_suite(name))
        total.add(run_lanes(chosen))

    print()
    for note in total.notes:
        print(note)
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 1 if total.failed else 0


if __name__ == "__main__":
    # Tests make folders that other users have to get into.
    os.umask(0o022)
    # Also where whoever started this ignores it, as shells do for what is in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, on_signal)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("broken off")
