# SPDX-License-Identifier: Apache-2.0
"""The daemon in its place: service manager, journal, dry run, a stuck container."""

from __future__ import annotations

import re
from typing import Iterator

import pytest

from bench import Bench
from journal import Journal, parse
from lab import until
from stuck import irremovable


@pytest.fixture(autouse=True)
def alone(bench: Bench) -> Iterator[None]:
    """No run outlives its test, also when that fails."""
    yield
    bench.stop_reapers()


class Stock:
    def __init__(self, bench: Bench) -> None:
        good = bench.swarm.create("good", ["true"], replicas=3)
        bad = bench.swarm.create("bad", ["sh", "-c", "exit 3"], replicas=2)
        self.services = (good, bad)
        self.good = bench.await_stopped(good, 3)
        self.bad = bench.await_stopped(bad, 2)


@pytest.fixture(scope="module")
def stock(bench: Bench) -> Stock:
    return Stock(bench)


def test_dry_run(bench: Bench, stock: Stock) -> None:
    """Each would-be removal is logged once, over resyncs too; none is sent."""
    reaper = bench.reaper("--dry-run", settings={"ResyncInterval": "10s"}).await_ready()
    until(lambda: len(reaper.said("Would remove ")) >= 3, 30, "three decisions")

    def lists() -> int:
        return len([c for c in bench.proxy.snapshot() if c.path == "/containers/json"])

    seen = lists()
    until(lambda: lists() >= seen + 1, 30, "one resync more")
    assert reaper.stop() == 0
    told = [line.split()[3] for line in reaper.said("Would remove ")]
    assert len(told) == len(set(told)) and {i[:12] for i in stock.good} <= set(told)
    assert set(told) <= {ident[:12] for ident in stock.good | stock.bad}
    assert not reaper.said("Removed ")
    assert not [call for call in bench.proxy.snapshot() if call.method == "DELETE"]


def test_journal_fields(bench: Bench, stock: Stock, journal: Journal) -> None:
    """One entry a removal, with every field, when stderr is the journal."""
    reaper = bench.reaper(wrapper=journal.wrapper).await_ready()
    everything = stock.good | stock.bad
    bench.await_gone(everything, 40)
    until(lambda: len(_removals(journal)) >= len(everything), 5, "their entries")
    assert reaper.stop() == 0
    removals = _removals(journal)
    assert len(removals) == len(everything)
    assert {entry["CONTAINER_ID_FULL"] for entry in removals} == everything
    ids = {entry["MESSAGE_ID"] for entry in removals}
    assert len(ids) == 1 and re.fullmatch("[0-9a-f]{32}", ids.pop())
    history = bench.history()
    for entry in removals:
        ident = entry["CONTAINER_ID_FULL"]
        look = history.last_look(ident)
        assert look is not None
        assert entry["CONTAINER_ID"] == ident[:12]
        assert entry["CONTAINER_NAME"] == look.name
        assert entry["IMAGE_NAME"].startswith("busy:latest")
        assert entry["SWARM_SERVICE_NAME"] == look.labels["com.docker.swarm.service.name"]
        assert entry["SWARM_TASK_ID"] == look.labels["com.docker.swarm.task.id"]
        assert entry["REAPERD_VERDICT"] == "ttl-expired"
        assert entry["REAPERD_EXIT_CODE"] == str(look.exit_code)
        assert entry["REAPERD_DRY_RUN"] == "0"
        assert entry["REAPERD_ATTEMPT"] == "1"
        deleted, = [c.time for c in history.calls if c.method == "DELETE" and c.container == ident]
        assert abs(int(entry["REAPERD_AGE_USEC"]) / 1e6 - (deleted - look.finished)) < 1.5
        assert re.fullmatch(rf"Removed {ident[:12]} {re.escape(look.name)}: ttl-expired, "
                            rf"age [0-9a-z. ]+, exit {look.exit_code}(, held [0-9.]+[BKM])?", entry["MESSAGE"])
        assert entry["PRIORITY"] in ("5", "6")
    assert not reaper.log, "it wrote to stderr although that is the journal"


def _removals(journal: Journal) -> list[dict[str, str]]:
    return [entry for entry in journal.entries() if "REAPERD_VERDICT" in entry
            and entry["MESSAGE"].startswith("Removed ")]


def test_journal_parser() -> None:
    assert parse(b"A=1\nB\n\x03\0\0\0\0\0\0\0x\ny\nC=z=\n") == {"A": "1", "B": "x\ny", "C": "z="}


def test_notify_and_sigterm(bench: Bench) -> None:
    reaper = bench.reaper().await_ready()
    until(lambda: any(state.startswith("STATUS=") for _, state in reaper.states), 5, "a status")
    assert not any(state == "STOPPING=1" for _, state in reaper.states)
    assert reaper.stop(timeout=12) == 0
    states = [state for _, state in reaper.states]
    assert states.count("READY=1") == 1 and states.count("STOPPING=1") == 1
    assert states.index("READY=1") < states.index("STOPPING=1")


def test_watchdog(bench: Bench) -> None:
    """Asked for it, reaperd pings at least twice a period."""
    reaper = bench.reaper(environment={"WATCHDOG_USEC": "2000000"}).await_ready()

    def pings() -> list[float]:
        return [when for when, state in reaper.states if state == "WATCHDOG=1"]

    until(lambda: len(pings()) >= 4, 10, "four pings")
    times = pings()
    assert max(b - a for a, b in zip(times, times[1:])) < 2.0
    assert reaper.stop() == 0


def left_alone(log: list[str], container: str) -> list[str]:
    """Lines that say that a container is in quarantine."""
    return [line for line in log
            if container[:12] in line and re.search("quarantine|left alone", line, re.IGNORECASE)]


def test_stuck_container_stops_nothing_else(bench: Bench) -> None:
    """Retries with growing pauses, then quarantine with one warning."""
    service = bench.swarm.create("stuck", ["true"], replicas=4)
    containers = bench.await_stopped(service, 4)
    victim = min(containers)
    bench.recorder.history.stuck.add(victim)
    settings = {"RetryInitial": "1s", "RetryMax": "4s", "QuarantineAfter": 3}

    def attempts() -> list[float]:
        return [call.time for call in bench.proxy.snapshot()
                if call.method == "DELETE" and call.container == victim]

    with irremovable(bench.engine.dir / "data", victim):
        reaper = bench.reaper(settings=settings).await_ready()
        bench.await_gone(containers - {victim}, 30)
        until(lambda: left_alone(reaper.log, victim), 30, "quarantine")
        later = bench.swarm.create("later", ["true"], replicas=2)
        bench.await_gone(bench.await_stopped(later, 2), 30)
        assert len(attempts()) == 3, "it is left alone in quarantine"
        assert len(left_alone(reaper.log, victim)) == 1
        gaps = [b - a for a, b in zip(attempts(), attempts()[1:])]
        assert 0.4 < gaps[0] < 2.5 and 0.8 < gaps[1] < 4.5, gaps
        assert reaper.stop() == 0
    reaper = bench.reaper().await_ready()
    bench.await_gone({victim}, 20)
    assert reaper.stop() == 0


def test_no_removal_after_sigterm(bench: Bench) -> None:
    """From STOPPING on no DELETE is begun, although much is due."""
    service = bench.swarm.create("many", ["true"], replicas=25)
    containers = bench.await_stopped(service, 25, 60)
    until(lambda: bench.age(containers) > 12.5, 20, "all are due")
    reaper = bench.reaper(settings={"Parallelism": 1}).await_ready()
    until(lambda: bool(containers - bench.ids()), 10, "the first removal", poll=0.01)
    assert reaper.stop() == 0
    stopping = next(when for when, state in reaper.states if state == "STOPPING=1")
    late = [call.time - stopping for call in bench.proxy.snapshot()
            if call.method == "DELETE" and call.time > stopping + 0.02]
    assert not late, late
    assert all(call.status for call in bench.proxy.snapshot() if call.method == "DELETE")
    reaper = bench.reaper().await_ready()
    bench.await_gone(containers, 20)
    assert reaper.stop() == 0


def test_oracle(bench: Bench, stock: Stock) -> None:
    verdict = bench.judge()
    assert stock.good | stock.bad <= verdict.removed
    assert len(verdict.removed) >= 5 + 4 + 2 + 25
