# SPDX-License-Identifier: Apache-2.0
"""metrics.conf: a real node_exporter reads what reaperd writes, and stumbles over nothing when reaperd is away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

import service_kit as kit
from lab.box import UNIT, Box

EXPORTER = "prometheus-node-exporter"
FOLDER = "/var/lib/prometheus/node-exporter"
LINK, FILE = f"{FOLDER}/reaperd.prom", "/run/reaperd-metrics/reaperd.prom"


@pytest.fixture
def folder(node: Box) -> Iterator[None]:
    """As Debian's package of node_exporter makes it."""
    node.run("install", "-d", "-m", "0755", FOLDER)
    yield
    node.run("rm", "-rf", "/var/lib/prometheus")


@pytest.fixture
def exporter(node: Box, folder: None) -> Iterator[None]:
    """Debian's own, which reads that folder without being told."""
    program = shutil.which(EXPORTER, path=f"{kit.TOP / 'build/deps/bin'}:{os.environ['PATH']}")
    if program is None:
        pytest.fail(f"{EXPORTER} is not there; tools/deps.sh test gets it", pytrace=False)
    node.copy(Path(program), f"/usr/local/bin/{EXPORTER}", 0o755)
    node.run("systemd-run", "--unit=exporter", "--property=DynamicUser=yes", f"/usr/local/bin/{EXPORTER}",
             "--collector.disable-defaults", "--collector.textfile", "--web.listen-address=127.0.0.1:9100")
    node.until(lambda: scrape(node), 20, "the exporter answers")
    yield
    node.run("systemctl", "stop", "exporter.service")


def scrape(box: Box) -> dict[str, float]:
    """Values by name and labels; none while it does not answer."""
    page = box.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9100 && "
                   r"printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3", check=False).stdout
    lines = [line.rpartition(" ") for line in page.partition("\r\n\r\n")[2].splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def is_there(box: Box, path: str) -> bool:
    """A link that leads nowhere too."""
    return box.run("sh", "-c", f"[ -e {path} ] || [ -L {path} ]", check=False).returncode == 0


def test_exporter(node: Box, exporter: None, drop_in: Callable[..., Any]) -> None:
    assert "reaperd_engine_connected" not in scrape(node)
    drop_in("metrics")
    node.until(lambda: scrape(node).get("reaperd_engine_connected") == 1, 30, "metrics of reaperd")
    page = scrape(node)
    assert page["node_textfile_scrape_error"] == 0
    assert any(name.startswith("reaperd_build_info{") for name in page)
    assert node.sh(f"readlink {LINK}") == FILE

    # However it ends, what would be read in vain goes; and what comes back brings it back.
    node.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", UNIT)
    node.until(lambda: not is_there(node, LINK), 10, "the link is gone")
    page = scrape(node)
    assert page["node_textfile_scrape_error"] == 0 and "reaperd_engine_connected" not in page
    assert not is_there(node, FILE)
    node.until(lambda: scrape(node).get("reaperd_engine_connected") == 1, 30, "metrics of reaperd, after its crash")

    node.run("systemctl", "stop", UNIT)
    assert not is_there(node, LINK) and not is_there(node, FILE)
    page = scrape(node)
    assert page["node_textfile_scrape_error"] == 0 and not [name for name in page if name.startswith("reaperd_")]


def test_no_folder(node: Box, drop_in: Callable[..., Any]) -> None:
    """Without node_exporter it starts all the same."""
    assert not is_there(node, FOLDER)
    drop_in("metrics")
    assert node.state() == "active"
    node.until(lambda: is_there(node, FILE), 15, "the file")
    assert not is_there(node, FOLDER)
