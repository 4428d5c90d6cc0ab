# SPDX-License-Identifier: Apache-2.0
"""Common ground of the tests of packages: the Debian package of this tree, built once, and what is in it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sources import SPELLED, make, run  # noqa: E402


@dataclass(frozen=True)
class Package:
    """A .deb and the one of its debugging symbols, both as they are and unpacked."""

    file: Path
    symbols: Path
    files: Path
    control: Path

    def field(self, name: str) -> str:
        return run("dpkg-deb", "--field", self.file, name).stdout.strip()


@pytest.fixture(scope="session")
def architecture() -> str:
    return run("dpkg", "--print-architecture").stdout.strip()


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as they are now, without git; what is compared must have been made of the same."""
    tree = tmp_path_factory.mktemp("sources") / "reaperd"
    run("tools/release.sh", "tree", tree)
    return tree


@pytest.fixture(scope="session")
def deb(sources: Path, tmp_path_factory: pytest.TempPathFactory, architecture: str) -> Package:
    """Built as `make deb` does it, but for the unit tests: test_deb_build.py has these."""
    build = tmp_path_factory.mktemp("deb")
    make(f"BUILD={build}", "deb", cwd=sources, DEB_BUILD_OPTIONS="nocheck parallel=2")
    file = build / f"reaperd_{SPELLED}_{architecture}.deb"
    symbols, = build.glob(f"reaperd-dbgsym_{SPELLED}_{architecture}.*deb")
    files, control = build / "files", build / "control"
    run("dpkg-deb", "--extract", file, files)
    run("dpkg-deb", "--control", file, control)
    return Package(file, symbols, files, control)
