"""The plays that do not count because a play of another source masks them, with the play that does.

They follow from the log alone, without a model (`streams/folding/row_verdicts.py`). What a KEEP
unmasked counts and is not among them, nor is what an erasure of its listener took away.
"""

import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from streams.folding.row_verdicts import JudgedBatch, RowVerdict, RowVerdicts
from topics.identity import ECHOTUNE_NAMESPACE, event_key_of
from topics.learning_batch import NULL, TEXT_COLUMNS, LearningBatch
from topics.learning_log import LogRecord
from topics.listening_event import KIND_CODES, EventKind, ListeningEvent

_ERASE = KIND_CODES["ERASE"]
_NOTED = (RowVerdict.MASKED, RowVerdict.UNMASKED)
_NUMBERS = ("listened_at", "ms_played", "duration_ms")


@dataclass(frozen=True)
class Masker:
    """The play that counts."""

    event_id: str
    source: str
    listened_at: int


@dataclass(frozen=True)
class MaskedPlay:
    """A play that does not count; an event id that is no UUID is told as the UUID of its hash."""

    log_offset: int
    event: ListeningEvent
    masker: Masker

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names."""
        names = ("event_id", "listener_id", "track_id", "artist_name", "track_name", "source")
        return {
            **{name: getattr(self.event, name) for name in names},
            **{name: getattr(self.event, name) for name in _NUMBERS},
            "log_offset": self.log_offset,
            "masked_by": vars(self.masker),
        }


def keep_of(masked: MaskedPlay) -> ListeningEvent:
    """The event that unmasks a play; of one play it is always the same one."""
    name = f"keep\0{masked.event.listener_id}\0{masked.event.event_id}"
    event_id = str(uuid.uuid5(ECHOTUNE_NAMESPACE, name))
    return masked.event.model_copy(update={"kind": EventKind.KEEP, "event_id": event_id})


@dataclass(frozen=True)
class Wanted:
    """Which plays are collected: of this listener, with this event id (any), the newest ones."""

    listener_id: str | None = None
    event_id: str | None = None
    limit: int = 50


def masked_plays(
    records: Iterable[tuple[int, LogRecord]], duplicate_window: int, wanted: Wanted
) -> list[MaskedPlay]:
    """The masked plays that are wanted, newest last; `records` are the whole log with offsets."""
    verdicts, found = RowVerdicts(duplicate_window), _Collection(wanted)
    for offset, record in records:
        judged = verdicts.note(offset, record)
        if judged is not None:
            found.note(judged, verdicts)
    return found.newest()


class _Collection:
    """Holds the newest masked plays of each listener."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._key = None if wanted.event_id is None else event_key_of(wanted.event_id)
        self._of_listener: dict[str, deque[tuple[int, MaskedPlay]]] = {}
        self._found = 0

    def note(self, judged: JudgedBatch, verdicts: RowVerdicts) -> None:
        """Notes the rows of a batch, in order."""
        batch, found = judged.batch, judged.verdicts
        is_erasure = (found == RowVerdict.NEW) & (batch.columns["kinds"] == _ERASE)
        for row in np.flatnonzero(np.isin(found, _NOTED) | is_erasure).tolist():
            if is_erasure[row]:
                self._of_listener.pop(batch.strings[batch.columns["listeners"][row]], None)
            elif found[row] == RowVerdict.MASKED:
                self._add(judged, row, verdicts)
            else:
                self._take_kept(event_at(batch, row))

    def _add(self, judged: JudgedBatch, row: int, verdicts: RowVerdicts) -> None:
        batch, masker = judged.batch, judged.maskers[row]
        if self._key not in (None, batch.columns["event_keys"][row].tobytes()):
            return
        listener_id = batch.strings[batch.columns["listeners"][row]]
        if self._wanted.listener_id not in (None, listener_id):
            return
        key = masker["key_high"].tobytes() + masker["key_low"].tobytes()
        source = str(verdicts.sources.value(int(masker["source"])))
        counts = Masker(str(uuid.UUID(bytes=key)), source, int(masker["at"]))
        play = MaskedPlay(judged.offset, event_at(batch, row), counts)
        kept = self._of_listener.setdefault(listener_id, deque(maxlen=self._wanted.limit))
        kept.append((self._found, play))
        self._found += 1

    def _take_kept(self, event: ListeningEvent) -> None:
        plays = self._of_listener.get(event.listener_id, deque())
        for each in [each for each in plays if _is_of(event, each[1].event)]:
            plays.remove(each)

    def newest(self) -> list[MaskedPlay]:
        """The newest ones of all listeners, in the order of the log."""
        found = sorted((each for plays in self._of_listener.values() for each in plays), key=_order)
        return [play for _, play in found[-self._wanted.limit :]]


def _order(numbered: tuple[int, MaskedPlay]) -> int:
    return numbered[0]


def _is_of(keep: ListeningEvent, play: ListeningEvent) -> bool:
    return all(
        getattr(keep, name) == getattr(play, name) for name in ("track_id", "source", "listened_at")
    )


def event_at(batch: LearningBatch, row: int) -> ListeningEvent:
    """The event in a row of a batch; its id is the UUID that the log has."""
    texts = {name: int(batch.columns[column][row]) for column, name in TEXT_COLUMNS.items()}
    numbers = {name: int(batch.columns[name][row]) for name in _NUMBERS}
    fields: dict[str, Any] = {
        "event_id": str(uuid.UUID(bytes=batch.columns["event_keys"][row].tobytes())),
        "kind": list(EventKind)[batch.columns["kinds"][row]],
    }
    fields |= {name: None if at == NULL else batch.strings[at] for name, at in texts.items()}
    fields |= {name: None if value == NULL else value for name, value in numbers.items()}
    return ListeningEvent(**fields)
