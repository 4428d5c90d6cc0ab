# SPDX-License-Identifier: Apache-2.0
"""The paper's experiment on a real Swarm, and the one that it left out: `sudo make experiment`.

Seven private engines on this machine are the Swarm. `cells` names the pieces of work that a run consists of,
`course` does those of figures 4 to 7, `arms` those of figure 8; `meter` looks at the machine and the nodes meanwhile.
`store` keeps what a piece has found, so that a run that was broken off goes on where it was; `plots` makes the
figures of it, and `page` the numbers in the documents.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.dont_write_bytecode = True      # as root, it would leave files that a user cannot remove
TOP = Path(__file__).resolve().parent.parent
if str(TOP / "tests") not in sys.path:
    sys.path.insert(0, str(TOP / "tests"))     # for the lab
