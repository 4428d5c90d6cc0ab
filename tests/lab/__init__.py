# SPDX-License-Identifier: Apache-2.0
"""A private, real Docker Engine with a Swarm, for tests and demonstrations.

Everything here talks HTTP to the engine's Unix socket and starts its own
engine in its own network namespace and cgroup, so that neither the engine of
the host nor a second lab beside it is touched.  Nothing here knows pytest.
"""

from .client import ApiError, Client
from .engine import Engine, LabError, missing_tools
from .proxy import Call, RecordingProxy
from .reaper import Reaper, Reload
from .wait import until
from .workload import IMAGE, Swarm, run_container, service_spec, update_object

__all__ = [
    "ApiError", "Call", "Client", "Engine", "IMAGE", "LabError", "Reaper",
    "RecordingProxy", "Reload", "Swarm", "missing_tools", "run_container",
    "service_spec", "until", "update_object",
]
