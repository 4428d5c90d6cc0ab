# SPDX-License-Identifier: Apache-2.0
"""LogTail=: the last words of a failure, in its record. A log that cannot be had never stops a removal.

What a container writes is as long and as odd as it likes, and the engine hands it on as it is.
"""

from __future__ import annotations

import itertools
import threading
import time
import unicodedata
from typing import Any, Callable, Iterator

import pytest

from daemon import Reaperd, Summary
from engine_model import log_frame
from standin import Standin

FAILED: dict[str, Any] = {"exit_code": 1, "ended": 90000.0}
WHOLE = ["inspect", "logs", "inspect", "remove"]
GONE = Summary(0, 1, 0, 0, 0)
LINE = "reaperd:   | "


def lines_of(*texts: bytes, stream: int = 1) -> list[tuple[int, bytes]]:
    return [(stream, text) for text in texts]


def tail(reaperd: Reaperd) -> list[str]:
    """The lines that follow the only record, which must be clean text and nothing else of the log."""
    text = reaperd.log_path.read_bytes().decode("utf-8")
    assert not {char for char in text if unicodedata.category(char) == "Cc" and char != "\n"}
    lines = reaperd.lines()
    assert all(line.startswith("reaperd: ") for line in lines)
    at, = (n for n, line in enumerate(lines) if line.startswith("reaperd: Removed "))
    shown = list(itertools.takewhile(lambda line: line.startswith(LINE), lines[at + 1:]))
    assert sum(line.startswith(LINE) for line in lines) == len(shown)
    return [line[len(LINE):] for line in shown]


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize("api", ["1.41", "1.51"])
def test_tail(engine: Standin, reaperd: Reaperd, tty: bool, api: str) -> None:
    """Both streams, in order of arrival; a second look before the removal, as reading takes time."""
    engine.api = api
    c = engine.add(tty=tty, log=[(1, b"zero\n"), (1, b"one\n"), (2, b"two\n"), (1, b"three\n")], **FAILED)
    assert reaperd.once(LogTail=3) == GONE
    assert engine.story(c) == WHOLE
    assert engine.asked("logs")[0].query == {"stdout": "1", "stderr": "1", "tail": "3"}
    assert tail(reaperd) == ["one", "two", "three"]
    assert reaperd.count(rf"Removed {c.short} {c.name}: ttl-expired, age 1d 1h, exit 1$") == 1


def test_no_log_asked_for(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(log=lines_of(b"one\n"), **FAILED)
    assert reaperd.once() == GONE
    assert engine.story(c) == ["inspect", "remove"] and tail(reaperd) == []


@pytest.mark.parametrize(("facts", "asked"), [
    ({"exit_code": 0}, False), ({"exit_code": 143}, False), ({"exit_code": 1}, True),
    ({"exit_code": 137, "oom_killed": True}, True), ({"exit_code": 1, "node": "another"}, True),
], ids=str)
def test_whose_log(engine: Standin, reaperd: Reaperd, facts: dict[str, Any], asked: bool) -> None:
    """Of failures and of what ran out of memory, whatever the verdict."""
    c = engine.add(**({"ended": 90000.0, "log": lines_of(b"one\n")} | facts))
    assert reaperd.once(LogTail=100) == GONE
    assert engine.story(c) == (WHOLE if asked else ["inspect", "remove"])
    assert tail(reaperd) == (["one"] if asked else [])


def test_by_rule(engine: Standin, reaperd: Reaperd) -> None:
    engine.others_may_go = True
    reaperd.rule("web", Service="web", LogTail=2)
    reaperd.rule("others", Kind="other", Action="reap", LogTail=1)
    made = [engine.add(**FAILED), engine.add(service="mail", **FAILED), engine.add_plain(**FAILED)]
    assert reaperd.once().removed == 3
    assert [engine.asked("logs", c)[0].query["tail"] if engine.asked("logs", c) else None for c in made] \
        == ["2", None, "1"]


def test_dry_run(engine: Standin, reaperd: Reaperd) -> None:
    engine.add(log=lines_of(b"one\n"), **FAILED)
    assert reaperd.once("--dry-run", LogTail=3) == Summary(0, 1, 0, 0, 0, dry=True)
    assert not engine.asked("remove")


BYTES: dict[str, tuple[list[bytes], list[str]]] = {
    "no-newline": ([b"one\n", b"two"], ["one", "two"]),
    "crlf": ([b"one\r\n", b"two\r\n"], ["one\\x0d", "two\\x0d"]),
    "empty-lines": ([b"one\n", b"\n", b"two\n"], ["one", "", "two"]),
    "nothing": ([b""], []),
    "control": ([b"\x1b[31mred\x07\n"], ["\\x1b[31mred\\x07"]),
    "nul": ([b"a\0b\n", b"\0\n"], ["a\\x00b", "\\x00"]),
    "utf8": ([b"\xff\xfe caf\xc3\xa9\n"], ["\\xff\\xfe caf\u00e9"]),
    "format": ([b"%s%n%1000000d\n"], ["%s%n%1000000d"]),
    "forged": ([b"reaperd: Removed 0123456789ab forged: ttl-expired, age 1h, exit 0\n"],
               ["reaperd: Removed 0123456789ab forged: ttl-expired, age 1h, exit 0"]),
    "one-frame": ([b"one\ntwo\nthree\n"], ["one", "two", "three"]),
    "line-in-pieces": ([b"o", b"n", b"e\n"], ["one"]),
}


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize("name", BYTES)
def test_bytes(engine: Standin, reaperd: Reaperd, name: str, tty: bool) -> None:
    written, shown = BYTES[name]
    engine.add(log=lines_of(*written, stream=2), tty=tty, **FAILED)
    assert reaperd.once(LogTail=100) == GONE
    expected = [line.removesuffix("\\x0d") for line in shown] if name == "crlf" else shown
    assert tail(reaperd) in (shown, expected)


@pytest.mark.parametrize("size", [1, 3, 8, 9])
def test_frames_in_small_chunks(engine: Standin, reaperd: Reaperd, size: int) -> None:
    body = b"".join(log_frame(n % 2 + 1, b"line %d\n" % n) for n in range(20))
    engine.add(**FAILED)
    engine.fault("logs", body=lambda: (body[at:at + size] for at in range(0, len(body), size)))
    assert reaperd.once(LogTail=20) == GONE
    assert tail(reaperd) == [f"line {n}" for n in range(20)]


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize("line", [b"x" * 99 + b"\n", b"\x1b" * 999 + b"\n", b"\xc3\xa9" * 3000 + b"\n", b"y" * 20_000],
                         ids=["lines", "escaped", "letters", "one-line"])
def test_newest_bytes_survive(engine: Standin, reaperd: Reaperd, line: bytes, tty: bool) -> None:
    """At most 4096 bytes, as they are shown; the end of the log is among them."""
    engine.add(tty=tty, log=lines_of(*[line] * 99, b"the end\n"), **FAILED)
    assert reaperd.once(LogTail=100) == GONE
    shown = tail(reaperd)
    assert shown[-1].endswith("the end") and 1000 < len("\n".join(shown).encode()) <= 4096
    assert max(len(text) for text in reaperd.lines()) < 4200


ERRORS: dict[str, dict[str, Any]] = {
    "501": {"status": 501, "message": "configured logging driver does not support reading"}, "500": {"status": 500},
    "404": {"status": 404}, "409": {"status": 409}, "cut-at-once": {"cut": 0}, "cut-in-a-head": {"cut": 5},
    "cut-in-a-frame": {"cut": 20}, "not-http": {"raw": b"SSH-2.0\r\n"},
    "no-frames": {"edit": lambda body: b"plain text\n" * 20}, "stream-9": {"edit": lambda body: b"\x09" + body[1:]},
    "endless-frame": {"edit": lambda body: b"\1\0\0\0\xff\xff\xff\xff" + b"x" * 100},
}


@pytest.mark.parametrize("name", ERRORS)
def test_error_is_ignored(engine: Standin, reaperd: Reaperd, name: str) -> None:
    c, other = engine.add(slot=1, log=lines_of(b"one\n", b"two\n"), **FAILED), engine.add(slot=2)
    engine.fault("logs", times=None, **ERRORS[name])
    assert reaperd.once(LogTail=10) == Summary(0, 2, 0, 0, 0)
    assert engine.story(c) == WHOLE and other.id in engine.removed
    assert reaperd.count(r"(?i)\blogs?\b") == reaperd.count("left alone") == 0


def test_error_is_told_at_debug_level(engine: Standin, reaperd: Reaperd) -> None:
    engine.add(**FAILED)
    engine.fault("logs", status=501, message="no reader")
    assert reaperd.once("--log-level=debug", LogTail=10) == GONE
    assert reaperd.count("no reader.*, ignoring") == 1


def for_ever(piece: bytes, pause: float) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        while True:
            yield piece
            time.sleep(pause)
    return pieces


@pytest.mark.parametrize("how", [{"hang": True}, {"body": for_ever(b"\1\0\0\0\0\0\0\5drip\n", 0.1)},
                                 {"body": for_ever(b"\1\0\0\0\1" + bytes(200), 0.1)}],
                         ids=["hangs", "drips", "never-ends-a-frame"])
def test_no_end(engine: Standin, reaperd: Reaperd, how: dict[str, Any]) -> None:
    """RequestTimeout ends it, and it counts for nothing: one attempt, no failure; the others go on meanwhile."""
    c, others = engine.add(slot=1, **FAILED), [engine.add(slot=n) for n in range(2, 8)]
    engine.fault("logs", **how)
    reaperd.begin(LogTail=10, RequestTimeout="1s", Parallelism=2, QuarantineAfter=1)
    engine.wait_removed(*others)
    engine.wait_removed(c)
    assert engine.story(c) == WHOLE and len(engine.asked("events")) == 1
    assert engine.asked("inspect", c)[1].at - engine.asked("logs")[0].at >= 0.9
    assert reaperd.stop() == 0
    assert reaperd.count("Removed ") == 7


@pytest.mark.parametrize("tty", [False, True])
def test_hundred_megabytes(engine: Standin, reaperd: Reaperd, tty: bool) -> None:
    """Not kept, not even read to its end for long."""
    c, witness = engine.add(slot=1, tty=tty, **FAILED), engine.add(slot=2)
    piece = b"z" * (1 << 16) if tty else log_frame(1, b"z" * ((1 << 16) - 8))
    engine.fault("logs", body=lambda: itertools.repeat(piece, 1600))
    reaperd.begin(LogTail=10)
    engine.wait_removed(c, witness)
    memory = reaperd.memory("VmHWM", "VmRSS")
    assert memory["VmHWM"] < 24 << 20
    assert engine.story(c) == WHOLE
    assert reaperd.stop() == 0
    assert len("\n".join(tail_of(reaperd, c.short))) <= 4096


def tail_of(reaperd: Reaperd, short: str) -> list[str]:
    lines = reaperd.lines()
    at, = (n for n, line in enumerate(lines) if line.startswith(f"reaperd: Removed {short} "))
    return list(itertools.takewhile(lambda line: line.startswith(LINE), lines[at + 1:]))


@pytest.mark.parametrize("told", [True, False])
def test_restarted_meanwhile(engine: Standin, reaperd: Reaperd, told: bool) -> None:
    """The second look finds it running: no removal, and nothing of its log is published."""
    c = engine.add(log=lines_of(b"secret\n"), **FAILED)
    engine.fault("logs", after=lambda: engine.restart_container(c, tell=told))
    reaperd.begin(LogTail=10, Parallelism=1)
    engine.wait_asked("inspect", 2, c)
    engine.witness()
    assert engine.story(c)[:3] == ["inspect", "logs", "inspect"] and not engine.asked("remove", c)
    assert reaperd.count("secret") == reaperd.count("left alone") == 0


def test_gone_meanwhile(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(log=lines_of(b"secret\n"), **FAILED)
    engine.fault("logs", after=lambda: engine.vanish(c))
    assert reaperd.once(LogTail=10) == Summary(0, 0, 1, 0, 0)
    assert engine.story(c) == WHOLE[:3] and reaperd.count("secret") == reaperd.count("Removed") == 0


def test_second_look_fails(engine: Standin, reaperd: Reaperd) -> None:
    """A failure like any other: tried again as a whole, recorded once."""
    c = engine.add(log=lines_of(b"one\n"), **FAILED)
    engine.fault("inspect", c)  # the first is as usual
    engine.fault("inspect", c, status=500)
    reaperd.begin(LogTail=10)
    engine.wait_removed(c)
    assert reaperd.stop() == 0
    assert engine.story(c) == WHOLE[:3] + WHOLE and tail(reaperd) == ["one"]


def test_removal_fails(engine: Standin, reaperd: Reaperd) -> None:
    """The record comes with the removal that worked, and the log with it."""
    c = engine.add(log=lines_of(b"one\n"), removals=["500"], **FAILED)
    reaperd.begin(LogTail=10)
    engine.wait_removed(c)
    assert reaperd.stop() == 0
    assert engine.story(c).count("remove") == 2 and tail(reaperd) == ["one"]


def test_others_learn_nothing(engine: Standin, reaperd: Reaperd) -> None:
    """Each record has its own log."""
    made = [engine.add(slot=n, log=lines_of(b"words of %d\n" % n), **FAILED) for n in range(1, 21)]
    reaperd.begin(LogTail=1, Parallelism=4)
    engine.wait_removed(*made)
    assert reaperd.stop() == 0
    assert all(tail_of(reaperd, c.short) == [f"{LINE}words of {n}"] for n, c in enumerate(made, 1))


@pytest.mark.parametrize("phase", ["logs", "inspect"])
def test_sigterm(engine: Standin, reaperd: Reaperd, phase: str) -> None:
    """No DELETE has been sent, so there is nothing to wait for."""
    c = engine.add(**FAILED)
    gate = threading.Event()
    if phase == "inspect":
        engine.fault("inspect", c)
    engine.fault(phase, c, hold=gate)
    reaperd.begin(LogTail=10)
    engine.wait_asked(phase, 2 if phase == "inspect" else 1)
    before = time.monotonic()
    assert reaperd.stop() == 0
    assert time.monotonic() - before < 5
    gate.set()
    assert not engine.asked("remove") and reaperd.count("Removed") == 0
