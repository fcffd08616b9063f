"""Warm-up (JIT compilation): compiles all code of a fold before it is used.

Without a cache it takes half a minute.
"""

import sys
from typing import TextIO

import numpy as np

from streams.generation.fold_factory import new_fold
from streams.settings import Settings
from topics.learning_batch import LearningBatch, SourcePartition, SourceRow, columns_of
from topics.listening_event import ListeningEvent

_LISTENED_AT_MS = 1_700_000_000_000


def warm_up(settings: Settings) -> None:
    """Learns and ranks once with a fold that is discarded; fast if the code is cached."""
    fold = new_fold(settings.model_copy(update={"learn_from": 0}))
    fold.apply(0, _a_batch())
    fold.ranker.recommend_many(np.zeros(1, np.int32), settings.list_length)
    fold.ranker.recommend(None, settings.list_length)
    fold.ranker.candidates_after(0, np.zeros(1, np.int32), np.zeros(0, np.int32))
    fold.digest()


def _a_batch() -> LearningBatch:
    event = ListeningEvent(
        event_id="e",
        listener_id="l",
        kind="LISTEN",  # type: ignore[arg-type]
        source="warming",
        track_id="t",
        listened_at=_LISTENED_AT_MS,
    )
    strings, columns = columns_of([SourceRow(0, _LISTENED_AT_MS, vars(event))], 0)
    return LearningBatch(SourcePartition(bytes(16), 0), 0, 0, strings, columns)


def main(out: TextIO = sys.stderr) -> None:
    """Entry point for `make setup`."""
    print("compiling the model (once, about half a minute) ...", file=out, flush=True)
    try:
        warm_up(Settings())
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
