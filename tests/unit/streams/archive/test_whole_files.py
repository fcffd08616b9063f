"""What is written to a file is there whole, or not at all: after a full disk, and after Ctrl-C."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.archive.backup_folder import BackupFolder, Manifest
from streams.archive.export_files import export_file
from streams.archive.export_rows import rows_of
from streams.archive.segments import ArchivedRecord
from streams.archive.whole_files import written_whole
from streams.folding.erasures import Erasures
from streams.folding.judging import EventJudge, JudgedRows
from tests.support.learning_log import WINDOW, a_batch, an_event
from topics.errors import ArchiveError

LIMIT_BYTES = 4_096
ENDINGS = ["parquet", "jsonl", "jsonl.zst"]


@pytest.fixture
def _small_disk() -> Iterator[None]:
    """No file may become larger than `LIMIT_BYTES`: the system refuses what is beyond."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def judged() -> JudgedRows:
    events = [an_event("ann", f"track {at * 7919 % 1000} {hash(str(at))}", at) for at in range(999)]
    [found] = EventJudge(Erasures(), WINDOW).judge([(0, a_batch(*events))])
    return found


@pytest.mark.usefixtures("_small_disk")
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_to_a_full_disk_is_an_error_and_leaves_nothing(
    ending: str, tmp_path: Path
) -> None:
    rows = judged()
    with (
        pytest.raises(ArchiveError, match="cannot be written: File too large") as raised,
        export_file(tmp_path / f"a.{ending}") as write,
    ):
        write(rows_of(rows, "listening-events", rows.rows >= 0))
    assert "Free disk space" in raised.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_small_disk")
def test_a_backup_to_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path, Manifest())
    noise = b"".join(hash(str(at)).to_bytes(8, signed=True) for at in range(LIMIT_BYTES))
    with pytest.raises(ArchiveError, match="cannot be written: File too large"):
        folder.add("learning-log", [ArchivedRecord(0, 1, None, noise)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_that_is_interrupted_leaves_the_one_before_it(
    ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), export_file(path):
        raise KeyboardInterrupt
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "a"
    with pytest.raises(ArchiveError, match="nowhere/a cannot be written"), written_whole(path):
        pytest.fail("there is nowhere to write")
