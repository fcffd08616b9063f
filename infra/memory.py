"""How much memory a process uses, and how much it may use: of the machine, or of its container.

A container's limit is that of its control group (cgroup, version 2 or 1).
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_UNLIMITED_FROM = 1 << 60
"""Version 1 says so large a number where there is no limit."""


class Memory(NamedTuple):
    """Bytes that this machine or container has, and those that are free."""

    limit: int
    free: int


def memory_status() -> dict[str, Any]:
    """What a worker says of its memory: JSON values with stable names."""
    return {
        "used_bytes": psutil.Process().memory_info().rss,
        "limit_bytes": memory_here().limit,
        "host": socket.gethostname(),
    }


def memory_here(cgroups: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> Memory:
    """The least of the machine's memory and that of each control group of this process."""
    machine = psutil.virtual_memory()
    found = [Memory(machine.total, machine.available), *_of_groups(cgroups, own)]
    return Memory(min(each.limit for each in found), min(each.free for each in found))


def _of_groups(cgroups: Path, own: Path) -> Iterator[Memory]:
    for folder in _folders(cgroups, own):
        for names in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _number(folder / names[0]), _number(folder / names[1])
            if limit is not None and used is not None and limit < _UNLIMITED_FROM:
                cache = _stat(folder / "memory.stat", names[2])
                yield Memory(limit, max(0, limit - used + cache))


def _folders(cgroups: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's groups; in a container, its own one is at the top."""
    yield from (cgroups, cgroups / "memory")
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory") and path != "/":
            yield cgroups / controllers / path.lstrip("/")


def _number(path: Path) -> int | None:
    """The number in a file; None if there is none, as in `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _stat(path: Path, name: str) -> int:
    """A row of `memory.stat`: a cache of files is given back when memory is needed."""
    try:
        rows = dict(line.split() for line in path.read_text().splitlines())
        return int(rows.get(name, 0))
    except (OSError, ValueError):
        return 0
