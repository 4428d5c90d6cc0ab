# SPDX-License-Identifier: Apache-2.0
"""The figures as SVG and PNG, and the proof that they are of their data.

A picture's script holds the data that it shows. `pictures.txt` keeps the digest of script and picture, so that anyone
without gnuplot can tell whether a picture is what its data make. To draw it again and compare would not do: another
gnuplot, or other fonts, give other bytes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from . import figure_arms, figure_held, figure_steps, gnuplot, summary
from .gnuplot import Picture

PICTURES, ABOUT = "pictures.txt", "about.txt"
TABLES = ("figure4", "figure5", "figure6", "figure7", "figure8", "figure8-arms")
HEADER = ("# SPDX-License-Identifier: Apache-2.0\n"
          "# picture, its sha256, and the sha256 of the script with data that it is made of\n")


def pictures(results: Path, memory_csv: Path) -> dict[str, Picture]:
    """Each figure that there are data for, by its name."""
    about = summary.load_about(results / ABOUT)
    tables = {name: summary.load_table(results / f"{name}.csv") for name in TABLES
              if (results / f"{name}.csv").exists()}
    found = {**figure_steps.figures(tables, about), **figure_arms.figures(tables, about)}
    if memory_csv.exists():
        found["figure9"] = figure_held.picture(memory_csv.read_text(encoding="utf-8"))
    return found


def make(results: Path, memory_csv: Path) -> list[Path]:
    """Draws all, and takes away pictures that were made once and have no data any more. Trouble if gnuplot fails."""
    made, lines = [], []
    for name, picture in pictures(results, memory_csv).items():
        script = picture.script()
        drawn = gnuplot.draw(picture, script)
        for content, (file, source) in zip(drawn, _sources(name, picture, script)):
            _write(results / file, content)
            made.append(results / file)
            lines.append(f"{file} {_digest(content)} {_digest(source.encode())}\n")
    for file in _known(results):
        if results / file not in made:
            (results / file).unlink(missing_ok=True)
    _write(results / PICTURES, (HEADER + "".join(lines)).encode())
    return made


def check(results: Path, memory_csv: Path) -> list[str]:
    """What is not as `make` leaves it, a sentence each."""
    wrong = []
    known = _known(results)
    wanted = {file: _digest(source.encode()) for name, picture in pictures(results, memory_csv).items()
              for file, source in _sources(name, picture, picture.script())}
    for file, source in wanted.items():
        path = results / file
        if file not in known:
            wrong.append(f"{path} is not in {PICTURES}")
        elif not path.exists():
            wrong.append(f"{path} is missing")
        elif known[file][1] != source:
            wrong.append(f"{path} is not made from the data that are there")
        elif known[file][0] != _digest(path.read_bytes()):
            wrong.append(f"{path} is not the picture that was made")
    return wrong + [f"{results / file} is in {PICTURES}, and has no data" for file in known if file not in wanted]


def _sources(name: str, picture: Picture, script: str) -> list[tuple[str, str]]:
    """File, and the whole script of it."""
    return [(f"{name}.svg", gnuplot.svg_head(picture) + script), (f"{name}.png", gnuplot.png_head(picture) + script)]


def _known(results: Path) -> dict[str, tuple[str, str]]:
    """What pictures.txt says."""
    try:
        lines = (results / PICTURES).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        fields = line.split()
        if not line.startswith("#") and len(fields) == 3 and "/" not in fields[0]:
            found[fields[0]] = (fields[1], fields[2])
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Whole, or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    os.replace(new, path)
