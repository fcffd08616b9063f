"""The bounds of an event: shapes and sizes, never business guesses."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    ID_LENGTH_MAX,
    KIND_CODES,
    PLAY_LENGTH_MAX_MS,
    TEXT_LENGTH_MAX,
    EventFields,
    EventKind,
    ListeningEvent,
    invalid_events,
)
from topics.schemas import raw_schema

AnEvent = Callable[..., EventFields]

IDS = ["event_id", "listener_id", "source", "track_id", "artist_id"]
TEXTS = [
    "artist_name",
    "track_name",
    "release_name",
    "source_track_id",
    "reason_end",
    "context",
    "recommendation_id",
]
LENGTHS = ["ms_played", "duration_ms"]
REQUIRED = ["event_id", "listener_id", "kind", "source"]


def test_the_model_has_the_fields_of_the_contract_in_its_order() -> None:
    contract = [field["name"] for field in raw_schema("ListeningEvent")["fields"]]
    assert list(ListeningEvent.model_fields) == contract


def test_the_kinds_and_their_codes_are_those_of_the_contract() -> None:
    symbols = raw_schema("ListeningEvent")["fields"][2]["type"]["symbols"]
    assert list(EventKind) == symbols
    assert [KIND_CODES[symbol] for symbol in symbols] == list(range(len(symbols)))


def test_an_event_that_says_no_more_than_it_must_is_valid(an_event: AnEvent) -> None:
    fields = ListeningEvent.model_fields
    assert (
        invalid_events([{name: an_event()[name] if name in REQUIRED else None for name in fields}])
        == {}
    )


@pytest.mark.parametrize("field", REQUIRED)
def test_what_an_event_must_say_cannot_be_null(field: str, an_event: AnEvent) -> None:
    assert invalid_events([an_event(**{field: None})])[0].startswith(f"{field}: ")


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * (ID_LENGTH_MAX + 1), id="one too long"),
        pytest.param("x" * 10_000, id="10,000 characters"),
        pytest.param("a\x00b", id="NUL"),
        pytest.param("a\n\x00", id="NUL in a second line"),
        pytest.param("\ud800", id="a lone surrogate"),
        pytest.param(7, id="a number"),
        pytest.param(b"bytes", id="bytes"),
    ],
)
def test_an_id_out_of_bounds_is_invalid(field: str, value: Any, an_event: AnEvent) -> None:
    assert invalid_events([an_event(**{field: value})])[0].startswith(f"{field}: ")


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * (TEXT_LENGTH_MAX + 1), id="one too long"),
        pytest.param("\x00", id="NUL"),
        pytest.param("a\udcffb", id="a lone surrogate"),
        pytest.param(False, id="a truth value"),
    ],
)
def test_a_text_out_of_bounds_is_invalid(field: str, value: Any, an_event: AnEvent) -> None:
    assert invalid_events([an_event(**{field: value})])[0].startswith(f"{field}: ")


@pytest.mark.parametrize("field", LENGTHS)
@pytest.mark.parametrize("value", [-1, PLAY_LENGTH_MAX_MS + 1, 2**63 - 1, -(2**63), 1.5, True])
def test_a_length_out_of_bounds_is_invalid(field: str, value: Any, an_event: AnEvent) -> None:
    assert invalid_events([an_event(**{field: value})])[0].startswith(f"{field}: ")


@pytest.mark.parametrize("value", [0, -1, EARLIEST_LISTENED_AT_MS - 1, 2**53, 2**63 - 1])
def test_a_time_before_the_first_scrobble_or_beyond_all_time_is_invalid(
    value: int, an_event: AnEvent
) -> None:
    assert invalid_events([an_event(listened_at=value)])[0].startswith("listened_at: ")


@pytest.mark.parametrize("kind", ["", "listen", "SHARE", 1])
def test_a_kind_that_does_not_exist_is_invalid(kind: Any, an_event: AnEvent) -> None:
    assert invalid_events([an_event(kind=kind)])[0].startswith("kind: ")


def test_values_at_their_bounds_are_valid(an_event: AnEvent) -> None:
    at_most: EventFields = dict.fromkeys(IDS, "é" * ID_LENGTH_MAX) | dict.fromkeys(
        TEXTS, "é" * TEXT_LENGTH_MAX
    )
    at_most |= dict.fromkeys(LENGTHS, PLAY_LENGTH_MAX_MS) | {"listened_at": 2**53 - 1}
    at_least: EventFields = (
        dict.fromkeys(IDS, "x") | dict.fromkeys(TEXTS, "") | dict.fromkeys(LENGTHS, 0)
    )
    at_least |= {"listened_at": EARLIEST_LISTENED_AT_MS}
    assert invalid_events([an_event(**at_most), an_event(**at_least)]) == {}


def test_blanks_line_ends_and_every_script_are_text(an_event: AnEvent) -> None:
    assert invalid_events([an_event(listener_id="ジョン Ⅳ \n\t🎧", track_name="\u202eabc")]) == {}


def test_of_a_chunk_every_invalid_event_is_named_by_its_position(an_event: AnEvent) -> None:
    chunk = [an_event(), an_event(source=""), an_event(), an_event(ms_played=-5)]
    assert invalid_events(chunk) == {
        1: "source: String should have at least 1 character",
        3: "ms_played: Input should be greater than or equal to 0",
    }


def test_the_reason_does_not_repeat_what_the_listener_wrote(an_event: AnEvent) -> None:
    secret = "secret" * 1_000
    assert "secret" not in invalid_events([an_event(listener_id=secret)])[0]


def test_a_chunk_without_events_has_no_invalid_ones() -> None:
    assert invalid_events([]) == {}


_ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.text(max_size=1_100)
)


@given(changes=st.dictionaries(st.sampled_from([*IDS, *TEXTS, *LENGTHS, "kind"]), _ANYTHING))
def test_checking_a_chunk_agrees_with_the_model_and_never_raises(
    changes: dict[str, Any], an_event: AnEvent
) -> None:
    event = an_event(**changes)
    assert (invalid_events([event]) == {}) == is_valid(event)


def is_valid(event: EventFields) -> bool:
    try:
        ListeningEvent(**event)
    except ValidationError:
        return False
    return True
