"""The folder of a backup: files of records, and the manifest that lists them with their checksums.

The manifest also holds digests of states, by which a restored log is proved.
"""

import fcntl
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ValidationError

from streams.archive.segments import (
    LEVEL,
    LEVEL_MERGED,
    ArchivedRecord,
    decoded,
    encoded,
    first_to_merge,
)
from streams.archive.whole_files import written_whole
from topics.errors import ArchiveError

FORMAT = 1
NAME = "manifest.json"
_FILE = re.compile(r".+-\d{20}-\d{20}\.avro\.zst(\.part)?")


class SegmentFile(BaseModel):
    """One file of records `first` to `last` of a topic."""

    name: str
    first: int
    last: int
    bytes: int
    sha256: str
    last_record: str = ""
    """`ArchivedRecord.identity` of the last record; the first version did not have it."""


class ArchivedDigest(BaseModel):
    """The digest of a generation's state as of a log offset."""

    generation: str
    offset: int
    digest: str
    fold_version: int


class Manifest(BaseModel):
    """A whole backup; files are in the order of their offsets."""

    format: int = FORMAT
    made_with: str = ""
    log_id: str = ""
    topics: dict[str, list[SegmentFile]] = {}
    digests: list[ArchivedDigest] = []
    checksum: str = ""
    """SHA-256 of all other fields; empty in manifests of the first version."""

    @property
    def sum_of_fields(self) -> str:
        """What the checksum has to be."""
        return hashlib.sha256(self.model_dump_json(exclude={"checksum"}).encode()).hexdigest()

    def end(self, topic: str) -> int:
        """The offset after the last record of a topic."""
        files = self.topics.get(topic, [])
        return files[-1].last + 1 if files else 0


class BackupFolder:
    """A backup on a disk; files and the manifest are written by renames, the manifest last."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def opened(cls, path: Path) -> "BackupFolder":
        """The backup in `path`; raises `ArchiveError` if there is none or it is damaged."""
        found = cls.opened_or_new(path)
        if not found.manifest.topics:
            raise ArchiveError(f"{path} holds no backup.", "Name the folder of a backup.")
        return found

    @classmethod
    def opened_or_new(cls, path: Path) -> "BackupFolder":
        """The backup in `path`, or an empty one; raises `ArchiveError` if it is damaged."""
        file = path / NAME
        try:
            manifest = Manifest.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return cls(path, Manifest())
        except (OSError, ValidationError) as error:
            raise ArchiveError(
                f"{file} is no manifest of a backup: {_why(error)}.", "Name the folder of a backup."
            ) from error
        if manifest.format > FORMAT:
            raise ArchiveError(f"{file} was made by a newer version.", "Upgrade EchoTune.")
        if manifest.checksum not in ("", manifest.sum_of_fields):
            raise ArchiveError(f"{file} is damaged.", "Use another copy of it.")
        _check_order(manifest, file)
        return cls(path, manifest)

    # -- reading ---------------------------------------------------------------------------------

    def end(self, topic: str) -> int:
        """The offset after the last record of a topic."""
        return self.manifest.end(topic)

    def records(self, topic: str, first: int = 0) -> Iterator[ArchivedRecord]:
        """The records of a topic from offset `first` on; `ArchiveError` if a file is damaged."""
        for file in self.manifest.topics.get(topic, []):
            if file.last >= first:
                yield from (each for each in self._records_of(file) if each.offset >= first)

    def last_record(self, topic: str) -> str:
        """The identity of the last record of a topic; empty if the topic has none."""
        files = self.manifest.topics.get(topic)
        if not files:
            return ""
        if files[-1].last_record:
            return files[-1].last_record
        return [*self.records(topic, files[-1].last)][-1].identity

    def check(self) -> None:
        """Raises `ArchiveError` if a file is missing, or is not the one that was written."""
        for files in self.manifest.topics.values():
            for each in files:
                self._content(each)

    def _records_of(self, file: SegmentFile) -> Iterator[ArchivedRecord]:
        next_offset = file.first
        for each in decoded(self._content(file), file.name):
            if each.offset != next_offset:
                raise ArchiveError(
                    f"{file.name} has record {each.offset} in place of {next_offset}.",
                    "Use another copy of it.",
                )
            next_offset += 1
            yield each

    def _content(self, file: SegmentFile) -> bytes:
        path = self.path / file.name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ArchiveError(
                f"{path} cannot be read: {error.strerror}.", "The manifest lists it: bring it back."
            ) from error
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ArchiveError(
                f"{path} is not the file that was backed up.", "Use another copy of it."
            )
        return content

    # -- writing ---------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes to the folder meanwhile; raises `ArchiveError` if somebody does."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ArchiveError(
                    f"Another backup is writing to {self.path}.", "Wait for it, or stop it."
                ) from error
            yield

    def add(self, topic: str, records: Sequence[ArchivedRecord], level: int = LEVEL) -> SegmentFile:
        """Writes a file of records that continue the topic; the manifest does not list it yet."""
        first, last, content = records[0], records[-1], encoded(records, level)
        name = topic + _ending(first.offset, last.offset)
        self._write(name, content)
        return SegmentFile(
            name=name,
            first=first.offset,
            last=last.offset,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            last_record=last.identity,
        )

    def merged(self, files: Sequence[SegmentFile], most: int) -> list[SegmentFile]:
        """The files of a topic, the last of which became one of at most `most` bytes if small.

        The manifest still lists them as they were.
        """
        at = first_to_merge([each.bytes for each in files], most)
        if at >= len(files) - 1:
            return [*files]
        records = [each for file in files[at:] for each in self._records_of(file)]
        topic = files[at].name.removesuffix(_ending(files[at].first, files[at].last))
        return [*files[:at], self.add(topic, records, LEVEL_MERGED)]

    def remove_unlisted(self, before: Manifest) -> None:
        """Deletes files of records that neither the manifest lists nor the one before it.

        They were merged into larger ones, or left behind by a backup that died. Whoever reads the
        backup has one more backup's time to read what the manifest before listed.
        """
        listed = {
            each.name
            for manifest in (before, self.manifest)
            for files in manifest.topics.values()
            for each in files
        }
        for path in self.path.iterdir():
            if _FILE.fullmatch(path.name) and path.name not in listed:
                path.unlink(missing_ok=True)

    def replace_manifest(self, manifest: Manifest) -> None:
        """Makes `manifest` the content of the backup."""
        manifest = manifest.model_copy(update={"checksum": manifest.sum_of_fields})
        self._write(NAME, (manifest.model_dump_json(indent=2) + "\n").encode())
        self.manifest = manifest

    def _write(self, name: str, content: bytes) -> None:
        with written_whole(self.path / name) as file:
            file.write(content)


def _ending(first: int, last: int) -> str:
    return f"-{first:020d}-{last:020d}.avro.zst"


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip().lower()
    return getattr(error, "strerror", None) or str(error)


def _check_order(manifest: Manifest, path: Path) -> None:
    for topic, files in manifest.topics.items():
        next_offset = 0
        for each in files:
            is_elsewhere = Path(each.name).name != each.name
            if each.first != next_offset or each.last < each.first or is_elsewhere:
                raise ArchiveError(
                    f"{path} has a gap in {topic} at offset {next_offset}.", "Use another copy."
                )
            next_offset = each.last + 1
