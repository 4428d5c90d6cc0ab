# SPDX-License-Identifier: Apache-2.0
"""What the tests of the service share: containers that have ended, records of the journal, and what those promise.

The manual page and the catalog are read from the sources, so that a field or an id that the package does not bring to
the journal is missed without anybody having listed it here.
"""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Iterable

from lab import IMAGE
from lab.box import UNIT, Box

TOP = Path(__file__).resolve().parent.parent.parent
OURS = f"_SYSTEMD_UNIT={UNIT}"
MARK = "/var/lib/reaperd/first-run-done"

REMOVED = "891fbc50057d4de08f3b69bb4ede2e62"
ENGINE_LOST = "952b24e6eda5438599c411c7abd30022"
ENGINE_BACK = "a3ed9b46e7144cf7b616171472f4fb65"
RELOADED = "b063cf467207471b8c0208bb3dd86940"
RELOAD_REFUSED = "d3a1ee574bcf4bf7bd3d26c78e54f560"
SURGE_HELD = "f8f2f8d2de7a472fb18f32c94810e6fc"
FIRST_RUN = "d551eb072b184614ad0d508b12b007c0"
PRESSURE_LEVEL = "ac659e20fa944c568d3fe962e0d8e5ca"
PRESSURE_BATCH = "bc62f5436385426287712ffec99af0ab"
PRESSURE_GAVE_UP = "35891f859da14e04b1b7f67a0f5ceb0a"
WAITS_ENDED = "4fe93415f9ba46b385a4e034021f26c3"
PAUSED = "c7f3e9df13b140929c8076f2e8ea2a8e"
RESUMED = "d695bc3ca62e4040912eaf8f6a8e4559"

Record = dict[str, Any]


# -- containers ----------------------------------------------------------------------------------------------------


def job(box: Box, name: str, count: int, script: str = "exit 0", *options: str) -> None:
    """A job of so many tasks at once, each of which runs a shell script; one that fails is not run again."""
    box.docker("service", "create", "--detach", "--name", name, "--mode", "replicated-job", "--replicas", str(count),
               "--max-concurrent", str(count), "--restart-condition", "none", *options, IMAGE, "sh", "-c", script)


def plain(box: Box, name: str, script: str = "exit 0", *options: str) -> str:
    """A container that is no task; its id."""
    return box.docker("run", "--detach", "--name", name, "--network", "none", *options, IMAGE, "sh", "-c", script)


def here(box: Box, *filters: str) -> set[str]:
    """The ids of the containers that are there, running or not."""
    chosen = [word for one in filters for word in ("--filter", one)]
    return set(box.docker("ps", "--all", "--quiet", "--no-trunc", *chosen).split())


def inspect(box: Box, ids: Iterable[str]) -> dict[str, Any]:
    return {one["Id"]: one for one in json.loads(box.docker("inspect", *ids))}


def ended(box: Box, name: str, count: int, seconds: float = 30) -> dict[str, Any]:
    """Await that so many containers of this name have ended; what the engine tells of each, by id."""
    found = box.until(lambda: (ids := here(box, rf"name=^{name}\b", "status=exited")) and len(ids) >= count and ids,
                      seconds, f"{count} containers of {name} have ended")
    return inspect(box, found)


def finished(facts: Any) -> float:
    """When a container ended, by what the engine tells of it; seconds since 1970."""
    # The engine writes nanoseconds, of which datetime knows the first six digits.
    text = re.sub(r"(\.\d{1,6})\d*Z", r"\1+00:00", facts["State"]["FinishedAt"])
    return datetime.fromisoformat(re.sub(r"Z$", "+00:00", text)).timestamp()


def aged(box: Box, facts: dict[str, Any], seconds: float) -> None:
    """Await that all of them ended so long ago."""
    last = max(map(finished, facts.values()))
    box.until(lambda: time.time() > last + seconds, seconds + 5, f"everything is {seconds:g} s old")


def events(box: Box, action: str, since: float) -> list[tuple[float, str]]:
    """When this happened to which container, by the engine's own events."""
    lines = box.docker("events", "--since", f"{since:.9f}", "--until", f"{time.time():.9f}", "--filter",
                       "type=container", "--filter", f"event={action}", "--format", "{{json .}}").splitlines()
    return [(one["timeNano"] / 1e9, one["Actor"]["ID"]) for one in map(json.loads, lines)]


# -- the service ---------------------------------------------------------------------------------------------------


def settings(box: Box, text: str, name: str = "60-test.conf") -> None:
    """A drop-in that holds when this returns."""
    box.configure(text, name)
    box.run("systemctl", "reload", UNIT)


def invocation(box: Box) -> str:
    """A match for what the unit has logged since it was started last."""
    return f"_SYSTEMD_INVOCATION_ID={box.show(UNIT, 'InvocationID')['InvocationID']}"


def another_main(box: Box, old: int, seconds: float = 30) -> int:
    """Await that the service runs as another process than this one."""
    def is_another() -> int:
        shown = box.show(UNIT, "MainPID", "ActiveState")
        pid = int(shown["MainPID"])
        return pid if pid != old and shown["ActiveState"] == "active" else 0

    return box.until(is_another, seconds, f"reaperd runs, and not as process {old}")


def status_text(box: Box) -> str:
    """What `systemctl status` shows as the service's own words."""
    shown = box.run("systemctl", "status", "--no-pager", "--lines=0", UNIT, check=False).stdout
    found = re.search(r'^ *Status: "(.*)"$', shown, re.M)
    return found[1] if found else ""


def furnish(box: Box, deb: Path, settings: str) -> None:
    """A Swarm, and reaperd as the package leaves it, but with this configuration from its first start on."""
    box.swarm_init()
    box.configure(settings, "10-settings.conf")
    box.install(deb)
    box.until(lambda: box.state() == "active", 20, "reaperd is active")


def restart(box: Box) -> None:
    """With the drop-ins that are there now. Tests do so more often than systemd takes for a service that is well."""
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "reset-failed", UNIT)
    box.run("systemctl", "restart", UNIT)


def await_status(box: Box, pattern: str, seconds: float = 15) -> str:
    return box.until(lambda: re.search(pattern, status_text(box)) and status_text(box), seconds,
                     f"a STATUS like {pattern!r}; it is {status_text(box)!r}")


# -- records -------------------------------------------------------------------------------------------------------


def records(box: Box, ident: str, *matches: str) -> list[Record]:
    return box.journal(OURS, f"MESSAGE_ID={ident}", *matches)


def await_record(box: Box, ident: str, *matches: str, seconds: float = 15,
                 where: Callable[[Record], bool] = lambda record: True) -> Record:
    """The newest record of this id, when there is one."""
    return box.until(lambda: [one for one in records(box, ident, *matches) if where(one)], seconds,
                     f"a record {ident} {' '.join(matches)}")[-1]


def await_removed(box: Box, ids: Iterable[str], seconds: float = 30) -> dict[str, Record]:
    """Await that these are gone and told of: each once, and none twice. The records by id."""
    wanted = set(ids)
    box.until(lambda: not wanted & here(box), seconds, f"the removal of {len(wanted)} containers")

    def told() -> dict[str, Record]:
        found = [one for one in records(box, REMOVED, "REAPERD_DRY_RUN=0") if one["CONTAINER_ID_FULL"] in wanted]
        names = [one["CONTAINER_ID_FULL"] for one in found]
        assert len(names) == len(set(names)), f"a removal was told twice: {sorted(names)}"
        return dict(zip(names, found)) if set(names) == wanted else {}

    return box.until(told, 5, "a record of each removal")


def when(record: Record) -> float:
    """When a record was written; seconds since 1970."""
    return int(record["_SOURCE_REALTIME_TIMESTAMP"]) / 1e6


def own_fields(record: Record) -> set[str]:
    """Those that reaperd gave to it, and every message has not."""
    return {key for key in record if not key.startswith("_")} - {"MESSAGE", "MESSAGE_ID", "PRIORITY",
                                                                 "SYSLOG_IDENTIFIER"}


FIELD = r"\b(?:REAPERD|CONTAINER|IMAGE|SWARM)_[A-Z_]+\b"


def container_fields() -> set[str]:
    """What reaperd(8) promises of whatever is about one container."""
    page = (TOP / "man/reaperd.8").read_text()
    return set(re.findall(FIELD, re.search(r"^Whatever is about one container has\n(.*?)^\.Bl", page, re.M | re.S)[1]))


def promised() -> dict[str, set[str]]:
    """What it promises of each record besides, by message id."""
    page = (TOP / "man/reaperd.8").read_text()
    section = re.search(r"^\.Sh JOURNAL RECORDS\n(.*?)^\.Sh ", page, re.M | re.S)[1]
    return {ident: set(re.findall(FIELD, text)) for ident, text in
            re.findall(r"^\.It ([0-9a-f]{32})\n(.*?)(?=^\.It [0-9a-f]{32}$|\Z)", section, re.M | re.S)}


def catalog() -> dict[str, str]:
    """The texts of the catalog by message id, with its @FIELD@s."""
    text = re.sub(r"^#.*\n", "", (TOP / "systemd/reaperd.catalog").read_text(), flags=re.M)
    return {ident: body.strip("\n") for ident, body in
            re.findall(r"^-- ([0-9a-f]{32})\n(.*?)(?=^-- [0-9a-f]{32}$|\Z)", text, re.M | re.S)}


def explained(box: Box, record: Record) -> str:
    """What `journalctl -x` tells behind a record."""
    shown = box.run("journalctl", "--no-pager", "-x", f"--cursor={record['__CURSOR']}", "-n", "1").stdout
    return "\n".join(line.removeprefix("░░").removeprefix(" ") for line in shown.splitlines()
                     if line.startswith("░░")).strip("\n")


def expected_text(record: Record) -> str:
    """What the catalog says of it; journalctl leaves the name of a field that there is not."""
    return re.sub(r"@([A-Z_]+)@", lambda found: str(record.get(found[1], found[1])), catalog()[record["MESSAGE_ID"]])


def check_records(box: Box) -> set[str]:
    """Every kind of record that the node's journal has: the fields that were promised and no others, and a text in the
    catalog with all that it names. Returns the message ids."""
    of_container, of_record, said = container_fields(), promised(), catalog()
    newest = {}
    for record in box.journal(OURS):
        if "MESSAGE_ID" in record:
            newest[record["MESSAGE_ID"]] = record
            extra = own_fields(record) - of_record[record["MESSAGE_ID"]]
            assert extra <= of_container, f"no page promises {extra - of_container}: {record['MESSAGE']}"
    for ident, record in newest.items():
        assert ident in said, f"the catalog lacks {ident}: {record['MESSAGE']}"
        text = explained(box, record)
        assert text == expected_text(record)
        assert not re.search(r"@[A-Z_]+@", text)
        assert set(re.findall(r"@([A-Z_]+)@", said[ident])) <= set(record), f"{ident}: a field of its text is missing"
    return set(newest)
