"""Verification by replay: folds the log again from its start, and compares digests."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from streams.addresses import Addresses
from streams.folding.fold import Fold
from streams.generation.fold_factory import new_fold
from streams.generation.warm_up import warm_up
from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.kafka.log_reader import LogReader
from streams.settings import Settings
from topics.errors import LogError, ServerError
from topics.learning_progress import LearningProgress

_PROGRESS_TIMEOUT_S = 15.0
_RETRY_EVERY_S = 0.2
_DIGEST_TRIES_MAX = 50
RECORDS_AT_ONCE = 64
"""Log records per step, as many as a recommender folds at a time."""


@dataclass(frozen=True)
class Verification:
    """Live and replayed digest of the state at one log offset."""

    equal: bool
    offset: int
    events: int
    live: str
    replay: str
    seconds: float

    @property
    def is_kept(self) -> bool:
        """Whether the promise is kept."""
        return self.equal

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names."""
        return asdict(self)


def replay(fold: Fold, kafka: str, last: int) -> Iterator[int]:
    """Folds the log from the offset of `fold` to `last`; yields the offset after each step."""
    with LogReader(kafka) as reader:
        records = reader.decoded(fold.offset + 1, last)
        while part := list(islice(records, RECORDS_AT_ONCE)):
            fold.apply_many(part)
            yield fold.offset


def live_progress(settings: Settings, addresses: Addresses) -> LearningProgress:
    """The newest heartbeat of the configured recommender that carries a digest."""
    reader = HeartbeatReader(addresses.kafka, lambda _: None)
    reader.start()
    answered = reader.wait_caught_up(_PROGRESS_TIMEOUT_S)
    progress = _with_digest(reader, settings.recommender_id) if answered else None
    reader.close()
    if not answered:
        raise ServerError(
            f"Heartbeats cannot be read from {addresses.kafka} in {_PROGRESS_TIMEOUT_S:.0f} s.",
            "Is Kafka up, and did `echotune topics apply` run?",
        )
    if progress is None:
        raise LogError(
            f"No digest of {settings.recommender_id} is known.",
            "Start it (`echotune worker recommender`) and try again.",
        )
    return progress


def _with_digest(reader: HeartbeatReader, recommender_id: str) -> LearningProgress | None:
    """Waits for a digest, because a recommender that has just started has none yet."""
    for _ in range(_DIGEST_TRIES_MAX):
        progress = reader.heartbeats().get(recommender_id)
        if progress is None or progress.digest is not None:
            return progress
        time.sleep(_RETRY_EVERY_S)
    return None


def verify(
    settings: Settings, addresses: Addresses, on_offset: Callable[[int, int], None]
) -> Verification:
    """Compares the live digest with a replay's; calls `on_offset` with (offset, last offset)."""
    live = live_progress(settings, addresses)
    warm_up(settings)
    fold = new_fold(settings)
    began = time.perf_counter()
    for offset in replay(fold, addresses.kafka, live.digest_offset):
        on_offset(offset, live.digest_offset)
    if fold.offset != live.digest_offset:
        raise LogError(
            f"The learning-log ends at {fold.offset}, the live state at {live.digest_offset}.",
            "It lost its tail; see docs/operations.md.",
        )
    seconds = time.perf_counter() - began
    found = fold.digest()
    return Verification(
        equal=found == live.digest,
        offset=live.digest_offset,
        events=fold.applied,
        live=str(live.digest),
        replay=found,
        seconds=round(seconds, 3),
    )
