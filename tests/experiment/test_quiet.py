# SPDX-License-Identifier: Apache-2.0
"""How much of a made-up machine others have used."""

from __future__ import annotations

import os
from typing import Any

import pytest

from experiment import quiet
from experiment.rig import Row


def row(machine_cpu: float | None, cpu: float | None, **more: Any) -> Row:
    return {"machine_cpu": machine_cpu, "cpu": cpu, **more}


@pytest.fixture(autouse=True)
def cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)


def test_it_is_what_the_nodes_have_not_used() -> None:
    """By the rows of the whole Swarm; single looks, which name their figure, are in these already."""
    steps = {"figure4": [row(0.25, 0.9, node="swarm"), row(None, 0.4, node="node1"), row(0.5, 1.0, node="swarm")],
             "figure6": [row(0.25, 0.95, node="swarm")],
             "samples": [row(1.0, 0.0, node="swarm", figure="figure4")]}
    assert quiet.notes(steps) == {"others_cpu": "0.10", "others_cpu_most": "1.00"}
    assert quiet.most(quiet.notes(steps)) == 1.0


def test_that_of_an_arm() -> None:
    arm = {"figure8": [row(None, None, second=0), row(0.5, 1.5, second=1)],
           "figure8-samples": [row(None, 0.1, node="node1", second=1)], "figure8-arms": [{"ended": 5}]}
    assert quiet.notes(arm) == {"others_cpu": "0.50", "others_cpu_most": "0.50"}


def test_what_does_not_tell_is_not_told_of() -> None:
    assert quiet.notes({"figure4": [{"a": 1}]}) == {} and quiet.most({"seconds": "3"}) == 0
