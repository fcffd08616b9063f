"""What the home folder remembers, and what a power cut or a full disk makes of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded_servers import EmbeddedServers
from streams.producers.simulated_feed import Position, SimulatedFeed
from streams.workers.supervisor import run_lock

CUT = pytest.mark.parametrize("cut", [b"", b'{"addre', b"\0" * 40])


@CUT
def test_a_file_that_a_power_cut_emptied_is_as_good_as_none(tmp_path: Path, cut: bytes) -> None:
    for name in ("servers.json", "processes.json", "town-1-5.json"):
        (tmp_path / name).write_bytes(cut)
    assert EmbeddedServers(tmp_path).addresses() is None
    with run_lock(tmp_path):
        assert not (tmp_path / "processes.json").exists()
    assert SimulatedFeed(tmp_path, seed=1, listeners=5).position == Position()


def test_a_disk_that_is_full_is_said_in_a_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "models", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "error: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
