# SPDX-License-Identifier: Apache-2.0
"""A private message bus with the project's own policy, calls to reaperd on it, and its signals.

Calls go through busctl, so that what a test sees is what an operator sees: `busctl --json` gives the values, and
its debugging output the name of an error. Nothing here knows pytest.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Callable, Sequence

from .wait import until

DBUS = Path(__file__).resolve().parents[2] / "dbus"
POLICY = DBUS / "org.reaperd.conf"
INTERFACE_XML = DBUS / "org.reaperd.Reaper1.xml"

NAME = "org.reaperd"
PATH = "/org/reaperd"
INTERFACE = "org.reaperd.Reaper1"
PROPERTIES = "org.freedesktop.DBus.Properties"
UNKNOWN = 2**64 - 1

# An address where there is never a bus: for tests that want none, so that they never find that of the machine.
NOWHERE = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/no-system-bus"}

# Who calls: what stands in front of a command.
ROOT: tuple[str, ...] = ()
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
DOCKER = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=docker")

ACCESS_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
SERVICE_UNKNOWN = "org.freedesktop.DBus.Error.ServiceUnknown"

# As /usr/share/dbus-1/system.conf has it: whatever is not allowed is denied, but for signals.
_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <policy user="root">
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  {policy}
  {limits}
</busconfig>
"""


class BusError(Exception):
    """A call that was answered with an error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class Bus:
    """A private system bus; use as a context manager. It is not started before start(), or by entering it.

    limits: those of dbus-daemon(1), as max_names_per_connection.
    """

    def __init__(self, policy: Path | None = POLICY, **limits: int) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="rb-", dir="/tmp"))   # a socket's path may have 107 bytes only
        self.dir.chmod(0o755)
        self.socket = self.dir / "s"
        self.address = f"unix:path={self.socket}"
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.address}
        self._policy = policy
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Bus":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """For good."""
        self.stop()
        shutil.rmtree(self.dir)

    def start(self) -> None:
        """At the same address each time."""
        assert self._process is None
        self._configure()
        with open(self.dir / "log", "ab") as log:
            self._process = subprocess.Popen(
                ["dbus-daemon", f"--config-file={self.dir / 'bus.conf'}", "--nofork", "--nopidfile", "--nosyslog"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, 10, "the bus", poll=0.02)

    def stop(self) -> None:
        """Nothing happens if it is not there."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(10)
            self._process = None
        self.socket.unlink(missing_ok=True)

    def pause(self) -> None:
        """It hangs: what is sent to it is not read, but the kernel still takes new connections."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def set_policy(self, policy: Path | None) -> None:
        """From now on."""
        self._policy = policy
        if self._process:
            self._configure()
            self.call("ReloadConfig", to="org.freedesktop.DBus", path="/", interface="org.freedesktop.DBus")

    def log(self) -> str:
        return (self.dir / "log").read_text(errors="replace")

    def call(self, method: str, signature: str = "", *arguments: Any, user: Sequence[str] = ROOT, to: str = NAME,
             path: str = PATH, interface: str = INTERFACE, timeout: float = 25.0) -> list[Any]:
        """Calls a method of reaperd, unless told otherwise; returns the values of its answer.

        The arguments are those of busctl: an array is its length and its elements, a variant its signature and its
        value: call("ListContainers", "a{sv}su", 1, "All", "b", True, "", 100). BusError if it is refused.
        """
        words = [{True: "true", False: "false"}[each] if isinstance(each, bool) else str(each) for each in arguments]
        done = self.busctl("--json=short", f"--timeout={timeout:g}", "call", "--", to, path, interface, method,
                           *([signature, *words] if signature else []), user=user)
        answer = json.loads(done) if done.strip() else {"data": []}
        return list(answer["data"])

    def get(self, name: str, user: Sequence[str] = ROOT) -> Any:
        """The value of a property."""
        return self.call("Get", "ss", INTERFACE, name, user=user, interface=PROPERTIES)[0]["data"]

    def properties(self, user: Sequence[str] = ROOT) -> dict[str, Any]:
        """The values of all properties."""
        found = self.call("GetAll", "s", INTERFACE, user=user, interface=PROPERTIES)[0]
        return {name: value["data"] for name, value in found.items()}

    def containers(self, user: Sequence[str] = ROOT, limit: int = 1000, **criteria: str | bool) -> list[list[Any]]:
        """All pages of ListContainers."""
        words: list[Any] = [len(criteria)]
        for key, value in criteria.items():
            words += [key, "b" if isinstance(value, bool) else "s", value]
        rows: list[list[Any]] = []
        after = ""
        while True:
            page, after = self.call("ListContainers", "a{sv}su", *words, after, limit, user=user)
            rows += page
            if not after:
                return rows

    def introspect(self, user: Sequence[str] = ROOT) -> str:
        return str(self.call("Introspect", user=user, interface="org.freedesktop.DBus.Introspectable")[0])

    def owner(self) -> str | None:
        """The unique name of who has the name now."""
        try:
            return str(self.call("GetNameOwner", "s", NAME, to="org.freedesktop.DBus", path="/",
                                 interface="org.freedesktop.DBus")[0])
        except BusError:
            return None

    def await_owner(self, timeout: float = 10.0) -> str:
        """Until reaperd has its name."""
        return str(until(self.owner, timeout, f"{NAME} on the bus", poll=0.05))

    def busctl(self, *arguments: str, user: Sequence[str] = ROOT) -> str:
        """What it prints; BusError if that is an error."""
        done = subprocess.run([*user, "busctl", f"--address={self.address}", *arguments], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "SYSTEMD_LOG_LEVEL": "debug", "SYSTEMD_LOG_TARGET": "console",
                                   "SYSTEMD_LOG_COLOR": "0", "SYSTEMD_LOG_TIME": "0"})
        if done.returncode == 0:
            return done.stdout
        errors = [line for line in done.stderr.splitlines() if "message type=error" in line]
        if errors:
            name, _, message = errors[-1].partition("error-name=")[2].partition(" error-message=")
            raise BusError(name, message)
        raise BusError("", done.stderr.splitlines()[-1] if done.stderr else f"busctl ended with {done.returncode}")

    def signals(self, user: Sequence[str] | None = None) -> "Signals":
        """Watches the signals of reaperd's object, from entering it on; see there."""
        return Signals(self, user)

    def mark(self, text: str) -> None:
        """Sends a signal that everybody may see."""
        self.busctl("emit", "/test/mark", "test.Mark", text)

    def _configure(self) -> None:
        policy = f"<include>{self._policy}</include>" if self._policy else ""
        limits = "".join(f'<limit name="{name}">{value}</limit>' for name, value in self._limits.items())
        fresh = self.dir / "bus.conf.new"
        fresh.write_text(_CONFIG.format(socket=self.socket, policy=policy, limits=limits))
        fresh.rename(self.dir / "bus.conf")

    def _answers(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise ChildProcessError(f"dbus-daemon ended with {self._process.returncode}:\n{self.log()}")
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


class Signals:
    """The signals of reaperd's object, in their order; a context manager.

    Without a user the bus is monitored, as root: `seen` has (member, arguments). With one (ROOT, DOCKER, NOBODY) a
    plain client asks for them, as that user: what it gets is what the policy lets through, and only names are known:
    (member, None).
    """

    _MATCHES = (f"type='signal',path='{PATH}'", "type='signal',path='/test/mark'")

    def __init__(self, bus: Bus, user: Sequence[str] | None) -> None:
        self._bus = bus
        self._user = user
        self._marks = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path()

    def __enter__(self) -> "Signals":
        descriptor, name = tempfile.mkstemp(prefix="signals-", dir=self._bus.dir)
        self._log = Path(name)
        # Monitoring is root's alone: as another user dbus-monitor falls back to asking for them, like any client.
        argv = (["busctl", f"--address={self._bus.address}", "--json=short",
                 *(f"--match={match}" for match in self._MATCHES), "monitor"] if self._user is None
                else [*self._user, "dbus-monitor", "--address", self._bus.address, "--profile", *self._MATCHES])
        with os.fdopen(descriptor, "wb") as out:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        self.settle()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._process.terminate()
        self._process.wait(10)

    def settle(self) -> "Signals":
        """All that was sent until now has come."""
        self._marks += 1
        name = f"Mark{self._marks}"

        def marked() -> bool:
            self._bus.mark(name)
            return any(member == name for member, _ in self._all())

        until(marked, 10, f"{name} from the bus", poll=0.02)
        return self

    @property
    def seen(self) -> list[tuple[str, Any]]:
        """So far; PropertiesChanged too, whose arguments are (interface, changed, invalidated)."""
        return [each for each in self._all() if not each[0].startswith("Mark")]

    def named(self, member: str) -> list[Any]:
        """The arguments of those of this name."""
        return [arguments for name, arguments in self.seen if name == member]

    def changed(self) -> list[dict[str, Any]]:
        """What each PropertiesChanged told."""
        return [{name: value["data"] for name, value in arguments[1].items()}
                for arguments in self.named("PropertiesChanged")]

    def wait(self, member: str, fits: Callable[[Any], bool] = lambda _: True, timeout: float = 10.0) -> Any:
        """The arguments of the first of this name that fits."""
        def found() -> list[Any]:
            return [arguments for arguments in self.named(member) if fits(arguments)][:1]
        return until(found, timeout, f"signal {member}; seen: {self.seen}", poll=0.05)[0]

    def _all(self) -> list[tuple[str, Any]]:
        assert self._process
        if self._process.poll() is not None:
            raise ChildProcessError(f"the monitor ended with {self._process.returncode}")
        lines = self._log.read_bytes().decode(errors="replace").rpartition("\n")[0].splitlines()
        if self._user is None:
            messages = [json.loads(line) for line in lines]
            return [(each["member"], each["payload"]["data"]) for each in messages if each["type"] == "signal"]
        # "sig", time, serial, sender, destination, path, interface, member; in front of them the names of the columns
        words = [line.split("\t") for line in lines]
        return [(each[7], None) for each in words if each[0] == "sig" and each[5] in (PATH, "/test/mark")]
