# SPDX-License-Identifier: Apache-2.0
"""Metrics: the file that reaperd writes, read by the programs that it is meant for.

Prometheus, promtool and node_exporter are the real ones; they listen on 127.0.0.1 only and keep what they have in the
test's folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from daemon import Reaperd, until
from standin import Standin

TOP = Path(__file__).resolve().parents[2]
ALERTS = TOP / "conf/reaperd-alerts.yml"
ALERTS_TEST = TOP / "tests/metrics/alerts-test.yml"
DASHBOARD = TOP / "conf/reaperd-dashboard.json"
DROPIN = TOP / "systemd/reaperd.service.d/metrics.conf.example"
MANUAL = TOP / "man/reaperd.conf.5"
# It is written soon, and then every 10 s at most.
WRITTEN = 40.0

_SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? ([-+.\w]+)")


def tool(name: str) -> str:
    """A program of Debian's packages, as tools/deps.sh provides it."""
    found = shutil.which(name, path=f"{TOP / 'build/deps/bin'}:{os.environ['PATH']}")
    if not found:
        pytest.skip(f"{name} is not there; tools/deps.sh test gets it")
    return found


def samples(path: Path) -> dict[str, float]:
    """Values by name and labels as they stand in the file; empty while there is none."""
    if not path.exists():
        return {}
    found = [_SAMPLE.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines()
             if not line.startswith("#")]
    assert all(found), path.read_text(encoding="utf-8")
    values = {f"{m[1]}{{{m[2]}}}" if m[2] else m[1]: float(m[3]) for m in found if m}
    assert len(values) == len(found), "no series comes twice"
    return values


def families(path: Path) -> dict[str, str]:
    """The type of each metric."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", path.read_text(encoding="utf-8"), re.M))


def wait_for(reaperd: Reaperd, path: Path, **wanted: float) -> dict[str, float]:
    """Until these values, by name and underscored label values, are in the file; all of it."""
    def there() -> dict[str, float] | None:
        now = samples(path)
        short = {re.sub(r"\W+", "_", re.sub(r'\w+="|"', "", key)).strip("_"): value for key, value in now.items()}
        return now if now and all(short.get(key) == value for key, value in wanted.items()) else None

    found: dict[str, float] = until(there, f"{wanted} in {path}", WRITTEN,
                                    lambda: f"{samples(path)}\n{reaperd.log()}")
    return found


@pytest.fixture
def path(folder: Path) -> Path:
    """Where metrics go: in a folder of their own, as the unit has one."""
    (folder / "reaperd-metrics").mkdir()
    return folder / "reaperd-metrics" / "reaperd.prom"


def test_what_is_told(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    due = [engine.add(slot=n) for n in range(3)]
    engine.add(slot=7, exit_code=1, ended=2000.0)
    engine.add(slot=8, state="running")
    stuck = engine.add(slot=9, removals=["500"] * 9)
    reaperd.prefix = ["/bin/sh", "-c", 'umask 077; exec "$@"', "sh"]
    reaperd.begin(**{"Metrics.TextFile": str(path), "Failure": "24h", "QuarantineAfter": 1})
    engine.wait_removed(*due)
    told = wait_for(reaperd, path, reaperd_removals_total_ttl_expired=3, reaperd_quarantined_containers=1)

    assert stuck.id in engine.containers
    assert told['reaperd_removals_total{verdict="orphan"}'] == 0
    assert told['reaperd_dry_run_removals_total{verdict="ttl-expired"}'] == 0
    assert told["reaperd_removals_failed_total"] == 1
    assert told["reaperd_engine_connected"] == 1 and told["reaperd_removals_paused"] == 0
    assert told['reaperd_tracked_containers{state="exited"}'] + told['reaperd_tracked_containers{state="dead"}'] == 2
    assert told['reaperd_resyncs_total{cause="connect"}'] == 1
    assert told["reaperd_removal_duration_seconds_count"] >= 3
    assert told["reaperd_removal_duration_seconds_sum"] > 0
    assert [key for key in told if key.startswith("reaperd_build_info{version=")]
    assert abs(told["reaperd_start_time_seconds"] - path.stat().st_mtime) < 600
    version = re.search(r"Connected to engine (\S+?),? ", reaperd.log())
    assert version and told[f'reaperd_engine_info{{version="{version[1]}"}}'] == 1

    assert path.stat().st_mode & 0o7777 == 0o644
    assert list(path.parent.iterdir()) == [path]
    checked = subprocess.run([tool("promtool"), "check", "metrics"], input=path.read_bytes(), capture_output=True,
                             check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")

    assert reaperd.stop() == 0
    assert not list(path.parent.iterdir())


def test_events_are_counted(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    running = engine.add(state="running")
    reaperd.begin(**{"Metrics.TextFile": str(path)})
    wait_for(reaperd, path, reaperd_tracked_containers_running=1, reaperd_events_total_die=0)
    engine.end(running)
    wait_for(reaperd, path, reaperd_tracked_containers_running=0, reaperd_tracked_containers_exited=1,
             reaperd_events_total_die=1)


def test_the_engine_goes(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    reaperd.begin(**{"Metrics.TextFile": str(path)})
    wait_for(reaperd, path, reaperd_engine_connected=1)
    engine.stop()
    wait_for(reaperd, path, reaperd_engine_connected=0)


def test_reload(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    """On, elsewhere, off; the file of before goes at once."""
    other = path.with_name("other.prom")
    reaperd.begin()
    engine.witness()
    assert not list(path.parent.iterdir())
    reaperd.reload(**{"Metrics.TextFile": str(path)})
    until(path.exists, "the file")
    reaperd.reload(**{"Metrics.TextFile": str(other)})
    assert not path.exists()
    until(other.exists, "the other file")
    reaperd.reload(**{"Metrics.TextFile": "off"})
    assert not list(path.parent.iterdir())


def test_dry_run(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    """What would be removed does not count as removed."""
    kept = engine.add()
    reaperd.begin("--dry-run", **{"Metrics.TextFile": str(path)})
    told = wait_for(reaperd, path, reaperd_dry_run_removals_total_ttl_expired=1)
    assert kept.id in engine.containers
    assert not any(value for key, value in told.items()
                   if key.startswith(("reaperd_removals_total", "reaperd_reclaimed", "reaperd_removal_duration")))


def test_once(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    """A single pass is nobody's service: it neither writes nor takes away what is there."""
    path.write_text("", encoding="utf-8")
    engine.add()
    assert reaperd.once(**{"Metrics.TextFile": str(path)}).removed == 1
    assert path.read_text(encoding="utf-8") == "" and list(path.parent.iterdir()) == [path]


def test_folder_comes_later(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    path.parent.rmdir()
    running = engine.add(state="running")
    reaperd.begin(**{"Metrics.TextFile": str(path)})
    reaperd.wait_log(rf"^reaperd: Cannot write metrics to {path}: No such file or directory; this is tried again$")
    path.parent.mkdir()
    engine.end(running)
    reaperd.wait_log(rf"^reaperd: Metrics are written to {path} now$", WRITTEN)
    assert samples(path) and reaperd.count("etrics") == 2


# What is installed beside: rules for alerts, and a dashboard.

def expressions() -> list[str]:
    """Those of the dashboard, with its variables filled in."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [expr.replace("$instance", ".*").replace("$__rate_interval", "1m") for expr in found]


def names(text: str) -> set[str]:
    """The metrics that an expression is about."""
    return set(re.findall(r"\b(?:reaperd|node|up)(?:_\w+)?\b(?=[\[{) ]|$)", re.sub(r'"[^"]*"', '""', text), re.M))


def known(path: Path) -> set[str]:
    """The names that may be asked for."""
    have = set()
    for name, kind in families(path).items():
        have |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return have


def test_texts_know_the_metrics(engine: Standin, reaperd: Reaperd, path: Path) -> None:
    """The dashboard and the alerts ask for what there is, and the manual lists it, label by label."""
    reaperd.begin(**{"Metrics.TextFile": str(path)})
    wait_for(reaperd, path, reaperd_engine_connected=1)
    asked = set().union(*(names(expr) for expr in expressions()))
    alerts = "\n".join(line for line in ALERTS.read_text(encoding="utf-8").splitlines()
                       if not line.lstrip().startswith(("#", "summary", "description")))
    alerted = names("\n".join(re.findall(r"expr: ((?:\|\n(?: {10}.*\n)+)|.*)", alerts)))
    assert len(asked) > 10 and asked <= known(path), asked - known(path)
    assert len(alerted) > 5 and alerted - known(path) == {"up", "node_textfile_mtime_seconds"}

    labels: dict[str, str] = {}
    for key in samples(path):
        name, _, rest = key.partition("{")
        name = re.sub("_(bucket|sum|count)$", "", name)
        label = rest.partition("=")[0]
        labels[name] = "" if label == "le" else label
    in_manual = re.findall(r"^\.It Li (reaperd_\w+)(?: Ns Brq Li (\w+))?$", MANUAL.read_text(encoding="utf-8"), re.M)
    assert sorted(in_manual) == sorted(labels.items())


def test_dashboard() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "instance"]
    assert "id" not in dashboard, "one is given when it is imported"
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert all(of["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
                   for of in [panel, *panel["targets"]])
        assert all('{instance=~"$instance"' in target["expr"] for target in panel["targets"])
    taken = [(x, y) for panel in panels for place in [panel["gridPos"]]
             for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
    assert len(taken) == len(set(taken)) and max(x for x, _ in taken) < 24


@pytest.mark.parametrize("check", [("check", "rules", str(ALERTS)), ("test", "rules", str(ALERTS_TEST))],
                         ids=["check", "test"])
def test_alerts(check: tuple[str, ...]) -> None:
    done = subprocess.run([tool("promtool"), *check], text=True, capture_output=True, check=False)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    fired = re.findall(r"alertname: (\w+)\n +exp_alerts:", ALERTS_TEST.read_text(encoding="utf-8"))
    assert alerts and set(alerts) == set(fired)


# The whole way.

def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@contextmanager
def service(log: Path, *argv: str) -> Iterator[None]:
    with open(log, "wb") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        print(log.read_text(errors="replace")[-4000:])


def get(port: int, path: str, **query: str) -> str:
    """An answer; empty while there is none."""
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.read().decode()}") from None
    except OSError:
        return ""


def ask(port: int, path: str, **query: str) -> Any:
    """What Prometheus answers; nothing while it is not ready."""
    answer = get(port, f"/api/v1/{path}", **query)
    if not answer:
        return None
    found = json.loads(answer)
    assert found["status"] == "success"
    return found["data"]


def value(port: int, expr: str) -> float | None:
    found = ask(port, "query", query=expr)
    return float(found["result"][0]["value"][1]) if found and found["result"] else None


def commands_of_the_dropin(path: Path, collector: Path) -> dict[str, list[str]]:
    """What it has done before the start and after the end, with places of the test's own."""
    text = DROPIN.read_text(encoding="utf-8")
    assert f"#     TextFile=/run/reaperd-metrics/{path.name}\n" in text
    text = text.replace("/run/reaperd-metrics", str(path.parent)).replace("/var/lib/prometheus/node-exporter",
                                                                          str(collector))
    return {key: command.split() for key, command in re.findall(r"^(Exec\w+)=-\+(.*)$", text, re.M)}


def test_prometheus(engine: Standin, reaperd: Reaperd, folder: Path, path: Path) -> None:
    """From the file, by the drop-in's link, through node_exporter, to Prometheus, the alerts and the dashboard."""
    collector = folder / "node-exporter"
    collector.mkdir()
    (collector / "other.prom").write_text("other_program 1\n", encoding="utf-8")
    exporter, prometheus = free_port(), free_port()
    (folder / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}],
    }), encoding="utf-8")
    commands = commands_of_the_dropin(path, collector)
    assert commands.keys() == {"ExecStartPre", "ExecStopPost"}

    with (service(folder / "exporter.log", tool("prometheus-node-exporter"), "--collector.disable-defaults",
                  "--collector.textfile", f"--collector.textfile.directory={collector}",
                  f"--web.listen-address=127.0.0.1:{exporter}"),
          service(folder / "prometheus.log", tool("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
                  f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{prometheus}")):
        due = [engine.add(slot=n) for n in range(4)]
        subprocess.run(commands["ExecStartPre"], check=True)
        reaperd.begin(**{"Metrics.TextFile": str(path)})
        engine.wait_removed(*due)
        wait_for(reaperd, path, reaperd_removals_total_ttl_expired=4, reaperd_engine_connected=1)

        until(lambda: value(prometheus, 'reaperd_removals_total{verdict="ttl-expired"}') == 4, "removals in Prometheus",
              60, lambda: get(exporter, "/metrics"))
        assert value(prometheus, "sum(reaperd_removals_total)") == 4
        assert value(prometheus, "reaperd_engine_connected") == value(prometheus, "other_program") == 1
        assert value(prometheus, "node_textfile_scrape_error") == 0
        written = value(prometheus, 'node_textfile_mtime_seconds{file=~".*/reaperd[.]prom"}')
        assert written is not None and abs(written - path.stat().st_mtime) < 120

        kinds = ask(prometheus, "metadata")
        assert {name: kinds[name][0]["type"] for name in families(path)} == families(path)
        for expr in expressions():
            ask(prometheus, "query", query=expr)
        assert value(prometheus, next(expr for expr in expressions() if expr.startswith("count(reaperd_build_info"))) == 1

        # Those that stand for what there is now; nothing is amiss.
        until(lambda: all(rule["health"] == "ok" for group in (ask(prometheus, "rules") or {"groups": []})["groups"]
                          for rule in group["rules"]), "the alerts evaluated")
        assert len(ask(prometheus, "rules")["groups"][0]["rules"]) == ALERTS.read_text(encoding="utf-8").count("- alert:")
        until(lambda: ask(prometheus, "alerts") == {"alerts": []}, "no alert, not even a pending one", 60)

        # It stops: nothing is left that node_exporter would stumble over, and Prometheus sees that it is gone.
        assert reaperd.stop() == 0
        subprocess.run(commands["ExecStopPost"], check=True)
        assert [file.name for file in collector.iterdir()] == ["other.prom"] and not list(path.parent.iterdir())
        until(lambda: value(prometheus, "count(reaperd_build_info) or vector(0)") == 0, "its end in Prometheus", 60)
        until(lambda: [alert["labels"]["alertname"] for alert in ask(prometheus, "alerts")["alerts"]] == ["ReaperdGone"],
              "the alert for that, pending", 60)
        assert value(prometheus, "node_textfile_scrape_error") == 0
