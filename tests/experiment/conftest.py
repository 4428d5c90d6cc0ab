# SPDX-License-Identifier: Apache-2.0
"""Common ground of the tests of the experiment."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from meter_kit import fixture_v1, machine    # noqa: E402, F401
from story import story, told               # noqa: E402, F401
