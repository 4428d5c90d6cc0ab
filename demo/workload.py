# SPDX-License-Identifier: Apache-2.0
"""The services of the demonstration: what keeps a Swarm node busy.

Most tasks ask the clock before they work: from `quiet_at` on they only sleep,
so that the traffic ends by itself, without an update or a scale-down, which
would remove containers in ways that are not reaperd's.  "late" goes on: its
next tasks wait when the demonstration ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab import Swarm

WORKER_MB = 10          # what one task of "worker" writes into its layer
JOB_TASKS = 24
LATE_DELAY = 20         # seconds between two tasks of "late"

_REST = 'test "$(date +%s)" -ge "$QUIET_AT" && exec sleep 600; '
LATE = "late"


@dataclass(frozen=True)
class Service:
    name: str
    about: str
    script: str             # of sh
    options: dict[str, object]


SERVICES = (
    Service("api", "runs all the time", "exec sleep 600", {"replicas": 3}),
    Service("worker", f"writes {WORKER_MB} MB, succeeds, starts again at once",
            f"dd if=/dev/zero of=/data/result bs=1M count={WORKER_MB} 2>/dev/null; sleep 1.5; exit 0",
            {"replicas": 6, "restart": "any", "delay": 0.5}),
    Service("flaky", "fails with exit code 3 and is tried again",
            "sleep 2; exit 3", {"replicas": 2, "restart": "any", "delay": 3.0}),
    Service(LATE, f"succeeds, and starts again {LATE_DELAY} s later",
            "sleep 2; exit 0", {"replicas": 2, "restart": "any", "delay": float(LATE_DELAY)}),
    Service("job", f"{JOB_TASKS} tasks that must each succeed once",
            "sleep 2; exit 0", {"mode": "replicated-job", "replicas": JOB_TASKS, "concurrent": 2}),
)


def start(swarm: Swarm, service: Service, quiet_at: float) -> None:
    script = service.script if service.name == LATE else _REST + service.script
    swarm.create(service.name, ["sh", "-c", script],
                 env=[f"QUIET_AT={quiet_at:.0f}"], **service.options)
