# SPDX-License-Identifier: Apache-2.0
"""A Ctrl-C is for whoever runs a lab, and not for the tools that it runs: half a cleaning up would stay for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import fleet, host, process, until

TOP = Path(__file__).resolve().parents[2]
# Takes its time, and does not hide from signals.
TOOL = "#!/bin/sh\ntouch {folder}/begun\nuntil [ -e {folder}/go ]; do sleep 0.05; done\necho \"$@\" >> {folder}/done\n"
CALLER = """
import signal, sys
sys.path.insert(0, "tests")
from pathlib import Path
from lab import fleet, host
signal.signal(signal.SIGINT, lambda *_: None)
host.mount_points = lambda: [("/", "ext4"), ("/nowhere/x", "overlay")]
host.NAMESPACES = Path(sys.argv[1])
{act}
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ip", "umount"):
        (tmp_path / name).write_text(TOOL.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize("act, done", [
    ('host.run("ip", "netns", "add", "x")', "netns add x"),
    ('host.delete_namespace("umount")', "netns delete umount"),     # something that is there
    ('host.unmount_below(Path("/nowhere"))', "--lazy --no-canonicalize /nowhere/x")])
def test_control_c_does_not_reach_them(tools: Path, act: str, done: str) -> None:
    with subprocess.Popen([sys.executable, "-B", "-c", CALLER.format(act=act), str(tools)], cwd=TOP,
                          start_new_session=True) as process:
        until((tools / "begun").exists, 20, "the tool is at work")
        os.killpg(process.pid, signal.SIGINT)
        (tools / "go").touch()
        assert process.wait(20) == 0
    assert (tools / "done").read_text().splitlines() == [done]


FAILING = """#!/bin/sh
printf "%s\\n" "$*" >> {folder}/done
case "$*" in
*"{fails}"*) echo no; exit 2 ;;
"netns add x") touch {folder}/x ;;
"netns delete x") rm {folder}/x ;;
esac
"""


@pytest.mark.parametrize("fails, calls", [
    ("netns add", 1), ("link add", 3), ("link set", 4)])
def test_a_bridge_that_cannot_be_made_whole_is_taken_away(tools: Path, monkeypatch: pytest.MonkeyPatch, fails: str,
                                                          calls: int) -> None:
    monkeypatch.setattr(host, "NAMESPACES", tools)
    (tools / "ip").write_text(FAILING.format(folder=tools, fails=fails))
    with pytest.raises(OSError, match=f"{fails}.*: exit 2: no"):
        fleet.Bridge("x")
    assert not (tools / "x").exists()
    assert len((tools / "done").read_text().splitlines()) == calls


def test_who_is_in_a_network_namespace(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody in one that is not there; and nobody is told to be in our own, where the whole machine is."""
    monkeypatch.setattr(host, "NAMESPACES", tools)
    assert host.processes_in("none") == []
    (tools / "ours").symlink_to("/proc/self/ns/net")
    assert host.processes_in("ours") == []


def test_the_memory_of_a_process_is_read_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tdocker\nVmHWM:\t   2048 kB\nRssAnon:\t     100 kB\nThreads:\t7\n")
    assert process.sizes(7, tmp_path) == {"VmHWM": 2048 * 1024, "RssAnon": 100 * 1024}
    assert process.sizes(8, tmp_path) == {}


def test_cpu_is_user_and_system_time(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    numbers = " ".join(str(n) for n in range(4, 30))        # fields of proc(5) from the fourth on
    (tmp_path / "7" / "stat").write_text(f"7 (a ) name) S {numbers}\n")
    assert process.cpu_seconds(7, tmp_path) == pytest.approx((14 + 15) / 100)
    assert process.cpu_seconds(8, tmp_path) == 0.0
