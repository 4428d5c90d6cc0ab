# SPDX-License-Identifier: Apache-2.0
"""Labels, rules of every kind, and containers that are no tasks, side by side.

Everything starts together and one reaperd works on it; the scenario ends when
everything that has to go is gone and the rest has outlived every span.  Then
each test looks at one thing in the record, and the oracle at all of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from bench import LOW, Bench
from cast import Cast
from journal import Journal
from lab import IMAGE, until
from oracle import Judgement

FORGED = {
    "com.docker.swarm.task": "", "com.docker.swarm.task.id": "abcdefghijklmnopqrstuvwxy",
    "com.docker.swarm.task.name": "web.1.abcdefghijklmnopqrstuvwxy",
    "com.docker.swarm.service.name": "web", "com.docker.swarm.service.id": "svc",
}
FAILS = ["sh", "-c", "exit 3"]
TALKS = ["sh", "-c", "for i in 1 2 3 4; do echo line $i; done; printf '\\033[1mbold\\n' >&2; exit 3"]
SETTINGS: dict[str, Any] = {
    "MaxTTL": "26s",
    "Rule kept": {"Service": "kept* !kept-not", "Action": "keep"},
    "Rule stack": {"Stack": "sh?p", "Success": "17s"},
    "Rule name": {"Name": "named.1.*", "Success": "18s"},
    "Rule image": {"Image": "job:*", "Success": "19s"},
    "Rule label": {"Label": "team=r[ea]d !skip", "Action": "keep"},
    "Rule exempt": {"Service": "exempt"},
    "Rule late": {"Service": "exempt late", "Action": "keep"},
    "Rule floor": {"Service": "floor", "Success": "0"},
    "Rule log": {"Service": "talks calm", "Failure": "11s", "LogTail": "3"},
    "Rule task pet": {"Kind": "task", "Service": "pet", "Success": "16s"},
    "Rule pets": {"Kind": "other", "Name": "pet*", "Action": "keep"},
    "Rule web": {"Kind": "any", "Service": "web", "Action": "keep"},
    "Rule volumes": {"Kind": "any", "Name": "any-*", "Action": "reap", "RemoveVolumes": "always",
                     "Success": "13s", "LogTail": "2"},
    "Rule other": {"Kind": "other", "Image": "busy:*", "Name": "!left-*", "Action": "reap"},
}
OURS = "org.reaperd."
MALFORMED = {f"{OURS}keep": "perhaps", f"{OURS}ttl": "soon", f"{OURS}keep-last": "-1"}

# What goes, and the age at which it does.
TASKS_THAT_GO = {
    "ttl": 20, "ttl-failure": 11, "ttl-success": 12, "ttl-ever": 26, "keep-label": 26, "keep-no": 12,
    "malformed": 12, "kept-not": 12, "stack": 17, "other-stack": 12, "image": 19, "red-skip": 12,
    "exempt": 12, "floor": 10, "talks": 11, "calm": 12, "pet": 16,
}
PLAIN_THAT_GOES = {
    "p-ok": 12, "p-fails": 25, "p-forged": 12,
    "p-broken": 25,     # first looked at after FailedStart=, and then not before MinimumAge=
    "p-volume": 12, "p-malformed": 12,
    "p-keep-label": 26, "p-ttl": 14, "any-1": 13, "any-tty": 25,
}
TASKS_THAT_STAY = ("kept", "red", "late")
PLAIN_THAT_STAYS = ("p-running", "p-created", "p-rm-running", "p-always", "p-unless", "p-on-failure",
                    "pet-1", "left-plain", "left-forged", "left-ttl")


class Scenario(Cast):
    def __init__(self, bench: Bench, journal: Journal) -> None:
        super().__init__(bench)
        self.journal = journal
        self.verdict = Judgement()
        self.volumes: tuple[set[str], set[str]] = (set(), set())

    def run(self) -> None:
        bench, client = self.bench, self.bench.engine.client
        client.call("POST", f"/images/{IMAGE}/tag", {"repo": "job", "tag": "v1"})
        self.container("p-forged", labels=FORGED)
        self.reaper = bench.reaper(settings=SETTINGS, wrapper=self.journal.wrapper).await_ready()
        self.plain_containers()
        self.labelled_services()
        self.ruled_services()
        before = self.known_volumes()
        goners = [*TASKS_THAT_GO, "named", *PLAIN_THAT_GOES]
        for name in [*goners, *TASKS_THAT_STAY]:
            self.await_ended(name)
        bench.await_gone(lambda: self.ids(*goners), 60)
        staying = self.ids("kept", "red", "late", "left-plain")
        until(lambda: bench.age(staying) > 32, 30, "longer than any span")
        self.volumes = (before, self.known_volumes())
        self.verdict = bench.judge()

    def known_volumes(self) -> set[str]:
        found = self.bench.engine.client.get("/volumes")["Volumes"] or []
        return {volume["Name"] for volume in found}

    def labelled_services(self) -> None:
        for name, command, labels in (
                ("ttl", ["true"], {"ttl": "20s"}), ("ttl-success", ["true"], {"ttl.failure": "2h"}),
                ("ttl-failure", FAILS, {"ttl": "1h", "ttl.failure": "11s"}),
                ("ttl-ever", FAILS, {"ttl": "infinity"}), ("keep-label", ["true"], {"keep": "True"}),
                ("keep-no", ["true"], {"keep": "no"})):
            self.service(name, command, labels={f"{OURS}{key}": text for key, text in labels.items()})
        self.service("malformed", replicas=3, labels=MALFORMED)

    def ruled_services(self) -> None:
        for name in ("kept", "kept-not", "exempt", "late", "floor", "calm", "pet"):
            self.service(name)
        self.service("named", replicas=2)
        self.service("stack", stack="shop")
        self.service("other-stack", stack="workshop")
        self.service("image", image="job:v1")
        self.service("red", labels={"team": "red"})
        self.service("red-skip", labels={"team": "red", "skip": ""})
        self.service("talks", TALKS, replicas=2)

    def plain_containers(self) -> None:
        self.container("p-ok")
        self.container("p-fails", FAILS)
        self.container("p-broken", ["/no/such/program"])
        self.container("p-volume", volume="/anonymous")
        self.container("p-malformed", labels=MALFORMED)
        self.container("p-keep-label", labels={f"{OURS}keep": "1"})
        self.container("p-ttl", labels={f"{OURS}ttl": "14"})
        self.container("any-1", volume="/anonymous")
        self.container("any-tty", TALKS, tty=True)
        self.container("p-running", ["sleep", "1000"])
        self.container("p-created", start=False)
        self.container("p-rm", ["sleep", "2"], auto_remove=True)
        self.container("p-rm-running", ["sleep", "1000"], auto_remove=True)
        self.container("p-on-failure", restart="on-failure")
        for name, policy in (("p-always", "always"), ("p-unless", "unless-stopped")):
            self.container(name, ["sleep", "1000"], restart=policy)
            self.bench.engine.client.call("POST", f"/containers/{name}/stop", {"t": 0})
        self.container("pet-1")
        self.container("left-plain")
        self.container("left-forged", labels=FORGED)
        self.container("left-ttl", labels={f"{OURS}ttl": "1s"})

    def record(self, name: str) -> dict[str, str]:
        """The entry of the removal of one, the first by id."""
        ident = min(self.ids(name))
        found, = [entry for entry in self.journal.entries() if entry.get("CONTAINER_ID_FULL") == ident
                  and entry["MESSAGE"].startswith("Removed ")]
        return found

    def place(self, section: str, key: str) -> str:
        """FILE:LINE of a key in the configuration."""
        lines = self.reaper.config.read_text().splitlines()
        begin = lines.index(f"[{section}]")
        number = next(n for n, line in enumerate(lines) if n > begin and line.startswith(f"{key}="))
        return f"{self.reaper.config}:{number + 1}"


@pytest.fixture(scope="module")
def scenario(bench: Bench, journal: Journal) -> Scenario:
    made = Scenario(bench, journal)
    with bench.scenario():
        made.run()
    return made


def test_oracle(scenario: Scenario) -> None:
    """The whole scenario; and all that was to go was there to be judged."""
    everything = scenario.ids(*TASKS_THAT_GO, "named", *PLAIN_THAT_GOES)
    assert everything == scenario.verdict.removed
    assert scenario.verdict.removed <= scenario.verdict.awaited


@pytest.mark.parametrize(("name", "age"), [*TASKS_THAT_GO.items(), *PLAIN_THAT_GOES.items()])
def test_goes_at_its_age(scenario: Scenario, name: str, age: float) -> None:
    """By its label, else the first rule, else [Retention]: when the DELETE was sent."""
    history = scenario.bench.history()
    for ident in scenario.ids(name):
        look = history.last_look(ident)
        assert look is not None
        deleted = max(c.time for c in history.calls if c.method == "DELETE" and c.container == ident)
        assert age - 0.05 < deleted - (look.finished or look.created) < age + 5


@pytest.mark.parametrize("name", TASKS_THAT_STAY)
def test_tasks_that_are_kept(scenario: Scenario, name: str) -> None:
    assert scenario.here(name)


@pytest.mark.parametrize("name", PLAIN_THAT_STAYS)
def test_plain_containers_that_are_untouched(scenario: Scenario, name: str) -> None:
    assert scenario.here(name)


def test_out_of_scope_is_not_even_inspected(scenario: Scenario) -> None:
    asked = {call.container for call in scenario.bench.proxy.snapshot()}
    assert not scenario.ids("left-plain", "left-forged", "left-ttl", "pet-1", "p-running") & asked


def test_the_engine_removes_its_own(scenario: Scenario) -> None:
    """docker run --rm: it has gone, and no DELETE was sent for it."""
    assert not scenario.here("p-rm")
    assert not [call for call in scenario.bench.proxy.snapshot() if call.method == "DELETE"
                and call.container in scenario.ids("p-rm", "p-rm-running")]


def test_rule_by_slot(scenario: Scenario) -> None:
    """Name=named.1.* is about one of the two replicas."""
    ages = {}
    for ident in scenario.ids("named"):
        look = scenario.bench.recorder.history.last_look(ident)
        assert look is not None
        deleted = max(c.time for c in scenario.bench.proxy.snapshot()
                      if c.method == "DELETE" and c.container == ident)
        ages[look.name.split(".")[1]] = deleted - look.finished
    assert 12 <= ages["2"] < 17 and 18 <= ages["1"] < 23


def test_volumes(scenario: Scenario) -> None:
    """RemoveVolumes=swarm leaves those of plain containers; a rule with always does not."""
    before, after = scenario.volumes
    assert len(before) == 2 and len(after) == 1 and after < before


@pytest.mark.parametrize(("name", "setting", "origin", "rule"), [
    ("ttl", "Success", "label org.reaperd.ttl", None),
    ("ttl-failure", "Failure", "label org.reaperd.ttl.failure", None),
    ("keep-no", "Success", ("Retention", "Success"), None),
    ("stack", "Success", ("Rule stack", "Success"), "stack"),
    ("kept-not", "Success", ("Retention", "Success"), None),
    ("exempt", "Success", ("Retention", "Success"), "exempt"),
    ("floor", "MinimumAge", ("Retention", "MinimumAge"), "floor"),
    ("talks", "Failure", ("Rule log", "Failure"), "log"),
    ("pet", "Success", ("Rule task pet", "Success"), "task pet"),
    ("any-1", "Success", ("Rule volumes", "Success"), "volumes"),
    ("p-ok", "Success", ("Retention", "Success"), "other"),
    ("p-ttl", "Success", "label org.reaperd.ttl", "other"),
    ("p-fails", "Failure", ("Retention", "Failure"), "other"),
    ("p-broken", "MinimumAge", ("Retention", "MinimumAge"), "other"),
])
def test_record_says_why(scenario: Scenario, name: str, setting: str, origin: Any,
                         rule: str | None) -> None:
    entry = scenario.record(name)
    assert entry["REAPERD_VERDICT"] == "ttl-expired"
    assert entry["REAPERD_SETTING"] == setting
    assert entry["REAPERD_ORIGIN"] == (origin if isinstance(origin, str) else scenario.place(*origin))
    assert entry.get("REAPERD_RULE") == rule


def test_log_tail(scenario: Scenario) -> None:
    """The last lines of what failed, escaped; one framed by stream, one of a terminal."""
    # Which of the two streams comes last is the engine's business.
    lines = scenario.record("talks")["REAPERD_LOG_TAIL"].splitlines()
    assert len(lines) == 3 and "line 4" in lines and set(lines) <= {
        "line 2", "line 3", "line 4", "\\x1b[1mbold"}
    lines = scenario.record("any-tty")["REAPERD_LOG_TAIL"].splitlines()
    assert lines == ["line 4", "\\x1b[1mbold"]
    for name in ("calm", "p-fails", "any-1"):
        assert "REAPERD_LOG_TAIL" not in scenario.record(name)
    asked = {call.container for call in scenario.bench.proxy.snapshot() if call.is_logs}
    assert asked == scenario.ids("talks", "any-tty")


def test_malformed_labels_are_said_once(scenario: Scenario) -> None:
    """Once for a service and a plain container each, with what would be accepted."""
    for name in ("malformed", "p-malformed"):
        for label, value in MALFORMED.items():
            told = [entry for entry in scenario.journal.entries() if entry["PRIORITY"] == "4"
                    and f"{label}=" in entry["MESSAGE"] and value in entry["MESSAGE"]
                    and (f" {name}" in entry["MESSAGE"] or f'"{name}"' in entry["MESSAGE"])]
            assert len(told) == 1, [e["MESSAGE"] for e in scenario.journal.entries() if e["PRIORITY"] == "4"]


def test_spans_are_those_of_the_scenario() -> None:
    """What the table of ages above rests on."""
    assert (LOW["Success"], LOW["Failure"], LOW["FailedStart"], LOW["MinimumAge"]) == \
        ("12s", "25s", "15s", "10s")


def test_forged_one_that_events_told_of(bench: Bench, scenario: Scenario) -> None:
    """Its labels make it look like a task until the engine is asked; then the rule holds for it."""
    scenario.container("p-forged-later", labels=FORGED)
    scenario.await_ended("p-forged-later")
    bench.await_gone(scenario.ids("p-forged-later"), 12 + 5)
    bench.judge()
