# SPDX-License-Identifier: Apache-2.0
"""What README.md shows of reaperctl is what it prints, in form: each command that is shown is run on a scene like the
README's, on a terminal, and compared after names, times, sizes and numbers are masked.

Of tables that is the headers, the words and shapes of their cells, and the line below; of all else every line. A line
"[...]" in the README stands for any that were left out.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

import pytest

from console_kit import Bus, until
from daemon import Reaperd
from engine_model import Container
from pressure_kit import MB, lay
from reaperctl import REAPERCTL, Reaperctl, table
from standin import Standin
from swarm_model import make_service

TOP = Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
LEFT_OUT = "[...]"
TABLES = ("list", "history", "memory")
VERBS = {"status", "list", "explain", "history", "memory", "watch", "reap", "pause", "resume", "advise"}

# The README's first example of a configuration.
SETTINGS: dict[str, str | int] = {"Success": "10min", "Shutdown": "10min", "Failure": "1d", "KeepLastFailure": 2,
                                  "KeepLastFor": "7d", "LogTail": 20, "Pressure.Enabled": "yes",
                                  "Pressure.Stall": "off"}
RULE = {"Stack": "payments", "Service": "!*-test", "OOMKilled": "infinity"}

SPAN = r"\d+(?:y|month|w|d|h|min|s|ms)\b(?: \d+(?:month|w|d|h|min|s|ms)\b)?"
SIZE = r"[+-]?\d+(?:\.\d)?[BKMGT]\b"
MASKS = ((r"\b[0-9a-f]{12}\b", "ID"),
         (r"\b[a-z0-9]{25}\b", "TASK"),
         (r"(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: [A-Z]{3,4}\b)?", "TIME"),
         (r"Image: \S+", "Image: IMAGE"),
         (r"unix://[^\s,]+", "ENDPOINT"),
         (r"/\S+\.conf(?::\d+)?", "FILE"),
         (r"\breaperd \d\S+ on \S+", "reaperd VERSION on HOST"),
         (r"version \d[^\s,]*, API \d\S+", "VERSIONS"),
         (r"\b\d+\.\d+\.\d+(?:-dev)?(?!\S)", "VERSION"),
         (SPAN, "SPAN"), (SIZE, "SIZE"), (r"\d+", "N"))
_BAR = re.compile(" [█-▏]+$")      # of the longest, and of what is left over


def words_of(path: str, name: str) -> str:
    """The words of a table in a source, as a pattern."""
    words = re.findall(rf'\[{name}_\w+\] = "([a-z-]+)"', (TOP / path).read_text(encoding="utf-8"))
    assert len(words) > 5, path
    return "|".join(words)


OUTCOMES, VERDICTS = words_of("src/core/outcome.c", "OUTCOME"), words_of("src/core/policy.c", "VERDICT")
# What a cell may look like, by its column.
CELLS = {"NODE": r"[a-z][a-z0-9-]*", "CONTAINER": r"[0-9a-f]{12}",
         "NAME": r"[a-z_]+\.(\d+|[a-z0-9]{25})(\.[a-z0-9]{25}|\.?[a-z0-9]*…)|[a-z_.0-9]+…",
         "SERVICE": r"[a-z_]+|all", "SERVICE.SLOT": r"-|[a-z_]+\.(\d+|[a-z0-9]{25})",
         "STATE": "created|running|paused|restarting|removing|exited|dead",
         "OUTCOME": f"-|{OUTCOMES}", "VERDICT": VERDICTS,
         "AGE": rf"-|{SPAN}", "DUE IN": rf"-|now|{SPAN}", "WHEN": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
         "OBSERVED": rf"-|~?{SIZE}", "EXIT": r"\d+", "STOPPED": r"\d+", "MEASURED": r"\d+", "INODES": r"-|\d+",
         **{column: rf"-|{SIZE}" for column in ("HELD", "CACHE", "DIRTY", "DISK")}}


@dataclass(frozen=True)
class Shown:
    """A command in the README, and what it says that it prints."""

    command: str
    lines: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        words = shlex.split(self.command.split("#")[0])
        return words[words.index("reaperctl") + 1:]

    @property
    def verb(self) -> str:
        return next((word for word in self.arguments if word in VERBS), "status")


def shown() -> list[Shown]:
    made = []
    for block in re.findall(r"^```console\n(.*?)^```$", README, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *lines = part.rstrip("\n").split("\n")
            made.append(Shown(command, tuple(line.rstrip() for line in lines)))
    return made


def named(verb: str) -> str:
    """The container that the README's command of this verb names, by the beginning of its id."""
    found, = {word for each in shown() if each.verb == verb for word in each.arguments
              if re.fullmatch("[0-9a-f]{12}", word)}
    return found


def mask(line: str) -> str:
    for pattern, word in MASKS:
        line = re.sub(pattern, word, line)
    return line.rstrip()


def unwrapped(verb: str, lines: Sequence[str]) -> list[str]:
    """Without the breaks that come of the terminal's width."""
    text = "\n".join(lines)
    if verb == "explain":
        text = re.sub(r"\n {12,}(?=\S)", " ", text)
    elif verb == "advise":
        text = re.sub(r"(?<=\S)\n {4}(?=\S)", " ", text)
    return text.splitlines()


def assert_same_table(readme: Sequence[str], printed: Sequence[str]) -> None:
    forms = []
    for lines in (readme, printed):
        bare = [_BAR.sub("", line) for line in lines if line != LEFT_OUT]
        rows = table(bare)
        assert rows, lines
        for row in rows:
            for column, cell in row.items():
                assert re.fullmatch(CELLS[column], cell), f"{column}: {cell!r}"
        below = [mask(line) for line in bare[bare.index(""):]] if "" in bare else []
        forms.append((bare[0].split(), below, any(map(_BAR.search, lines))))
    assert forms[0] == forms[1]


def assert_same_text(verb: str, readme: Sequence[str], printed: Sequence[str]) -> None:
    wanted = [mask(line) for line in unwrapped(verb, readme)]
    got = [mask(line) for line in unwrapped(verb, printed)]
    if verb == "reap":      # several: in the order of their ids
        wanted, got = sorted({*wanted}), sorted({*got})
    if LEFT_OUT not in wanted:
        assert wanted == got
        return
    # What is left out may be at any place; what is shown is there, in its order.
    rest = iter(got)
    missing = [line for line in wanted if line not in (LEFT_OUT, "") and line not in rest]
    assert not missing, got


@dataclass
class Scene:
    engine: Standin
    reaperd: Reaperd
    reaperctl: Reaperctl
    wanted: Container       # that the README has removed


@pytest.fixture
def root(engine: Standin) -> Iterator[Path]:
    """The engine's root directory, on a disk: /tmp may be memory."""
    path = Path(tempfile.mkdtemp(prefix="rp-", dir="/var/tmp"))
    path.chmod(0o711)
    engine.info_extra["DockerRootDir"] = str(path)
    yield path
    shutil.rmtree(path)


def identified(verb: str) -> str:
    return named(verb).ljust(64, "0")


def task(engine: Standin, root: Path, service: str, slot: int, ended: float, **facts: object) -> Container:
    c = engine.add(service=service, slot=slot, ended=ended, **facts)
    c.labels["com.docker.stack.namespace"] = service.partition("_")[0]
    lay(c, root, cached=2 * MB)
    return c


def start(reaperd: Reaperd, bus: Bus) -> None:
    reaperd.environment |= bus.environment
    del reaperd.settings["MinimumAge"]
    reaperd.rule("payments", **RULE)
    reaperd.state_directory().touch()
    reaperd.begin(**SETTINGS)
    bus.await_owner()


@pytest.fixture
def scene(engine: Standin, other_engine: Standin, reaperd: Reaperd, folder: Path, root: Path) -> Iterator[Scene]:
    """Two nodes: some of all that the README shows."""
    if not REAPERCTL.exists():
        pytest.fail(f"{REAPERCTL} is not built", pytrace=False)
    due = [task(engine, root, "shop_worker", 1, ended) for ended in (1000.0, 900.0)]
    task(engine, root, "shop_worker", 1, 300.0)
    young = task(engine, root, "shop_worker", 1, 1.0)
    for slot in (1, 2, 3):
        task(engine, root, "backup", slot, 500.0)
        task(engine, root, "shop_web", slot, 200.0, exit_code=143)
        engine.add(service="shop_web", slot=slot, state="running")
    task(engine, root, "payments_gateway", 1, 400.0, exit_code=3, id=identified("explain"))
    for ended in (200.0, 100.0):
        task(engine, root, "payments_gateway", 1, ended, exit_code=3)
    wanted = task(engine, root, "payments_gateway", 1, 300.0, exit_code=3, id=identified("reap"))
    task(engine, root, "payments_ledger", 1, 300.0, exit_code=137, oom_killed=True)
    engine.services = [make_service("payments_gateway", delay=90.0), make_service("shop_report", delay=1800.0),
                       make_service("backup", mode="ReplicatedJob", total=3, status=(0, 0, 3))]
    other_engine.add(service="shop_index", ended=100.0)

    place = folder / "two"
    place.mkdir()
    other = Reaperd(place, f"unix://{other_engine.addresses[0]}")
    with Bus() as bus, Bus() as other_bus:
        try:
            start(reaperd, bus)
            start(other, other_bus)
            engine.wait_removed(*due)
            reaperctl = Reaperctl(bus)
            reaperctl.hosts(folder, node1=bus, node2=other_bus)
            until(lambda: len(reaperctl.good("history", "--json=short").json()) == len(due),
                  "the removals in the history")
            until(lambda: all(row["held_disk"] is not None for row in reaperctl.good("list", "--json=short").json()
                              if row["id"] != young.id), "all that is old enough is measured")
            yield Scene(engine, reaperd, reaperctl, wanted)
        finally:
            other.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may measure what everybody's containers hold")
@pytest.mark.parametrize("each", [each for each in shown() if each.verb != "watch"], ids=lambda each: each.command)
def test_prints_what_is_shown(scene: Scene, each: Shown) -> None:
    if "-H" in each.arguments and shutil.which("systemd-stdio-bridge") is None:
        pytest.skip("systemd-stdio-bridge is missing")
    if each.verb == "resume":
        scene.reaperctl.good("pause")
    # As wide as the README may be; the environment of the tests sees to it that there are no colours.
    shown_now = scene.reaperctl.on_terminal(*each.arguments, columns=120, NO_COLOR="1")
    printed = [line.rstrip() for line in shown_now.lines]
    if each.verb in TABLES:
        assert_same_table(each.lines, printed)
    else:
        assert_same_text(each.verb, each.lines, printed)


def event_form(line: str) -> str:
    """Which container, and what became of it, is another matter."""
    line = re.sub(rf": (?:(?:{OUTCOMES}), )?(?:{VERDICTS}), ", ": VERDICT, ", line)
    return re.sub(r" [a-z_]+\.N\.TASK", " NAME", mask(line))


def test_watch(scene: Scene, folder: Path) -> None:
    """The kinds of events that are shown, and their words."""
    readme = [line for each in shown() if each.verb == "watch" for line in each.lines if line not in ("^C", LEFT_OUT)]
    assert readme
    said = folder / "watched"
    with open(said, "wb") as out:
        process = subprocess.Popen([REAPERCTL, "watch"], stdin=subprocess.DEVNULL, stdout=out,
                                   env=scene.reaperctl.environment)
    try:
        until(said.read_text, "that it watches")
        runs = next(c for c in scene.engine.containers.values() if c.state == "running")
        scene.engine.end(runs, 1)
        scene.reaperctl.good("reap", scene.wanted.id)
        scene.reaperctl.good("pause", "2h")
        scene.reaperctl.good("resume")
        until(lambda: len(said.read_text().splitlines()) >= 5, "five events", detail=said.read_text)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    printed = said.read_text().splitlines()
    forms = {event_form(line) for line in printed}
    strange = [line for line in readme if event_form(line) not in forms]
    assert not strange, "\n".join(printed)


def test_every_command_is_shown() -> None:
    """Each that asks or acts, and several nodes; none is shown that there is not."""
    verbs = {each.verb for each in shown()}
    assert verbs == VERBS
    assert any("-H" in each.arguments for each in shown())
    assert max(len(line) for each in shown() for line in each.lines) <= 126
