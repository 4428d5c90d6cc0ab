# SPDX-License-Identifier: Apache-2.0
"""The order of decisions for one container at one time, gates and caps aside.

Two questions, which leave room between them for what the daemon may lawfully
know or not know: is there an objection to its removal, and must it go?
"""

from __future__ import annotations

from dataclasses import dataclass

from case import CLOCK, Case, end_of, failed_to_start
from config import Configuration
from history import FOREVER, Look, Run
from retention import due, kept_last


@dataclass
class Objection:
    """Why a container must not be removed; yields: a cap may take it all the same."""

    kind: str
    text: str
    yields: bool = False


def out_of_reach(case: Case, container: str, look: Look,
                 configuration: Configuration) -> Objection | None:
    """What is no task is touched only where a rule says so, and nothing else minds it."""
    if case.is_task(container):
        return None
    if not case.values(configuration, container, look).in_scope:
        return Objection("not-a-task", "not in the engine's is-task list, and no rule lets it in")
    if look.auto_remove:
        return Objection("auto-remove", "the engine removes it by itself")
    if look.may_restart:
        return Objection("may-restart", "its restart policy may start it again")
    return None


def kept_for_good(case: Case, container: str, look: Look, when: float,
                  configuration: Configuration) -> Objection | None:
    """Kept by its label or by a rule, so that not even a cap may take it."""
    values = case.values(configuration, container, look)
    if when < end_of(look) + values.keep_by_label - CLOCK:
        return Objection("kept-label", "org.reaperd.keep holds")
    if values.keep_by_rule:
        return Objection("kept-rule", f"[Rule {values.rule}] says keep")
    return None


def objection(case: Case, container: str, look: Look, run: Run, when: float,
              configuration: Configuration) -> Objection | None:
    """The first step in the order of decisions that keeps it, for certain."""
    found = due(case, container, look, run, when, configuration)
    if first := out_of_reach(case, container, look, configuration):
        return first
    if when < found.floor - CLOCK:
        return Objection("early", f"{found.floor - when:.2f} s below its floor")
    if kept := kept_for_good(case, container, look, when, configuration):
        return kept
    last = kept_last(case, container, look, run, when, configuration)
    if last.by_failure:
        return Objection("kept-failure", "one of the last failures of its slot")
    if last.by_last:
        return Objection("kept-last", "one of the last of its slot", yields=True)
    if found.earliest == FOREVER:
        return Objection("never-due", f"{found.why} is kept for ever", yields=True)
    if when < found.earliest - CLOCK:
        return Objection("early", f"{found.earliest - when:.2f} s too early ({found.why}, "
                                  f"exit {look.exit_code})", yields=True)
    return None


def due_for_certain(case: Case, container: str, look: Look, run: Run, when: float,
                    configuration: Configuration) -> float:
    """From when on it has to go, as far as its own values say; FOREVER: it may stay."""
    values = case.values(configuration, container, look)
    if out_of_reach(case, container, look, configuration) or values.keep_by_rule:
        return FOREVER
    latest = due(case, container, look, run, when, configuration).latest
    return max(latest, end_of(look) + values.keep_by_label)


def must_go(case: Case, container: str, look: Look, run: Run, when: float,
            configuration: Configuration) -> bool:
    """Whether it has to go by then, for certain and without any cap."""
    return (due_for_certain(case, container, look, run, when, configuration) <= when
            and not kept_last(case, container, look, run, when, configuration).maybe)


def removable(look: Look) -> bool:
    return look.state in ("exited", "dead") or failed_to_start(look)
