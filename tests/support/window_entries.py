"""Entries of the deduplication window from plain tuples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from streams.folding.deduplication_window import EventColumns, entries_of
from topics.listening_event import KIND_CODES


def entries(events: Sequence[tuple[Any, ...]]) -> Any:
    """Of (key, listener, track, listened_at, source, is a LISTEN, ms_played[, duration_ms])."""
    keys, listeners, tracks, at, sources, listens, played, *length = (
        np.array(column) for column in zip(*events, strict=True)
    )
    kinds = np.where(listens, KIND_CODES["LISTEN"], KIND_CODES["LOVE"])
    return entries_of(
        EventColumns(
            keys=np.repeat(keys.astype("<u8"), 2).view("V16"),
            listeners=listeners.astype(np.int32),
            tracks=tracks.astype(np.int32),
            at_ms=at.astype(np.int64),
            sources=sources.astype(np.int32),
            listens=listens.astype(np.bool_),
            kinds=kinds.astype(np.uint8),
            ms_played=played.astype(np.int32),
            duration_ms=(length[0] if length else np.full(len(keys), -1)).astype(np.int32),
        )
    )
