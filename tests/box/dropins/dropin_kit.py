# SPDX-License-Identifier: Apache-2.0
"""An example of a drop-in as it is installed, and how it is put to use."""

from __future__ import annotations

import re
from dataclasses import dataclass

import service_kit as kit
from lab.box import Box

EXAMPLES = "/usr/share/doc/reaperd"
# What the node's containers have written, in MB, in the order in which they ended: neither the oldest nor the newest
# of those that are compared holds most. What COLD has written is on the disk alone.
WRITTEN = {"small": 8, "cold": 64, "large": 48, "middle": 24, "unknown": 1, "by-tcp": 1, "by-unix": 1}
COLD = "cold"


@dataclass
class DropIn:
    """One, where it is to be copied, and what it says that the configuration needs."""

    text: str
    place: str
    configuration: str

    @staticmethod
    def read(box: Box, name: str) -> "DropIn":
        text = box.read(f"{EXAMPLES}/{name}.conf.example")
        comment = re.sub(r"\n# ?", " ", text.partition("\n[Service]\n")[0])
        place = re.search(r"Copy this file to +(/etc/systemd/system/\S+\.conf)", comment)
        assert place and re.search(r"systemctl +daemon-reload && systemctl restart reaperd\b", comment), comment
        return DropIn(text, place[1], "\n".join(re.findall(r"^#     (.*)$", text, re.M)))


def reap(box: Box, ids: list[str]) -> list[kit.Record]:
    """An operator's word, once the list of the engine has told reaperd what there is; the records."""
    kit.await_status(box, "^Tracking [1-9]")
    box.run("reaperctl", "reap", *ids)
    return list(kit.await_removed(box, ids).values())
