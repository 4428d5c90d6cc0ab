# SPDX-License-Identifier: Apache-2.0
"""Runs the real reaperd against a stand-in engine: its configuration, its log, its end.

Tests await what they assert with a deadline; nothing sleeps for a time that was guessed.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

BINARY = Path(os.environ.get("REAPERD", Path(__file__).resolve().parents[2] / "build" / "reaperd"))

SECTIONS = {
    "Engine": ("Endpoint", "ResyncInterval", "RequestTimeout", "SettleTime"),
    "Retention": ("MinimumAge", "Success", "Failure", "OOMKilled", "Shutdown", "FailedStart", "OrphanAge",
                  "RemoveVolumes", "KeepLast", "KeepLastFailure", "KeepLastFor", "LogTail", "MaxStopped"),
    "Labels": ("Honor", "MaxTTL"),
    "Reaper": ("Parallelism", "RetryInitial", "RetryMax", "QuarantineAfter", "SurgeLimit", "FirstRunDelay"),
}
# Of these the settings hold "Section.Key": [Retention] has one of the same keys.
PREFIXED = ("Pressure", "Disk", "Metrics")
# What most tests want: everything that ended long ago is due, nothing waits, failures are tried again soon, the
# last of them is nothing special, and how short this machine is of memory is of no account.
DEFAULTS = {"SettleTime": "0", "MinimumAge": "10s", "RetryInitial": "1s", "RetryMax": "1s", "KeepLastFailure": "0",
            "Pressure.Enabled": "no"}
# Of the service manager's gifts a test gives what it wants.
_NOT_INHERITED = {"JOURNAL_STREAM", "STATE_DIRECTORY", "NOTIFY_SOCKET"}
# No test finds the machine's own system bus; one that wants a bus gives its address.
_NO_BUS = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/no-system-bus"}

# The last line of --once.
_SUMMARY = re.compile(r"reaperd: (\d+) (would be )?removed, (\d+) already gone, (\d+) failed, (\d+) kept")


def until(condition: Callable[[], Any], what: str, timeout: float = 20.0,
          detail: Callable[[], str] = str) -> Any:
    """The first true value of the condition; AssertionError names what was awaited."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}\n{detail()}")
        time.sleep(0.02)
    return value


@dataclass(frozen=True)
class Summary:
    """What --once says at its end."""

    status: int
    removed: int = -1
    gone: int = -1
    failed: int = -1
    kept: int = -1
    dry: bool = False


class Notifications:
    """What sd_notify(3) sends, line by line, with the time. Always drained: a sender blocks when ten wait."""

    def __init__(self, path: Path) -> None:
        self.lines: list[tuple[float, str]] = []
        path.unlink(missing_ok=True)
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        while data := self._socket.recv(65536):
            now = time.monotonic()
            self.lines += [(now, line) for line in data.decode().split("\n")]

    def close(self) -> None:
        """No more will come; the lines stay."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self._path)
        self._thread.join()
        self._socket.close()


class Reaperd:
    """One configuration, and the processes that were started with it."""

    def __init__(self, directory: Path, endpoint: str) -> None:
        self.directory = directory
        self.config = directory / "reaperd.conf"
        self.settings: dict[str, str] = DEFAULTS | {"Endpoint": endpoint}
        self.rules: dict[str, dict[str, str]] = {}  # name -> keys, in order
        self.environment: dict[str, str] = {}
        self.prefix: list[str] = []  # a command that becomes reaperd
        self.log_path = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._notify: Notifications | None = None

    def configure(self, **settings: str | int) -> None:
        self.settings |= {key: str(value) for key, value in settings.items()}

    def rule(self, name: str, **keys: str | int) -> None:
        """Set a rule, in its place if there is one of this name, else behind the others."""
        self.rules[name] = {key: str(value) for key, value in keys.items()}

    def config_text(self) -> str:
        lines = []
        for section, keys in SECTIONS.items():
            lines.append(f"[{section}]")
            lines += [f"{key}={self.settings[key]}" for key in keys if key in self.settings]
        for section in PREFIXED:
            lines += [f"[{section}]", *(f"{key.partition('.')[2]}={value}" for key, value in self.settings.items()
                                        if key.startswith(section + "."))]
        assert {key for key in self.settings if key.partition(".")[0] not in PREFIXED} \
            <= {key for keys in SECTIONS.values() for key in keys}
        for name, values in self.rules.items():
            lines += [f"[Rule {name}]", *(f"{key}={value}" for key, value in values.items())]
        return "\n".join(lines) + "\n"

    def state_directory(self) -> Path:
        """Give it one, as the service manager would; returns the path of the mark of the first run."""
        state = self.directory / "state"
        state.mkdir(exist_ok=True)
        self.environment["STATE_DIRECTORY"] = str(state)
        return state / "first-run-done"

    def once(self, *options: str, timeout: float = 60.0, **settings: str | int) -> Summary:
        """Run with --once to the end."""
        self.start("--once", *options, **settings)
        status = self.wait_exit(timeout)
        found = [match for line in self.lines() if (match := _SUMMARY.fullmatch(line))]
        if not found:
            return Summary(status)
        numbers = [int(found[-1][group]) for group in (1, 3, 4, 5)]
        return Summary(status, *numbers, dry=bool(found[-1][2]))

    def start(self, *options: str, **settings: str | int) -> None:
        """Start it, as a daemon unless the options say otherwise. Each start begins a new log."""
        assert self._process is None
        self.configure(**settings)
        self.config.write_text(self.config_text(), encoding="utf-8")
        path = self.directory / "notify"
        self._notify = Notifications(path)
        environment = {key: value for key, value in os.environ.items()
                       if key not in _NOT_INHERITED and not key.lower().endswith("_proxy")}
        with open(self.log_path, "wb") as log:
            self._process = subprocess.Popen(
                [*self.prefix, BINARY, f"--config={self.config}", *options], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=environment | _NO_BUS | {"NOTIFY_SOCKET": str(path)} | self.environment)

    def begin(self, *options: str, **settings: str | int) -> None:
        """Start it and wait until it has listed for the first time."""
        self.start(*options, **settings)
        self.wait_log("^reaperd: Connected to engine ")

    def hup(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGHUP)

    def reload(self, text: str | None = None, **settings: str | int) -> float:
        """Write the configuration anew (or this text) and have it read; returns when systemd was told the end."""
        self.configure(**settings)
        self.config.write_text(self.config_text() if text is None else text, encoding="utf-8")
        before = len(self.notified())

        def ready() -> float | None:
            lines = self.notified()[before:]
            begun = next((n for n, (_, line) in enumerate(lines) if line == "RELOADING=1"), len(lines))
            return next((at for at, line in lines[begun:] if line == "READY=1"), None)

        self.hup()
        return float(until(ready, "RELOADING=1, then READY=1", detail=lambda: f"{self.notified()}\n{self.log()}"))

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self.log_path.read_bytes().decode("utf-8", "backslashreplace")

    def lines(self) -> list[str]:
        """The log's lines; only \\n ends one."""
        return self.log().rstrip("\n").split("\n")

    def count(self, pattern: str) -> int:
        """How many lines of the log match the regular expression?"""
        return sum(bool(re.search(pattern, line)) for line in self.lines())

    def wait_log(self, pattern: str, timeout: float = 20.0) -> None:
        until(lambda: self.count(pattern), f"a line like {pattern!r}", timeout, self.log)

    def notified(self) -> list[tuple[float, str]]:
        """Every line that sd_notify(3) has sent since the start, and when it came."""
        return list(self._notify.lines) if self._notify else []  # also after its end

    def wait_notified(self, text: str, timeout: float = 20.0, since: int = 0) -> float:
        """Wait until sd_notify(3) has sent a line that begins with the text; returns when it came."""
        def seen() -> float | None:
            return next((at for at, line in self.notified()[since:] if line.startswith(text)), None)
        return float(until(seen, f"notification {text}", timeout, self.log))

    def memory(self, *keys: str) -> dict[str, int]:
        """Fields of /proc/PID/status that are in kB, in bytes."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        values = dict(re.findall(r"^(\w+):\s+(\d+) kB", text, re.M))
        return {key: int(values[key]) * 1024 for key in keys}

    def cpu_ticks(self) -> int:
        """Processor time used so far, in clock ticks."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def terminate(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)

    def wait_exit(self, timeout: float = 20.0) -> int:
        """The exit status; negative for a signal."""
        assert self._process
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout:g} s\n{self.log()}") from None
        self._release()
        return status

    def stop(self) -> int:
        """End it in order; returns the exit status."""
        self.terminate()
        return self.wait_exit()

    def close(self) -> None:
        """End it in any case, for teardown."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._release()

    def _release(self) -> None:
        self._process = None
        if self._notify:
            self._notify.close()
