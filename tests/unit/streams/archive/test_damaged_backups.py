"""A backup that is not as it was written is refused in words, whatever happened to its files."""

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cramjam
import pytest

from streams.archive.backup_folder import ArchivedDigest, BackupFolder, Manifest
from streams.archive.segments import ArchivedRecord, decoded, encoded
from topics.errors import ArchiveError

TOPICS = ("model-lifecycle", "learning-log")
FILES, RECORDS = 3, 5
FLIPS = 40


def records(first: int, count: int = RECORDS) -> list[ArchivedRecord]:
    chance = random.Random(first)
    return [
        ArchivedRecord(at, at, b"k", chance.randbytes(50)) for at in range(first, first + count)
    ]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup with several files of both topics."""
    folder = BackupFolder(tmp_path / "backup", Manifest())
    folder.path.mkdir()
    topics = {
        topic: [folder.add(topic, records(RECORDS * at)) for at in range(FILES)] for topic in TOPICS
    }
    digest = ArchivedDigest(generation="first", offset=9, digest="ab" * 16, fold_version=7)
    folder.replace_manifest(
        Manifest(made_with="1", log_id="cd" * 16, topics=topics, digests=[digest])
    )
    return folder.path


def read(path: Path) -> list[ArchivedRecord]:
    """Everything that a restore reads before it changes anything."""
    folder = BackupFolder.opened(path)
    folder.check()
    return [each for topic in TOPICS for each in folder.records(topic)]


def test_a_sound_backup_is_read(backup: Path) -> None:
    assert read(backup) == records(0, 5) + records(5) + records(10) + (
        records(0, 5) + records(5) + records(10)
    )


def test_any_flipped_bit_in_any_file_is_noticed(backup: Path) -> None:
    chance = random.Random(17)
    for path in sorted(backup.iterdir()):
        whole = path.read_bytes()
        for _ in range(FLIPS):
            content = bytearray(whole)
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(content)
            with pytest.raises(ArchiveError) as raised:
                read(backup)
            assert raised.value.remedy
        path.write_bytes(whole)
    assert read(backup)


def test_any_file_that_is_cut_off_or_missing_is_noticed(backup: Path) -> None:
    for path in sorted(backup.iterdir()):
        whole = path.read_bytes()
        for length in (0, 1, len(whole) // 2, len(whole) - 2):
            path.write_bytes(whole[:length])
            with pytest.raises(ArchiveError):
                read(backup)
        path.unlink()
        with pytest.raises(ArchiveError):
            read(backup)
        path.write_bytes(whole)


def test_two_files_that_were_swapped_are_noticed(backup: Path) -> None:
    for one, other in pairwise(sorted(backup.glob("*.zst"))):
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
        with pytest.raises(ArchiveError, match="is not the file that was backed up"):
            read(backup)
        one.write_bytes(first)
        other.write_bytes(second)


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.reverse(),
        lambda files: files.pop(1),
        lambda files: files.append(files[0]),
        lambda files: files.insert(0, files[0].model_copy(update={"name": "../elsewhere"})),
    ],
    ids=["order", "gap", "twice", "elsewhere"],
)
def test_a_manifest_whose_files_do_not_follow_each_other_is_refused(
    change: Callable[[list[object]], object], backup: Path
) -> None:
    folder = BackupFolder.opened(backup)
    change(folder.manifest.topics["learning-log"])  # type: ignore[arg-type]
    folder.replace_manifest(folder.manifest)
    with pytest.raises(ArchiveError, match="has a gap in learning-log"):
        read(backup)


def test_a_manifest_of_the_version_before_which_had_no_checksum_is_read(backup: Path) -> None:
    folder = BackupFolder.opened(backup)
    path = backup / "manifest.json"
    path.write_text(folder.manifest.model_copy(update={"checksum": ""}).model_dump_json())
    assert read(backup)


def test_frames_that_are_damaged_under_a_right_checksum_are_refused_in_words() -> None:
    """As a tool would leave them that wrote file and manifest anew."""
    chance, whole = random.Random(18), encoded(records(0, 200))
    plain = bytes(cramjam.zstd.decompress(whole))
    harmed = [whole[:at] for at in range(0, len(whole), 997)]
    for content, pack in ((whole, bytes), (plain, cramjam.zstd.compress)):
        for _ in range(200):
            flipped = bytearray(content)
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
            harmed.append(bytes(pack(flipped)))
    harmed += [bytes(cramjam.zstd.compress(plain[:at])) for at in range(0, len(plain), 1_009)]
    said = 0
    for each in harmed:
        try:
            list(decoded(each, "a file"))
        except ArchiveError as error:
            said += error.message.startswith("a file is damaged")
    assert said > 50  # the others still are records: nothing but the checksum knows
