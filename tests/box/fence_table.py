# SPDX-License-Identifier: Apache-2.0
"""What each line of the unit is to forbid, as acts of the probe; and what it must leave possible.

An act that stands here is tried four times: without any fence, where it has to work, else a refusal would prove
nothing; behind the one fence alone, as root; behind all of them, as the unit has them; and there as root.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass, field

PROBE = "/usr/local/lib/fences/probe"
SETUID = "/usr/local/lib/fences/setuid"
# Everybody may write in these, as far as the rights of files go.
OPEN_FOLDERS = ("/etc/fences", "/opt/fences", "/run/fences", "/srv/fences", "/usr/local/fences", "/var/fences")
# Everybody may read these.
OPEN_FILES = ("/home/fences/file", "/root/fences", "/run/user/4711/fences", "/tmp/fences", "/var/tmp/fences",
              "/usr/lib/modules/fences", "/boot/fences")
SOMEBODY = 54321
# Of somebody, and closed to others.
PRIVATE_FILE = "/srv/fences/private"
CGROUP = "{cgroup}/fences"
# A place where the unit may write too.
HERE = "/tmp"

X86 = platform.machine() == "x86_64"
SETUID_ACTS = tuple(f"{act}:{HERE}" for act in ("suid-chmod", "sgid-fchmod", "suid-open", "sgid-mkdir"))
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
PRIVILEGED_CALLS = ("bpf", "capset", "chroot", f"chown-same:{HERE}", "fanotify", "open-by-handle", "setuid-same",
                    "set-clock", "load-module", "set-hostname") + (("io-port",) if X86 else ())
OTHER_GROUPS = ("uring", "keyring")
RESOURCE_CALLS = ("priority", "affinity", "io-priority", "move-pages", "memory-policy")
OTHER_CALLS = ("mount:/run/fences", "unmount", "pivot-root", "open-tree", "perf-event", "be-traced", "kernel-log")


@dataclass(frozen=True)
class Fence:
    """acts: what it forbids; base: the lines of a unit in which they are possible. `{value}` is the line's value."""
    acts: tuple[str, ...]
    base: str = ""


NOBODY = "User=nobody"
# systemd 257 leaves /sys writable, unless it is mounted anew for another network.
PRIVATE_NETWORK = "PrivateNetwork=yes"

FENCES: dict[str, Fence] = {
    "User": Fence(("read:/etc/shadow", "write:/etc/passwd", "signal:1")),
    "RestrictAddressFamilies": Fence(("socket:inet", "socket:inet6", "socket:netlink", "socket:packet",
                                      "socket:vsock")),
    "PrivateNetwork": Fence(("interfaces", "abstract")),
    "IPAddressDeny": Fence(("datagram:127.0.0.1", "datagram:172.17.0.1")),
    "CapabilityBoundingSet": Fence((
        "capabilities:CapBnd", "capabilities:CapEff", f"chown:{HERE}", f"read:{PRIVATE_FILE}", "setuid", "setgroups",
        "socket:packet", "set-hostname", "set-clock", "mount:/run/fences", f"mknod:{HERE}")),
    "AmbientCapabilities": Fence(("capabilities:CapAmb",), f"{NOBODY}\nAmbientCapabilities=CAP_CHOWN"),
    "NoNewPrivileges": Fence((f"become-root:{SETUID}",), NOBODY),
    "RestrictSUIDSGID": Fence(SETUID_ACTS),
    "PrivateUsers": Fence(("other-users", "setuid", f"chown:{HERE}", "set-hostname", "set-clock")),
    "ProtectSystem": Fence(tuple(f"create:{folder}" for folder in OPEN_FOLDERS)),
    "ProtectHome": Fence(("read:/home/fences/file", "read:/root/fences", "read:/run/user/4711/fences")),
    "PrivateTmp": Fence(("read:/tmp/fences", "read:/var/tmp/fences")),
    "PrivateMounts": Fence(("mount-for-all:/run/fences",)),
    "PrivateDevices": Fence(("read:/dev/fences", f"mknod:{HERE}") + (("io-port",) if X86 else ())),
    "DevicePolicy": Fence((f"mknod:{HERE}",)),
    "ProtectProc": Fence(("read:/proc/1/status",), NOBODY),
    "ProtectClock": Fence(("set-clock",)),
    "ProtectControlGroups": Fence((f"mkdir:{CGROUP}",)),
    "ProtectHostname": Fence(("set-hostname", "set-domainname")),
    "ProtectKernelLogs": Fence(("kernel-log", "read:/dev/kmsg", "read:/proc/kmsg")),
    "ProtectKernelModules": Fence(("load-module", "unload-module", "read:/usr/lib/modules/fences")),
    "ProtectKernelTunables": Fence(("write:/proc/sys/net/ipv4/ip_default_ttl", "write:/sys/class/net/lo/tx_queue_len",
                                    "read:/proc/kallsyms"), PRIVATE_NETWORK),
    "LockPersonality": Fence(("personality",)),
    "MemoryDenyWriteExecute": Fence(("map-write-execute", "protect-execute", "attach-execute")),
    "RestrictNamespaces": Fence(tuple(f"{act}:{name}" for act in ("unshare", "clone", "setns") for name in NAMESPACES
                                      if (act, name) != ("setns", "user"))),
    "RestrictRealtime": Fence(("realtime:fifo", "realtime:rr")),
    "SystemCallFilter": Fence(PRIVILEGED_CALLS + RESOURCE_CALLS + OTHER_GROUPS + OTHER_CALLS),
    "SystemCallArchitectures": Fence(("foreign-call",) if X86 else ()),
    "UMask": Fence((f"open-to-others:{HERE}",)),
    "KeyringMode": Fence(("outside-key",), "KeyringMode=inherit"),
    "PrivateIPC": Fence(("outside-memory",)),
    "ReadOnlyPaths": Fence(("create:/run/fences", "create:/run/lock")),
    "InaccessiblePaths": Fence(("create:/dev/shm", "create:/dev/mqueue")),
    "NoExecPaths": Fence(tuple(f"{act}:{folder}" for act in ("execute-written", "map-written") for folder in
                               ("/var/lib/reaperd", "/run/reaperd-metrics", "/tmp", "/var/tmp"))),
    "TasksMax": Fence(("fork:{value}",)),
}

# These have a test of their own.
OTHERWISE = {"RemoveIPC", "SystemCallErrorNumber", "SupplementaryGroups",
             # What the daemon does when memory is short: test_starving.py.
             "MemoryMax", "MemorySwapMax", "OOMScoreAdjust", "ManagedOOMPreference"}

# What these say is how it is run, and forbids nothing.
NO_FENCE = {"Type", "ExecStart", "ExecReload", "WatchdogSec", "Restart", "RestartSec", "RestartPreventExitStatus",
            "TimeoutStopSec", "StateDirectory", "RuntimeDirectory", "RuntimeDirectoryMode", "RuntimeDirectoryPreserve",
            "LogRateLimitIntervalSec", "LogRateLimitBurst"}

# What is forbidden by several lines together, or by what systemd knows of only in part.
TOGETHER = ("uring-socket:inet", "uring-socket:vsock", "unshare:time", f"suid-fchmodat2:{HERE}", "capabilities:CapPrm",
            "capabilities:CapInh", "connect:/run/systemd/private", "write:/boot/fences", f"write:{PROBE}",
            "write:/etc/reaperd/reaperd.conf")

# What root may do without a capability, because it owns the file or the process, or is in its group.
AS_OTHER_USER = {"read:/etc/shadow", "signal:1", "read:/proc/1/status", f"become-root:{SETUID}",
                 "connect:/run/systemd/private"}

# What the daemon does and must be able to.
NEEDS = ("connect:/run/docker.sock", "connect:/run/dbus/system_bus_socket",
         "connect-datagram:/run/systemd/journal/socket", "create:/var/lib/reaperd", "create:/run/reaperd-metrics",
         "read:/etc/reaperd/reaperd.conf", "read:/proc/meminfo", "read:/proc/pressure/memory",
         "watch-stalls:/proc/pressure/memory", "read:{memory}", "socket:unix", "fork:1")


@dataclass(frozen=True)
class DropIn:
    """What an example of a drop-in says that it opens, of what is tried, and nothing else.

    done, refused: further acts, by what has to come of them.
    """
    opens: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


# A file of somebody's where the unit may write, like those in the file systems of running containers.
THEIRS = "/var/lib/reaperd/theirs"
CHANGES = tuple(f"{act}:{THEIRS}" for act in ("chmod", "setxattr", "removexattr", "utimensat"))
STALLS = "watch-stalls:{cgroup}/system.slice/memory.pressure"

DROPINS: dict[str, DropIn] = {
    "page-cache": DropIn(
        opens=("capabilities:CapBnd", "capabilities:CapEff", "capabilities:CapAmb", "capabilities:CapPrm",
               "capabilities:CapInh", "other-users", f"read:{PRIVATE_FILE}", "read:/etc/shadow"),
        done=(f"read:{THEIRS}", f"mincore:{THEIRS}"),
        refused=(*CHANGES, f"fchmodat2:{THEIRS}", "write:/var/lib/docker/fences")),
    "tcp": DropIn(
        opens=("interfaces", "abstract", "socket:inet", "socket:inet6", "datagram:127.0.0.1"),
        done=("stream:127.0.0.1",), refused=("connect:/run/docker.sock",)),
    "metrics": DropIn(),
    "cgroup-pressure": DropIn(done=(STALLS,)),
}


@dataclass
class Unit:
    """The lines of a unit's [Service] section, with all its drop-ins."""
    lines: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> "Unit":
        section, lines = "", []
        for line in re.sub(r"\\\n", " ", text).splitlines():
            line = line.strip()
            if line.startswith("["):
                section = line
            elif section == "[Service]" and line and line[0] not in "#;":
                key, _, value = line.partition("=")
                lines.append((key.strip(), value.strip()))
        return cls(lines)

    def keys(self) -> set[str]:
        return {key for key, _ in self.lines}

    def of(self, key: str) -> str:
        """The lines of a key, as they are."""
        return "\n".join(f"{name}={value}" for name, value in self.lines if name == key)

    def value(self, key: str) -> str:
        return [value for name, value in self.lines if name == key][-1]

    def acts(self, key: str) -> tuple[str, ...]:
        return tuple(act.replace("{value}", self.value(key)) for act in FENCES[key].acts)

    def fences(self) -> list[str]:
        return [key for key in FENCES if key in self.keys()]

    def all_acts(self) -> tuple[str, ...]:
        """What nothing in the unit may do."""
        return tuple(dict.fromkeys([act for key in self.fences() for act in self.acts(key)] + list(TOGETHER)))
