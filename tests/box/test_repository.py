# SPDX-License-Identifier: Apache-2.0
"""A package repository as docs/fleet.md makes one, and a node that installs and upgrades from it.

The page's own commands are run: on this machine those that make the repository, in the box those of a node.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from lab.box import Box
from package import enabled, on_bus, said, told_by, version_of

sys.path.append(str(Path(__file__).resolve().parent.parent / "fleet"))
from doc import commands  # noqa: E402

KEY = "packages@example.org"
NAMED = "build/reaperd_0.1.0_amd64.deb"
# The folder that both sides know.
FOLDER, URI = "/srv/reaperd", "https://packages.example.org/reaperd"
SECTION = "A package repository"


class Repository:
    """The operator's machine: a key, and a folder of packages."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self._env = {**os.environ, "GNUPGHOME": str(home)}
        self._run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", KEY)
        self._make = next(block for block in commands(SECTION) if "apt-ftparchive" in block)

    def _run(self, *argv: str) -> None:
        done = subprocess.run(argv, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout

    def add(self, deb: Path, box: Box) -> None:
        """A package, by the page's commands; and the node sees the folder as it is now."""
        script = self._make
        for told, here in ((NAMED, str(deb)), (FOLDER, str(self.folder))):
            assert told in script, f"the page does not tell of {told}"
            script = script.replace(told, here)
        self._run("sh", "-euc", script)
        box.sh(f"rm -rf {FOLDER}")
        for path in self.folder.iterdir():
            box.copy(path, f"{FOLDER}/{path.name}")

    def signed_by_another(self) -> Path:
        """The same list, as it would be signed by somebody whom the node does not know."""
        signed = self.home / "InRelease"
        self._run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "other@example.org")
        self._run("gpg", "--batch", "--yes", "--local-user", "other@example.org", "--clearsign", "--output", str(signed),
                  str(self.folder / "Release"))
        return signed

    def close(self) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], env=self._env, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    # Its agents listen on sockets there, whose paths have to be short.
    with tempfile.TemporaryDirectory(prefix="rp-key-") as home:
        made = None
        try:
            made = Repository(tmp_path / "reaperd", Path(home))
            yield made
        finally:
            if made is not None:
                made.close()


def test_a_node_installs_and_upgrades_from_it(bare: Box, repository: Repository, older_deb: Path, deb: Path,
                                              tmp_path: Path) -> None:
    older, newer = (Path(shutil.copy(path, tmp_path / f"reaperd_{version_of(path)}_amd64.deb"))
                    for path in (older_deb, deb))
    repository.add(older, bare)
    on_node = next(block for block in commands(SECTION) if "Signed-By" in block)
    assert URI in on_node and "apt-get install" in on_node
    done = bare.run("sh", "-euc", f"cd {FOLDER}\n{on_node.replace(URI, f'file:{FOLDER}')}", timeout=120)
    assert said(done) == ""
    assert (bare.state(), enabled(bare)) == ("active", "enabled")
    bare.until(lambda: on_bus(bare, "Version") == told_by(older), 10, "reaperd has its name on the bus")

    repository.add(newer, bare)
    done = bare.run("sh", "-euc", "apt-get update && apt-get upgrade --yes", timeout=120)
    assert said(done) == ""
    bare.until(lambda: on_bus(bare, "Version") == told_by(newer), 10, "the newer version is on the bus")


@pytest.mark.parametrize(("change", "refusal"), [
    ("list", "Hash Sum mismatch|unexpected size"), ("key", "NO_PUBKEY|not signed"), ("signature", "not signed")])
def test_what_the_key_has_not_signed_is_refused(bare: Box, repository: Repository, deb: Path, change: str,
                                                refusal: str) -> None:
    """A list that was changed behind its signature; one that another key has signed; one that none has."""
    named = Path(shutil.copy(deb, repository.home / f"reaperd_{version_of(deb)}_amd64.deb"))
    repository.add(named, bare)
    on_node = next(block for block in commands(SECTION) if "Signed-By" in block)
    if change == "list":
        bare.sh(f"cd {FOLDER} && sed -i 's/^Description: .*/Description: another text/' Packages")
    elif change == "key":
        bare.copy(repository.signed_by_another(), f"{FOLDER}/InRelease")
    else:
        bare.sh(f"rm {FOLDER}/InRelease")
    done = bare.run("sh", "-euc", f"cd {FOLDER}\n{on_node.replace(URI, f'file:{FOLDER}')}", check=False, timeout=120)
    assert done.returncode != 0 and re.search(refusal, done.stderr), done.stderr
    assert "reaperd" not in bare.sh("dpkg-query --show")
