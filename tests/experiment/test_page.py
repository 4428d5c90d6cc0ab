# SPDX-License-Identifier: Apache-2.0
"""Documents with marks: what is renewed, what is left alone, and what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import documents
from experiment import TOP, claims, page
from experiment.facts import Facts
from experiment.rig import Trouble


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return documents.facts(tmp_path_factory.mktemp("results"))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    documents.small(tmp_path)
    return tmp_path


def test_values(facts: Facts) -> None:
    text = "Took <!--=figure4.writes.page_cache.rise-->1 kB<!--/-->, <!--=claim.workers-cpu--><!--/-->.\n"
    assert page.renewed(text, facts) == ("Took <!--=figure4.writes.page_cache.rise-->704 MB<!--/-->, "
                                         "<!--=claim.workers-cpu-->cannot be told here<!--/-->.\n")


def test_thresholds_and_sizes_are_those_that_judge(facts: Facts) -> None:
    text = "<!--=threshold.line--><!--/-->, <!--=threshold.stays--><!--/-->, <!--=file.number--><!--/-->"
    made = page.renewed(f"At {text}.\n", facts)
    assert "-->90 %<!--" in made and "-->25 %<!--" in made
    assert f"-->{claims.file_size(facts, 'number').text()}<!--" in made
    for name in ("threshold.lines", "file.rise-cpu"):
        with pytest.raises(ValueError, match=f"1: {name}: "):
            page.renewed(f"At <!--={name}--><!--/-->.\n", facts)


def test_paragraphs_with_marks() -> None:
    text = "It took 5 MB.\n\nA <!--=x-->5 MB<!--/-->\nand\n7 MB.\n\n6 MB\n"
    assert list(page.by_hand(page.paragraphs_with_marks(text))) == [
        "5: a number that is not made from the data: 7 MB"]


def test_tables(facts: Facts) -> None:
    text = "A\n\n<!-- made by experiment: workers: begin -->\nold\n<!-- made by experiment: workers: end -->\n\nB\n"
    made = page.renewed(text, facts)
    assert made.startswith("A\n\n<!-- made by experiment: workers: begin -->\n\n|  | `writes`, 1 worker |")
    assert made.endswith(" |\n\n<!-- made by experiment: workers: end -->\n\nB\n") and "old" not in made
    assert page.renewed(made, facts) == made


def test_rest_is_left_alone() -> None:
    """Whatever is written there."""
    text = "# A\n\n<!-- a comment -->\n| a | 5 MB |\n\n    code <!-- \\1 -->\n"
    assert page.renewed(text, None) == text        # type: ignore[arg-type]


@pytest.mark.parametrize("text, problem", [
    ("a\nb <!--=figure4.x--><!--/-->\n", "2: figure4.x: "),
    ("a <!--=figure4.writes.used.rise-->5\n", "1: a mark that is not whole: <!--=figure4"),
    ("a <!--=figure4.writes.used.rise-->5\nb<!--/-->\n", "1: a mark that is not whole"),
    ("a\n\nb<!--/-->\n", "3: a mark that is not whole: <!--/"),
    ("a <!--=about.date--><!--=about.date-->x<!--/--><!--/-->\n", "1: a mark that is not whole"),
    ("a <!--paper-->5\n", "1: a mark that is not whole"),
    ("a <!--holds: x\n-->\n", "1: a mark that is not whole"),
    ("<!-- made by experiment: about: begin -->\n", "1: a mark that is not whole"),
    ("<!-- made by experiment: about: begin -->\n<!-- made by experiment: claims: end -->\n", "1: a mark that"),
    ("<!-- made by experiment: nothing: begin -->\n<!-- made by experiment: nothing: end -->\n",
     "1: nothing: there is"),
    ("a\n  <!--=about.date--><!--/--> b\n", "2: begins with a mark"),
    ("- <!--paper-->5<!--/--> b\n", "1: begins with a mark"),
    ("<!--holds: zero x-->\n", "1: begins with a mark"),
])
def test_what_cannot_be_made(facts: Facts, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"(?m)^{re.escape(problem)}"):
        page.renewed(text, facts)


@pytest.mark.parametrize("text", ["5 MB", "5MB", "1,234 kB", "12 %", "12%", "0.5 s", "300 ms", "620 tasks",
                                  "five tasks",
                                  "7 engines", "ten minutes", "70-container", "3 percent", "99\nMB", "2 CPUs",
                                  "twice | 5 MB |", "1 GiB", "4 MB,"])
def test_numbers_by_hand(text: str) -> None:
    assert [line.partition(" ")[0] for line in page.by_hand(f"A\n\nSo {text}\n")] == ["3:"]
    code = text.replace("\n", "")
    assert list(page.by_hand(f"A `{code}`\n\n    So {code}\n")) == []


@pytest.mark.parametrize("text", ["figure 4", "figures 6 and 7", "Debian 12 or 13", "in 2018", "0.5 stops", "5 smiles",
                                  "[x](a/5%20MB)", "<!--paper-->5 MB<!--/-->", "<!--=a-->5 MB<!--/-->",
                                  "someone tasks",
                                  "```\n5 MB\n```\n"])
def test_numbers_that_may_be(text: str) -> None:
    assert list(page.by_hand(f"A\n\n{text}\n")) == []


def test_clean(small: Path) -> None:
    assert page.check(small) == []
    before = documents_of(small)
    page.renew(small)
    assert documents_of(small) == before


def documents_of(top: Path) -> list[str]:
    return [(top / name).read_text() for name in (page.PAPER, page.README)]


@pytest.mark.parametrize("file, was, now", documents.SPOILT)
def test_spoilt(small: Path, file: str, was: str, now: str) -> None:
    text = (small / file).read_text()
    assert was in text
    (small / file).write_text(text.replace(was, now))
    assert page.check(small)


def test_line_is_told(small: Path) -> None:
    text = (small / page.PAPER).read_text()
    (small / page.PAPER).write_text(text.replace("used.rise-->", "used.rise-->1"))
    assert [line.partition(" ")[0] for line in page.check(small)] == ["docs/paper.md:3:"]


def test_pictures(small: Path) -> None:
    (small / page.RESULTS / "figure4.svg").write_text("another")
    assert len(page.check(small)) == 1 and "figure4.svg" in page.check(small)[0]


def test_renewed_after_new_data(small: Path) -> None:
    """Only numbers: what has become untrue is told."""
    table = small / page.RESULTS / "figure8-arms.csv"
    table.write_text(table.read_text().replace("writes,nothing,120,620,", "writes,nothing,120,621,"))
    documents.pretend_pictures(small / page.RESULTS, small / page.MEMORY)
    assert [line.partition(":")[0] for line in page.check(small)] == ["docs/paper.md", "README.md"]
    page.renew(small)
    assert page.check(small) == [] and "-->621<!--/--> tasks" in (small / page.README).read_text()


def test_nothing_is_written_if_one_value_cannot_be_made(small: Path) -> None:
    (small / page.README).write_text("<!--=about.nobody--><!--/-->, a <!--=about.date-->old<!--/-->\n")
    paper = (small / page.PAPER).read_text()
    (small / page.PAPER).write_text(paper.replace("<!--=claim.number-->", "<!--=claim.number-->old"))
    before = documents_of(small)
    with pytest.raises(Trouble, match=r"README.md:1: about.nobody"):
        page.renew(small)
    assert documents_of(small) == before


@pytest.mark.parametrize("name", [page.RESULTS / "about.txt", page.RESULTS / "figure5.csv", page.MEMORY, page.PAPER,
                                  page.README, page.RESULTS / "figure7.svg"])
def test_missing(small: Path, name: Path) -> None:
    (small / name).unlink()
    assert any(name.name in line or str(page.RESULTS) in line for line in page.check(small))


def test_documents_of_the_project(tmp_path: Path) -> None:
    """They can be made, have all they need, and no number by hand: with any data, while what they say is of the real
    ones."""
    assert [line for line in page.check(documents.checkout(tmp_path / "top"))
            if "does not show what this rests on" not in line] == []
    assert "<!--holds: " in (TOP / page.PAPER).read_text() and "<!--holds: " in (TOP / page.README).read_text()
