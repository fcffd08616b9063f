"""A backup that goes on for days has few files, and each of its states can be restored."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.archive.backup_folder import BackupFolder, Manifest
from streams.archive.segments import ArchivedRecord
from topics.errors import ArchiveError

TOPIC, BACKUPS = "learning-log", 300
MOST = 64 * 1024


def records(first: int, count: int) -> list[ArchivedRecord]:
    """Records as the log has them: with null keys, headers, and values that hardly compress."""
    chance = random.Random(first)
    headers = (("h", None), ("i", b"x"))
    return [
        ArchivedRecord(at, 1_700_000_000_000 + at, None, chance.randbytes(99), headers)
        for at in range(first, first + count)
    ]


def backed_up(path: Path, count: int) -> BackupFolder:
    """One more backup with so many new records, as `echotune backup` makes it."""
    folder = BackupFolder.opened_or_new(path)
    before = folder.manifest
    new = [folder.add(TOPIC, records(folder.end(TOPIC), count))]
    files = folder.merged([*before.topics.get(TOPIC, []), *new], MOST)
    folder.replace_manifest(Manifest(topics={TOPIC: files}))
    folder.remove_unlisted(before)
    return folder


def names(path: Path) -> set[str]:
    return {each.name for each in path.iterdir()} - {"manifest.json"}


def test_hundreds_of_small_backups_leave_few_files_with_every_record(tmp_path: Path) -> None:
    for _ in range(BACKUPS):
        folder = backed_up(tmp_path, 4)
    files = folder.manifest.topics[TOPIC]
    full = BACKUPS * 4 * 99 // MOST + 1
    assert len(files) <= 2 * full + 8
    assert max(each.bytes for each in files) <= MOST
    assert [*BackupFolder.opened(tmp_path).records(TOPIC)] == records_of(BACKUPS)
    listed = {each.name for each in files}
    assert listed <= names(tmp_path)
    assert len(names(tmp_path) - listed) <= 8  # what the manifest before listed


def records_of(backups: int) -> list[ArchivedRecord]:
    return [each for at in range(backups) for each in records(4 * at, 4)]


def test_whoever_opened_the_backup_before_it_went_on_still_reads_it_whole(tmp_path: Path) -> None:
    for _ in range(7):
        backed_up(tmp_path, 4)
    reader = BackupFolder.opened(tmp_path)
    backed_up(tmp_path, 4)  # the eighth one is merged with all before it
    assert len(BackupFolder.opened(tmp_path).manifest.topics[TOPIC]) == 1
    reader.check()
    assert [*reader.records(TOPIC)] == records_of(7)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["add", "merged", "replace_manifest", "remove_unlisted"])
@pytest.mark.parametrize("is_after", [False, True])
def test_a_backup_that_dies_at_any_step_is_the_one_before_it_or_whole(
    step: str, is_after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(BackupFolder, step)

    def dies(*arguments: object) -> Iterator[None]:
        if is_after:
            real(*arguments)
        raise Killed

    for _ in range(7):
        backed_up(tmp_path, 4)
    with monkeypatch.context() as patched:
        patched.setattr(BackupFolder, step, dies)
        with pytest.raises(Killed):
            backed_up(tmp_path, 4)
    left = BackupFolder.opened(tmp_path)
    left.check()
    whole = left.end(TOPIC) // 4
    assert whole in (7, 8)
    assert [*left.records(TOPIC)] == records_of(whole)
    for _ in range(2):
        folder = backed_up(tmp_path, 4)
    assert [*folder.records(TOPIC)] == records_of(whole + 2)
    assert len(names(tmp_path)) <= len(folder.manifest.topics[TOPIC]) + 8


def test_what_a_dead_backup_left_is_removed_and_what_others_put_there_is_not(
    tmp_path: Path,
) -> None:
    orphan = tmp_path / f"{TOPIC}-{7:020d}-{9:020d}.avro.zst"
    half = tmp_path / f"{orphan.name}.part"
    notes = tmp_path / "notes.txt"
    for each in (orphan, half, notes):
        each.write_text("x")
    backed_up(tmp_path, 4)
    assert [each.exists() for each in (orphan, half, notes)] == [False, False, True]


def test_a_file_that_was_damaged_meanwhile_is_not_merged_into_a_new_one(tmp_path: Path) -> None:
    for _ in range(3):
        backed_up(tmp_path, 4)
    damaged = tmp_path / BackupFolder.opened(tmp_path).manifest.topics[TOPIC][0].name
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArchiveError, match="is not the file that was backed up"):
        backed_up(tmp_path, 4)
    assert BackupFolder.opened(tmp_path).end(TOPIC) == 12


def test_the_last_record_is_known_without_reading_its_file(tmp_path: Path) -> None:
    folder = backed_up(tmp_path, 4)
    [file] = folder.manifest.topics[TOPIC]
    *_, other, last = records(0, 4)
    assert folder.last_record(TOPIC) == last.identity != other.identity
    old = file.model_copy(update={"last_record": ""})  # as the version before wrote it
    assert BackupFolder(tmp_path, Manifest(topics={TOPIC: [old]})).last_record(TOPIC) == (
        file.last_record
    )
    assert BackupFolder(tmp_path, Manifest()).last_record(TOPIC) == ""
