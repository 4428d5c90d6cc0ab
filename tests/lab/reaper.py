# SPDX-License-Identifier: Apache-2.0
"""One run of reaperd: its configuration, its process, what it says."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from .bus import NOWHERE
from .wait import until

SECTIONS = {
    "Engine": ("Endpoint", "ResyncInterval", "RequestTimeout", "SettleTime"),
    "Retention": ("MinimumAge", "Success", "Failure", "OOMKilled", "Shutdown", "FailedStart",
                  "OrphanAge", "RemoveVolumes", "KeepLast", "KeepLastFailure", "KeepLastFor",
                  "LogTail", "MaxStopped"),
    "Labels": ("Honor", "MaxTTL"),
    "Reaper": ("Parallelism", "RetryInitial", "RetryMax", "QuarantineAfter", "SurgeLimit",
               "FirstRunDelay"),
}
# Of these the settings hold "Section.Key": [Retention] has some of the same keys.
PREFIXED = ("Pressure", "Disk", "Metrics")
RULE = "Rule "          # "Rule NAME" in the settings holds the mapping of a rule's own keys
FIRST_RUN_MARK = "first-run-done"


def config_text(settings: Mapping[str, Any]) -> str:
    """An INI file with the given settings, each in its section, rules as they come."""
    rules = {key: rule for key, rule in settings.items() if key.startswith(RULE)}
    known = {key for keys in SECTIONS.values() for key in keys}
    prefixed = {key for key in settings if key.partition(".")[0] in PREFIXED}
    if unknown := settings.keys() - rules.keys() - known - prefixed:
        raise KeyError(f"no section known for {sorted(unknown)}")
    lines = []
    for section in PREFIXED:
        lines += [f"[{section}]", *(f"{key.partition('.')[2]}={settings[key]}" for key in settings
                                    if key.startswith(f"{section}.")), ""]
    for section, keys in SECTIONS.items():
        lines += [f"[{section}]", *(f"{key}={settings[key]}" for key in keys if key in settings), ""]
    for name, rule in rules.items():
        lines += [f"[{name}]", *(f"{key}={value}" for key, value in rule.items()), ""]
    return "\n".join(lines)


@dataclass
class Reload:
    """A SIGHUP with a new configuration: sent, and answered with READY=1."""

    sent: float
    settings: Mapping[str, Any]
    good: bool = True           # one that has to be taken; else refused, and nothing changes
    done: float = float("inf")


class _NotifySocket:
    """The service manager's side of sd_notify."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.states: list[tuple[float, str]] = []
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(path)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        while data := self._sock.recv(65536):
            now = time.time()
            self.states += [(now, line) for line in data.decode().splitlines()]

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self.path)       # an empty datagram ends the thread
        self._thread.join()
        self._sock.close()
        os.unlink(self.path)


class Reaper:
    """A running reaperd; use as a context manager, which stops it.

    settings: keys of the configuration file, without their sections; wrapper:
    a command in front of reaperd, for instance to give it other namespaces.
    """

    def __init__(self, binary: str | Path, folder: Path, settings: Mapping[str, Any],
                 arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None,
                 wrapper: Sequence[str] = ()) -> None:
        self.settings = dict(settings)
        self.dir = Path(tempfile.mkdtemp(prefix="reaper-", dir=folder))
        self.config = self.dir / "reaperd.conf"
        self.config.write_text(config_text(settings))
        self.arguments = list(arguments)
        self._notify = _NotifySocket(str(self.dir / "notify"))
        self.pauses: list[list[float]] = []
        self.reloads: list[Reload] = []
        self.ended: float | None = None
        env = {**os.environ, **NOWHERE, "STATE_DIRECTORY": "", **(environment or {}),
               "NOTIFY_SOCKET": self._notify.path}
        state = env["STATE_DIRECTORY"].split(":")[0]
        self.first_run = (bool(state) and not Path(state, FIRST_RUN_MARK).exists()
                          and not {"--once", "--dry-run"} & set(arguments))
        if not state:
            del env["STATE_DIRECTORY"]
        with open(self.dir / "stderr", "wb") as err, open(self.dir / "stdout", "wb") as out:
            self.started = time.time()
            self.process = subprocess.Popen(
                [*wrapper, str(binary), f"--config={self.config}", *self.arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env)

    def __enter__(self) -> "Reaper":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._note_end()

    @property
    def log(self) -> list[str]:
        """The lines on stderr so far."""
        return (self.dir / "stderr").read_text(errors="replace").splitlines()

    @property
    def states(self) -> list[tuple[float, str]]:
        """What it told the service manager: (time, "KEY=value")."""
        return list(self._notify.states)

    def said(self, start: str) -> list[str]:
        """Log lines that begin with this text, after the program's name."""
        return [line for line in self.log if line.startswith(f"reaperd: {start}")]

    def await_ready(self, timeout: float = 10.0) -> "Reaper":
        def ready() -> bool:
            if self.process.poll() is not None:
                raise ChildProcessError(f"reaperd ended with {self.process.returncode}:\n"
                                        + "\n".join(self.log))
            return any(state == "READY=1" for _, state in self.states)

        until(ready, timeout, "READY=1 of reaperd", poll=0.05)
        return self

    def reload(self, settings: Mapping[str, Any], good: bool = True,
               timeout: float = 10.0) -> Reload:
        """A new configuration and SIGHUP; returns when it has answered READY=1."""
        made = self.hang_up(settings, good)

        def answered() -> bool:
            told = [(when, state) for when, state in self.states if when >= made.sent]
            begun = [when for when, state in told if state == "RELOADING=1"]
            made.done = min((when for when, state in told if state == "READY=1"
                             and begun and when >= begun[0]), default=made.done)
            return made.done < float("inf")

        until(answered, timeout, "READY=1 after RELOADING=1", poll=0.01)
        return made

    def hang_up(self, settings: Mapping[str, Any], good: bool = True) -> Reload:
        """The same without waiting."""
        # In one step: the file may be read at any moment.
        fresh = self.config.with_suffix(".new")
        fresh.write_text(config_text(settings))
        fresh.rename(self.config)
        made = Reload(time.time(), dict(settings), good)
        self.reloads.append(made)
        self.process.send_signal(signal.SIGHUP)
        return made

    def wait(self, timeout: float = 60.0) -> int:
        """Wait until it ends by itself; its exit status."""
        self.process.wait(timeout)
        self._note_end()
        return self.process.returncode

    def stop(self, timeout: float = 15.0) -> int:
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def pause(self) -> None:
        self.pauses.append([time.time(), float("inf")])
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.pauses and self.pauses[-1][1] == float("inf"):
            self.process.send_signal(signal.SIGCONT)
            self.pauses[-1][1] = time.time()

    def _note_end(self) -> None:
        if self.ended is None:
            self.ended = time.time()
            self._notify.close()
