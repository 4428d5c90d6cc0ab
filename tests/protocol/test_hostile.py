# SPDX-License-Identifier: Apache-2.0
"""Names, labels and messages that were made to deceive whoever reads the log.

Anybody who may run a container may choose its labels, and so may write to an administrator's terminal
through every program that prints them. On stderr they come out escaped, on one line.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Callable

import pytest

from daemon import Reaperd
from standin import Standin

FORGED = "reaperd: Removed 0123456789ab forged: ttl-expired, age 1h, exit 0"
HOSTILE = {
    "escape": "web\x1b[2J\x1b]0;title\x07",
    "newline": f"web\n{FORGED}\r\n{FORGED}\r",
    "format": "%s%n%*d%1000000s%",
    "c1": "web\x9b31mred\x85next\x7f",
    "unicode-lines": f"web\u2028{FORGED}\u2029{FORGED}",
    "long": "x" * 100_000,
    "quotes": "\"'\\\t\b\f",
    "empty": "",
    "slashes": "/../../etc/passwd",
}


def check_log(reaperd: Reaperd, removed: int) -> None:
    """Nothing but lines of reaperd's own, in clean text."""
    text = reaperd.log_path.read_bytes().decode("utf-8")
    control = {char for char in text if unicodedata.category(char) == "Cc" and char != "\n"}
    assert not control
    assert all(line.startswith("reaperd: ") for line in reaperd.lines())
    assert reaperd.count("^reaperd: Removed ") == removed
    assert max(map(len, reaperd.lines())) < 10_000


@pytest.mark.parametrize("name", HOSTILE)
def test_name_and_labels(engine: Standin, reaperd: Reaperd, name: str) -> None:
    text = HOSTILE[name]
    c = engine.add(name=text, image=text or "x")
    c.labels |= {key: text for key in [*c.labels, text, "signal", "exitCode", "name"]}
    reaperd.start(RetryInitial="1s", OrphanAge="1h")
    engine.wait_answered("list")
    other = engine.add(name=text)
    other.labels |= {"com.docker.swarm.service.name": text}
    engine.emit("kill", other, other.finished)
    engine.emit("rename", other, other.finished, oldName=text)
    engine.emit("die", other, other.finished)
    engine.wait_removed(c, other)
    assert reaperd.stop() == 0
    check_log(reaperd, removed=2)


@pytest.mark.parametrize("name", HOSTILE)
def test_message_of_a_failure(engine: Standin, reaperd: Reaperd, name: str) -> None:
    c = engine.add()
    engine.fault("remove", c, times=None, status=500, message=HOSTILE[name])
    assert reaperd.once().failed == 1
    check_log(reaperd, removed=0)


@pytest.mark.parametrize("edit", [
    lambda body: b'{"message":"\xff\xfe\x1b[31m"}', lambda body: b"\x1b[31mnot json\n" * 10,
    lambda body: b"\0" * 1000, lambda body: b'{"message":{"message":"x"}}',
    lambda body: b'{"message":"' + b"y" * (1 << 20) + b'"}',
    lambda body: b"",
], ids=["utf8", "text", "nul", "object", "1MB", "empty"])
def test_broken_failure(engine: Standin, reaperd: Reaperd, edit: Callable[[bytes], bytes]) -> None:
    c, other = engine.add(slot=1), engine.add(slot=2)
    engine.fault("remove", c, times=None, status=500, edit=edit)
    assert reaperd.once().failed == 1
    assert engine.removed == [other.id]
    check_log(reaperd, removed=1)


@pytest.mark.parametrize("name", ["escape", "newline", "format", "long"])
def test_info_and_version(engine: Standin, reaperd: Reaperd, name: str) -> None:
    text = HOSTILE[name]
    engine.info_extra = {"Name": text, "ServerVersion": text,
                         "Swarm": {"NodeID": text, "LocalNodeState": text, "Error": text}}
    engine.add()
    assert reaperd.once("--log-level=debug").status == 0
    assert not engine.removed
    check_log(reaperd, removed=0)


@pytest.mark.parametrize("how", [
    {"api": "9" * 400}, {"api": "1.41\x1b[31m"}, {"api": "-1.41"}, {"api": "1"}, {"api": ""},
    {"api": "%s.%n"},
], ids=lambda how: repr(how["api"])[:12])
def test_version_is_no_version(engine: Standin, reaperd: Reaperd, how: dict[str, Any]) -> None:
    engine.add()
    engine.fault("version", times=None, edit=lambda body: body.replace(b'"ApiVersion": "1.41"', (
        b'"ApiVersion": "%b"' % how["api"].replace("\x1b", "\\u001b").encode())))
    assert reaperd.once().status in (1, 2)
    assert not engine.removed
    check_log(reaperd, removed=0)
