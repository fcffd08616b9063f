"""Records of the journal, and a lifecycle to append them to."""

import secrets
from typing import Any

from streams.lifecycle.lifecycle import Lifecycle
from topics.lifecycle import (
    GenerationCreated,
    GenerationMoved,
    GenerationState,
    JournalRecord,
    ServingCause,
    ServingChanged,
)

STARTED, QUIET, STOPPED = GenerationState.STARTED, GenerationState.QUIET, GenerationState.STOPPED
RETIRING, RETIRED = GenerationState.RETIRING, GenerationState.RETIRED


def said() -> dict[str, Any]:
    return {
        "operation_id": secrets.token_bytes(16),
        "who": "ann@here",
        "why": "a test",
        "made_with": "0",
    }


def created(name: str, **more: Any) -> GenerationCreated:
    return GenerationCreated(name=name, settings="{}", fold_version=6, **said() | more)


def moved(name: str, to: GenerationState, **more: Any) -> GenerationMoved:
    return GenerationMoved(name=name, to=to, **said() | more)


def serves(stable: str, expected: int, **more: Any) -> ServingChanged:
    fields = {"cause": ServingCause.PROMOTED, **said(), **more}
    return ServingChanged(stable=stable, expected=expected, **fields)


class Book:
    """A lifecycle whose records are appended one after another."""

    def __init__(self, *records: JournalRecord) -> None:
        self.lifecycle = Lifecycle()
        self._end = 0
        for each in records:
            assert self.append(each) == ""

    def append(self, record: JournalRecord) -> str:
        self._end += 1
        return self.lifecycle.apply(self._end - 1, 1_000 * self._end, record)
