# SPDX-License-Identifier: Apache-2.0
"""How much of the machine others have used while a cell was measured, as its tables have it."""

from __future__ import annotations

import os
import statistics
from typing import Mapping

from .rig import Row, Tables

CPU, MOST = "others_cpu", "others_cpu_most"     # notes of a cell


def notes(tables: Tables) -> dict[str, str]:
    """CPUs in the median, and at most; of steps that is each window, of an arm each second."""
    cpus = os.cpu_count() or 1
    found = [_number(row, "machine_cpu") * cpus - _number(row, "cpu")
             for rows in tables.values() for row in rows
             if row.get("node", "swarm") == "swarm" and "figure" not in row
             and row.get("machine_cpu") is not None and row.get("cpu") is not None]
    return {CPU: f"{statistics.median(found):.2f}", MOST: f"{max(found):.2f}"} if found else {}


def most(noted: Mapping[str, str]) -> float:
    """In what a cell of steps notes; 0 if it does not tell."""
    return float(noted.get(MOST, "0"))


def _number(row: Row, column: str) -> float:
    return float(row[column])
