# SPDX-License-Identifier: Apache-2.0
"""A node for all tests of the drop-ins that are installed as examples, each copied there as its own comment tells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

import service_kit as kit
from dropin_kit import COLD, WRITTEN, DropIn
from lab.box import UNIT, Box, BoxImage

# Nothing goes by itself, and nothing that the machine's other tests do is of account.
SETTINGS = """\
[Engine]
SettleTime=0
[Retention]
MinimumAge=10s
Success=infinity
Failure=infinity
KeepLastFailure=0
[Reaper]
FirstRunDelay=0
[Pressure]
MemoryAvailableLow=off
Stall=off
"""


@pytest.fixture(scope="package")
def node(box_image: BoxImage, deb: Path) -> Iterator[Box]:
    with Box(box_image) as box:
        kit.furnish(box, deb, SETTINGS)
        yield box


@pytest.fixture(scope="package", autouse=True)
def written(node: Box) -> dict[str, dict[str, Any]]:
    """Containers that have written so many MB each, in the order in which they ended: their facts by id.

    Made before the first test, so that they are as old as they have to be when they are wanted.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, size in WRITTEN.items():
        kit.job(node, name, 1, f"dd if=/dev/zero of=/data/written bs=1M count={size}")
        found |= {ident: {**facts, "name": name} for ident, facts in kit.ended(node, name, 1).items()}
    for facts in found.values():
        if facts["name"] == COLD:
            forget(Path(f"/proc/{node.pid}/root{facts['GraphDriver']['Data']['UpperDir']}/data/written"))
    return found


def forget(path: Path) -> None:
    """Have the kernel drop what it has in its cache of a file."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@pytest.fixture
def old(node: Box, written: dict[str, dict[str, Any]]) -> Callable[..., list[str]]:
    """The containers of these names, which may go from now on."""
    def of(*names: str) -> list[str]:
        facts = {ident: facts for ident, facts in written.items() if facts["name"] in names}
        assert len(facts) == len(names)
        kit.aged(node, facts, 10.5)
        return list(facts)

    return of


@pytest.fixture
def drop_in(node: Box) -> Iterator[Callable[..., DropIn]]:
    """Put one in its place, with what the configuration needs, and restart reaperd; all is taken back in the end.

    change: what an admin changes in the file, the places that the comment names included.
    """
    def put(name: str, change: Callable[[str], str] = lambda text: text) -> DropIn:
        found = DropIn.read(node, name)
        node.write(found.place, change(found.text))
        if found.configuration:
            node.configure(change(found.configuration), "60-drop-in.conf")
        kit.restart(node)
        return found

    yield put
    node.sh(f"rm -rf /etc/systemd/system/{UNIT}.d /etc/reaperd/reaperd.conf.d/[5-9]*")
    kit.restart(node)
