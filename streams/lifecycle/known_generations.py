"""What a sequencer knows of the journal: whose heartbeats decide, and whose count for nothing."""

import time
from collections.abc import Callable
from math import inf

import structlog

from streams.heartbeats.fold_position import Generations
from streams.lifecycle.journal import Journal
from streams.lifecycle.lifecycle import Lifecycle
from streams.lifecycle.retirement import is_retired
from topics.errors import EchoTuneError, ServerError

_log = structlog.get_logger(__name__)
READ_EVERY_S = 1.0


class KnownGenerations:
    """Reads the journal once a second at most; what is known stays while it cannot be read."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._clock = clock
        self._read_at = -inf
        self._is_unreadable = False

    def __call__(self) -> Generations:
        """The generations as the journal has them; blocks, and never raises."""
        if self._clock() - self._read_at >= READ_EVERY_S and not self._is_unreadable:
            self._read()
            self._read_at = self._clock()
        return generations_of(self._journal.lifecycle)

    def _read(self) -> None:
        try:
            self._journal.read()
        except ServerError:
            pass  # Kafka is away
        except EchoTuneError as error:  # of a newer version: nothing that follows can be judged
            self._is_unreadable = True
            _log.error("the journal cannot be read: what is known stays", error=str(error))


def generations_of(lifecycle: Lifecycle) -> Generations:
    """What sequencers have to know of a lifecycle."""
    retired = (name for name in lifecycle.generations if is_retired(lifecycle, name))
    return Generations(lifecycle.plan.stable, frozenset(retired))
