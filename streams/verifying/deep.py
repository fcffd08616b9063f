"""Checks every promise against the logs, while everything runs or after it was stopped.

What both stores hold is read first, with how far each says it has come; then the log is folded
again from its start, beside the source, the dead letters and, at the log offset of each list of
a sample, what the state ranks there.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from streams.addresses import Addresses
from streams.dead_letter_reading import each_letter
from streams.frontier import Frontier
from streams.list_making import ListMaker
from streams.log_reader import LogReader
from streams.recommender_app import new_fold
from streams.redis_client import REDIS_AWAY, redis_of
from streams.settings import Settings
from streams.stores.lists import EVERYONE
from streams.stores.redis_lists import RedisLists
from streams.verification import RECORDS_AT_ONCE, Verification, live_progress
from streams.verifying.list_audit import (
    Lists,
    Published,
    disagreements,
    made,
    misranked,
    outdated,
    sample_of,
)
from streams.verifying.list_reading import lists_in_redis, lists_in_topic, topic_frontier
from streams.verifying.log_audit import LogAudit
from streams.verifying.promises import Broken, Findings, Ledger, Promise
from streams.verifying.source_audit import Letters, compared, missing_letters, value_hash
from streams.verifying.source_reading import SourceReader
from streams.warming import warm_up
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import ServerError
from topics.learning_log import LogRecord, decode_log_record
from topics.learning_progress import LearningProgress

LETTERS_MAX = 1_000_000
"""So many of the newest dead letters are known; those of older rejections count as unknown."""

OnOffset = Callable[[int, int], None]


@dataclass(frozen=True)
class DeepVerification:
    """What was found; `replayed` is what plain `verify` says."""

    replayed: Verification
    findings: Findings
    ledger: Ledger
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


class _Stores(NamedTuple):
    """What consumers can read, and up to where both stores hold everything."""

    redis: Lists
    topic: Lists
    settled: Frontier


def verify_deeply(
    settings: Settings, addresses: Addresses, on_offset: OnOffset
) -> DeepVerification:
    """Checks every promise; `on_offset` gets (offset, last offset) as the log is folded."""
    live = live_progress(settings, addresses)
    stores = asyncio.run(_stores(settings, addresses))
    letters = _letters(addresses.kafka)
    warm_up(settings)
    with ExitStack() as held:
        source = held.enter_context(SourceReader(addresses.kafka))
        return _Replay(settings, source, letters, stores).run(addresses.kafka, live, on_offset)


async def _stores(settings: Settings, addresses: Addresses) -> _Stores:
    redis = redis_of(addresses)
    shard = {"shard": settings.shard, "shards": settings.shards}
    store = RedisLists(redis, settings.generation, ttl_s=settings.list_ttl_s, **shard)
    try:
        reached = await store.frontier()
        topic = await asyncio.to_thread(topic_frontier, addresses.kafka, settings.recommender_id)
        in_topic = await asyncio.to_thread(lists_in_topic, addresses.kafka, settings.generation)
        in_redis = await lists_in_redis(redis, settings.generation)
    except REDIS_AWAY as error:
        raise ServerError(f"Redis does not answer: {error}.", "Is it up?") from error
    finally:
        await redis.aclose()
    return _Stores(in_redis, in_topic, min(reached, topic, key=lambda each: each.position))


def _letters(kafka: str) -> Letters:
    letters: dict[str, set[bytes]] = {}
    for each in each_letter(kafka, LETTERS_MAX):
        letters.setdefault(each.origin, set()).add(value_hash(each.value))
    return letters


class _Replay:
    """One pass over the log."""

    def __init__(
        self, settings: Settings, source: SourceReader, letters: Letters, stores: _Stores
    ) -> None:
        self._settings = settings
        self._source = source
        self._letters = letters
        self._stores = stores
        self._fold = new_fold(settings)
        shard = {"shard": settings.shard, "shards": settings.shards}
        self._maker = ListMaker(self._fold, settings.generation, k=settings.list_length, **shard)
        self._audit = LogAudit()
        self._findings = Findings()
        self._decoder = Decoder(LISTENING_EVENTS.contracts)

    def run(self, kafka: str, live: LearningProgress, on_offset: OnOffset) -> DeepVerification:
        began = time.perf_counter()
        digest = ""
        with LogReader(kafka) as reader:
            sample = self._sample(reader.bounds().end)
            reached = (live.digest_offset, self._stores.settled.as_of, *sample)
            stops = [each for each in sorted({*reached}) if 0 <= each < reader.bounds().end]
            decoded = ((at, self._noted(at, value)) for at, value in reader.records(0, stops[-1]))
            for stop in stops:
                self._fold_to(stop, decoded, lambda at: on_offset(at, stops[-1]))
                if stop == live.digest_offset:
                    digest = self._fold.digest()
                self._compare_ranks(sample.get(stop, []))
        self._compare_sums()
        self._compare_stores()
        replayed = Verification(
            equal=digest == live.digest,
            offset=live.digest_offset,
            events=self._fold.applied,
            live=str(live.digest),
            replay=digest,
            seconds=round(time.perf_counter() - began, 3),
        )
        self._note_equal(replayed)
        lists = len(self._stores.redis.keys() - {EVERYONE})
        return DeepVerification(replayed, self._findings, self._audit.ledger, lists)

    def _sample(self, log_end: int) -> dict[int, list[tuple[str, Published]]]:
        """Log offset → lists of the sample that were made there."""
        sample: dict[int, list[tuple[str, Published]]] = {}
        for lists in (self._stores.redis, self._stores.topic):
            for listener_id in sample_of(self._own(lists)):
                found = lists[listener_id]
                sample.setdefault(found.as_of, []).append((listener_id, found))
                if found.as_of >= log_end:
                    what = f"as of {found.as_of}, but the log ends at {log_end}"
                    self._findings.note(Promise.RANKED, [Broken(Promise.RANKED, listener_id, what)])
        return sample

    def _own(self, lists: Lists) -> dict[str, Published]:
        return {
            each: found
            for each, found in lists.items()
            if each == EVERYONE or self._maker.owns(each)
        }

    # -- folding -------------------------------------------------------------------------------

    def _fold_to(
        self, stop: int, decoded: Iterator[tuple[int, LogRecord]], told: Callable[[int], None]
    ) -> None:
        while self._fold.offset < stop:
            room = min(RECORDS_AT_ONCE, stop - self._fold.offset)
            self._fold.apply_many(islice(decoded, room))
            told(self._fold.offset)

    def _noted(self, offset: int, value: bytes) -> LogRecord:
        """Decodes a record and compares what it counts with its source and the dead letters."""
        record = decode_log_record(value, offset)
        counted = self._audit.note(offset, record)
        if counted is None:
            return record
        batch = counted.batch
        covered = batch.to_offset + 1 - counted.first_new
        rows = self._source.between(
            batch.source.topic_id, batch.source.partition, counted.first_new, batch.to_offset
        )
        differences = [] if rows is None else [*compared(counted, rows, self._decoder)]
        unknown = covered if rows is None else 0
        self._findings.note(Promise.SOURCE, differences, checked=covered - unknown, unknown=unknown)
        missing = [*missing_letters(counted, rows or [], self._letters)]
        self._findings.note(Promise.LETTERS, missing, checked=len(counted.rejected))
        return record

    # -- comparing -----------------------------------------------------------------------------

    def _compare_ranks(self, lists: list[tuple[str, Published]]) -> None:
        for listener_id, found in lists:
            broken = misranked(listener_id, found, self._ranked(listener_id))
            self._findings.note(Promise.RANKED, broken)

    def _ranked(self, listener_id: str) -> Published:
        if listener_id == EVERYONE:
            return made(self._maker.everyones())
        code = self._fold.listeners.code(listener_id)
        lists = self._maker.lists(np.array([code] if code >= 0 else [], np.int32))
        return made(lists[0]) if lists else Published(-1, -1, 0, b"nobody")

    def _compare_sums(self) -> None:
        audit, fold = self._audit, self._fold
        broken = [*audit.broken, *audit.holes()]
        if dict(audit.next) != fold.coverage.next:
            what = f"the state covers {fold.coverage.next}, the log {audit.next}"
            broken.append(Broken(Promise.CONTIGUOUS, "the end of the log", what))
        self._findings.note(Promise.CONTIGUOUS, broken, checked=audit.ledger.covered)
        self._findings.note(
            Promise.COUNTED, audit.differences(fold.counts), checked=audit.ledger.rows
        )

    def _compare_stores(self) -> None:
        redis, topic = self._own(self._stores.redis), self._own(self._stores.topic)
        settled = self._stores.settled
        place = settled.as_of if settled.log_epoch == self._fold.log_epoch else -1
        self._findings.note(
            Promise.AGREED,
            disagreements(redis, topic, settled.position),
            checked=len(redis.keys() & topic.keys()),
        )
        changed = self._last_changed()
        lasting = {each: at for each, at in changed.items() if not self._has_expired(topic, each)}
        for name, lists, wanted in (("redis", redis, lasting), ("the topic", topic, changed)):
            broken = outdated(lists, wanted, place, name)
            self._findings.note(Promise.COMPLETE, broken, checked=len(wanted))

    def _last_changed(self) -> dict[str, int]:
        fold = self._fold
        codes = self._maker.own(fold.changed_after(-1))
        ids = fold.listeners.values(codes.tolist())
        return dict(zip(map(str, ids), fold.last_changed(codes).tolist(), strict=True))

    def _has_expired(self, topic: Lists, listener_id: str) -> bool:
        """Redis forgets lists that have not changed for long; the topic knows when it was."""
        oldest_ms = (time.time() - self._settings.list_ttl_s) * 1_000
        return listener_id in topic and topic[listener_id].at_ms < oldest_ms

    def _note_equal(self, replayed: Verification) -> None:
        where = f"learning-log/0/{replayed.offset}"
        what = f"live {replayed.live}, replay {replayed.replay}"
        broken = [] if replayed.equal else [Broken(Promise.EQUAL, where, what)]
        self._findings.note(Promise.EQUAL, broken)
