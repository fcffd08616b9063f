"""The sequencer's own work on an event, beside fastavro alone on the same bytes."""

import time
from collections.abc import Callable
from pathlib import Path

from streams.sequencing.batching import BatchOrigin, batches_of
from streams.sequencing.validation import accept
from tests.benchmarks.figures import Figure
from tests.benchmarks.workload import encoded, events
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.learning_batch import SourcePartition

EVENTS = 100_000
ROWS_A_CHUNK = 2_000
ROUNDS = 3
"""Number of rounds. Both take turns and the best round counts, because the machine is shared."""


class _Record:
    """A consumed record."""

    def __init__(self, offset: int, value: bytes) -> None:
        self.offset = offset
        self.timestamp = 1_800_000_000_000
        self.key = None
        self.value = value
        self.headers = ()


def sequencing(data: Path | None) -> list[Figure]:
    """Compares decoding, validating and encoding batches with decoding alone."""
    values = [each.value for each in encoded(events(data, EVENTS))]
    decoder = Decoder(LISTENING_EVENTS.contracts)
    origin = BatchOrigin(SourcePartition(bytes(16), 0), 1, "bench", "0")
    records = [_Record(at, value) for at, value in enumerate(values)]

    def sequence() -> None:
        for start in range(0, len(records), ROWS_A_CHUNK):
            chunk = records[start : start + ROWS_A_CHUNK]
            accepted = accept(chunk, decoder)
            assert len(accepted.rows) == len(chunk)
            for _ in batches_of(accepted, origin, start, start + len(chunk) - 1):
                pass

    def decode() -> None:
        for value in values:
            decoder.decode(value)

    rounds = [(_seconds(decode), _seconds(sequence)) for _ in range(ROUNDS)]
    theirs, ours = (len(values) / min(each) for each in zip(*rounds, strict=True))
    return [Figure("sequencer alone", ours, "events/s", "fastavro decodes", theirs, "≥ 0.5 ×")]


def _seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
