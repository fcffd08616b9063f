"""What a record of the log changes in people's listens and feedback. Pure."""

from collections.abc import Collection
from typing import Any

import numpy as np

from streams.folding.row_verdicts import COUNTING, JudgedBatch
from streams.listens.listen_history import (
    Erased,
    Feedback,
    HistoryChange,
    Listen,
    Retracted,
    log_position_of,
)
from topics.identity import MBID_PREFIX, recording_msid_of
from topics.learning_batch import LearningBatch
from topics.listening_event import KIND_CODES

_PLAYS = {KIND_CODES["LISTEN"], KIND_CODES["KEEP"]}
_RETRACT, _ERASE = KIND_CODES["RETRACT"], KIND_CODES["ERASE"]
_SCORES = {KIND_CODES["LOVE"]: 1, KIND_CODES["HATE"]: -1, KIND_CODES["CLEAR"]: 0}


def changes_of(judged: JudgedBatch, people: Collection[str]) -> list[HistoryChange]:
    """The changes for `people`, in the log's order."""
    batch = judged.batch
    known = [at for at, text in enumerate(batch.strings) if text in people]
    is_wanted = np.isin(batch.columns["listeners"], known) & np.isin(judged.verdicts, COUNTING)
    found = [_change(batch, int(at), judged.offset) for at in np.flatnonzero(is_wanted)]
    return [change for change in found if change is not None]


def _change(batch: LearningBatch, at: int, offset: int) -> HistoryChange | None:
    kind = int(batch.columns["kinds"][at])
    listener_id, track_id = _text(batch, "listeners", at), _text(batch, "tracks", at)
    if kind == _ERASE and listener_id is not None:
        return Erased(listener_id, int(batch.columns["appended_at"][at]))
    if listener_id is None or track_id is None:
        return None
    listened_at = int(batch.columns["listened_at"][at])
    if kind in _SCORES:
        return Feedback(
            *(listener_id, track_id, _SCORES[kind], listened_at),
            recording_msid=_msid(batch, at, track_id),
            recording_mbid=_mbid(batch, at),
        )
    if kind == _RETRACT:
        return Retracted(listener_id, track_id, listened_at)
    if kind not in _PLAYS:
        return None
    listen = _listen(batch, at, listener_id, track_id)
    return listen._replace(log_position=log_position_of(offset, at))


def _listen(batch: LearningBatch, at: int, listener_id: str, track_id: str) -> Listen:
    columns = batch.columns
    return Listen(
        listener_id=listener_id,
        event_key=bytes(columns["event_keys"][at]).hex(),
        track_id=track_id,
        listened_at=int(columns["listened_at"][at]),
        recorded_at=int(columns["appended_at"][at]),
        recording_msid=_msid(batch, at, track_id),
        artist_name=_text(batch, "artist_names", at),
        track_name=_text(batch, "track_names", at),
        release_name=_text(batch, "release_names", at),
        duration_ms=_number(columns["duration_ms"][at]),
        recording_mbid=_mbid(batch, at),
        source=_text(batch, "sources", at) or "",
        additional_info=_text(batch, "additional_infos", at) or "",
        ms_played=_number(columns["ms_played"][at]),
    )


def _msid(batch: LearningBatch, at: int, track_id: str) -> str:
    artist, track, release = (
        _text(batch, name, at) for name in ("artist_names", "track_names", "release_names")
    )
    return recording_msid_of(artist or "", track, release) if track else track_id


def _mbid(batch: LearningBatch, at: int) -> str | None:
    named = _text(batch, "source_tracks", at) or ""
    return named.removeprefix(MBID_PREFIX) if named.startswith(MBID_PREFIX) else None


def _text(batch: LearningBatch, column: str, at: int) -> str | None:
    position = int(batch.columns[column][at])
    return batch.strings[position] if position >= 0 else None


def _number(value: Any) -> int | None:
    return int(value) if value >= 0 else None
