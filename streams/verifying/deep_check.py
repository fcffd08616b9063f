"""Checks every promise against the logs, while the system runs or after it was stopped.

First the publish frontiers and lists of both stores are read. Then the log is folded again from its
start and compared with the source and the dead letters. A sample of lists is ranked again, each at
its log offset, and compared with the stores.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.addresses import Addresses
from streams.dead_letters.dead_letter_reader import INDEXED_MAX, each_letter
from streams.dead_letters.letter_index import LetterIndex
from streams.generation.fold_factory import new_fold
from streams.generation.warm_up import warm_up
from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import Bounds, bounds_of, describe_topic
from streams.lists.list_maker import list_maker
from streams.registry.contracts import registry_of
from streams.registry.writer_schemas import ArchivedSchemas
from streams.settings import Settings
from streams.verifying.audit_replay import AuditReplay, sample_by_offset
from streams.verifying.digest_check import Verification, live_progress
from streams.verifying.promises import Broken, Findings, LogSums, Promise
from streams.verifying.source_reader import SourceReader
from streams.verifying.store_audit import compare_stores, read_stores
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.learning_progress import LearningProgress
from topics.recommendation_list import EVERYONE

OnOffset = Callable[[int, int], None]


@dataclass(frozen=True)
class DeepVerification:
    """Result of the deep check; `replayed` is the result of plain `verify`."""

    replayed: Verification
    findings: Findings
    ledger: LogSums
    lists: int

    @property
    def is_kept(self) -> bool:
        """Whether every promise is kept."""
        return self.findings.is_kept

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names."""
        return self.replayed.as_json() | {
            "kept": self.is_kept,
            "log": self.ledger.as_json(),
            "lists": self.lists,
            "promises": self.findings.as_json(),
        }


def verify_deep(settings: Settings, addresses: Addresses, on_offset: OnOffset) -> DeepVerification:
    """Checks every promise; calls `on_offset` with (offset, last offset) as the log is folded."""
    ends = _source_ends(addresses.kafka)
    live = live_progress(settings, addresses)
    fold, findings = new_fold(settings), Findings()
    maker = list_maker(settings, fold)
    stores = read_stores(settings, addresses, maker)
    letters = LetterIndex(each_letter(addresses.kafka, INDEXED_MAX))
    warm_up(settings)
    began = time.perf_counter()
    with SourceReader(addresses.kafka) as source, LogReader(addresses.kafka) as reader:
        decoder = Decoder(LISTENING_EVENTS.contracts, ArchivedSchemas(registry_of(settings)).lookup)
        replay = AuditReplay(fold, maker, source, letters.keeps, findings, decoder)
        wanted = [live.digest_offset, stores.settled.as_of]
        replay.run(reader, sample_by_offset(stores.redis, stores.topic), wanted, on_offset)
    compare_stores(stores, fold, maker, settings.list_ttl_s, findings)
    found = replay.digests.get(live.digest_offset, "none: the log ends before this offset")
    replayed = Verification(
        equal=found == live.digest,
        offset=live.digest_offset,
        events=fold.applied,
        live=str(live.digest),
        replay=found,
        seconds=round(time.perf_counter() - began, 3),
    )
    findings.note(Promise.EQUAL, _differing(replayed))
    waiting = _waiting(addresses.kafka, ends, live_progress(settings, addresses))
    findings.note(Promise.SOURCE, (), checked=0, uncompared=waiting)
    lists = len(stores.redis.keys() - {EVERYONE})
    return DeepVerification(replayed, findings, replay.audit.ledger, lists)


def _source_ends(kafka: str) -> dict[int, Bounds]:
    partitions = describe_topic(kafka, LISTENING_EVENTS.name).partitions
    return bounds_of(kafka, LISTENING_EVENTS.name, range(partitions), only_readable=True)


def _waiting(kafka: str, ends: Mapping[int, Bounds], covered: LearningProgress) -> int:
    """Offsets below `ends` that no fold has covered since, because nobody sequences or folds."""
    topic_id = describe_topic(kafka, LISTENING_EVENTS.name).topic_id
    next_of = {each.partition: each.next for each in covered.sources if each.topic_id == topic_id}
    return sum(max(0, it.end - max(it.start, next_of.get(at, 0))) for at, it in ends.items())


def _differing(replayed: Verification) -> list[Broken]:
    if replayed.equal:
        return []
    what = f"live {replayed.live}, replay {replayed.replay}"
    return [Broken(Promise.EQUAL, f"learning-log/0/{replayed.offset}", what)]
