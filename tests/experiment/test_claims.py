# SPDX-License-Identifier: Apache-2.0
"""Verdicts: what data each word needs, by worlds that are made so that one thing differs."""

from __future__ import annotations

from typing import Any, Callable

import pytest

import made
from experiment import claims
from experiment.claims import CONFIRMED, REFINED, REFUTED, UNTOLD, claim, holds
from experiment.facts import Facts, Unknown
from made import MB

Row = dict[str, Any]


def world(change: Callable[[Row], None] = lambda row: None, arm: Callable[[Row], None] = lambda row: None,
          end: Callable[[Row], None] = lambda row: None, **about: str) -> Facts:
    """What `made` makes, but for what the functions change in each row: of the steps, of the arms, of their ends."""
    tables = {f"figure{figure}": made.steps(figure) for figure in (4, 5, 6, 7)}
    tables |= {"figure8": made.arms(), "figure8-arms": made.arms_ends()}
    for name, rows in tables.items():
        for row in rows:
            {"figure8": arm, "figure8-arms": end}.get(name, change)(row)
    return Facts(tables, about, "")


def used(of: Callable[[Row], float]) -> Callable[[Row], None]:
    """A step where so many bytes are not free."""
    def changed(row: Row) -> None:
        row["mem_free"] = row["mem_available"] = made.TOTAL - int(of(row))
    return changed


def by_number(row: Row) -> float:
    return 13 * MB * (row["running"] + row["stopped"])


def by_state(row: Row) -> float:
    return 13 * MB * row["running"]


def test_verdicts_of_memory() -> None:
    for of, verdicts in ((by_number, (CONFIRMED,) * 5), (by_state, (CONFIRMED, CONFIRMED, REFUTED, REFUTED, REFUTED))):
        facts = world(used(of))
        assert tuple(claim(facts, name).verdict for name in
                     ("rise-memory", "workers-memory", "stop-memory", "remove-memory", "number")) == verdicts


def test_one_meaning_or_load_alone_is_refined() -> None:
    def of_one(load: str, meaning: str) -> Callable[[Row], None]:
        def changed(row: Row) -> None:
            used(by_state)(row)
            if row["load"] == load:
                row[meaning] = made.TOTAL - by_number(row)
        return changed

    for load in made.LOADS:
        for meaning in ("mem_free", "mem_available"):
            found = claim(world(of_one(load, meaning)), "number")
            assert found.verdict == REFINED
            assert [(part.load, part.what) for part in found.parts if part.holds] == [
                (load, {"mem_free": "MemFree", "mem_available": "MemAvailable"}[meaning])]


@pytest.mark.parametrize("left, is_hardly", [(1.0, True), (0.82, True), (0.78, False), (0.0, False)])
def test_hardly(left: float, is_hardly: bool) -> None:
    """Of a stopped container this part stays: with half of them stopped, a tenth of all is a fifth of theirs."""
    facts = world(used(lambda row: 13 * MB * (row["running"] + left * row["stopped"])))
    assert holds(facts, "hardly figure6 writes used") == is_hardly
    assert holds(facts, "hardly figure5 writes used")


def test_growth_too_is_no_hardly() -> None:
    facts = world(used(lambda row: 13 * MB * (row["running"] + 1.3 * row["stopped"])))
    assert not holds(facts, "hardly figure6 writes used")


@pytest.mark.parametrize("left, does", [(1.0, True), (0.55, True), (0.45, False)])
def test_follows(left: float, does: bool) -> None:
    facts = world(used(lambda row: 13 * MB * (row["running"] + left * row["stopped"])))
    assert holds(facts, "follows writes used") == does


def test_more_workers_matter() -> None:
    facts = world(used(lambda row: by_number(row) + 30 * MB * row["workers"]))
    assert claim(facts, "workers-memory").verdict == REFUTED


def test_what_does_not_rise_has_no_share() -> None:
    found = claim(world(used(lambda row: 5000 * MB - by_number(row))), "number")
    assert found.verdict == REFUTED
    assert {part.found for part in found.parts} == {
        "of their share, stopping gave back an unknown part, removal an unknown part"}


@pytest.mark.parametrize("left, does", [(1.0, True), (0.76, True), (0.74, False), (1.3, False), (0.0, False)])
def test_stays(left: float, does: bool) -> None:
    facts = world(used(lambda row: 13 * MB * (row["running"] + left * row["stopped"])))
    assert holds(facts, "stays figure6 writes used") == does
    assert claim(facts, "stop-memory").verdict == (CONFIRMED if does else REFUTED)


def noise(row: Row) -> float:
    return 500 * MB * (row["running"] % 20 != 0) + 4 * MB * row["running"]


def test_noise_is_no_rise_and_no_fall() -> None:
    """Nor is what is held against it anything."""
    facts = world(used(noise))
    slope = facts.slopes("figure4", "writes", "used")[0]
    assert slope.per_x > 0 and slope.r2 < 0.5
    assert [claim(facts, name).verdict for name in (
        "rise-memory", "workers-memory", "stop-memory", "remove-memory", "number")] == [UNTOLD] * 5
    for text in ("rises figure4 writes used", "falls figure7 writes used", "hardly figure6 writes used",
                 "stays figure6 writes used", "follows writes used"):
        assert not holds(facts, text) and not holds(facts, f"not {text}")
    # One repetition that goes another way is enough to doubt it.
    facts = world(used(lambda row: by_number(row) if row["repetition"] != 2 else 0))
    assert claim(facts, "rise-memory").verdict == UNTOLD


def test_one_disturbed_repetition_is_none_of_the_medians() -> None:
    facts = world(used(lambda row: by_number(row) if row["repetition"] != 2 else noise(row)))
    assert claim(facts, "rise-memory").verdict == CONFIRMED


def test_what_falls_in_no_line_is_not_refuted() -> None:
    """It may be noise, unless it is next to nothing."""
    levels = {35: 1.0, 28: 0.2, 21: 0.9, 14: 0.1, 7: 0.6, 0: 0.3}

    def changed(part: float) -> Callable[[Row], None]:
        return used(lambda row: by_state(row) + 455 * MB * part * levels[row["stopped"]]
                    if row["running"] == 35 else by_number(row))

    assert claim(world(changed(1.0)), "remove-memory").verdict == UNTOLD
    assert claim(world(changed(0.1)), "remove-memory").verdict == REFUTED


def test_what_noise_hides_does_not_count() -> None:
    def changed(row: Row) -> None:
        used(by_number if row["load"] == "writes" else noise)(row)

    found = claim(world(changed), "number")
    assert found.verdict == CONFIRMED
    assert [(part.load, part.holds) for part in found.parts] == [("writes", True)] * 2 + [("nothing", None)] * 2


@pytest.mark.parametrize("name, least, text", [("stop-memory", 9, "stays figure6 writes used"),
                                               ("number", 3, "follows writes used")])
def test_how_much_a_task_must_write(name: str, least: int, text: str) -> None:
    """As told, whatever was written where it was measured."""
    def writing(file: float) -> Facts:
        return world(used(lambda row: (file * (row["running"] + row["stopped"]) + 3 * row["running"]) * MB),
                     layer_mb=f"{file:g}")

    for file in (1, 10, 30):
        assert claims.file_size(writing(file), name).value == pytest.approx(least * MB)
    assert not holds(writing(least - 0.1), text) and holds(writing(least + 0.1), text)


def test_a_step_upwards_is_no_fall_with_each() -> None:
    facts = world(used(lambda row: by_number(row) + 150 * MB * (row["stopped"] == 14 and row["running"] == 35)))
    assert not holds(facts, "falls-each figure7 writes used")
    assert holds(world(used(by_number)), "falls-each figure7 writes used")


@pytest.mark.parametrize("third, does", [(0.61, True), (0.69, True), (0.73, False)])
def test_a_small_step_upwards_is_noise(third: float, does: bool) -> None:
    """All steps are close to a line."""
    levels = {35: 1.0, 28: 0.6, 21: third, 14: 0.4, 7: 0.2, 0: 0.0}
    facts = world(used(lambda row: 1000 * MB * (1 + levels.get(row["stopped"], 0))))
    assert holds(facts, "falls figure7 writes used")
    assert holds(facts, "falls-each figure7 writes used") == does


def test_what_has_grown_before_is_not_asked() -> None:
    """Only the second half tells whether an arm goes on."""
    def late(row: Row) -> None:
        if row["arm"] == "reaperd":
            row["mem_free"] = made.TOTAL - 12 * MB * min(row["ended"], 330)

    assert holds(world(arm=late), "levels writes reaperd used")


def test_cpu() -> None:
    assert [claim(world(), name).verdict for name in ("rise-cpu", "workers-cpu", "stop-cpu")] == [
        CONFIRMED, UNTOLD, CONFIRMED]

    def same(row: Row) -> None:
        row["cpu"] = 0.5

    assert [claim(world(same), name).verdict for name in ("rise-cpu", "stop-cpu")] == [UNTOLD, UNTOLD]


def test_arms() -> None:
    facts = world()
    for arm in made.ARMS:
        assert holds(facts, f"grows writes {arm} used") == (arm in ("nothing", "job"))
        assert holds(facts, f"levels writes {arm} used") == (arm in ("history", "prune", "reaperd"))
    assert [claim(facts, name).verdict for name in ("swarm", "by-hand", "remedy")] == [REFINED] * 3


def test_nothing_levels_out_where_nothing_grows() -> None:
    def flat(row: Row) -> None:
        row["mem_free"] = made.TOTAL // 2

    facts = world(arm=flat)
    # What was removed and damaged is known all the same.
    assert [claim(facts, name).verdict for name in ("swarm", "by-hand", "remedy")] == [UNTOLD, CONFIRMED, CONFIRMED]
    assert not any(holds(facts, f"{what} writes {arm} used") for what in ("grows", "levels") for arm in made.ARMS)


def test_swarm_that_never_or_always_removes() -> None:
    def no_limit(row: Row) -> None:
        if row["arm"] == "history":
            row["mem_free"] = made.TOTAL - 12 * MB * row["ended"]

    def removed(of: str, number: int) -> Callable[[Row], None]:
        def changed(row: Row) -> None:
            if row["arm"] == of:
                row["removed"] = number
        return changed

    assert claim(world(arm=no_limit, end=removed("history", 0)), "swarm").verdict == CONFIRMED
    assert claim(world(end=removed("job", 400)), "swarm").verdict == REFUTED


def test_damage_decides() -> None:
    def damaged(of: str, number: int) -> Callable[[Row], None]:
        def changed(row: Row) -> None:
            if row["arm"] == of:
                row["damaged"] = row["delayed_damaged"] = number
        return changed

    assert claim(world(end=damaged("prune", 0)), "by-hand").verdict == REFUTED
    parts = claim(world(end=damaged("reaperd", 1)), "remedy").parts
    assert [part.holds for part in parts if part.what == "outcomes"] == [False, False]


def test_still() -> None:
    facts = world()
    assert holds(facts, "still writes reaperd unavailable") and not holds(facts, "still writes nothing used")


def test_predicates_of_numbers() -> None:
    facts = world()
    assert holds(facts, "zero figure8.writes.job.removed") and not holds(facts, "zero figure8.writes.prune.removed")
    assert holds(facts, "not zero figure8.writes.prune.removed")
    for predicate, bound, it_holds in (("above", 469, True), ("above", 470, False), ("below", 471, True),
                                       ("below", 470, False)):
        assert holds(facts, f"{predicate} figure8.writes.job.ended {bound}") == it_holds
    assert holds(facts, "more figure8.writes.nothing.ended figure8.writes.job.ended 1.3")
    assert not holds(facts, "more figure8.writes.nothing.ended figure8.writes.job.ended 1.4")
    assert holds(facts, "verdict workers-memory confirmed") and not holds(facts, "verdict workers-memory refined")


@pytest.mark.parametrize("text", ["", "not", "sinks figure4 writes used", "rises figure4 writes", "rises a b c d",
                                  "rises figure9 writes used", "rises figure4 writes user", "above about.x 1",
                                  "above figure8.writes.job.ended many", "grows writes somebody used",
                                  "verdict nobody confirmed", "grows writes job node"])
def test_predicates_that_cannot_be(text: str) -> None:
    with pytest.raises(Unknown):
        holds(world(), text)


def test_every_claim_tells_what_was_found() -> None:
    for found in claims.claims(world()):
        assert found.untold or found.parts
        for part in found.parts:
            assert part.load in made.LOADS and any(digit.isdigit() for digit in part.found) and "{" not in part.found
