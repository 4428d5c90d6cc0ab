# SPDX-License-Identifier: Apache-2.0
"""Memory gets short for one configuration, while the machine has plenty of it.

Thresholds lie relative to what is available at the start; a hog crosses them,
far enough that what else happens on the machine makes no difference.
"""

from __future__ import annotations

from typing import Any

from lab.hog import MB, Hog, MemoryCgroup, meminfo

LARGEST = 1280 * MB
# Batches of one, one soon after the other, that nothing but the end of the pressure ends.
PRESSED = {"Pressure.Enabled": "yes", "Pressure.Stall": "off", "Pressure.Sustain": "1s",
           "Pressure.CoolDown": "2s", "Pressure.MinimumAge": "10s", "Pressure.BatchSize": 1,
           "Pressure.MinimumReclaim": "0", "Success": "1h", "Failure": "1h", "Shutdown": "1h",
           "FailedStart": "1h"}


class Squeeze:
    """`settings` for a run of reaperd, and the hog; a context manager.

    A ballast is held besides: reaperd takes its time while more is available
    than half of what lies above the threshold.
    """

    def __init__(self) -> None:
        self.unit = min(meminfo()["MemAvailable"] // 8, LARGEST)
        self._ballast = Hog(2 * self.unit)
        memory = meminfo()
        self._total, self._now = memory["MemTotal"], memory["MemAvailable"]
        self._hog: Hog | None = None

    def __enter__(self) -> "Squeeze":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._ballast.release()

    @property
    def settings(self) -> dict[str, Any]:
        """Critical when a unit less is available than at the start, until most of that is back."""
        return {**PRESSED, "Pressure.MemoryAvailableLow": self._share(1.0),
                "Pressure.MemoryAvailableHigh": self._share(0.6)}

    def begin(self, cgroup: MemoryCgroup | None = None) -> None:
        """Memory is short from now on."""
        self._hog = Hog(2 * self.unit, cgroup)

    def release(self) -> None:
        if self._hog is not None:
            self._hog.release()
            self._hog = None

    def _share(self, units: float) -> str:
        return f"{100 * (self._now - units * self.unit) / self._total:.2f}%"
