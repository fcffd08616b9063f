"""A dead letter keeps the bytes, and says where they came from and what is wrong with them."""

import pytest

from streams.sequencing.dead_letter import ERROR_HEADER_BYTES_MAX, letters_of
from streams.sequencing.validation import accept
from tests.support.records import POISON, ARecord
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder


@pytest.mark.parametrize("what", POISON)
def test_bytes_are_unchanged_and_headers_short(what: str) -> None:
    record = ARecord(17, POISON[what], key=b"k" * 10_000)
    [rejected] = accept([record], Decoder(LISTENING_EVENTS.contracts)).rejected
    letter = next(letters_of(rejected, "listening-events", 3, "0.1.0"))
    headers = dict(letter["headers"])
    assert letter["value"] == POISON[what]
    assert letter["key"] == "listening-events/3/17"
    assert headers["reason"]
    assert headers["origin_offset"] == b"17"
    assert headers["sequencer_version"] == b"0.1.0"
    assert max(map(len, headers.values())) <= ERROR_HEADER_BYTES_MAX


def test_the_schema_id_is_told_where_there_is_one() -> None:
    decoder = Decoder(LISTENING_EVENTS.contracts)
    [rejected] = accept([ARecord(0, POISON["unknown_schema"])], decoder).rejected
    letter = next(letters_of(rejected, "listening-events", 0, "0.1.0"))
    assert dict(letter["headers"])["schema_id"] == b"999"
