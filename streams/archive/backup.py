"""Backs up the learning-log and the journal to a folder, from where the last backup ended.

Small files are merged into larger ones, so that a backup that goes on for days has few files.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from streams.archive.backup_folder import ArchivedDigest, BackupFolder, Manifest
from streams.archive.segments import (
    SEGMENT_BYTES_MAX,
    ArchivedRecord,
    in_segments,
)
from streams.folding.fold_state import FOLD_VERSION
from streams.heartbeats.heartbeat_reader import heartbeat_of
from streams.kafka.partition_reader import PartitionReader
from streams.kafka.voided_records import is_declared_gap
from topics.catalogue import LEARNING_LOG, LEARNING_PROGRESS, MODEL_LIFECYCLE
from topics.codecs import Decoder
from topics.errors import ArchiveError
from topics.learning_log import record_hash
from topics.learning_progress import LearningProgress

TOPICS = (MODEL_LIFECYCLE.name, LEARNING_LOG.name)
_SHOW_EVERY = 1_000
_COMPRESSED = 4
"""About the number of bytes that one byte of a file is decompressed to."""

Show = Callable[[float | None, str], object]


def backup(
    kafka: str, path: Path, show: Show, *, segment_bytes: int = SEGMENT_BYTES_MAX
) -> dict[str, Any]:
    """Adds to the backup in `path` what both topics have more; returns JSON values.

    The manifest is written last, so an interrupted backup is the backup before it. Raises
    `ArchiveError` if the backup is of another log, or if the beginning of a topic was deleted.
    """
    with BackupFolder(path, Manifest()).locked():
        return _backup(kafka, BackupFolder.opened_or_new(path), show, segment_bytes)


def _backup(kafka: str, folder: BackupFolder, show: Show, segment_bytes: int) -> dict[str, Any]:
    before = folder.manifest
    topics = dict(before.topics)
    for topic in TOPICS:
        with PartitionReader(kafka, "echotune-backup", topic) as reader:
            new = _new_records(kafka, reader, topic, folder, show)
            files = [folder.add(topic, each) for each in in_segments(new, segment_bytes)]
        known = before.topics.get(topic, [])
        topics[topic] = folder.merged([*known, *files], segment_bytes // _COMPRESSED)
    log_end = Manifest(topics=topics).end(LEARNING_LOG.name)
    digests = {each.generation: each for each in (*before.digests, *_digests(kafka, log_end))}
    folder.replace_manifest(
        Manifest(
            made_with=version("echotune"),
            log_id=before.log_id or _log_id(kafka),
            topics=topics,
            digests=list(digests.values()),
        )
    )
    folder.remove_unlisted(before)
    return _as_json(folder, before)


def _new_records(
    kafka: str, reader: PartitionReader, topic: str, folder: BackupFolder, show: Show
) -> Iterator[ArchivedRecord]:
    """The records that the backup does not have; raises `ArchiveError` if they do not follow."""
    start, end = reader.bounds(0)
    first = folder.end(topic)
    if first < start:
        raise ArchiveError(
            f"{topic} begins at offset {start}: the records before it were deleted.",
            "A log without its beginning cannot be restored. Keep the older backups.",
        )
    _check_continues(reader, topic, folder, end)
    records = map(ArchivedRecord.of_message, reader.read(0, first, end))
    for each in _without_gap(kafka, records, topic, first):
        if each.offset % _SHOW_EVERY == 0:
            show((each.offset + 1) / end, f"{topic} up to record {each.offset:,}")
        yield each


def _check_continues(reader: PartitionReader, topic: str, folder: BackupFolder, end: int) -> None:
    """The last record of the backup is still in the topic, byte for byte."""
    last = folder.end(topic) - 1
    if last < 0:
        return
    found = reader.read(0, last, last + 1) if last < end else iter(())
    if [ArchivedRecord.of_message(each).identity for each in found] != [folder.last_record(topic)]:
        raise ArchiveError(
            f"{folder.path} holds a backup of another {topic}: record {last} differs.",
            "Name a new folder, and keep this one.",
        )


def _without_gap(
    kafka: str, records: Iterator[ArchivedRecord], topic: str, first: int
) -> Iterator[ArchivedRecord]:
    """The records, and an empty one for each offset that has none and is declared void.

    An empty record is a stray one where it is restored, as the void offset is here.
    """
    for each in records:
        if each.offset > first and not is_declared_gap(kafka, topic, first, each.offset - 1):
            raise ArchiveError(
                f"{topic} has no record at offset {first}; the next one is {each.offset}.",
                "It cannot be restored with equal offsets. Has a transaction written to it? "
                f"Then declare it void: echotune topics void {topic} 0 {first} --why WHY",
            )
        for offset in range(first, each.offset):
            yield ArchivedRecord(offset, each.timestamp, None, None)
        yield each
        first = each.offset + 1


def _log_id(kafka: str) -> str:
    with PartitionReader(kafka, "echotune-backup", LEARNING_LOG.name) as reader:
        for message in reader.read(0, 0, 1):
            return record_hash(message.value(), message.timestamp()[1])
    return ""


def _digests(kafka: str, log_end: int) -> list[ArchivedDigest]:
    """The newest digest of each generation as of a record that is in the backup.

    Not every heartbeat has a digest, so all that the topic still has are read.
    """
    newest: dict[str, ArchivedDigest] = {}
    for each in _heartbeats(kafka):
        known = newest.get(each.generation)
        is_newer = known is None or each.digest_offset > known.offset
        if each.digest and each.digest_offset < log_end and is_newer:
            newest[each.generation] = ArchivedDigest(
                generation=each.generation,
                offset=each.digest_offset,
                digest=each.digest,
                fold_version=FOLD_VERSION,
            )
    return list(newest.values())


def _heartbeats(kafka: str) -> Iterator[LearningProgress]:
    decoder = Decoder(LEARNING_PROGRESS.contracts)
    with PartitionReader(kafka, "echotune-backup", LEARNING_PROGRESS.name) as reader:
        for message in reader.read(0, *reader.bounds(0)):
            if (found := heartbeat_of(decoder, message)) is not None:
                yield found


def _as_json(folder: BackupFolder, before: Manifest) -> dict[str, Any]:
    manifest = folder.manifest
    files = [each for topic in manifest.topics.values() for each in topic]
    known = {each.name for topic in before.topics.values() for each in topic}
    return {
        "place": str(folder.path),
        "files": [each.name for each in files],
        "new_files": [each.name for each in files if each.name not in known],
        "first": 0,
        "last": manifest.end(LEARNING_LOG.name) - 1,
        "bytes": sum(each.bytes for each in files),
        "log_id": manifest.log_id,
        "digests": [each.model_dump() for each in manifest.digests],
    }
