# SPDX-License-Identifier: Apache-2.0
"""`--once`: one pass, its summary, its exit status; and over tcp://.

The tests go through the life of one set of containers: too young, then due
but the engine is called unsettled, then due in a dry run, then removed.
"""

from __future__ import annotations

import re

import pytest

from bench import Bench
from lab import Reaper, until
from stuck import irremovable

GARBAGE_PROXIES = {name: "http://127.0.0.1:1" for name in
                   ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY")}


def summary(reaper: Reaper) -> dict[str, int]:
    """The last line, as numbers by what they count."""
    line = reaper.log[-1]
    assert re.fullmatch(r"reaperd: \d+ (removed|would be removed), \d+ already gone, "
                        r"\d+ failed, \d+ kept", line), reaper.log
    return {what: int(number) for number, what in re.findall(r"(\d+) ([a-z ]+)", line)}


class Stock:
    """Stopped tasks of two outcomes, one that runs."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        running = bench.swarm.create("running", ["sleep", "1000"], restart="any")
        good = bench.swarm.create("good", ["true"], replicas=3)
        bad = bench.swarm.create("bad", ["sh", "-c", "exit 3"], replicas=2)
        bench.swarm.await_tasks(running, "running")
        self.good = bench.await_stopped(good, 3)
        self.bad = bench.await_stopped(bad, 2)

    def ripen(self, age: float) -> None:
        until(lambda: self.bench.age(self.good | self.bad) > age, age + 5, f"age {age:g} s")


@pytest.fixture(scope="module")
def stock(bench: Bench) -> Stock:
    return Stock(bench)


def test_too_young(stock: Stock) -> None:
    reaper = stock.bench.once()
    assert reaper.process.returncode == 0
    assert summary(reaper) == {"removed": 0, "already gone": 0, "failed": 0, "kept": 6}


@pytest.mark.parametrize("endpoint", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:1"])
def test_engine_not_reached(stock: Stock, endpoint: str) -> None:
    reaper = stock.bench.once(settings={"Endpoint": endpoint})
    assert reaper.process.returncode == 2
    assert reaper.log


def test_before_settle_time(stock: Stock) -> None:
    stock.ripen(13)
    reaper = stock.bench.once(settings={"SettleTime": "1h"})
    assert reaper.process.returncode == 0
    assert any(re.search("settl", line, re.IGNORECASE) for line in reaper.log), reaper.log
    assert summary(reaper)["removed"] == 0
    assert stock.good | stock.bad <= stock.bench.ids()


def test_dry_run(stock: Stock) -> None:
    stock.ripen(13)
    reaper = stock.bench.once("--dry-run")
    assert reaper.process.returncode == 0
    told = {line.split()[3] for line in reaper.said("Would remove ")}
    assert told == {ident[:12] for ident in stock.good}
    assert summary(reaper) == {"would be removed": 3, "already gone": 0, "failed": 0, "kept": 3}
    assert stock.good | stock.bad <= stock.bench.ids()


def test_removal_that_fails(stock: Stock) -> None:
    """Three attempts at one, the others go, exit status 1."""
    bench, victim = stock.bench, min(stock.good)
    stock.ripen(13)
    bench.recorder.history.stuck.add(victim)
    with irremovable(bench.engine.dir / "data", victim):
        reaper = bench.once(settings={"RetryInitial": "1s"})
    assert reaper.process.returncode == 1
    assert summary(reaper) == {"removed": 2, "already gone": 0, "failed": 1, "kept": 3}
    attempts = [call.status for call in bench.proxy.snapshot()
                if call.method == "DELETE" and call.container == victim]
    assert attempts == [500, 500, 500]
    assert not (stock.good - {victim}) & bench.ids()


def test_over_tcp_without_proxy_variables(stock: Stock) -> None:
    """The loopback is spoken to directly; what failed before goes now."""
    port = stock.bench.proxy.tcp()
    reaper = stock.bench.once(settings={"Endpoint": f"tcp://127.0.0.1:{port}"},
                              environment=GARBAGE_PROXIES)
    assert reaper.process.returncode == 0, reaper.log
    assert summary(reaper)["removed"] == 1
    assert not stock.good & stock.bench.ids()


def test_the_rest_when_it_is_due(stock: Stock) -> None:
    stock.ripen(26)
    reaper = stock.bench.once()
    assert summary(reaper) == {"removed": 2, "already gone": 0, "failed": 0, "kept": 1}
    assert not stock.bad & stock.bench.ids()
    assert summary(stock.bench.once())["removed"] == 0


def test_oracle(stock: Stock) -> None:
    verdict = stock.bench.judge()
    assert verdict.removed == stock.good | stock.bad
