# SPDX-License-Identifier: Apache-2.0
"""Which state of the experiment's own code has measured: results of two are not mixed."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from typing import Iterator

from . import TOP

MEASURING = ("experiment/course.py", "experiment/arms.py")
PLACES = {"experiment": Path("experiment"), "lab": Path("tests", "lab")}     # of packages


def digest(top: Path = TOP) -> str:
    """Of all files that take part in a cell; those that judge and draw its results do not."""
    found = hashlib.sha256()
    for path in sorted(files(top)):
        content = (top / path).read_bytes()
        found.update(f"{path} {len(content)}\n".encode() + content)
    return found.hexdigest()[:16]


def files(top: Path = TOP) -> set[Path]:
    """What measures, and what that imports."""
    found: set[Path] = set()
    todo = {Path(path) for path in MEASURING}
    while todo:
        found |= todo
        todo = {imported for path in todo for imported in _imported(top, path)} - found
    return found


def _imported(top: Path, path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse((top / path).read_bytes())):
        if isinstance(node, ast.ImportFrom):
            package, _, module = (node.module or "").partition(".")
            if node.level:
                folder, module = path.parent, node.module or ""
            elif package in PLACES:
                folder = PLACES[package]
            else:
                continue
            yield folder / "__init__.py"
            for name in [module] if module else [alias.name for alias in node.names]:
                if (top / folder / f"{name}.py").is_file():
                    yield folder / f"{name}.py"
