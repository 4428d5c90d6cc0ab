# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/paper.md, in Markdown: each is made whole from the data."""

from __future__ import annotations

import statistics
from typing import Sequence

from . import claims, settings
from .facts import Facts, Unknown
from .quantity import MB, Quantity, digits, unit_of
from .sizes import FULL

# Keys of about.txt.
SIZES = tuple(settings.to_pairs(FULL))
# Metric, and what the page calls it. Those of the machine are of all that runs on it.
KINDS = (
    ("used", "free memory (MemFree), less by"),
    ("unavailable", "available memory (MemAvailable), less by"),
    ("page_cache", "page cache"),
    ("anon", "anonymous memory of processes"),
    ("slab_reclaimable", "slab, reclaimable"),
    ("slab_unreclaimable", "slab, unreclaimable"),
    ("other_kernel", "all else that is not free: kernel stacks, page tables, percpu"),
    ("cgroup_cache", "containers' cgroups: cache"),
    ("cgroup_rss", "containers' cgroups: rss"),
    ("cgroup_kernel", "containers' cgroups: kernel"),
    ("dockerd_rss", "dockerd, RSS"),
    ("containerd_rss", "containerd, RSS"),
    ("shims_rss", "shims, RSS"),
    ("engine_anon", "dockerd, containerd and shims, RssAnon"),
    ("shims", "shims (number)"),
    ("dying_cgroups", "dying cgroups (number)"),
)
ANSWERS = {True: "yes", False: "no", None: "hidden by noise"}
COURSES = {"figure4": "started", "figure6": "stopped", "figure7": "removed"}
ARMS = {"nothing": "nothing cleans up", "history": "Swarm's default limit", "job": "a job, default limit",
        "prune": "`docker container prune`", "reaperd": "reaperd"}
# What a row of an arm has: statistic behind figure8.LOAD.ARM, and the words above it.
OF_ARMS = (
    (("ended.end", "tasks ended"), ("listed.end", "containers"), ("used.rise", "MemFree, less by"),
     ("unavailable.rise", "MemAvailable, less by"), ("disk_used.rise", "disk"), ("inodes_used.rise", "inodes"),
     ("daemons_rss.rise", "dockerd and containerd, RSS")),
    (("ended", "tasks ended, in all"), ("removed", "containers removed"), ("damaged", "tasks damaged"),
     ("delayed_damaged", "tasks that wait, damaged"), ("delayed_ended", "tasks that wait, ended"),
     ("ps_ms.start", "`docker ps -a`, at the start"), ("ps_ms.end", "at the end"),
     ("cleaner_cpu", "CPU of the cleaner"), ("engine_cpu", "CPU of the engines"),
     ("engine_cpu_each", "the same for each task")),
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def about(facts: Facts) -> str:
    """The machine and the versions, then what the loads do."""
    lines = [f"- {key}: {value}" for key, value in facts.about.items() if key not in (*SIZES, "scale")]
    lines += [f"- load {key.rpartition(' ')[2]}{' (figure 8)' if key.startswith('arm ') else ''}: {value}"
              for key, value in facts.about.items() if _is_load(key)]
    return "\n".join(lines)


def _is_load(key: str) -> bool:
    return key.startswith(("load ", "arm load "))


def sizes(facts: Facts) -> str:
    """Every size by its name, for --set."""
    return ", ".join(f"`{key}={value}`" for key, value in facts.about.items()
                     if key in SIZES and key not in ("loads", "arm_loads") and not _is_load(key))


def verdicts(facts: Facts) -> str:
    loads = list(dict.fromkeys(facts.loads() + facts.loads("figure8")))
    rows = []
    for claim in claims.claims(facts):
        cells = ["<br>".join(f"{part.what}: **{ANSWERS[part.holds]}**, {part.found}"
                             for part in claim.parts if part.load == load) for load in loads]
        rows.append([claim.says, claim.figure, *(cells if claim.parts else [claim.untold] * len(loads)),
                     f"**{claim.verdict}**"])
    head = ["The paper", "Here", *(f"load `{load}`" for load in loads), "Verdict"]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def kinds(facts: Facts, load: str) -> str:
    """Which memory it is: the change over each course, and its spread."""
    rows = []
    for metric, what in KINDS:
        cells = []
        for figure in COURSES:
            try:
                cells.append(_spread(facts.rises(figure, load, metric), metric))
            except Unknown:
                cells.append("unknown")
        rows.append([what, *cells])
    counts = [round(abs(points[-1].x - points[0].x)) for points in
              (facts.points(figure, load, "used") for figure in COURSES)]
    return table(["MB (10^6 bytes), or a number",
                  *(f"{count} {word}" for count, word in zip(counts, COURSES.values()))], rows)


def _spread(values: Sequence[float], metric: str) -> str:
    unit = MB if unit_of(metric) == "MB" else 1
    half = (max(values) - min(values)) / 2 / unit
    # As many digits as the median has.
    middle = digits(statistics.median(values) / unit)
    places = len(middle.partition(".")[2])
    return f"{middle} ±{half:,.{places}f}"


def workers(facts: Facts) -> str:
    """Figure 5: from one worker to all."""
    rows = []
    for metric, what in (("used_percent", "memory that is not free"), ("unavailable_percent", "not available"),
                         ("engine_anon", "dockerd, containerd and shims, RssAnon"),
                         ("cpu_percent", "CPU of the machine"), ("cpu", "CPU of containers and engines")):
        cells = []
        for load in facts.loads("figure5"):
            points = facts.points("figure5", load, metric)
            cells += [Quantity(point.median, unit_of(metric)).text() for point in (points[0], points[-1])]
        rows.append([what, *cells])
    points = {load: facts.points("figure5", load, "used") for load in facts.loads("figure5")}
    head = [f"`{load}`, {point.x:g} worker{'' if point.x == 1 else 's'}" for load, found in points.items()
            for point in (found[0], found[-1])]
    return table(["", *head], rows)


def arms(facts: Facts, load: str, part: int) -> str:
    rows = []
    for arm in facts.arms(load):
        cells = []
        for name, _ in OF_ARMS[part]:
            try:
                cells.append(facts.text(f"figure8.{load}.{arm}.{name}"))
            except Unknown:
                cells.append("unknown")
        rows.append([ARMS[arm], *cells])
    return table(["who cleans up", *(what for _, what in OF_ARMS[part])], rows)


def block(facts: Facts, name: str) -> str:
    """By the name that a document gives: `kinds writes`, `arms writes`, ... ; Unknown if there is none such."""
    what, *rest = name.split()
    if what == "kinds" and len(rest) == 1:
        return kinds(facts, rest[0])
    if what in ("arms", "cleaning") and len(rest) == 1:
        return arms(facts, rest[0], ("arms", "cleaning").index(what))
    plain = {"about": about, "sizes": sizes, "claims": verdicts, "workers": workers}
    if what not in plain or rest:
        raise Unknown(f"there is no table {name!r}")
    return plain[what](facts)


def wanted(facts: Facts) -> list[str]:
    """All that docs/paper.md has to have."""
    return ["about", "sizes", "claims", "workers", *(f"kinds {load}" for load in facts.loads()),
            *(f"{what} {load}" for load in facts.loads("figure8") for what in ("arms", "cleaning"))]
