# SPDX-License-Identifier: Apache-2.0
"""Behind a proxy that lets through what README.md says that reaperd needs, and no more.

The allow-list is read from README.md itself, so that what people copy is what
is tested: with it everything works, and without any one of its lines it shows.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import Any, Iterator

import pytest

from bench import Bench
from cast import Cast
from conftest import HERE
from lab import Reaper, RecordingProxy, until
from lab.bus import Bus, BusError

README = (HERE.parent.parent / "README.md").read_text()
SECTION = re.split(r"^#+ Behind a socket proxy$", README, flags=re.MULTILINE)[1]
ALLOWED = re.search(r"^```text\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)[1].splitlines()
LOGS = re.search(r"`(GET \S+logs\$)`", SECTION)[1]
ADVISE = re.findall(r"`(GET \S+/(?:swarm|services)\$)`", SECTION)
SPARE = "_ping"         # allowed for what others ask of such a proxy; reaperd has /version
FAILS = ["sh", "-c", "echo why; exit 3"]
SETTINGS: dict[str, Any] = {
    "Success": "10s", "Failure": "10s", "SettleTime": "1s", "LogTail": "0",
    "Rule other": {"Kind": "other", "Action": "reap"},
}


@pytest.fixture(scope="module")
def stock(bench: Bench) -> Cast:
    cast = Cast(bench)
    with bench.scenario():
        cast.service("web", replicas=2)
        cast.service("fails", FAILS, replicas=2)
        cast.container("plain")
        cast.service("running", ["sleep", "1000"], restart="any")
        for name, count in (("web", 2), ("fails", 2), ("plain", 1)):
            cast.await_ended(name, count)
        until(lambda: bench.age(cast.ids("web", "fails", "plain")) > 10.5, 15, "all are due")
    return cast


@contextmanager
def behind(bench: Bench, allow: list[str]) -> Iterator[RecordingProxy]:
    with RecordingProxy(str(bench.engine.dir / "allow.sock"), bench.engine.socket, allow) as proxy:
        bench.recorder.add_proxy(proxy)
        if not set(ALLOWED) <= set(allow):
            proxy.cuts.append([time.time(), float("inf")])      # nothing can be expected of the run
        yield proxy
        bench.stop_reapers()
        for cut in proxy.cuts:
            cut[1] = time.time()


def refused(proxy: RecordingProxy) -> list[str]:
    return [f"{call.method} {call.target}" for call in proxy.snapshot() if call.status == 403]


def test_lines_are_readable() -> None:
    assert len(ALLOWED) >= 6 and LOGS not in ALLOWED
    assert len(ADVISE) == 2 and not set(ADVISE) & set(ALLOWED)
    for line in [*ALLOWED, LOGS, *ADVISE]:
        assert re.fullmatch(r"(GET|HEAD|DELETE) \^\S+\$", line), line
        re.compile(line.split(" ", 1)[1])


@pytest.mark.parametrize("line", [line for line in ALLOWED if SPARE not in line])
def test_without_a_line(bench: Bench, stock: Cast, line: str) -> None:
    """It says what was refused, also at the usual level, and removes nothing."""
    due = stock.ids("web", "fails", "plain")
    with behind(bench, [other for other in ALLOWED if other != line]) as proxy:
        reaper = bench.reaper("--log-level=info", settings={**SETTINGS, "Endpoint": f"unix://{proxy.path}"})
        until(lambda: any("Forbidden" in said for said in reaper.log), 10, "a word of it")
        assert reaper.process.poll() is None, "it lives on, and tries again"
        assert refused(proxy) and set(path_of(each) for each in refused(proxy)) == {
            path_of(each) for each in refused(proxy) if matches(line, each)}
    assert due <= bench.ids()


def path_of(asked: str) -> str:
    return asked.partition("?")[0]


def matches(line: str, asked: str) -> bool:
    """Whether a line of the list allows what was asked for."""
    method, pattern = line.split(" ", 1)
    return asked.startswith(f"{method} ") and bool(re.search(pattern, path_of(asked).split(" ", 1)[1]))


def test_with_the_whole_list(bench: Bench, stock: Cast) -> None:
    """Subscribe, list, remove tasks and plain containers, hear of new ones: nothing is refused."""
    due = stock.ids("web", "plain")
    with behind(bench, ALLOWED) as proxy:
        settings = {**SETTINGS, "Endpoint": f"unix://{proxy.path}", "Failure": "1h"}
        reaper = bench.reaper("--log-level=info", settings=settings).await_ready()
        bench.await_gone(due, 10)
        stock.service("new", replicas=2)
        stock.container("new-plain")
        stock.await_ended("new", 2)
        stock.await_ended("new-plain")
        bench.await_gone(lambda: stock.ids("new", "new-plain"), 20)
        assert not refused(proxy)
        assert not [line for line in reaper.log if "Forbidden" in line]
        asked = [f"{call.method} {call.target}" for call in proxy.snapshot()]
        unused = [line for line in ALLOWED if not any(matches(line, each) for each in asked)]
        assert all(SPARE in line for line in unused), "the list has lines that nobody needs"
    assert stock.here("fails", "running")


def test_log_tail_needs_one_line_more(bench: Bench, stock: Cast) -> None:
    """Without it a container goes without the end of its log, with it not."""
    for allow, sample in ((ALLOWED, min), ([*ALLOWED, LOGS], max)):
        victim = sample(stock.ids("fails"))
        name = bench.recorder.history.looks[victim][-1].name
        with behind(bench, allow) as proxy:
            rule = {"Name": name, "Failure": "10s", "LogTail": "5"}
            settings = {**SETTINGS, "Failure": "1h", "Endpoint": f"unix://{proxy.path}", "Rule one": rule}
            del settings["Rule other"]
            reaper = bench.reaper("--log-level=info", settings=settings).await_ready()
            bench.await_gone({victim}, 10)
            until(lambda: reaper.said("Removed "), 3, "its record")
            assert any(line == "reaperd:   | why" for line in reaper.log) is (LOGS in allow)
            assert bool(refused(proxy)) is (LOGS not in allow)


def test_advice_needs_two_lines_more(bench: Bench) -> None:
    """Without either it says what was refused. The oracle is not asked: it knows of nobody who wants advice."""
    path = str(bench.engine.dir / "advise.sock")
    for missing in (*ADVISE, None):
        allow = [*ALLOWED, *(line for line in ADVISE if line != missing)]
        settings = bench.settings({"Endpoint": f"unix://{path}"})
        with (Bus() as bus, RecordingProxy(path, bench.engine.socket, allow) as proxy,
              Reaper(bench.binary, bench.engine.dir, settings, ["--dry-run"], bus.environment) as reaper):
            reaper.await_ready()
            bus.await_owner()
            if missing:
                with pytest.raises(BusError, match="Forbidden") as failed:
                    bus.call("Advise")
                assert failed.value.name == "org.reaperd.Error.EngineUnreachable"
                assert refused(proxy) and all(matches(missing, each) for each in refused(proxy))
            else:
                assert "history-limit-high" in {row[0] for row in bus.call("Advise")[0]}
                assert not refused(proxy)


def test_oracle(bench: Bench, stock: Cast) -> None:
    names = ("web", "plain", "fails", "new", "new-plain")
    assert bench.judge().removed == stock.ids(*names)
