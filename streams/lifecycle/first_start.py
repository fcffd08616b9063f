"""Begins the journal of an installation: its first generation serves from then on."""

from typing import Any

from streams.lifecycle.generation_record import created, log_id_of
from streams.lifecycle.journal import Journal, operation
from streams.lifecycle.lifecycle import Lifecycle
from streams.settings import Settings
from topics.errors import SettingsError
from topics.lifecycle import (
    GenerationMoved,
    GenerationState,
    JournalRecord,
    ServingCause,
    ServingChanged,
)

_WHO = "first start"


def begin_journal(journal: Journal, settings: Settings, kafka: str) -> Lifecycle:
    """Writes the first records, if no generation serves yet: the configured one does from then on.

    Several processes may do this at once: all but the first records are void.
    """
    lifecycle = journal.read()
    if not lifecycle.is_empty:
        return lifecycle
    if settings.learn_until is not None:
        raise SettingsError(
            "The first generation serves, so it cannot end at a log offset.",
            "Unset ECHOTUNE_LEARN_UNTIL.",
        )
    name, log_id = settings.generation, log_id_of(kafka)

    def said() -> dict[str, Any]:
        return operation("first start", _WHO)

    steps: list[JournalRecord] = [
        created(name, settings, log_id, **said()),
        GenerationMoved(name=name, to=GenerationState.STARTED, **said()),
        ServingChanged(
            expected=-1, stable=name, cause=ServingCause.FIRST, automatic=True, **said()
        ),
    ]
    for step in steps:
        if not journal.read().why_void(step):
            journal.append(lambda _, step=step: step)  # type: ignore[misc]
    return journal.read()
