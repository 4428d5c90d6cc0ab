# SPDX-License-Identifier: Apache-2.0
"""A folder with documents and made-up results, as a checkout has them."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [folder for folder in (str(HERE), str(HERE.parent.parent)) if folder not in sys.path]

import made                                                     # noqa: E402
from experiment import TOP, blocks, claims, page, plots, settings       # noqa: E402
from experiment.facts import Facts                              # noqa: E402
from experiment.sizes import FULL                               # noqa: E402

PAPER = """# Paper

It took <!--=figure4.writes.used.rise--><!--/--> in <!--paper-->70 containers<!--/-->,
and<!--holds: rises figure4 writes used--> it rose in a line (<!--=threshold.line--><!--/-->). Try `sleep 5 s`.

    wait 10 minutes

"""
README = """# Readme

![Figure 8](docs/experiment/figure8.svg)

[More](docs/paper.md): <!--=figure8.writes.nothing.ended--><!--/--> tasks.
"""
# A file of `small`, what is in it, and what makes it wrong.
SPOILT = (
    ("docs/paper.md", " MB<!--/-->", "1 MB<!--/-->"),
    ("docs/paper.md", " MB<!--/-->", " MB"),
    ("docs/paper.md", "<!--=figure4.writes.used.rise-->", "<!--=figure4.writes.used.rises-->"),
    ("docs/paper.md", "<!--=figure4.writes.used.rise-->", "<!--figure4.writes.used.rise-->"),
    ("docs/paper.md", "rises figure4", "falls figure4"),
    ("docs/paper.md", "rises figure4", "floats figure4"),
    ("docs/paper.md", "rises figure4 writes used", "rises figure4 writes"),
    ("docs/paper.md", "rises figure4", "rises figure3"),
    ("docs/paper.md", "<!--paper-->70 containers<!--/-->", "70 containers"),
    ("docs/paper.md", "Try `sleep 5 s`", "It took five seconds"),
    ("docs/paper.md", "It took <!--=", "It took\n<!--="),
    ("docs/paper.md", "experiment: claims: begin", "experiment: claim: begin"),
    ("docs/paper.md", "made by experiment: claims: end", "made by experiment: claims end"),
    ("docs/paper.md", "| **confirmed** |", "| **refuted** |"),
    ("docs/paper.md", "<!--=claim.number-->", "<!--=claim.figure-->"),
    ("docs/paper.md", "](experiment/figure6.svg)", "](experiment/figure5.svg)"),
    ("README.md", "![Figure 8](docs/experiment/figure8.svg)", ""),
    ("README.md", "(docs/paper.md)", "(docs/memory.md)"),
    ("README.md", "<!--/-->", "1<!--/-->"),
    ("README.md", " tasks.", " tasks, and 5 MB."),
    ("docs/paper.md", "<!--=threshold.line-->", "<!--=threshold.lines-->"),
    ("docs/paper.md", "experiment: sizes: begin", "experiment: size: begin"),
    ("docs/experiment/figure4.csv", "writes,1,swarm,0,0,5,6,0.3,", "writes,1,swarm,0,0,5,6,x,"),
    ("docs/experiment/figure8-arms.csv", "writes,nothing,120,620,", "writes,nothing,120,621,"),
    ("docs/experiment/about.txt", "kernel: 6.18.44", "kernel: 6.1.0"),
)


def facts(folder: Path) -> Facts:
    """Of a whole folder of made-up results."""
    return Facts.load(results(folder), TOP / "docs" / "memory.csv")


def results(folder: Path) -> Path:
    made.results(folder)
    about = {**made.ABOUT, **settings.to_pairs(FULL)}
    (folder / "about.txt").write_text("".join(f"{key}: {value}\n" for key, value in about.items()), encoding="utf-8")
    return folder


def pretend_pictures(folder: Path, memory: Path) -> None:
    """As if they had been drawn: pictures.txt knows them."""
    lines = []
    for name, picture in plots.pictures(folder, memory).items():
        for file, source in plots._sources(name, picture, picture.script()):
            (folder / file).write_bytes(file.encode())
            lines.append(f"{file} {hashlib.sha256(file.encode()).hexdigest()} "
                         f"{hashlib.sha256(source.encode()).hexdigest()}\n")
    (folder / plots.PICTURES).write_text("".join(lines), encoding="utf-8")


def checkout(top: Path) -> Path:
    """With the project's own documents, renewed."""
    (top / "docs").mkdir(parents=True)
    for name in (page.PAPER, page.README, page.MEMORY):
        shutil.copy(TOP / name, top / name)
    results(top / page.RESULTS)
    pretend_pictures(top / page.RESULTS, top / page.MEMORY)
    page.renew(top)
    return top


def small(folder: Path) -> dict[str, str]:
    """Files of a checkout with short documents that show all they have to, and nothing wrong."""
    made_up = results(folder / page.RESULTS)
    (folder / page.MEMORY).write_text((TOP / page.MEMORY).read_text(encoding="utf-8"), encoding="utf-8")
    pretend_pictures(made_up, folder / page.MEMORY)
    known = Facts.load(made_up, folder / page.MEMORY)
    paper = PAPER
    for block in blocks.wanted(known):
        paper += f"<!-- made by experiment: {block}: begin -->\n<!-- made by experiment: {block}: end -->\n\n"
    paper += "".join(f"- {claim.name}: <!--=claim.{claim.name}--><!--/-->\n" for claim in claims.claims(known))
    paper += "".join(f"\n![Figure {figure}](experiment/figure{figure}.svg)\n" for figure in range(4, 10))
    (folder / page.PAPER).write_text(paper, encoding="utf-8")
    (folder / page.README).write_text(README, encoding="utf-8")
    page.renew(folder)
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8")
            for path in folder.rglob("*") if path.is_file()}
