# SPDX-License-Identifier: Apache-2.0
"""Fixtures: an engine and a reaperd that talks to it, and what must hold in every test.

The sockets are in a folder of their own below /tmp: a Unix socket's path may have 107 bytes only, and
pytest's folders are deep.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from daemon import BINARY, Reaperd
from standin import Standin


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rp-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@contextmanager
def running(path: Path) -> Iterator[Standin]:
    standin = Standin(str(path))
    yield standin
    standin.close()
    assert standin.violations == []
    assert standin.server.errors == []


@pytest.fixture
def engine(folder: Path) -> Iterator[Standin]:
    """An engine of API 1.41 that is there."""
    with running(folder / "d.sock") as standin:
        yield standin


@pytest.fixture
def other_engine(folder: Path) -> Iterator[Standin]:
    """Another one."""
    with running(folder / "e.sock") as standin:
        yield standin


@pytest.fixture(scope="session", autouse=True)
def end_in_order() -> None:
    """When the run is asked to end, fixtures still take away what they have made."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@pytest.fixture
def reaperd(engine: Standin, folder: Path, request: pytest.FixtureRequest) -> Iterator[Reaperd]:
    """reaperd, configured for the engine, not started. Its log is shown if the test fails."""
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is not built", pytrace=False)
    daemon = Reaperd(folder, f"unix://{engine.addresses[0]}")
    yield daemon
    crashed = not daemon.running() and daemon._process is not None
    daemon.close()
    if daemon.log_path.exists():
        request.node.add_report_section("teardown", "reaperd's log", daemon.log())
        print(daemon.log())
        assert "Sanitizer" not in daemon.log()
    assert not crashed, "reaperd ended by itself"
