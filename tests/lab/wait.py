# SPDX-License-Identifier: Apache-2.0
"""Waiting for a state, with a deadline.

A fixed sleep is either too long or too short; every wait of the lab names the
state that it waits for, polls it, and says what was missing when time is up.
"""

from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")


def until(probe: Callable[[], T], timeout: float, what: str, poll: float = 0.1) -> T:
    """Return the first true value of probe(); TimeoutError names `what`."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(poll)
