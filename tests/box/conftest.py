# SPDX-License-Identifier: Apache-2.0
"""Common ground of the tests on a whole node in a box.

What these tests need and the host lacks is a failure, not a skip: a suite that skips everything would be green and
prove nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import service_kit as kit  # noqa: E402
from lab import missing_tools  # noqa: E402
from lab.box import Box, BoxImage  # noqa: E402
from package import CONFIGURATION, repacked  # noqa: E402

BUILD = TOP / "build"
# Spans that a test can wait for.
SETTINGS = """\
[Engine]
SettleTime=0
[Retention]
MinimumAge=10s
Success=12s
Failure=25s
[Reaper]
FirstRunDelay=0
"""
# Below what a release that follows would have.
OLDER = "0.0.9"


def must(*argv: str, **env: str) -> str:
    """What a command prints."""
    done = subprocess.run(argv, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env={**os.environ, **env})
    if done.returncode:
        pytest.fail(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def package(variable: str, build: Path, *arguments: str) -> Path:
    """The package that the environment names, or one that is made now."""
    if given := os.environ.get(variable):
        return Path(given).resolve()
    # The unit tests have a suite of their own.
    printed = must("make", "--no-print-directory", f"BUILD={build.relative_to(TOP)}", *arguments, "deb",
                   DEB_BUILD_OPTIONS="nocheck")
    return TOP / next(line for line in printed.splitlines() if re.search(r"/reaperd_[^/]*\.deb$", line))


@pytest.fixture(scope="session")
def box_image() -> Iterator[BoxImage]:
    if missing := missing_tools():
        pytest.fail(f"tests in a box need: {', '.join(missing)}", pytrace=False)
    tree = Path(must("tools/box-tree.sh").strip())
    # systemd 257 refuses the first version of cgroups unless it is told; others do not mind.
    with BoxImage(tree, ["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]) as image:
        yield image


@pytest.fixture(scope="session")
def deb() -> Path:
    """The package of this tree."""
    return package("REAPERD_DEB", BUILD)


@pytest.fixture(scope="session")
def older_deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the number of an older version, for upgrades. Its configuration is another one too: only then is
    there anything for dpkg to replace, or to ask about."""
    def another_default(tree: Path) -> None:
        with (tree / CONFIGURATION[1:]).open("a") as file:
            file.write("\n# The older version ended like this.\n")

    same = package("REAPERD_OLDER_DEB", BUILD / "older", f"VERSION={OLDER}")
    return repacked(same, tmp_path_factory.mktemp("older"), another_default)


@pytest.fixture
def bare(box_image: BoxImage) -> Iterator[Box]:
    """A node that has never seen reaperd."""
    with Box(box_image) as box:
        yield box


@pytest.fixture(scope="module")
def node(box_image: BoxImage, deb: Path) -> Iterator[Box]:
    """A node with a Swarm and reaperd, as the package leaves it, but for short spans and no wait of a first run."""
    with Box(box_image) as box:
        kit.furnish(box, deb, SETTINGS)
        yield box


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Show the end of the box's journal with a failure."""
    outcome: Any = yield
    report = outcome.get_result()
    box = next((made for made in getattr(item, "funcargs", {}).values() if isinstance(made, Box)), None)
    if report.failed and box is not None:
        report.sections.append(("journal of the box", box.tail()))
