"""What the home folder remembers, and what a power cut or a full disk makes of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded_servers import EmbeddedServers
from infra.home import STATE_FOLDERS, claim, claim_if_possible, is_claimed
from streams.producers.simulated_feed import Position, SimulatedFeed
from streams.workers.supervisor import run_lock
from topics.errors import ServerError

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


@pytest.mark.parametrize("folder", STATE_FOLDERS)
def test_a_folder_of_somebody_is_taken_by_no_server_and_no_run(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "data").write_text("of somebody")
    with pytest.raises(ServerError, match=f"holds {folder}") as refused:
        EmbeddedServers(tmp_path).up()
    assert refused.value.remedy == "Set ECHOTUNE_HOME to a folder of its own."
    with pytest.raises(ServerError, match="was not made by EchoTune"), run_lock(tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == [folder]


@pytest.mark.parametrize("inside", [[], ["lost+found"]])
def test_an_empty_volume_is_nobodys_data(tmp_path: Path, inside: list[str]) -> None:
    (tmp_path / "kafka").mkdir()
    for name in inside:
        (tmp_path / "kafka" / name).mkdir()
    claim(tmp_path)
    assert is_claimed(tmp_path)


def test_a_home_is_marked_once_and_then_holds_any_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("of the user")
    claim(tmp_path)
    (tmp_path / "kafka").mkdir()
    claim(tmp_path)
    assert is_claimed(tmp_path)


def test_a_worker_marks_a_new_home_and_leaves_a_folder_of_somebody_unmarked(
    tmp_path: Path,
) -> None:
    (tmp_path / "other" / "snapshots" / "of somebody").mkdir(parents=True)
    for name in ("home", "other"):
        claim_if_possible(tmp_path / name)
    assert is_claimed(tmp_path / "home")
    assert not is_claimed(tmp_path / "other")


def test_a_worker_goes_on_where_its_home_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    claim_if_possible(tmp_path / "file")
    claim_if_possible(Path("/proc/no-home"))
