"""What becomes of a chunk: each record is a row or a rejection, and nothing raises."""

import pytest

from streams.sequencing.validation import (
    ADDITIONAL_INFO_BYTES_MAX,
    accept,
    count_in_wrong_partition,
)
from tests.support.learning_log import BEGAN_MS
from tests.support.records import POISON, ARecord, a_value
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.identity import artist_id_of, track_id_of
from topics.learning_batch import ADDITIONAL_INFO
from topics.partitioning import partition_of
from topics.recommendation_list import EVERYONE
from topics.rejection import RejectionReason

TEN_MINUTES_MS = 10 * 60_000


def accepted(*values: bytes | None) -> tuple[list[int], dict[int, RejectionReason]]:
    """Offsets of the rows, and why the others are none."""
    found = accept([ARecord(at, value) for at, value in enumerate(values)], a_decoder())
    rejected = {each.record.offset: each.rejected.reason for each in found.rejected}
    return [row.offset for row in found.rows], rejected


def a_decoder() -> Decoder:
    return Decoder(LISTENING_EVENTS.contracts)


@pytest.mark.parametrize("what", POISON)
def test_poison_is_a_value_and_its_neighbours_are_rows(what: str) -> None:
    rows, rejected = accepted(a_value(minute=0), POISON[what], a_value(minute=1))
    assert rows == [0, 2]
    assert list(rejected) == [1]


def test_each_reason_is_told_by_its_name() -> None:
    wrong = ["null_value", "bad_magic", "unknown_schema", "truncated", "no listener", "in 1970"]
    _, rejected = accepted(*(POISON[what] for what in wrong))
    assert list(rejected.values()) == [
        RejectionReason.NULL_VALUE,
        RejectionReason.BAD_MAGIC,
        RejectionReason.UNKNOWN_SCHEMA,
        RejectionReason.MALFORMED,
        RejectionReason.INVALID,
        RejectionReason.INVALID,
    ]


def test_a_chunk_of_nothing_but_poison_has_no_rows_and_keeps_every_byte() -> None:
    records = [ARecord(at, value) for at, value in enumerate(POISON.values())]
    found = accept(records, a_decoder())
    assert found.rows == []
    assert [each.record.value for each in found.rejected] == list(POISON.values())


def test_nobody_is_called_as_the_list_for_everyone_is() -> None:
    rows, rejected = accepted(a_value(listener_id=EVERYONE), a_value())
    assert rows == [1]
    assert rejected == {0: RejectionReason.INVALID}


def test_a_play_may_lie_ten_minutes_ahead_of_its_record_and_no_more() -> None:
    limit = a_value(listened_at=BEGAN_MS + TEN_MINUTES_MS)
    beyond = a_value(listened_at=BEGAN_MS + TEN_MINUTES_MS + 1)
    rows, rejected = accepted(limit, beyond)
    assert rows == [0]
    assert rejected == {1: RejectionReason.TIME_OUT_OF_RANGE}


def test_the_records_time_stands_in_for_a_missing_one() -> None:
    found = accept([ARecord(0, a_value(listened_at=None), timestamp=BEGAN_MS + 5)], a_decoder())
    assert found.rows[0].event["listened_at"] == BEGAN_MS + 5


def test_names_become_ids_where_a_producer_knows_no_ids() -> None:
    value = a_value(track_id=None, artist_name="Nina Simone", track_name="Sinnerman")
    [row] = accept([ARecord(0, value)], a_decoder()).rows
    assert row.event["track_id"] == track_id_of("nina simone", "SINNERMAN")
    assert row.event["artist_id"] == artist_id_of("NINA SIMONE")


def test_an_erasure_is_of_no_track() -> None:
    [row] = accept([ARecord(0, a_value(kind="ERASE"))], a_decoder()).rows
    assert row.event["track_id"] is None


def test_rows_in_a_wrong_partition_are_counted_and_kept() -> None:
    listeners = [f"listener-{at}" for at in range(20)]
    values = [a_value(listener_id=listener) for listener in listeners]
    rows = accept([ARecord(at, value) for at, value in enumerate(values)], a_decoder()).rows
    elsewhere = [each for each in listeners if partition_of(each, 4) != 2]
    assert count_in_wrong_partition(rows, 2, 4) == len(elsewhere) > 0


def test_a_registry_that_is_away_is_no_poison() -> None:
    def away(schema_id: int) -> None:
        raise ConnectionError("registry")

    decoder = Decoder(LISTENING_EVENTS.contracts, away)  # type: ignore[arg-type]
    with pytest.raises(ConnectionError):
        accept([ARecord(0, a_value())], decoder)


def test_what_a_source_says_beside_an_event_is_kept_if_it_is_a_text_of_bounded_size() -> None:
    said = [b'{"isrc": "QZ"}', b"\xff", b"x" * (ADDITIONAL_INFO_BYTES_MAX + 1), None]
    records = [
        ARecord(at, a_value(minute=at), headers=[("trace", b"1"), (ADDITIONAL_INFO, each)])
        for at, each in enumerate(said)
    ]
    rows = accept(records, a_decoder()).rows
    assert [row.event[ADDITIONAL_INFO] for row in rows] == ['{"isrc": "QZ"}', None, None, None]
