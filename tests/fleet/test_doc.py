# SPDX-License-Identifier: Apache-2.0
"""docs/fleet.md, as far as it is not run: links, names, files, and what is said of other parts."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

import doc
from rollout import CONTAINER

TEXT = doc.PAGE.read_text(encoding="utf-8")
STACK = CONTAINER / "reaperd-stack.yml"


def anchors(page: Path) -> set[str]:
    """The headings as links name them."""
    found = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_links() -> None:
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", TEXT):
        page = (doc.PAGE.parent / path).resolve() if path else doc.PAGE
        assert page.is_file(), path
        assert not anchor or anchor in anchors(page), f"{path}#{anchor}"


def test_every_example_has_the_version() -> None:
    """That of the last release: what is being worked on is nobody's yet."""
    released = re.search(r"^## \[(\d+\.\d+\.\d+)\] - ", (doc.TOP / "CHANGELOG.md").read_text(), re.M)
    stated = re.compile(r"reaperd[:=_](?:registry\S*:)?(\d+\.\d+\.\d+)")
    assert released and set(stated.findall(TEXT)) == {released[1]}
    assert set(stated.findall((doc.TOP / "README.md").read_text())) <= {released[1]}


def test_commands_parse() -> None:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", TEXT, flags=re.M | re.S), re.M)
    blocks = [block for heading in headings for block in doc.commands(heading)]
    assert len(blocks) > 15
    for block in blocks:
        done = subprocess.run(["sh", "-n"], input=block, text=True, capture_output=True, check=False)
        assert done.returncode == 0, (block, done.stderr)


def test_commands_are_careful() -> None:
    """What root takes from a folder where everybody can write could be anybody's, and so could what a name without a
    registry leads to."""
    assert not re.findall(r"(?<![\w.])/tmp\b", TEXT)
    runs = re.findall(r"docker run .*", TEXT)
    assert len(runs) == 2 and all(" --pull never " in run for run in runs)


def test_commands_of_reaperctl(reaperd: Path) -> None:
    """Each is one that its help knows."""
    done = subprocess.run([reaperd.parent / "reaperctl", "--help"], capture_output=True, text=True, check=True)
    used = re.findall(r"reaperctl (?:-H \S+ )?([a-z-]+)", TEXT)
    assert {"status", "history", "pause", "list"} <= set(used)
    assert not [verb for verb in used if not re.search(rf"^  {verb}\b", done.stdout, re.M)]


def test_names_of_others() -> None:
    """Message ids, settings and alert rules that are named exist."""
    manual = (doc.TOP / "man/reaperd.8").read_text()
    assert (ids := re.findall(r"MESSAGE_ID=(\w{32})", TEXT)) and all(each in manual for each in ids)
    conf = (doc.TOP / "conf/reaperd.conf").read_text()
    for key in set(re.findall(r"`(?:\[\w+\] )?([A-Z][A-Za-z]+)=[^`]*`", TEXT)):
        assert re.search(rf"^#{key}=", conf, re.M), key
    alerts = (doc.TOP / "conf/reaperd-alerts.yml").read_text()
    for alert in set(re.findall(r"`(Reaperd\w+)`", TEXT)):
        assert f"alert: {alert}\n" in alerts, alert


def test_play() -> None:
    """The Ansible play has the form of one; ansible-playbook itself is no part of the tests."""
    ((play,),) = [yaml.safe_load(block) for block in doc.fenced("Configuration management", "yaml")]
    assert play["serial"][0] == 1 and play["any_errors_fatal"] is True and play["become"] is True
    handlers = {handler["name"] for handler in play["handlers"]}
    for task in play["tasks"] + play["handlers"]:
        (module,) = [key for key in task if key.startswith("ansible.builtin.")]
        assert task["name"] and (module.endswith("command") or isinstance(task[module], dict))
        assert task.get("notify", next(iter(handlers))) in handlers
    files = [task["ansible.builtin.copy"] for task in play["tasks"] if task.get("ansible.builtin.copy", {}).get(
        "dest", "").startswith("/etc/reaperd/")]
    assert len(files) == 2 and all(file["validate"] == "{{ reaperd_judges }}" for file in files)
    repository = next(task["ansible.builtin.copy"]["content"] for task in play["tasks"] if "repository" in task["name"]
                      and "content" in task["ansible.builtin.copy"])
    assert repository.strip() in "\n".join(doc.commands("A package repository")), "as on a node by hand"


def test_play_takes_no_bad_file(reaperd: Path, tmp_path: Path) -> None:
    """As Ansible runs `validate`: words as of a shell, and no shell but the one that is named."""
    ((play,),) = [yaml.safe_load(block) for block in doc.fenced("Configuration management", "yaml")]
    (tmp_path / "bad").write_text("[Retention]\nSucces=1h\n")
    (tmp_path / "good").write_text("[Retention]\nSuccess=1h\n")
    for binary, refused in ((reaperd, 1), (tmp_path / "none", 0)):
        judges = play["vars"]["reaperd_judges"].replace("/usr/sbin/reaperd", str(binary))
        ended = [subprocess.run(shlex.split(judges % (tmp_path / name)), capture_output=True, check=False).returncode
                 for name in ("good", "bad")]
        assert ended == [0, refused]


@pytest.mark.parametrize("part", [0, 1])
def test_further_files(part: int) -> None:
    """Those that are laid over the stack file name its service, and add only."""
    further = yaml.safe_load(doc.fenced("What it does not see in there", "yaml")[part])
    (service,) = further["services"].values()
    assert set(further["services"]) == set(yaml.safe_load(STACK.read_text())["services"])
    assert set(service) <= {"cap_add", "volumes"}


def test_logging_is_a_part_of_the_stack_file() -> None:
    (journald,) = doc.fenced("The log", "yaml")
    shipped = yaml.safe_load(STACK.read_text())["services"]["reaperd"]["logging"]
    assert set(yaml.safe_load(journald)["logging"]) == set(shipped)


def test_shipped_configuration_changes_nothing(reaperd: Path) -> None:
    conf = CONTAINER / "reaperd-fleet.conf"
    done = subprocess.run([reaperd, "--check-config", f"--config={conf}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    # What stands there as a comment is the default.
    reference = (doc.TOP / "conf/reaperd.conf").read_text()
    for section, body in re.findall(r"^\[(\w+)\]\n(.*?)(?=^\[|\Z)", conf.read_text(), re.M | re.S):
        defaults = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", reference, re.M | re.S)
        settings = re.findall(r"^#(\w+=.*)$", body, re.M)
        assert settings and defaults
        for setting in settings:
            assert f"#{setting}\n" in defaults[1] or setting.split("=")[0] in ("Shutdown",), setting
