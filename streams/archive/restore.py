"""Restores a backup into a cluster: equal offsets, times and bytes; and proves it.

A topic may be missing, or hold the beginning of the backup, because an earlier restore was
interrupted. A learning-log that holds nothing but the record that `echotune topics apply` writes is
made anew. Anything else is another history, and is left as it is.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from operator import eq
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from streams.archive.backup_folder import BackupFolder
from streams.archive.segments import ArchivedRecord
from streams.folding.fold_state import FOLD_VERSION
from streams.generation.fold_factory import new_fold
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from streams.kafka.partition_reader import PartitionReader
from streams.lifecycle.generation_record import settings_from
from streams.lifecycle.journal import read_lifecycle
from streams.settings import Settings
from streams.verifying.digest_check import replay
from topics.catalogue import LEARNING_LOG, LEARNING_RECORD_BYTES_MAX, MODEL_LIFECYCLE, Topic
from topics.control_records import LogEpochStarted
from topics.errors import ArchiveError, EchoTuneError, ServerError
from topics.learning_log import decode_log_record

TOPICS = (MODEL_LIFECYCLE, LEARNING_LOG)
_TIMEOUT_S = 30.0
_POLL_S = 0.1
_TIMES = "message.timestamp.type"
_PRODUCER = {
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "lz4",
    "message.max.bytes": LEARNING_RECORD_BYTES_MAX,
}
_SHOW_EVERY = 1_000

Show = Callable[[float | None, str], object]


def restore(settings: Settings, kafka: str, path: Path, show: Show) -> dict[str, Any]:
    """Restores both topics, reads them back, and compares every record; returns JSON values.

    Raises `ArchiveError`, before anything is changed, if the backup is damaged or the cluster has
    another history. May be repeated: it continues where an earlier call was interrupted.
    """
    folder, began = BackupFolder.opened(path), time.perf_counter()
    folder.check()
    topics = [_Restored(kafka, each, folder) for each in TOPICS]
    known = [each.records_in_common() for each in topics]
    for topic, records in zip(topics, known, strict=True):
        if records is None:
            topic.create(settings.replication_factor)
        topic.write_from(records or 0, show)
    for topic in topics:
        topic.check_equal()
    return {
        "place": str(path),
        "records": folder.end(LEARNING_LOG.name),
        "log_id": folder.manifest.log_id,
        "seconds": round(time.perf_counter() - began, 3),
    }


def prove(kafka: str, path: Path, show: Show) -> dict[str, Any]:
    """Folds the restored log to the newest digest of the backup, and compares; JSON values.

    The generation is the one that serves listeners, or else the one with the newest digest.
    """
    digests = BackupFolder.opened(path).manifest.digests
    if not digests:
        raise ArchiveError(
            f"{path} has no digest to prove the restored log by.",
            "Back up while a recommender runs. `echotune verify` compares once one runs here.",
        )
    lifecycle = read_lifecycle(kafka)
    stable = lifecycle.plan.stable
    wanted = max(digests, key=lambda each: (each.generation == stable, each.offset))
    if wanted.fold_version != FOLD_VERSION:
        raise ArchiveError(
            f"The digest of {path} was made with fold version {wanted.fold_version}, and this is "
            f"{FOLD_VERSION}: they cannot be compared.",
            "The records are restored. Prove it with the version that made the backup.",
        )
    settings = settings_from(lifecycle, Settings(generation=wanted.generation), prefers="record")
    began, fold = time.perf_counter(), new_fold(settings)
    for offset in replay(fold, kafka, wanted.offset):
        show((offset + 1) / (wanted.offset + 1), f"{fold.applied:,} events")
    found = fold.digest()
    return {
        "generation": wanted.generation,
        "offset": fold.offset,
        "events": fold.applied,
        "digest": found,
        "expected": wanted.digest,
        "equal": found == wanted.digest,
        "proof_seconds": round(time.perf_counter() - began, 3),
    }


class _Restored:
    """One topic that is restored from a backup."""

    def __init__(self, kafka: str, topic: Topic, folder: BackupFolder) -> None:
        self._kafka = kafka
        self._topic = topic
        self._folder = folder
        self._name = prefixed(kafka, topic.name)
        self._end = folder.end(topic.name)
        self._admin = AdminClient(client_settings(kafka))

    def _reader(self) -> PartitionReader:
        return PartitionReader(self._kafka, "echotune-restore", self._topic.name)

    # -- what the cluster has --------------------------------------------------------------------

    def records_in_common(self) -> int | None:
        """The number of its records, which begin the backup, too; None if it is to be created."""
        with self._reader() as reader:
            if not reader.partitions():
                return None
            start, end = reader.bounds(0)
            if start == 0 and end <= self._end:
                found = map(ArchivedRecord.of_message, reader.read(0, 0, end))
                if all(map(eq, found, self._folder.records(self._topic.name))):
                    return end
            if end == 1 and _is_new_log(list(reader.read(0, start, end))):
                return None
        raise ArchiveError(
            f"{self._name} on {self._kafka} is not the beginning of the backup in "
            f"{self._folder.path}.",
            "Restore into a new cluster, or a home of its own: ECHOTUNE_HOME=another echotune up.",
        )

    def check_equal(self) -> None:
        """Reads the topic, and compares every record with the backup's."""
        with self._reader() as reader:
            found = map(ArchivedRecord.of_message, reader.read(0, 0, self._end))
            pairs = zip_longest(found, self._folder.records(self._topic.name))
            for offset, (here, kept) in enumerate(pairs):
                if here != kept:
                    raise ArchiveError(
                        f"Record {offset} of {self._name} on {self._kafka} is not the backup's.",
                        "Restore into a new cluster.",
                    )

    # -- writing ---------------------------------------------------------------------------------

    def create(self, replication_factor: int) -> None:
        """Creates the topic, in place of one that has nothing to lose."""
        if self._is_listed():
            self._result(self._admin.delete_topics([self._name]))
            self._wait(lambda: not self._is_listed())
        self._result(
            self._admin.create_topics(
                [NewTopic(self._name, 1, replication_factor, config=dict(self._topic.settings))]
            )
        )
        self._wait(self._is_listed)

    def _is_listed(self) -> bool:
        try:
            return self._name in self._admin.list_topics(timeout=_TIMEOUT_S).topics
        except KafkaException as error:
            raise ServerError(f"Kafka does not answer: {error}.", "Run it again.") from error

    def write_from(self, first: int, show: Show) -> None:
        """Writes the backup's records from offset `first` on, each with its own time."""
        if first < self._end:
            self._set_times("CreateTime")
            self._write(self._folder.records(self._topic.name, first), show)
        self._set_times("LogAppendTime")

    def _set_times(self, kind: str) -> None:
        """Whether records get the time of the producer, or that of the broker."""
        change = ConfigEntry(_TIMES, kind, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, self._name, incremental_configs=[change])
        self._result(self._admin.incremental_alter_configs([resource]))

        def is_set() -> bool:
            asked = ConfigResource(ResourceType.TOPIC, self._name)
            [found] = self._result(self._admin.describe_configs([asked]))
            return bool(found[_TIMES].value == kind)

        self._wait(is_set)

    def _write(self, records: Iterator[ArchivedRecord], show: Show) -> None:
        """Writes records, and compares the offset of each report with the record's.

        The producer is not transactional, because the markers of transactions take offsets.
        """
        producer, wrong = Producer(client_settings(self._kafka) | _PRODUCER), list[str]()
        for record in records:
            _produce(producer, self._name, record, partial(_note_report, wrong, record.offset))
            if record.offset % _SHOW_EVERY == 0:
                share = (record.offset + 1) / self._end
                show(share, f"{self._name} up to record {record.offset:,}")
            self._stop_if(wrong)
        if left := producer.flush(_TIMEOUT_S):
            wrong.append(f"{left} records were not acknowledged in {_TIMEOUT_S:.0f} s")
        self._stop_if(wrong)

    def _stop_if(self, wrong: Sequence[str]) -> None:
        if wrong:
            raise ArchiveError(
                f"{self._name} was not restored: {wrong[0]}.",
                "Does anything else write to it? Stop all workers and try again.",
            )

    def _result(self, futures: "dict[Any, Future[Any]]") -> list[Any]:
        try:
            return [each.result(_TIMEOUT_S) for each in futures.values()]
        except (KafkaException, TimeoutError) as error:
            raise ServerError(
                f"{self._name} cannot be changed: {error}.", "See docs/security.md for the rights."
            ) from error

    def _wait(self, is_so: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + _TIMEOUT_S
        while not is_so():
            if time.monotonic() > ends_at:
                raise ServerError(
                    f"Kafka did not change {self._name} in {_TIMEOUT_S:.0f} s.", "Try again."
                )
            time.sleep(_POLL_S)


def _is_new_log(messages: list[Message]) -> bool:
    """Whether a log holds the record that `topics apply` writes, and nothing else."""
    with suppress(EchoTuneError):
        records = [decode_log_record(each.value(), each.offset()) for each in messages]
        return len(records) == 1 and isinstance(records[0], LogEpochStarted)
    return False


def _produce(
    producer: Producer, name: str, record: ArchivedRecord, report: Callable[..., None]
) -> None:
    while True:
        try:
            producer.produce(
                name,
                record.value,
                key=record.key,
                partition=0,
                timestamp=record.timestamp,
                headers=list(record.headers),
                on_delivery=report,
            )
            break
        except BufferError:
            producer.poll(_POLL_S)
    producer.poll(0)


def _note_report(wrong: list[str], offset: int, error: KafkaError | None, message: Message) -> None:
    if error is not None:
        wrong.append(f"record {offset} could not be written: {error}")
    elif message.offset() != offset:
        wrong.append(f"record {offset} was written at {message.offset()}")
