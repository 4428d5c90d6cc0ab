# SPDX-License-Identifier: Apache-2.0
"""The command: `python3 -m experiment`. `sudo make experiment` calls it with what the environment says.

Exit status: 0 when all is measured, 1 if something went wrong, 2 if it was called wrongly, 75 when the time was up
before all was done, 130 when it was broken off. After these two the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import TOP, about, arms, course, leftovers, needs, page, plots, settings
from .claims import claims
from .facts import Facts, Unknown
from .progress import Progress, Terminal
from .publish import MEMORY_CSV, doubts, publish, redraw
from .rig import Cell, Interrupted, Trouble
from .run import BROKEN_OFF, BUDGET_S, EXPECTED, FAILED, Run, Signals
from .sizes import SCALES, Sizes
from .store import Store


def cells_of(sizes: Sizes) -> list[Cell]:
    return [*course.cells(sizes), *arms.cells(sizes)]


def experiment(options: argparse.Namespace, terminal: Terminal) -> int:
    signals = Signals()
    signals.watch()
    sizes = settings.changed(SCALES[options.scale], options.set)
    cells, store = cells_of(sizes), Store(options.results or TOP / "build" / "experiment" / sizes.scale)
    progress = Progress(terminal)
    try:
        machine = ready(options, sizes, cells, store, terminal)
    except EXPECTED:
        if signals.asked:
            raise Interrupted from None     # Ctrl-C reaches the tools that are run from here, too
        raise
    if signals.asked:
        raise Interrupted

    def finish() -> None:
        progress.tell("Pictures are being made.")
        pictures = plots.make(store.folder, TOP / MEMORY_CSV)
        terminal.say(f"In {store.folder}: {', '.join(path.name for path in pictures if path.suffix == '.svg')}, each "
                     "as PNG too, and the tables that they are made of. Figure 9 alone is not of this machine: "
                     f"{MEMORY_CSV} has its data.")
        if sizes.scale == "full":
            tell_verdicts(store.folder, terminal)
        else:
            terminal.say("The small scale is there for tests of all this: its figures say little.")

    return Run(sizes, options.reaperd, machine, cells, store, progress, signals, finish, options.minutes * 60).run()


def ready(options: argparse.Namespace, sizes: Sizes, cells: list[Cell], store: Store,
          terminal: Terminal) -> dict[str, str]:
    """What it is going to be measured on; Trouble if it cannot be."""
    needs.check_tools(options.reaperd)
    leftovers.end(options.clean_up, terminal.say)
    needs.choose_folder(sizes, store.about().get("data", ""))
    machine = about.about(sizes, options.reaperd)
    store.check(machine)
    if not all(store.done(cell.name) for cell in cells):
        needs.check_room(sizes)
        for disturbance in needs.others(sizes):
            terminal.say(disturbance, "yellow")
    return machine


def tell_verdicts(results: Path, terminal: Terminal) -> None:
    terminal.say()
    try:
        found = claims(Facts.load(results, TOP / MEMORY_CSV))
    except Unknown as error:
        terminal.say(f"What the paper claims cannot be held against these results: {error}")
        return
    terminal.say("What the paper claims, and what these results say (docs/paper.md explains how it is told):", "bold")
    terminal.lines([[(f" {claim.figure:16} ", "dim"), (f"{claim.verdict:20} ", ""), (claim.says, "")]
                    for claim in found])


def documents(options: argparse.Namespace, terminal: Terminal) -> None:
    sizes = SCALES["full"]
    store, names = Store(options.results or TOP / "build" / "experiment" / sizes.scale), []
    if options.results is None and not store.about():
        terminal.say(f"There are no results in {store.folder}: pictures and numbers are made anew of those that the "
                     "documents have.")
        redraw(plots.make, page.renew)
    else:
        names = [cell.name for cell in cells_of(sizes)]
        publish(store, names, plots.make, page.renew)
    for doubt in doubts(store, names):
        terminal.say(doubt, "bad")
    terminal.say("docs/experiment, docs/paper.md and README.md have the numbers of these results.")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m experiment", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Repeats the paper's experiment on a Swarm of private engines on this machine (root), and "
                    "measures what\nthe paper left out. Broken off by Ctrl-C it goes on where it was when it is "
                    "called again.",
        epilog=f"Sizes, for --set, as the full scale has them:\n{settings.explained(SCALES['full'])}")
    parser.add_argument("--scale", choices=SCALES, default="full", help="sizes to begin with (full)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="another size; may be repeated")
    parser.add_argument("--results", type=Path, metavar="DIR", help="folder of the results (build/experiment/SCALE)")
    parser.add_argument("--minutes", type=float, default=BUDGET_S / 60, help="time that this call may take (60)")
    parser.add_argument("--reaperd", type=Path, default=TOP / "build" / "reaperd", help="what to measure")
    parser.add_argument("--clean-up", action="store_true",
                        help="first take away what runs have left that were killed")
    parser.add_argument("--publish", action="store_true", help="measure nothing: take complete results of the full "
                        "scale into docs/experiment, and renew the numbers in the documents; where there are none, "
                        "renew them from docs/experiment")
    options = parser.parse_args()
    if options.results is not None:
        options.results = options.results.resolve()
    options.reaperd = options.reaperd.resolve()
    terminal = Terminal()
    try:
        if options.publish:
            documents(options, terminal)
            return 0
        return experiment(options, terminal)
    except Interrupted:
        terminal.say("Broken off before it began.")
        return BROKEN_OFF
    except EXPECTED as error:
        for line in str(error).splitlines():
            terminal.say(line, "bad")
        return FAILED
    finally:
        terminal.close()


if __name__ == "__main__":
    sys.exit(main())
