# SPDX-License-Identifier: Apache-2.0
"""Values with their units, as the documents write them."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000
BYTES, CPUS, PERCENT, MS, SECONDS, COUNT, NUMBER = "MB", "CPUs", "%", "ms", "s", "", "number"
UNITS = {
    "cpu": CPUS, "cpu_containers": CPUS, "cpu_engine": CPUS, "used_percent": PERCENT, "unavailable_percent": PERCENT,
    "cpu_percent": PERCENT, "shims": COUNT, "dying_cgroups": COUNT, "listed": COUNT, "ended": COUNT, "removed": COUNT,
    "damaged": COUNT, "delayed_ended": COUNT, "delayed_damaged": COUNT, "inodes_used": COUNT, "inodes": COUNT,
    "machine_cpu": NUMBER, "samples": COUNT, "ps_ms": MS, "seconds": SECONDS, "cleaner_cpu": SECONDS,
    "engine_cpu": SECONDS,
}


@dataclass(frozen=True)
class Quantity:
    value: float
    unit: str
    signed: bool = False        # a plus is told too

    def text(self) -> str:
        text = self._text()
        return f"+{text}" if self.signed and self.value > 0 and any(digit in text for digit in "123456789") else text

    def _text(self) -> str:
        if self.unit == BYTES:
            # A container's share may be some kB only.
            if 0 < abs(self.value) < MB / 10 and abs(self.value) >= 500:
                return f"{self.value / 1000:.0f} kB"
            return f"{digits(self.value / MB)} MB"
        if self.unit == COUNT:
            # Medians of an even number, and slopes, are no whole numbers.
            whole = abs(self.value) >= 20 or float(self.value).is_integer()
            return f"{self.value:,.0f}" if whole else digits(self.value)
        if self.unit == NUMBER:
            return f"{self.value:.2f}"
        if self.unit == CPUS:
            return f"{self.value + 0.0:.2f} CPUs" if abs(self.value) >= 0.01 else f"{self.value + 0.0:.4f} CPUs"
        return f"{digits(self.value)} {self.unit}"


def digits(value: float) -> str:
    """With as many as a reader can use."""
    places = 0 if abs(value) >= 99.5 else 1 if abs(value) >= 0.95 else 2
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def unit_of(metric: str) -> str:
    return UNITS.get(metric, BYTES)
