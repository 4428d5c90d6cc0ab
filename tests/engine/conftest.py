# SPDX-License-Identifier: Apache-2.0
"""Common ground of the tests on a real engine.

What these tests need and the host lacks is a failure, not a skip: a suite that
skips everything would be green and prove nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from lab import Engine, RecordingProxy, missing_tools  # noqa: E402
from bench import Bench  # noqa: E402
from journal import Journal  # noqa: E402


def binary() -> Path:
    return Path(os.environ.get("REAPERD", HERE.parent.parent / "build" / "reaperd")).resolve()


@pytest.fixture(scope="session")
def reaperd() -> Path:
    path = binary()
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is missing: build it first, or set REAPERD", pytrace=False)
    return path


@pytest.fixture(scope="session")
def host_ready() -> None:
    if missing := missing_tools():
        pytest.fail(f"tests on a real engine need: {', '.join(missing)}", pytrace=False)


@pytest.fixture(scope="module")
def bench(host_ready: None, reaperd: Path) -> Iterator[Bench]:
    """An engine with a Swarm, the recorder at work, and a proxy for reaperd."""
    with Engine() as engine:
        engine.with_swarm()
        with RecordingProxy(str(engine.dir / "proxy.sock"), engine.socket) as proxy:
            with Bench(engine, proxy, reaperd) as made:
                yield made


@pytest.fixture(scope="module")
def journal(bench: Bench) -> Iterator[Journal]:
    made = Journal(bench.engine.dir)
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Show the end of reaperd's log with a failure."""
    outcome: Any = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("bench")
    if report.failed and isinstance(made, Bench):
        report.sections.append(("reaperd", made.log_tail()))
