# SPDX-License-Identifier: Apache-2.0
"""Who removes stopped containers, and what it costs: nobody, `docker container prune` from a timer, reaperd."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import partial
from typing import Sequence

from lab import Reaper, process
from lab.fleet import Node

from .background import Docker, Done, Repeated
from .rig import Rig, Trouble
from .sizes import Sizes

PRUNE = ("container", "prune", "--force")
READY = 20.0            # seconds
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Cost:
    """Of the cleaners alone; the engines' part of the work is theirs."""

    cpu: float = 0.0            # seconds
    anon: int | None = None     # bytes at their peak, all that run together
    rss: int | None = None      # bytes at its peak, the largest of them


class Nobody(contextlib.ExitStack):
    """Swarm itself at most."""

    def check(self) -> None:
        """Look at it once a second; raises if it does not do its work."""

    def removed(self) -> set[str]:
        """Ids of containers that it says it has removed, as far as it says so."""
        return set()

    def finish(self) -> Cost:
        """End it as its user would."""
        return Cost()


class Prune(Nobody):
    """As from a timer on each node, all at the same time."""

    def __init__(self, _rig: Rig, nodes: Sequence[Node], sizes: Sizes) -> None:
        super().__init__()
        self._done: list[Done] = []
        self._removed: set[str] = set()
        self._repeated: list[Repeated] = []
        self._dockers = [Docker(node.socket) for node in nodes]
        self._seconds = sizes.prune_every_s

    def __enter__(self) -> "Prune":
        super().__enter__()
        for docker in self._dockers:
            repeated = Repeated(partial(self._prune, docker), self._seconds, self._seconds)
            self._repeated.append(self.enter_context(repeated))
        for docker in self._dockers:
            self.callback(docker.close)     # all of them before a thread is waited for
        return self

    def check(self) -> None:
        for repeated in self._repeated:
            repeated.check()

    def removed(self) -> set[str]:
        return set(self._removed)

    def finish(self) -> Cost:
        # Those that are at it come to their end, unlike at close().
        for repeated in self._repeated:
            repeated.__exit__()
        self.close()
        self.check()
        return Cost(cpu=sum(done.cpu for done in self._done), rss=max((done.rss for done in self._done), default=None))

    def _prune(self, docker: Docker) -> None:
        done = docker.run(*PRUNE)
        if done.status:
            raise Trouble(f"`docker {' '.join(PRUNE)}` ended with status {done.status}: {done.output.strip()[-500:]}")
        self._removed.update(pruned(done.output))
        self._done.append(done)


class Reaperds(Nobody):
    """One on each node, in its namespaces, where the engine and its data are at their usual places."""

    def __init__(self, rig: Rig, nodes: Sequence[Node], sizes: Sizes) -> None:
        super().__init__()
        self._rig, self._nodes, self._sizes = rig, nodes, sizes
        self._reapers: list[tuple[Node, Reaper]] = []
        self._anon = self._rss = 0

    def __enter__(self) -> "Reaperds":
        super().__enter__()
        try:
            for node in self._nodes:
                reaper = Reaper(self._rig.reaperd, node.dir, settings(self._sizes), wrapper=inside(node))
                self._reapers.append((node, self.enter_context(reaper)))
            for _, reaper in self._reapers:
                self._rig.go_on()
                reaper.await_ready(READY)
        except BaseException:
            self.close()
            raise
        return self

    def check(self) -> None:
        anon = 0
        for node, reaper in self._reapers:
            if reaper.process.poll() is not None:
                raise Trouble(f"reaperd on {node.hostname} ended with status {reaper.process.returncode}: "
                              + " / ".join(reaper.log[-3:]))
            sizes = process.sizes(reaper.process.pid)
            anon += sizes.get("RssAnon", 0)
            self._rss = max(self._rss, sizes.get("VmHWM", 0))
        self._anon = max(self._anon, anon)

    def finish(self) -> Cost:
        self.check()
        cpu = sum(process.cpu_seconds(reaper.process.pid) for _, reaper in self._reapers)
        for node, reaper in self._reapers:
            if status := reaper.stop():
                raise Trouble(f"reaperd on {node.hostname} was told to end and did with status {status}: "
                              + " / ".join(reaper.log[-3:]))
        self.close()
        return Cost(cpu, self._anon, self._rss)


def settings(sizes: Sizes) -> dict[str, str]:
    """As short as it can be, to see the whole of it within an arm; the defaults are an hour and more."""
    keep = f"{sizes.keep_s}s"
    return {"Endpoint": "unix:///run/docker.sock", "SettleTime": "0", "MinimumAge": keep, "Success": keep,
            "Failure": keep, "KeepLastFailure": "0"}


def inside(node: Node) -> list[str]:
    """The command that runs another one in the namespaces of a node; in a session of its own, as Ctrl-C is for us."""
    return ["setsid", "nsenter", f"--target={node.pid}", "--mount", "--uts", "--net"]


def pruned(output: str) -> set[str]:
    """Ids that `docker container prune` names."""
    return {line for line in map(str.strip, output.splitlines()) if _ID.fullmatch(line)}
