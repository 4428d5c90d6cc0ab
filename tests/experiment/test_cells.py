# SPDX-License-Identifier: Apache-2.0
"""A run over made-up cells: going on, breaking off, the budget of time, what goes wrong. No engine, no root."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from experiment import run as running
from experiment.progress import Estimates, Progress, Terminal, about, span
from experiment.rig import Cell, Interrupted, Rig, Tables, Trouble
from experiment.run import BROKEN_OFF, DONE, FAILED, NOT_ALL, RESERVE_S, Run, Signals
from experiment.sizes import SMALL
from experiment.store import Store
from lab import LabError

ABOUT = {"scale": "small", "kernel": "6.1"}


@dataclass
class Stage:
    """Cells that take the time that they are told to take, on a clock of their own."""

    folder: Path
    took: dict[str, float] = field(default_factory=dict)        # by cell; else what was guessed
    acts: dict[str, Callable[[Rig], None]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    finished: int = 0
    now: float = 0.0
    left: list[str] = field(default_factory=list)
    reclaimed: int = 0
    signals: Signals = field(default_factory=Signals)

    def cell(self, name: str, seconds: float = 100.0) -> Cell:
        def work(rig: Rig) -> Tables:
            self.ran.append(name)
            rig.go_on()
            rig.say(f"{name} is at work")
            self.now += self.took.get(name, seconds)
            self.acts.get(name, lambda _: None)(rig)
            return {"figure4": [{"cell": name, "value": len(self.ran)}]}

        return Cell(name, f"piece {name}", seconds, work)

    def run(self, *cells: Cell, budget: float = 3600.0, kernel: str = "6.1") -> int:
        def finish() -> None:
            self.acts.get("finish", lambda _: None)(None)   # type: ignore[arg-type]
            self.finished += 1

        self.ran = []
        return Run(SMALL, Path("reaperd"), {**ABOUT, "kernel": kernel}, cells, Store(self.folder),
                   Progress(Terminal(), lambda: self.now), self.signals, finish, budget, lambda: self.now,
                   lambda _: self.left, lambda: self.reclaimed).run()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.delenv("SUDO_UID", raising=False)
    return Stage(tmp_path / "results")


def test_all_cells_and_then_the_end(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [stage.cell("a"), stage.cell("b", 50)]
    assert stage.run(*cells) == DONE
    assert stage.ran == ["a", "b"] and stage.finished == 1
    assert (stage.folder / "figure4.csv").read_text() == "cell,value\na,1\nb,2\n"
    said = capsys.readouterr().out
    assert "2 cells are to be done, which takes about 2 min" in said     # 150 s
    assert "[1/2] piece a (0:00 gone, about 2 min left)" in said and "[2/2] piece b (1:40 gone" in said
    assert "a is at work" in said and "piece b: done in 0:50" in said and "\x1b" not in said


def test_done_cells_are_not_done_again(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [stage.cell("a"), stage.cell("b")]
    assert stage.run(*cells) == DONE
    before = {path: path.stat().st_mtime_ns for path in (stage.folder / "parts").rglob("*")}
    capsys.readouterr()
    assert stage.run(*cells) == DONE
    assert stage.ran == [] and stage.finished == 2
    assert "nothing is measured again. Tables" in " ".join(capsys.readouterr().out.split())
    assert {path: path.stat().st_mtime_ns for path in (stage.folder / "parts").rglob("*")} == before


def test_a_signal_breaks_it_off_and_the_next_run_goes_on(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    def asked(rig: Rig) -> None:
        stage.signals.asked = True
        rig.go_on()

    cells = [stage.cell("a"), stage.cell("b"), stage.cell("c")]
    stage.acts["b"] = asked
    assert stage.run(*cells) == BROKEN_OFF
    assert stage.ran == ["a", "b"] and stage.finished == 0
    said = capsys.readouterr().out
    assert said.index("Breaking off: the Swarm is taken away, which takes some seconds.") < said.index(
        "Broken off. 1 of 3 cells are done, and kept in")
    stage.signals, stage.acts = Signals(), {}
    assert stage.run(*cells) == DONE
    assert stage.ran == ["b", "c"]


def test_what_a_tool_makes_of_the_signal_is_no_trouble(stage: Stage) -> None:
    def killed(_rig: Rig) -> None:
        stage.signals.asked = True
        raise OSError("ip netns add: exit -2")

    stage.acts["a"] = killed
    assert stage.run(stage.cell("a")) == BROKEN_OFF


def test_a_signal_while_pictures_are_made(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    def killed(_rig: Rig) -> None:
        stage.signals.asked = True
        raise Trouble("gnuplot failed: ")

    stage.acts["finish"] = killed
    assert stage.run(stage.cell("a")) == BROKEN_OFF
    said = " ".join(capsys.readouterr().out.split())
    assert "Broken off. 1 of 1 cells are done" in said and "makes tables and pictures of them" in said
    assert "gnuplot" not in said and "Breaking off" not in said
    stage.signals, stage.acts = Signals(), {}
    assert stage.run(stage.cell("a")) == DONE
    assert stage.ran == [] and stage.finished == 1


def test_trouble_with_pictures_is_trouble(stage: Stage) -> None:
    stage.acts["finish"] = lambda _: (_ for _ in ()).throw(Trouble("gnuplot failed: no font"))
    with pytest.raises(Trouble, match="no font"):
        stage.run(stage.cell("a"))


@pytest.fixture
def dispositions() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in running.SIGNALS}
    for number in kept:
        signal.signal(number, signal.default_int_handler)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", running.SIGNALS)
def test_signals_are_noted_once(dispositions: None, number: int) -> None:
    signals = Signals()
    signals.watch()
    assert not signals.asked
    os.kill(os.getpid(), number)
    assert signals.asked
    for other in running.SIGNALS:       # nothing breaks the cleaning up, nor the tools that it runs
        os.kill(os.getpid(), other)
        assert signal.getsignal(other) == signal.SIG_IGN


@pytest.mark.parametrize("number", running.SIGNALS)
def test_what_nohup_has_ignored_stays_ignored(dispositions: None, number: int) -> None:
    signal.signal(number, signal.SIG_IGN)
    signals = Signals()
    signals.watch()
    os.kill(os.getpid(), number)
    assert not signals.asked and signal.getsignal(number) == signal.SIG_IGN
    for other in set(running.SIGNALS) - {number}:
        assert signal.getsignal(other) not in (signal.SIG_IGN, signal.default_int_handler)


@pytest.mark.parametrize("error", [Trouble("the third worker has 4 of 3"), OSError("no space"),
                                   TimeoutError("not within"), LabError("dockerd ended with 1\nlevel=fatal"),
                                   ChildProcessError("reaperd ended")])
def test_trouble_ends_it_and_keeps_what_is_done(stage: Stage, error: Exception,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_rig: Rig) -> None:
        raise error

    cells = [stage.cell("a"), stage.cell("b"), stage.cell("c")]
    stage.acts["b"] = fail
    assert stage.run(*cells) == FAILED
    said = " ".join(capsys.readouterr().out.split())
    assert f"piece b: {str(error).splitlines()[0]}" in said and "1 of 3 cells are done, and kept" in said
    log = stage.folder / "trouble.txt"
    assert log.exists() == isinstance(error, LabError)      # of several lines
    assert not log.exists() or "level=fatal" in log.read_text()
    stage.acts = {}
    assert stage.run(*cells) == DONE
    assert stage.ran == ["b", "c"] and not log.exists()


def test_a_mistake_of_the_experiment_is_no_trouble(stage: Stage) -> None:
    stage.acts["a"] = lambda rig: rig.sizes.nothing_of_this_name  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        stage.run(stage.cell("a"))
    assert Store(stage.folder).names() == []


def test_what_was_not_cleaned_up_is_named_and_ends_it(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.left = ["/run/netns/rp-1-1", "process 7 (dockerd)"]
    assert stage.run(stage.cell("a"), stage.cell("b")) == FAILED
    assert stage.ran == ["a"] and Store(stage.folder).names() == ["a"]
    assert "Not cleaned up: /run/netns/rp-1-1, process 7 (dockerd)" in capsys.readouterr().out


@pytest.mark.parametrize("taken, told", [(0, False), (9_000_000, False), (120_000_000, True)])
def test_memory_that_the_kernel_took_back_is_told(stage: Stage, capsys: pytest.CaptureFixture[str], taken: int,
                                                  told: bool) -> None:
    def short_of_memory(_rig: Rig) -> None:
        stage.reclaimed += taken

    stage.reclaimed, stage.acts["b"] = 5_000_000_000, short_of_memory
    assert stage.run(stage.cell("a"), stage.cell("b")) == DONE
    said = " ".join(capsys.readouterr().out.split())
    assert (f"took {taken // 1_000_000} MB of memory back" in said) == told
    assert ("remove parts/b in" in said) == told and "parts/a" not in said
    assert Store(stage.folder).notes("a")["reclaimed"] == "0 MB"
    assert Store(stage.folder).notes("b")["reclaimed"] == f"{taken // 1_000_000} MB"


def test_results_of_another_machine_are_refused(stage: Stage) -> None:
    assert stage.run(stage.cell("a")) == DONE
    with pytest.raises(Trouble, match="kernel is 6.2, was 6.1"):
        stage.run(stage.cell("a"), stage.cell("b"), kernel="6.2")
    assert stage.ran == []


def test_no_cell_is_begun_that_does_not_fit(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [stage.cell(name) for name in "abc"]
    assert stage.run(*cells, budget=299 + RESERVE_S) == NOT_ALL
    assert stage.ran == ["a", "b"] and stage.finished == 0
    assert "The time is up. 2 of 3 cells are done" in capsys.readouterr().out
    assert stage.run(*cells, budget=300 + RESERVE_S) == DONE
    assert stage.ran == ["c"]


def test_the_budget_is_that_of_one_call(stage: Stage) -> None:
    stage.now = 5000.0
    assert stage.run(*[stage.cell(name) for name in "abc"], budget=300 + RESERVE_S) == DONE


def test_guesses_are_corrected(stage: Stage) -> None:
    """What took thrice as long does so the next time, in another call too."""
    cells = [stage.cell(name) for name in "abc"]
    stage.took = {name: 300.0 for name in "abc"}
    assert stage.run(*cells, budget=899 + RESERVE_S) == NOT_ALL
    assert stage.ran == ["a", "b"]
    with pytest.raises(Trouble, match="piece c takes about 5 min, and the whole run may take about 5 min"):
        stage.run(*cells, budget=260 + RESERVE_S)


def test_what_never_fits_is_told_at_once(stage: Stage) -> None:
    with pytest.raises(Trouble, match="piece a takes about 83 min, and the whole run may take about 60 min"):
        stage.run(stage.cell("a", 5000))
    assert stage.ran == []


def test_estimates_learn_from_their_kind_first() -> None:
    estimates = Estimates()
    assert estimates.of(100) == 100
    estimates.learn(100, 150)
    estimates.learn(100, 250)
    assert estimates.of(100) == 200 and estimates.of(50) == 100 and estimates.all_of([100, 50]) == 300
    estimates.learn(300, 100)
    assert estimates.of(100) == 200 and estimates.of(300) == 100 and estimates.of(50) == 50


@pytest.mark.parametrize("seconds, text", [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3723, "1:02:03")])
def test_time_gone(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize("seconds, text", [(0, "about 10 s"), (44, "about 40 s"), (89, "about 90 s"),
                                           (91, "about 2 min"), (3600, "about 60 min")])
def test_time_left(seconds: float, text: str) -> None:
    assert about(seconds) == text


class Screen(Terminal):
    """A terminal that a test can read."""

    def __init__(self) -> None:
        super().__init__()
        self.live, self.color, self.shown = True, False, []     # type: list[Any]

    def panel(self, lines: Any) -> None:
        self.shown.append("".join(text for line in lines for text, _ in line))

    def say(self, text: str = "", style: str = "") -> None:
        self.shown.append(f"stays: {text}")


def test_one_line_is_renewed_on_a_terminal() -> None:
    now = [0.0]
    screen = Screen()
    progress = Progress(screen, lambda: now[0])
    progress.begin(2, 5, "figure 5", 300.0)
    now[0] = 60.0
    progress.say("3 workers")
    progress.tick()             # not a second has gone
    now[0] = 62.0
    progress.tick()
    assert screen.shown == [" 0:00 gone, about 5 min left [2/5] figure 5",
                            " 1:00 gone, about 4 min left [2/5] figure 5: 3 workers",
                            " 1:02 gone, about 4 min left [2/5] figure 5: 3 workers"]
    progress.tell("done")
    assert screen.shown[-2:] == ["", "stays: done"]


def test_interrupted_before_anything_has_begun(stage: Stage) -> None:
    stage.signals.asked = True
    assert stage.run(stage.cell("a")) == BROKEN_OFF
    assert stage.ran == [] and issubclass(Interrupted, Exception)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give away")
def test_results_belong_to_who_called_sudo(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "54321")
    stage.acts["b"] = lambda rig: (_ for _ in ()).throw(Trouble("no"))
    assert stage.run(stage.cell("a"), stage.cell("b")) == FAILED
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in (stage.folder, *stage.folder.rglob("*"))}
    assert owners == {(12345, 54321)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give away")
def test_folders_that_were_made_on_the_way_do_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "54321")
    there, stage.folder = stage.folder.parent, stage.folder / "b" / "c"
    assert stage.run(stage.cell("a")) == DONE
    assert {path.stat().st_uid for path in (stage.folder, stage.folder.parent, stage.folder.parent.parent)} == {12345}
    assert there.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give away")
def test_a_folder_of_something_else_is_given_to_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "54321")
    stage.folder.mkdir()
    (stage.folder / "thesis.tex").write_text("mine")
    with pytest.raises(Trouble, match="holds something else"):
        stage.run(stage.cell("a"))
    assert {path.stat().st_uid for path in (stage.folder, *stage.folder.iterdir())} == {0}
