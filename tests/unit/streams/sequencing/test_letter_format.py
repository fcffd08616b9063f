"""A dead letter keeps the bytes, and says where they came from and what is wrong with them."""

import pytest

from streams.sequencing.letter_format import ERROR_HEADER_BYTES_MAX, letters_of
from streams.sequencing.validation import RejectedRecord, accept
from tests.support.records import POISON, ARecord
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.rejection import Rejected, RejectionReason


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


def test_a_reason_that_quotes_half_a_character_is_told_all_the_same() -> None:
    rejected = RejectedRecord(ARecord(0, b"x"), Rejected(RejectionReason.INVALID, "a\ud800b"))
    for letter in letters_of(rejected, "listening-events", 0, "0.1.0"):
        assert dict(letter["headers"])["error"] == b"a?b"


def test_a_header_that_names_the_schema_is_kept_and_the_schema_is_told() -> None:
    named = b"\x01" + bytes(range(16))
    record = ARecord(0, b"x", headers=[("__value_schema_id", named), ("other", b"y" * 10_000)])
    rejected = RejectedRecord(record, Rejected(RejectionReason.MALFORMED, ""))
    headers = dict(next(letters_of(rejected, "listening-events", 0, "0.1.0"))["headers"])
    assert headers["schema_id"] == b"00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert headers["origin_schema_header"] == named.hex().encode()
    assert "other" not in headers
