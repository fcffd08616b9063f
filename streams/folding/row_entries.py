"""What the deduplication window compares of the rows of a log record."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.folding.batch_rows import Rows
from streams.folding.deduplication_window import EventColumns, entries_of
from topics.listening_event import KIND_CODES

_PLAYS = np.array([KIND_CODES["LISTEN"], KIND_CODES["KEEP"]], np.uint8)


def row_entries(
    rows: Rows,
    kept: NDArray[np.intp],
    *,
    listeners: NDArray[np.int32],
    tracks: NDArray[np.int32],
    sources: NDArray[np.int32],
) -> NDArray[Any]:
    """Entries (dtype `ENTRY`) of the rows `kept`, with the codes of their texts."""
    kinds = rows.columns["kinds"][kept]
    return entries_of(
        EventColumns(
            keys=np.ascontiguousarray(rows.columns["event_keys"][kept]),
            listeners=listeners,
            tracks=tracks,
            at_ms=rows.columns["listened_at"][kept],
            sources=sources,
            listens=np.isin(kinds, _PLAYS),
            kinds=kinds,
            ms_played=rows.columns["ms_played"][kept],
            duration_ms=rows.columns["duration_ms"][kept],
        )
    )
