"""Verification by replay: folds the log again, and compares digests.

The log is folded from its start, or from a snapshot on. The digest is compared with that of the
live state, or of a later snapshot.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

from streams.addresses import Addresses
from streams.folding.fold import Fold
from streams.generation.fold_factory import new_fold
from streams.generation.warm_up import warm_up
from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.kafka.log_reader import LogReader
from streams.settings import Settings
from streams.verifying.snapshot_choice import snapshot_at
from topics.errors import LogError, ServerError, SettingsError
from topics.learning_progress import LearningProgress

_PROGRESS_TIMEOUT_S = 15.0
_RETRY_EVERY_S = 0.2
_DIGEST_TRIES_MAX = 50
RECORDS_AT_ONCE = 64
"""Log records per step, as many as a recommender folds at a time."""


class Span(NamedTuple):
    """The part of the log that is folded: log offsets of snapshots, exclusive and inclusive."""

    begin: int | None = None
    """None: from the start of the log."""
    end: int | None = None
    """None: up to the live state."""


UP_TO_LIVE = Span()
"""The whole log, up to the live state."""


class Expected(NamedTuple):
    """The digest of a state at a log offset, and who said it."""

    offset: int
    digest: str
    by: str


@dataclass(frozen=True)
class Verification:
    """Live and replayed digest of the state at one log offset."""

    equal: bool
    offset: int
    events: int
    """How many events were applied."""
    live: str
    replay: str
    seconds: float
    by: str = "recommender"
    """Who said the live digest: the recommender or its snapshot."""
    from_offset: int = 0
    """The first log offset that was folded."""

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
    settings: Settings,
    addresses: Addresses,
    on_offset: Callable[[int, int], None],
    span: Span = UP_TO_LIVE,
) -> Verification:
    """Compares a digest with a replay's; calls `on_offset` with (offset, last offset)."""
    fold = new_fold(settings)
    with LogReader(addresses.kafka) as reader:
        snapshot = None if span.begin is None else snapshot_at(settings, reader, span.begin)
        expected = _expected(settings, addresses, reader, span.end)
    if span.begin is not None and expected.offset <= span.begin:
        raise SettingsError(
            f"The fold would begin at log offset {span.begin:,} and end at {expected.offset:,}.",
            "Begin with an earlier snapshot, or end with a later one.",
        )
    warm_up(settings)
    if snapshot is not None:
        snapshot.load_into(fold)
    first, applied = fold.offset + 1, fold.applied
    began = time.perf_counter()
    for offset in replay(fold, addresses.kafka, expected.offset):
        on_offset(offset, expected.offset)
    if fold.offset != expected.offset:
        raise LogError(
            f"The learning-log ends at {fold.offset}, the state of the {expected.by} at "
            f"{expected.offset}.",
            "It lost its tail; see docs/operations.md.",
        )
    seconds = time.perf_counter() - began
    found = fold.digest()
    return Verification(
        equal=found == expected.digest,
        offset=expected.offset,
        events=fold.applied - applied,
        live=expected.digest,
        replay=found,
        seconds=round(seconds, 3),
        by=expected.by,
        from_offset=first,
    )


def _expected(
    settings: Settings, addresses: Addresses, reader: LogReader, end: int | None
) -> Expected:
    if end is None:
        live = live_progress(settings, addresses)
        return Expected(live.digest_offset, str(live.digest), "recommender")
    return Expected(end, snapshot_at(settings, reader, end).header.digest, "snapshot")
