"""Whatever cannot be a listen becomes a dead letter that the broker takes."""

import json
from typing import Any

import pytest

from streams.serving.dead_listens import LETTER_BYTES_MAX, letter_of
from streams.serving.submissions import BadListen

BROKER_TAKES = 1_000_000


def nested(levels: int) -> Any:
    """Lists within each other."""
    found: Any = []
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    "listen",
    [
        "\ud800",
        nested(300),
        nested(900),
        2**80,
        float("nan"),
        "\x00" * LETTER_BYTES_MAX,
        '"' * 10**7,
    ],
    ids=["half a pair", "deep", "deeper", "huge number", "no number", "escapes", "10 MB"],
)
def test_every_bad_listen_becomes_a_letter_of_bounded_size(listen: Any) -> None:
    letter = letter_of("ada", BadListen(listen, "it is \ud800"))
    assert json.loads(letter.value)["listener_id"] == "ada"
    assert len(letter.value) < BROKER_TAKES


def test_a_listen_that_can_be_written_is_kept_as_it_came() -> None:
    letter = letter_of("ada", BadListen({"listened_at": "noon"}, "no time"))
    assert json.loads(letter.value)["listen"] == {"listened_at": "noon"}
    assert dict(letter.headers)["error"] == b"no time"


def test_the_same_bad_listen_is_known_as_such() -> None:
    keys = {letter_of("ada", BadListen(each, "")).key for each in ({"a": 1}, {"a": 1}, {"a": 2})}
    assert len(keys) == 2
