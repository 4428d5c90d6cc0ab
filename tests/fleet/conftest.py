# SPDX-License-Identifier: Apache-2.0
"""Common ground of the tests on a Swarm of several nodes.

What these tests need and the host lacks is a failure, not a skip: a suite that skips everything would be green and
prove nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from lab.fleet import Fleet, missing_fleet_tools  # noqa: E402
from making import make_image  # noqa: E402
from rollout import Rollout  # noqa: E402


@pytest.fixture(scope="session")
def reaperd() -> Path:
    path = Path(os.environ.get("REAPERD", TOP / "build" / "reaperd")).resolve()
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is missing: build it first, or set REAPERD", pytrace=False)
    return path


@pytest.fixture(scope="session")
def image(reaperd: Path) -> Path:
    return make_image(reaperd)


@pytest.fixture(scope="module")
def rollout(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    """One manager and two workers, where nothing of reaperd has ever been."""
    if missing := missing_fleet_tools():
        pytest.fail(f"tests on a fleet need: {', '.join(missing)}", pytrace=False)
    with Fleet(managers=1, workers=2) as fleet:
        yield Rollout(fleet, tmp_path_factory.mktemp("operator"), image)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Show what the tasks have said with a failure."""
    outcome: Any = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("rollout")
    if report.failed and isinstance(made, Rollout):
        try:
            report.sections.append(("docker service logs", made.log()))
            report.sections.append(("docker service ps", made.sh("docker service ps --no-trunc reaperd_reaperd")))
        except Exception as error:  # pylint: disable=broad-except
            report.sections.append(("docker service logs", f"none: {error}"))
