"""Whatever an event holds, the sequencer makes a row or a dead letter of it, for the log."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.sequencing.batching import BatchOrigin, batches_of
from streams.sequencing.letter_format import letters_of
from streams.sequencing.validation import accept
from tests.support.learning_log import BEGAN_MS, an_event
from tests.support.records import ARecord
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder, encode
from topics.learning_batch import SourcePartition
from topics.learning_log import decode_log_record
from topics.listening_event import EventKind

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", " ", "\x00", "a\x00b", "*everyone*", "x" * 513, "\u202e", "é" * 600]),
)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, -1, 2**31, 2**53, BEGAN_MS, BEGAN_MS + 600_000, 1_033_430_400_000]),
)
NEEDED = dict.fromkeys(("event_id", "listener_id", "source"), TEXTS)
POSSIBLE = {
    name: st.none() | TEXTS
    for name in (
        *("track_id", "artist_id", "artist_name", "track_name", "release_name"),
        *("source_track_id", "reason_end", "context", "recommendation_id"),
    )
} | {name: st.none() | NUMBERS for name in ("listened_at", "ms_played", "duration_ms")}
EVENTS = st.fixed_dictionaries(
    {}, optional=NEEDED | POSSIBLE | {"kind": st.sampled_from([each.value for each in EventKind])}
)
ORIGIN = BatchOrigin(SourcePartition(bytes(16), 0), 1, "s1", "0.1.0")


@given(st.lists(EVENTS, min_size=1, max_size=4), st.integers(0, 2**41))
def test_whatever_an_event_holds_it_is_a_row_or_a_rejection(
    events: list[dict[str, Any]], timestamp: int
) -> None:
    records = [
        ARecord(at, encode("ListeningEvent", {**an_event(), **each}), timestamp=timestamp)
        for at, each in enumerate(events)
    ]
    accepted = accept(records, Decoder(LISTENING_EVENTS.contracts))
    offsets = [row.offset for row in accepted.rows]
    offsets += [each.record.offset for each in accepted.rejected]
    assert sorted(offsets) == [each.offset for each in records]
    for rejected in accepted.rejected:
        assert [*letters_of(rejected, "listening-events", 0, "0.1.0")]
    for batch in batches_of(accepted, ORIGIN, 0, len(records) - 1):
        decode_log_record(batch, 0)
