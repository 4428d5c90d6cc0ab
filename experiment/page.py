# SPDX-License-Identifier: Apache-2.0
"""The numbers in the documents: docs/paper.md, and what README.md says of it.

Marks that a reader of the page does not see tell what is made from the data:

    <!--=NAME-->890 MB<!--/-->          a value; NAME is one of `facts`, or claim.NAME: its verdict, file.NAME: how
                                        much a task must write for it, threshold.NAME: one of those that judge
    <!-- made by experiment: NAME: begin -->
    <!-- made by experiment: NAME: end -->      a table between these; NAME is one of `blocks`
    <!--holds: PREDICATE ARGUMENTS-->   its sentence rests on this; a predicate of `claims`
    <!--paper-->70<!--/-->              the paper's own number, or one that nobody measured

`renewed` writes values and tables anew. `check` compares; there, too, every `holds` must be true, and no number with a
unit may stand outside of marks and code in docs/paper.md and in those paragraphs of README.md that have marks. No line
may begin with a mark but those of tables: Markdown would end the paragraph there, and take the line for HTML.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

from . import blocks, claims, plots
from .facts import Facts, Unknown
from .rig import Trouble

PAPER, README = Path("docs", "paper.md"), Path("README.md")
RESULTS, MEMORY = Path("docs", "experiment"), Path("docs", "memory.csv")
RENEW = "`make experiment-docs` renews it"

VALUE = re.compile(r"<!--=([^>]*?)-->((?:(?!<!--)[^\n])*)<!--/-->")
BLOCK = re.compile(r"(<!-- made by experiment: ([^>\n]*): begin -->\n)((?:(?!<!-- made by).)*)"
                   r"(<!-- made by experiment: \2: end -->)", re.S)
HOLDS = re.compile(r"<!--holds: ([^>\n]*?)-->")
OWN = re.compile(r"<!--paper-->((?:(?!<!--)[^\n])*)<!--/-->")
COMMENT = re.compile(r"<!--.*?-->", re.S)
WORDS = ("two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|"
         "eighty|ninety|hundred|thousand")
UNITS = (r"%|[kMG]i?B|bytes?|percent|m?s\b|milliseconds?|seconds?|minutes?|hours?|CPUs?|tasks?|containers?|inodes?|"
         r"workers?|managers?|engines?|times\b")
MEASURED = re.compile(rf"(?:\b\d[\d,.]*|\b(?:{WORDS}))[\s-]*(?:{UNITS})(?!\w)", re.I)


def value(facts: Facts, name: str) -> str:
    kind, _, rest = name.partition(".")
    if kind == "claim":
        return claims.claim(facts, rest).verdict
    if kind == "file":
        return claims.file_size(facts, rest).text()
    if kind == "threshold":
        return f"{100 * claims.THRESHOLDS[rest]:g} %"
    return facts.text(name)


def renewed(text: str, facts: Facts) -> str:
    """ValueError, with a line for each, names what cannot be made."""
    problems: list[str] = list(_malformed(text))

    def made(found: re.Match[str], name: str, make: object) -> str:
        try:
            return make(facts, name)        # type: ignore[operator]
        except (Unknown, KeyError, ValueError) as error:
            problems.append(f"{_line(text, found.start())}: {name}: {error}")
            return ""

    # One pass over the text as it was, so that lines are those of the file.
    pieces, at = [], 0
    for found in sorted([*VALUE.finditer(text), *BLOCK.finditer(text)], key=lambda f: f.start()):
        if found.start() < at:
            continue        # a mark in a table
        pieces.append(text[at:found.start()])
        if found.re is VALUE:
            pieces.append(f"<!--={found[1]}-->{made(found, found[1], value)}<!--/-->")
        else:
            pieces.append(f"{found[1]}\n{made(found, found[2], blocks.block)}\n\n{found[4]}")
        at = found.end()
    if problems:
        raise ValueError("\n".join(problems))
    return "".join(pieces) + text[at:]


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """Without what the pattern finds, lines kept."""
    return pattern.sub(lambda found: " " + "\n" * found[0].count("\n"), text)


def _malformed(text: str) -> Iterator[str]:
    """Marks that are not whole, as `LINE: what`."""
    rest = text
    for pattern in (VALUE, OWN, BLOCK, HOLDS):
        rest = _blanked(pattern, rest)
    for found in re.finditer(r"<!--(?:\s*(?:=|/|holds|paper|made by experiment)[^>\n]*)", rest):
        yield f"{_line(rest, found.start())}: a mark that is not whole: {found[0]}"
    for found in re.finditer(r"^[ \t>*-]*<!--(?:=|/|holds|paper)", _blanked(BLOCK, text), re.M):
        yield f"{_line(text, found.start())}: begins with a mark, and so is HTML and no text of a paragraph"


def _code(text: str) -> str:
    """Without code, blocks that are indented or fenced, and `words`."""
    for pattern in (r"^```.*?^```$", r"(?:(?<=\n\n)|\A)(?:    .*\n)+", r"`[^`\n]*`"):
        text = _blanked(re.compile(pattern, re.M | re.S if pattern.startswith("^") else 0), text)
    return text


def paragraphs_with_marks(text: str) -> str:
    """The others blank, lines kept."""
    return "\n\n".join(part if VALUE.search(part) else "\n" * part.count("\n") for part in text.split("\n\n"))


def by_hand(text: str) -> Iterator[str]:
    """Numbers with a unit that no mark makes, as `LINE: the number`."""
    for pattern in (BLOCK, VALUE, OWN, COMMENT):
        text = _blanked(pattern, text)
    # A figure's number, and what a link leads to, is no measurement.
    text = _blanked(re.compile(r"\]\([^)]*\)"), _code(text))
    for found in MEASURED.finditer(text):
        yield f"{_line(text, found.start())}: a number that is not made from the data: {' '.join(found[0].split())}"


def untrue(text: str, facts: Facts) -> Iterator[str]:
    """What does not hold, as `LINE: what`."""
    for found in HOLDS.finditer(text):
        at = _line(text, found.start())
        try:
            if not claims.holds(facts, found[1]):
                yield f"{at}: the data does not show what this rests on: {found[1]}"
        except Unknown as error:
            yield f"{at}: {error}"


def lacking(name: Path, text: str, facts: Facts) -> Iterator[str]:
    """What the document has to show."""
    if name == README:
        if not re.search(r"!\[[^\]]*\]\(docs/experiment/figure8\.svg\)", text):
            yield "does not show docs/experiment/figure8.svg"
        if "](docs/paper.md" not in text:
            yield "does not lead to docs/paper.md"
        if not VALUE.search(text):
            yield "has no number of figure 8"
        return
    made = {found[2] for found in BLOCK.finditer(text)}
    for block in blocks.wanted(facts):
        if block not in made:
            yield f"has no table {block!r}"
    said = {found[1] for found in VALUE.finditer(text)}
    for claim in claims.claims(facts):
        if f"claim.{claim.name}" not in said:
            yield f"does not say what became of the claim {claim.name!r}"
    for figure in range(4, 10):
        if f"](experiment/figure{figure}.svg)" not in text:
            yield f"does not show experiment/figure{figure}.svg"


def check(top: Path) -> list[str]:
    """What is wrong with the documents below `top`, in sentences."""
    if not (top / RESULTS / "about.txt").is_file():
        return [f"{RESULTS}: is missing; `make experiment-docs` makes it of the results of `sudo make experiment`"]
    try:
        facts = Facts.load(top / RESULTS, top / MEMORY)
    except (Unknown, OSError) as error:
        return [f"{RESULTS}: {error}"]
    problems = []
    for name in (PAPER, README):
        if not (top / name).is_file():
            problems.append(f"{name}: is missing")
            continue
        text = (top / name).read_text(encoding="utf-8")
        try:
            made = renewed(text, facts)
        except ValueError as error:
            problems += [f"{name}:{line}" for line in str(error).splitlines()]
            continue
        for at, (is_now, should_be) in enumerate(zip(text.splitlines(), made.splitlines()), 1):
            if is_now != should_be:
                problems.append(f"{name}:{at}: is not what the data says ({RENEW}): {should_be}")
                break
        else:
            if text != made:
                problems.append(f"{name}: has another length than what the data says ({RENEW})")
        problems += [f"{name}:{problem}" for problem in untrue(text, facts)]
        problems += [f"{name}: {problem}" for problem in lacking(name, text, facts)]
        ours = text if name == PAPER else paragraphs_with_marks(text)
        problems += [f"{name}:{problem}" for problem in by_hand(ours)]
    return problems + plots.check(top / RESULTS, top / MEMORY)


def renew(top: Path) -> None:
    """Writes the numbers of docs/experiment into the documents; Trouble, before anything is written, if one cannot
    be made. What has become untrue in the text stays for `check` to tell."""
    try:
        facts = Facts.load(top / RESULTS, top / MEMORY)
    except (Unknown, OSError) as error:
        raise Trouble(f"{RESULTS}: {error}") from None
    made = {}
    for name in (PAPER, README):
        try:
            made[name] = renewed((top / name).read_text(encoding="utf-8"), facts)
        except ValueError as error:
            raise Trouble("\n".join(f"{name}:{line}" for line in str(error).splitlines())) from None
        except OSError as error:
            raise Trouble(f"{name}: {error}") from None
    for name, text in made.items():
        (top / name).write_text(text, encoding="utf-8")
