"""A state begins from a snapshot of this log and this software, or from nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import xxhash

from streams.folding.fold import Fold
from streams.folding.fold_state import FOLD_VERSION
from streams.snapshots.loading import Fit, load_newest, snapshot_fit
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import SnapshotHeader
from tests.support.learning_log import a_fold, a_history, batches, folded
from topics.errors import LogError, NewerSnapshotError, SnapshotError
from topics.learning_log import encode_log_record, record_hash

LOG = batches(a_history(60), 10)
HASHES = [record_hash(encode_log_record(record), at) for at, record in enumerate(LOG)]
LOG_TOPIC_ID, CONFIGURATION = "10", "c0"


def hash_at(offset: int) -> str | None:
    return HASHES[offset] if offset < len(HASHES) else None


def judged(header: SnapshotHeader) -> Fit:
    return snapshot_fit(header, CONFIGURATION, LOG_TOPIC_ID, hash_at)


def a_header(fold: Fold) -> SnapshotHeader:
    return SnapshotHeader(
        fold_version=FOLD_VERSION,
        configuration=CONFIGURATION,
        log_topic_id=LOG_TOPIC_ID,
        record_hash=HASHES[fold.offset],
        digest=fold.digest(),
        summary=fold.summary(),
    )


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    """Snapshots as of records 1 and 3."""
    folder = SnapshotFolder(tmp_path, keep=5)
    for records in (2, 4):
        fold = folded(a_fold(), LOG[:records])
        folder.write(a_header(fold), fold.state())
    return folder


def rewrite_newest(folder: SnapshotFolder, **changes: object) -> None:
    _, header, arrays = next(folder.readable())
    folder.write(replace(header, **changes), arrays)  # type: ignore[arg-type]


def names(folder: SnapshotFolder) -> list[int]:
    return [int(path.stem) for path in folder.paths()]


def test_the_newest_snapshot_that_fits_is_loaded_and_goes_on_like_the_whole_log(
    folder: SnapshotFolder,
) -> None:
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert (fold.offset, fold.record_hash) == (3, HASHES[3])
    assert folded(fold, LOG[4:]).digest() == folded(a_fold(), LOG).digest()


def test_without_a_snapshot_the_state_stays_empty(tmp_path: Path) -> None:
    fold = a_fold()
    load_newest(fold, SnapshotFolder(tmp_path, keep=5), judged)
    assert (fold.offset, fold.record_hash) == (-1, "")


def test_a_snapshot_fits_a_restored_log_which_kafka_calls_by_another_id(
    folder: SnapshotFolder,
) -> None:
    rewrite_newest(folder, log_topic_id="11")
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert fold.offset == 3


OF_ANOTHER_LOG = [
    {"record_hash": record_hash(b"another", 3)},
    {"record_hash": record_hash(encode_log_record(LOG[3]), 4)},  # the same bytes, appended anew
]
OF_ANOTHER_VERSION = [{"fold_version": FOLD_VERSION - 1}, {"configuration": "c1"}]


@pytest.mark.parametrize(
    "change", OF_ANOTHER_LOG + OF_ANOTHER_VERSION, ids=lambda each: next(iter(each))
)
def test_a_snapshot_that_does_not_fit_gives_way_to_an_older_one_and_is_set_aside(
    folder: SnapshotFolder, change: dict[str, object]
) -> None:
    rewrite_newest(folder, **change)
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert (fold.offset, fold.record_hash) == (1, HASHES[1])
    assert names(folder) == [1]


def test_a_snapshot_that_cannot_be_set_aside_is_passed_over(folder: SnapshotFolder) -> None:
    rewrite_newest(folder, configuration="c1")
    (folder.paths()[0].with_suffix(".foreign") / "in the way").mkdir(parents=True)
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert fold.offset == 1
    saved = folded(a_fold(), LOG[:5])
    assert folder.write(a_header(saved), saved.state()) == folder.paths()[0]


@pytest.mark.parametrize("change", OF_ANOTHER_VERSION, ids=lambda each: next(iter(each)))
def test_with_none_but_snapshots_of_other_versions_the_log_is_folded_from_its_start(
    tmp_path: Path, change: dict[str, object]
) -> None:
    folder = SnapshotFolder(tmp_path, keep=5)
    saved = folded(a_fold(), LOG[:2])
    folder.write(a_header(saved), saved.state())
    rewrite_newest(folder, **change)
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert (fold.offset, fold.record_hash) == (-1, "")
    assert folded(fold, LOG).digest() == folded(a_fold(), LOG).digest()


@pytest.mark.parametrize("change", OF_ANOTHER_LOG, ids=lambda each: next(iter(each)))
def test_with_none_but_snapshots_of_another_log_nothing_is_loaded_and_nothing_moved(
    tmp_path: Path, change: dict[str, object]
) -> None:
    folder = SnapshotFolder(tmp_path, keep=5)
    saved = folded(a_fold(), LOG[:2])
    folder.write(a_header(saved), saved.state())
    rewrite_newest(folder, **change)
    fold = a_fold()
    with pytest.raises(LogError, match=r"belongs to this learning-log.*reset --snapshots"):
        load_newest(fold, folder, judged)
    assert fold.offset == -1
    assert names(folder) == [1]


def test_a_log_that_begins_where_the_newest_snapshot_ends_goes_on(folder: SnapshotFolder) -> None:
    fold = a_fold()
    load_newest(fold, folder, lambda it: judged_from(it, 4))
    assert fold.offset == 3
    assert folded(fold, LOG[4:]).digest() == folded(a_fold(), LOG).digest()
    assert names(folder) == [3, 1]


def test_a_log_that_begins_beyond_every_snapshot_halts_and_advises_to_keep_them(
    folder: SnapshotFolder,
) -> None:
    fold = a_fold()
    with pytest.raises(LogError, match="Restore the log, or a newer snapshot, and keep these"):
        load_newest(fold, folder, lambda it: judged_from(it, 5))
    assert fold.offset == -1
    assert names(folder) == [3, 1]


def judged_from(header: SnapshotHeader, start: int) -> Fit:
    """What is said of a snapshot if the log has lost all records before `start`."""

    def kept(offset: int) -> str | None:
        return hash_at(offset) if offset >= start else None

    return snapshot_fit(header, CONFIGURATION, LOG_TOPIC_ID, kept, start)


HEALED_BY = r"newer EchoTune.*Upgrade this worker.*echotune reset --snapshots"


def test_a_newer_snapshot_halts_old_code_with_a_message_and_nothing_is_loaded_or_moved(
    folder: SnapshotFolder,
) -> None:
    rewrite_newest(folder, fold_version=FOLD_VERSION + 1)
    fold = a_fold()
    with pytest.raises(NewerSnapshotError, match=HEALED_BY):
        load_newest(fold, folder, judged)
    assert fold.offset == -1
    assert names(folder) == [3, 1]


def test_a_newer_format_is_newer_and_not_damaged(folder: SnapshotFolder) -> None:
    body = folder.paths()[0].read_bytes()[:-16].replace(b"SNAPSHOT-1\n", b"SNAPSHOT-2\n")
    folder.paths()[0].write_bytes(body + xxhash.xxh3_128_digest(body))
    with pytest.raises(NewerSnapshotError, match=f"format 2.*{HEALED_BY[20:]}"):
        load_newest(a_fold(), folder, judged)
    assert names(folder) == [3, 1]


def test_a_snapshot_beyond_the_end_of_the_log_is_of_another_log(folder: SnapshotFolder) -> None:
    def cut(offset: int) -> str | None:
        return hash_at(offset) if offset < 3 else None

    fold = a_fold()
    load_newest(fold, folder, lambda it: snapshot_fit(it, CONFIGURATION, LOG_TOPIC_ID, cut))
    assert (fold.offset, fold.record_hash) == (1, HASHES[1])


def test_a_state_that_is_not_what_was_saved_gives_way_to_an_older_one(
    folder: SnapshotFolder,
) -> None:
    rewrite_newest(folder, digest="0" * 32)
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert fold.digest() == folded(a_fold(), LOG[:2]).digest()
    assert names(folder) == [1]


def test_where_no_state_is_what_was_saved_that_is_an_error_once(folder: SnapshotFolder) -> None:
    folder.paths()[1].unlink()
    rewrite_newest(folder, digest="0" * 32)
    with pytest.raises(SnapshotError, match="another digest"):
        load_newest(a_fold(), folder, judged)
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert fold.offset == -1


def test_snapshots_of_another_version_do_not_push_out_those_that_follow(
    folder: SnapshotFolder,
) -> None:
    folder.paths()[1].unlink()
    rewrite_newest(folder, fold_version=FOLD_VERSION - 1)
    load_newest(a_fold(), folder, judged)
    kept = SnapshotFolder(folder.folder, keep=1)
    saved = folded(a_fold(), LOG[:2])
    kept.write(a_header(saved), saved.state())
    assert names(kept) == [1]
    assert [path.name for path in folder.folder.iterdir()] == [kept.paths()[0].name]


def test_a_damaged_snapshot_gives_way_to_an_older_one(folder: SnapshotFolder) -> None:
    newest = folder.paths()[0]
    newest.write_bytes(newest.read_bytes()[:-9])
    fold = a_fold()
    load_newest(fold, folder, judged)
    assert fold.record_hash == HASHES[1]
