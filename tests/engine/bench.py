# SPDX-License-Identifier: Apache-2.0
"""An engine, its recorder and proxy, and the runs of reaperd on it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from history import History
from journal import Journal
from lab import Engine, Reaper, RecordingProxy, Swarm, until
from oracle import Judgement, judge
from recorder import Recorder

LOW = {
    "SettleTime": "0", "MinimumAge": "10s", "Success": "12s", "Failure": "25s",
    "OOMKilled": "18s", "Shutdown": "14s", "FailedStart": "15s",
    "KeepLastFailure": 0,
    "Pressure.Enabled": "no",       # what else runs on this machine must not change a test's outcome
}


class Bench:
    """What a module of tests works on; a context manager."""

    def __init__(self, engine: Engine, proxy: RecordingProxy, binary: Path) -> None:
        self.engine = engine
        self.proxy = proxy
        self.binary = binary
        self.recorder = Recorder(engine, proxy)
        self.reapers: list[Reaper] = []

    def __enter__(self) -> "Bench":
        self.recorder.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_reapers()
        self.recorder.stop()

    @property
    def swarm(self) -> Swarm:
        return self.engine.swarm

    def settings(self, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """LOW and the given settings, behind the proxy."""
        return {"Endpoint": f"unix://{self.proxy.path}", **LOW, **(more or {})}

    def reaper(self, *arguments: str, settings: Mapping[str, Any] | None = None,
               journal: Journal | None = None, **options: Any) -> Reaper:
        """Start reaperd behind the proxy, with LOW and the given settings.

        journal: what it says goes there, and the oracle reads its fields.
        """
        if journal is not None:
            options["wrapper"] = journal.wrapper
        made = Reaper(self.binary, self.engine.dir, self.settings(settings),
                      ["--log-level=debug", *arguments], **options)
        self.reapers.append(made)
        self.recorder.add_run(made, journal)
        return made

    def stop_reapers(self) -> None:
        """Stop every run that a failed test left behind."""
        for reaper in self.reapers:
            reaper.__exit__()

    def once(self, *arguments: str, settings: Mapping[str, Any] | None = None,
             **options: Any) -> Reaper:
        """Run reaperd --once to its end."""
        made = self.reaper("--once", *arguments, settings=settings, **options)
        made.wait()
        return made

    def ids(self, **filters: Any) -> set[str]:
        """Ids of the containers that are on the engine now."""
        return {item["Id"] for item in self.engine.client.containers(**filters)}

    def of_service(self, service: str) -> set[str]:
        """Ids of all containers that a service ever had."""
        history = self.recorder.history
        return {ident for ident, looks in list(history.looks.items())
                if looks[0].labels.get("com.docker.swarm.service.id") == service}

    def await_gone(self, containers: Callable[[], set[str]] | set[str], timeout: float) -> None:
        wanted = containers if callable(containers) else lambda: containers
        until(lambda: not wanted() & self.ids(), timeout, "containers removed", poll=0.25)

    def await_stopped(self, service: str, count: int, timeout: float = 30.0) -> set[str]:
        """Wait until the recorder knows the exact end of `count` containers."""
        def stopped() -> set[str]:
            looks = self.recorder.history.looks
            found = {i for i in self.of_service(service) if looks[i][-1].state in ("exited", "dead")}
            return found if len(found) >= count else set()

        return until(stopped, timeout, f"{count} stopped containers", poll=0.1)

    def age(self, containers: set[str]) -> float:
        """Seconds since the youngest of these stopped."""
        looks = self.recorder.history.looks
        return time.time() - max(looks[ident][-1].finished for ident in containers)

    def history(self) -> History:
        return self.recorder.view()

    def judge(self) -> Judgement:
        """Judge everything so far; fails on any fault."""
        history = self.history()
        verdict = judge(history)
        for fault in verdict.faults[:2]:
            print(f"{fault}\n{history.story(fault.subject)}")
        return verdict.assert_clean()

    @contextmanager
    def scenario(self) -> Iterator[None]:
        """What waits in vain in here is judged too: the faults say more."""
        try:
            yield
        except TimeoutError:
            self.judge()
            raise

    def log_tail(self, lines: int = 60) -> str:
        said = [[record.fields["MESSAGE"] for record in run.records]
                for run in self.history().runs[-2:] if run.journal]
        return "\n".join(line for log in [*(reaper.log for reaper in self.reapers[-2:]), *said]
                         for line in ["---", *log[-lines:]])
