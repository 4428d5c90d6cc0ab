# SPDX-License-Identifier: Apache-2.0
"""The first start on a node: a wait, what ends it, and that it is not served twice."""

from __future__ import annotations

from pathlib import Path

import service_kit as kit
from lab.box import Box

# The wait itself has its default, of 10 minutes. Whether the machine that the node runs on is short of memory is to
# make no difference.
SETTINGS = """\
[Engine]
SettleTime=0
[Pressure]
Enabled=no
[Retention]
MinimumAge=10s
Success=1h
[Rule plain]
Name={name}
Kind=other
Action=reap
Success=10s
[Rule task]
Name={name}
Success=10s
"""


def waits(box: Box) -> kit.Record:
    """The record of the start that there was last, when it is there."""
    return kit.await_record(box, kit.FIRST_RUN, kit.invocation(box))


def test_first_run(bare: Box, deb: Path) -> None:
    """One node through all of it, as what is due has to be 10 s old each time."""
    box = bare
    box.swarm_init()
    box.configure(SETTINGS.format(name="stale*"))
    kit.job(box, "stale", 3)
    kit.job(box, "later", 2)
    kit.plain(box, "again")
    stale, later, again = (kit.ended(box, name, n) for name, n in (("stale", 3), ("later", 2), ("again", 1)))
    everything = {*stale, *later, *again}
    kit.aged(box, {**stale, **later, **again}, 10.5)

    box.install(deb)
    record = waits(box)
    assert record["REAPERD_HELD"] == "3" and 0 < int(record["REAPERD_WAIT_USEC"]) <= 600_000_000
    assert "nothing is removed" in record["MESSAGE"] and "3 containers are due" in record["MESSAGE"]
    assert "Tracking 5 containers, 5 stopped, next due in " in kit.await_status(box, "first start, see FirstRunDelay=")
    listed = box.run("reaperctl", "list").stdout
    assert listed.count("first-run") >= 3 and "Waiting: first run, until " in box.run("reaperctl").stdout

    # Stopped before it was over, it has not been served: the next start waits as long.
    kit.restart(box)
    assert waits(box)["REAPERD_HELD"] == "3"
    assert kit.here(box) == everything and not kit.records(box, kit.REMOVED)
    assert box.run("test", "-e", kit.MARK, check=False).returncode == 1

    # An operator's word ends it.
    done = box.run("reaperctl", "reap", "--due").stdout
    removed = kit.await_removed(box, stale)
    assert done.count(": removed (ttl-expired)") == 3 and kit.here(box) == {*later, *again}
    ended = kit.await_record(box, kit.WAITS_ENDED)
    assert all(kit.when(ended) <= kit.when(one) for one in removed.values())
    assert box.sh(f"stat -c %U:%G {kit.MARK}") == "reaperd:reaperd"
    assert "first start" not in kit.await_status(box, "3 removed$")

    # Nor does a start of the service wait again ...
    box.configure(SETTINGS.format(name="later*"))
    kit.restart(box)
    kit.await_removed(box, later, 8)
    assert kit.here(box) == {*again} and not kit.records(box, kit.FIRST_RUN, kit.invocation(box))

    # ... nor one of the engine. This engine, told to end, takes its task containers away itself, but not others.
    box.configure(SETTINGS.format(name="again*"))
    old = box.main_pid()
    box.run("systemctl", "restart", "docker.service")
    kit.another_main(box, old)
    kit.await_removed(box, again, 8)
    assert not kit.records(box, kit.FIRST_RUN, kit.invocation(box))
    assert kit.check_records(box) >= {kit.FIRST_RUN, kit.WAITS_ENDED, kit.REMOVED, kit.ENGINE_BACK}
