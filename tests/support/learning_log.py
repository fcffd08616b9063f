"""Test data of the learning-log: events, the batches that hold them, and states that fold them."""

from collections.abc import Iterable, Sequence
from typing import Any

from online_models.registry import build
from streams.folding.fold import Fold
from topics.learning_batch import LearningBatch, SourcePartition, SourceRow, columns_of
from topics.learning_log import LogRecord
from topics.listening_event import EventFields, ListeningEvent

SOURCE = SourcePartition(b"e" * 16, 0)
BEGAN_MS = 1_700_000_000_000
MINUTE_MS = 60_000
WINDOW = 1024


def an_event(
    listener_id: str = "ann", track_id: str | None = "t1", minute: float = 0, **changes: Any
) -> EventFields:
    """A LISTEN in the given minute; its event id follows from its content."""
    fields = dict.fromkeys(ListeningEvent.model_fields) | {
        "listener_id": listener_id,
        "track_id": track_id,
        "kind": "LISTEN",
        "source": "navidrome",
        "listened_at": BEGAN_MS + int(minute * MINUTE_MS),
    }
    fields |= changes
    named = [fields[name] for name in ("kind", "source", "listener_id", "track_id", "listened_at")]
    return {**fields, "event_id": changes.get("event_id", "/".join(map(str, named)))}


def a_batch(
    *events: EventFields, from_offset: int = 0, to_offset: int | None = None, **changes: Any
) -> LearningBatch:
    """A batch of `events` without gaps between their source offsets."""
    rows = [SourceRow(from_offset + at, BEGAN_MS, event) for at, event in enumerate(events)]
    strings, columns = columns_of(rows, from_offset)
    last = from_offset + len(rows) - 1 if to_offset is None else to_offset
    fields = {"source": SOURCE} | changes
    return LearningBatch(
        from_offset=from_offset, to_offset=last, strings=strings, columns=columns, **fields
    )


def batches(events: Sequence[EventFields], size: int) -> list[LearningBatch]:
    """`events` in consecutive batches of `size`."""
    return [
        a_batch(*events[start : start + size], from_offset=start)
        for start in range(0, len(events), size)
    ]


def a_fold(model: str = "popularity", duplicate_window: int = WINDOW, learn_from: int = 0) -> Fold:
    """An empty state."""
    ranker, baseline = build({"model": model}), build({"model": "popularity"})
    return Fold(ranker, baseline, duplicate_window=duplicate_window, learn_from=learn_from)


def folded(fold: Fold, records: Iterable[LogRecord]) -> Fold:
    """`fold` after `records`, which directly follow its last record."""
    for record in records:
        fold.apply(fold.offset + 1, record)
    return fold


def a_history(events: int, listeners: int = 7, tracks: int = 40) -> list[EventFields]:
    """Deterministic plays: each listener steps through the catalogue with a stride of their own."""
    return [
        an_event(
            f"listener-{at % listeners}",
            f"track-{(at // listeners) * (1 + at % listeners) % tracks}",
            minute=4 * (at // listeners),
            artist_id=f"artist-{at % 5}",
            ms_played=(at * 37_000) % 300_000,
            duration_ms=240_000,
        )
        for at in range(events)
    ]
