"""Memory is the least of the machine's and that of each control group."""

from pathlib import Path

import psutil
import pytest

from infra.memory import memory_here, memory_status

MIB = 2**20


def a_group(folder: Path, version: int, limit: str, used: int, cache: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon {used}\n{names[2]} {cache}\n")


@pytest.mark.parametrize(
    ("version", "folder", "own"),
    [
        (2, ".", "0::/\n"),  # a container sees its own group at the top
        (2, "system.slice/echotune.service", "0::/system.slice/echotune.service\n"),
        (1, "memory", "4:memory:/docker/abc\n0::/\n"),
        (1, "memory/docker/abc", "4:memory:/docker/abc\n0::/\n"),
    ],
)
def test_a_group_with_a_limit_has_what_it_uses_no_more_and_its_cache_is_free(
    tmp_path: Path, version: int, folder: str, own: str
) -> None:
    a_group(tmp_path / folder, version, str(100 * MIB), 60 * MIB, 10 * MIB)
    (tmp_path / "own").write_text(own)
    found = memory_here(tmp_path, tmp_path / "own")
    assert (found.limit, found.free) == (100 * MIB, 50 * MIB)


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
def test_a_group_without_a_limit_has_what_the_machine_has(tmp_path: Path, limit: str) -> None:
    a_group(tmp_path, 2 if limit == "max" else 1, limit, 60 * MIB, 0)
    found = memory_here(tmp_path, tmp_path / "missing")
    assert found.limit == psutil.virtual_memory().total


def test_a_worker_says_what_it_uses() -> None:
    said = memory_status()
    assert 0 < said["used_bytes"] < said["limit_bytes"]
