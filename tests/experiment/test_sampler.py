# SPDX-License-Identifier: Apache-2.0
"""When samples are taken, which ones a window has, and what becomes of errors."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from experiment.meter import METRICS, Sampler, medians


class Counting:
    """A meter of which only the order of samples is of interest."""

    def __init__(self) -> None:
        self.taken = 0
        self.fails_at = -1

    def sample(self) -> dict[str, Any]:
        self.taken += 1
        if self.taken == self.fails_at:
            raise OSError("the made-up meter is broken")
        return {"swarm": {"shims": self.taken}}


def test_samples_are_on_time_whatever_one_takes() -> None:
    now, late = 50.0, {2: 0.4, 4: 2.3}      # seconds that the second and fourth sample take

    class Slow(Counting):
        def sample(self) -> dict[str, Any]:
            nonlocal now
            found = super().sample()
            now += late.get(self.taken, 0.01)
            return found

    class End:
        """Event.wait(), which wakes up a little late."""

        def wait(self, timeout: float) -> bool:
            nonlocal now
            now += timeout + 0.001
            return now > 60.5

    sampler = Sampler(Slow(), clock=lambda: now)      
    sampler._end = End()
    sampler._run()
    assert [round(at, 2) for at, _ in sampler.samples] == [50, 51, 52, 53, 56, 57, 58, 59, 60]


def test_a_window_is_of_samples_from_now_on() -> None:
    asked = []
    with Sampler(Counting(), every=0.01) as sampler:  
        sampler.window(2)
        seen, began = len(sampler.samples), time.monotonic()
        found = sampler.window(3, lambda: asked.append(1))
        assert sampler.since(began)[:3] == found
    numbers = [sample["swarm"]["shims"] for sample in found]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2] and numbers[0] > seen and asked
    assert [sample["swarm"]["shims"] for _, sample in sampler.samples] == list(range(1, len(sampler.samples) + 1))
    with pytest.raises(RuntimeError):
        sampler.window(1)


def test_a_window_is_broken_off_and_the_thread_ends_at_once() -> None:
    turns = iter((None, None, KeyError("broken off")))

    def go_on() -> None:
        if error := next(turns):
            raise error

    began, before = time.monotonic(), threading.active_count()
    with pytest.raises(KeyError, match="broken off"), Sampler(Counting(), every=600) as sampler:
        sampler.window(5, go_on)
    assert time.monotonic() - began < 60 and threading.active_count() == before


def test_what_goes_wrong_in_the_thread_is_told() -> None:
    meter = Counting()
    meter.fails_at = 2
    with pytest.raises(OSError, match="made-up meter"), Sampler(meter, every=0.01) as sampler:   
        sampler.window(5)
    with pytest.raises(OSError, match="made-up meter"):
        _ = sampler.samples
    meter.fails_at = meter.taken + 1
    with pytest.raises(OSError, match="made-up meter"), Sampler(meter, every=600) as sampler:    
        sampler._thread.join()                          # nobody asks: told at the end
    meter.fails_at = meter.taken + 1
    with pytest.raises(KeyError), Sampler(meter, every=600) as sampler:   
        sampler._thread.join()
        raise KeyError("what the caller has is not hidden")


def test_medians_are_of_what_is_known() -> None:
    samples = [{"cpu": 0.5, "shims": 3}, {"cpu": None, "shims": 9}, {"cpu": 0.1, "shims": 4}, {"cpu": 0.4, "shims": 8}]
    found = medians(samples)
    assert (found["cpu"], found["shims"], found["mem_free"]) == (0.4, 6, None) and isinstance(found["shims"], int)
    assert list(found) == list(METRICS) and set(medians([]).values()) == {None}
