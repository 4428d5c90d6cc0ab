# SPDX-License-Identifier: Apache-2.0
"""reaperd's D-Bus interface as tests see it: rows with names, methods by their contract."""

from __future__ import annotations

from typing import Any, NamedTuple

from .dbus import Connection, DBusError, Message, Pending
from .wait import until

NAME, PATH, INTERFACE = "org.reaperd", "/org/reaperd", "org.reaperd.Reaper1"
PROPERTIES = "org.freedesktop.DBus.Properties"
NEVER = UNKNOWN = (1 << 64) - 1
FAILED = "org.reaperd.Error."
INVALID = "org.freedesktop.DBus.Error.InvalidArgs"


class Row(NamedTuple):
    """A container; times in microseconds, sizes in bytes."""

    id: str
    name: str
    service: str
    slot: str
    image: str
    state: str
    outcome: str
    verdict: str
    age: int
    due: int
    held: int
    dirty: int
    disk: int
    inodes: int
    exact: bool


class Step(NamedTuple):
    name: str
    effect: str
    decides: bool
    setting: str
    value: str
    origin: str
    until: int
    text: str


class Level(NamedTuple):
    name: str
    is_now: bool
    verdict: str
    due: int
    setting: str
    value: str
    origin: str
    text: str


class Explanation(NamedTuple):
    about: Row
    steps: list[Step]
    levels: dict[str, Level]

    @property
    def decider(self) -> Step:
        decides = [step for step in self.steps if step.decides]
        assert len(decides) == 1, self.steps
        return decides[0]

    def step(self, name: str) -> Step:
        found, = [step for step in self.steps if step.name == name]
        return found


class Removal(NamedTuple):
    at: int
    id: str
    name: str
    service: str
    image: str
    outcome: str
    verdict: str
    setting: str
    origin: str
    rule: str
    age: int
    exit_code: int
    held: int
    dirty: int
    disk: int
    inodes: int
    observed: int
    observed_of: int
    dry_run: bool
    attempts: int


class Memory(NamedTuple):
    service: str
    stopped: int
    measured: int
    held: int
    dirty: int
    disk: int
    inodes: int


class Result(NamedTuple):
    """Of one container whose removal was asked for."""

    id: str
    name: str
    removed: bool
    verdict: str
    words: str


class Console:
    """One caller on the bus that listens at this path."""

    def __init__(self, path: str) -> None:
        self.connection = Connection(path)
        self.connection.match(f"interface='{INTERFACE}'")
        self.connection.match(f"interface='{PROPERTIES}'")

    def close(self) -> None:
        self.connection.close()

    def start(self, method: str, signature: str = "", *arguments: Any) -> Pending:
        """Call it, and go on."""
        return self.connection.call(NAME, PATH, INTERFACE, method, signature, arguments)

    def call(self, method: str, signature: str = "", *arguments: Any) -> Any:
        return self.start(method, signature, *arguments).result()

    def error(self, method: str, signature: str = "", *arguments: Any) -> DBusError:
        """Call what must be refused."""
        try:
            answer = self.call(method, signature, *arguments)
        except DBusError as error:
            return error
        raise AssertionError(f"{method}{arguments} was not refused: {answer}")

    def await_name(self, timeout: float = 30.0) -> "Console":
        """Wait until somebody has the name."""
        until(lambda: self.connection.bus("NameHasOwner", "s", NAME), timeout, f"an owner of {NAME}", poll=0.02)
        return self

    # What is read.

    def get(self, name: str) -> Any:
        return self.connection.call(NAME, PATH, PROPERTIES, "Get", "ss", [INTERFACE, name]).result()

    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.connection.call(NAME, PATH, PROPERTIES, "GetAll", "s", [INTERFACE]).result()
        return found

    def page(self, after: str = "", limit: int = 1000, **filters: bool | str) -> tuple[list[Row], str]:
        given = {key: ("b" if isinstance(value, bool) else "s", value) for key, value in filters.items()}
        found, following = self.call("ListContainers", "a{sv}su", given, after, limit)
        rows = [Row(*row) for row in found]
        order = [after, *(row.id for row in rows)]
        assert order == sorted(set(order)), "in the order of ids, and none again"
        assert not following or rows and following >= rows[-1].id, "it goes on"
        return rows, following

    def list(self, limit: int = 1000, **filters: bool | str) -> list[Row]:
        """All pages."""
        rows, after = self.page("", limit, **filters)
        while after:
            more, after = self.page(after, limit, **filters)
            rows += more
        return rows

    def row(self, ident: str) -> Row | None:
        return next((row for row in self.list(All=True) if row.id == ident), None)

    def verdict(self, ident: str) -> str:
        """"" of one that is not known."""
        row = self.row(ident)
        return row.verdict if row else ""

    def find(self, text: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = self.call("FindContainers", "s", text)
        return found

    def explain(self, text: str) -> Explanation:
        about, steps, levels = self.call("Explain", "s", text)
        made = [Level(*level) for level in levels]
        assert [level.name for level in made] == ["normal", "elevated", "critical"]
        return Explanation(Row(*about), [Step(*step) for step in steps], {level.name: level for level in made})

    def history(self, since: int = 0) -> list[Removal]:
        return [Removal(*removal) for removal in self.call("History", "t", since)]

    def memory(self) -> dict[str, Memory]:
        made = [Memory(*each) for each in self.call("MemoryByService")]
        assert len({each.service for each in made}) == len(made)
        return {each.service: each for each in made}

    # What changes something.

    def start_reap(self, *containers: str, dry_run: bool = False) -> Pending:
        return self.start("Reap", "asb", list(containers), dry_run)

    def reap(self, *containers: str, dry_run: bool = False) -> list[Result]:
        return results(self.start_reap(*containers, dry_run=dry_run))

    def reap_service(self, service: str, dry_run: bool = False) -> list[Result]:
        return results(self.start("ReapService", "sb", service, dry_run))

    def reap_due(self, dry_run: bool = False) -> list[Result]:
        return results(self.start("ReapDue", "b", dry_run))

    def pause(self, seconds: float) -> tuple[int, bool]:
        until_then, kept = self.call("Pause", "t", int(seconds * 1e6))
        return until_then, kept

    def resume(self) -> bool:
        return bool(self.call("Resume"))

    # What comes by itself.

    def signals(self, name: str = "") -> list[Message]:
        """Those of reaperd's own interface so far."""
        return [m for m in list(self.connection.signals) if m.fields.get(2) == INTERFACE and name in ("", m.member)]

    def await_signal(self, name: str, count: int = 1, timeout: float = 30.0) -> list[Any]:
        """The arguments of the last of so many."""
        until(lambda: len(self.signals(name)) >= count, timeout, f"{count} x signal {name}", poll=0.02)
        return self.signals(name)[count - 1].body


def results(pending: Pending) -> list[Result]:
    return [Result(*each) for each in pending.result()]
