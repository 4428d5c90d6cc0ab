# SPDX-License-Identifier: Apache-2.0
"""Which of the experiment's own files results depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiment import TOP, sources

TREE = {
    "experiment/course.py": "from . import caches\nfrom .rig import Cell\n",
    "experiment/arms.py": "import os\nfrom lab.fleet import Fleet\ndef f():\n    from .late import g\n",
    "experiment/caches.py": "", "experiment/rig.py": "from . import TOP\nfrom lab import until\n",
    "experiment/late.py": "", "experiment/__init__.py": "TOP = 1\n", "experiment/page.py": "from . import rig\n",
    "tests/lab/__init__.py": "from .wait import until\n", "tests/lab/fleet.py": "from .engine import E\n",
    "tests/lab/engine.py": "", "tests/lab/wait.py": "", "tests/lab/box.py": "from .engine import E\n",
}
APART = {"experiment/page.py", "tests/lab/box.py"}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_they_are_what_measures_and_all_that_it_imports(top: Path) -> None:
    assert set(map(str, sources.files(top))) == TREE.keys() - APART


@pytest.mark.parametrize("name", TREE)
def test_results_change_with_them_and_with_no_others(top: Path, name: str) -> None:
    before = sources.digest(top)
    with open(top / name, "a", encoding="utf-8") as file:
        file.write("# more\n")
    assert (sources.digest(top) == before) == (name in APART)


def test_a_file_more_is_another_state(top: Path) -> None:
    before = sources.digest(top)
    (top / "experiment/rig.py").write_text(TREE["experiment/rig.py"] + "from . import page\n")
    assert sources.digest(top) != before


def test_those_of_this_tree() -> None:
    found = set(map(str, sources.files()))
    assert {f"experiment/{name}.py" for name in ("course", "arms", "stage", "load", "meter", "machine", "process",
                                                 "cgroup", "cleaner", "outcome", "latency", "background", "caches",
                                                 "rig", "sizes")} <= found
    assert {f"tests/lab/{name}.py" for name in ("engine", "fleet", "host", "reaper", "workload", "cgroups")} <= found
    assert not {f"experiment/{name}.py" for name in ("page", "plots", "claims", "store", "run", "about")} & found
    assert all((TOP / path).is_file() for path in found)
