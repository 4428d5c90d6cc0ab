# SPDX-License-Identifier: Apache-2.0
"""How large the experiment is: every size is a parameter, with a default for either scale."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True)
class Load:
    """What a task does: CPU, a file in its layer, a log. Both kinds use the same CPU."""

    name: str               # a column of the data, and what the figures call it
    about: str              # what a reader reads: "writes 10 MB, logs 5 lines a second"
    layer_bytes: int        # written once, at its start
    log_lines: int          # a second, LINE bytes each
    cpu: float              # of one CPU, 0.02 are 20 ms of each second


@dataclass(frozen=True)
class Sizes:
    scale: str
    managers: int                   # of the paper's Swarm; drained, so that tasks run on workers only
    workers: int
    loads: tuple[Load, ...]
    repetitions: int
    # Figures 4 to 7.
    containers: int                 # in all
    step: int                       # containers that are started at a time (figure 4)
    stopped: int                    # of all, in the end (figures 6 and 7)
    stop_step: int                  # that are stopped, then removed, at a time
    settle_s: float                 # after each step, until counters are up to date
    window_s: int                   # samples of a step, one a second
    others_cpu: float               # CPUs that all else may use meanwhile; with more a step is looked at anew
    # Figure 8: a Swarm of its own for each arm.
    arm_managers: int
    arm_workers: int
    arm_loads: tuple[Load, ...]
    arm_s: int                      # of an arm, without what comes before and after
    churn_replicas: int
    churn_life_s: float             # of a task
    delayed_replicas: int           # of the service beside, whose tasks wait to be started again
    delayed_s: float                # how long they wait
    prune_every_s: float
    keep_s: int                     # reaperd: MinimumAge= and Success=
    ps_every_s: float               # `docker ps -a` on a worker


LINE = 200      # bytes of a line of log


def loads(layer: int, lines: int, cpu: float, life: str) -> tuple[Load, Load]:
    return (Load("writes", f"each writes {layer / MB:g} MB{life} and logs {lines} lines a second", layer, lines, cpu),
            Load("nothing", "each writes nothing", 0, 0, cpu))


FULL = Sizes("full", managers=2, workers=5, loads=loads(10 * MB, 5, 0.01, ""), repetitions=3,
             containers=70, step=10, stopped=35, stop_step=7, settle_s=2.0, window_s=5,
             others_cpu=0.2,
             arm_managers=1, arm_workers=2, arm_loads=loads(4 * MB, 5, 0.01, ""), arm_s=120,
             churn_replicas=10, churn_life_s=2.0, delayed_replicas=6, delayed_s=30.0,
             prune_every_s=20.0, keep_s=10, ps_every_s=5.0)

SMALL = Sizes("small", managers=2, workers=5, loads=loads(4 * MB, 5, 0.01, ""), repetitions=1,
              containers=6, step=3, stopped=3, stop_step=3, settle_s=0.5, window_s=2,
              others_cpu=1000.0,
              arm_managers=1, arm_workers=1, arm_loads=loads(4 * MB, 5, 0.01, "")[:1], arm_s=17,
              churn_replicas=3, churn_life_s=1.0, delayed_replicas=2, delayed_s=8.0,
              prune_every_s=6.0, keep_s=10, ps_every_s=3.0)

SCALES = {sizes.scale: sizes for sizes in (FULL, SMALL)}
