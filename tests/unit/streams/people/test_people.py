"""Names, tokens and digests, and whose token it is."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.people.people import (
    TOKEN_LENGTH,
    KnownPeople,
    Person,
    checked_name,
    digest_of,
    is_token,
    new_token,
)
from tests.support.people import a_token_of
from topics.errors import EchoTuneError
from topics.listening_event import ID_LENGTH_MAX, ListeningEvent
from topics.recommendation_list import EVERYONE

ANN = Person("ann", created_at=1)

TOKEN = "8b2e7e0c-8a4f-4c58-9f0e-3d5e2f1a7b6c"


def test_a_token_is_a_uuid_of_36_characters_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(each) == TOKEN_LENGTH and str(uuid.UUID(each)) == each for each in tokens)
    assert all(map(is_token, tokens))


@pytest.mark.parametrize(
    "text",
    ["", "secret", TOKEN + "\n", "{" + TOKEN + "}", TOKEN.replace("-", "")],
)
def test_what_is_no_uuid_of_36_characters_is_no_token(text: str) -> None:
    assert not is_token(text)


def test_a_digest_is_the_same_in_capital_letters_and_does_not_have_the_token() -> None:
    token = new_token()
    assert digest_of(token.upper()) == digest_of(token)
    assert token not in digest_of(token)
    assert digest_of(new_token()) != digest_of(token)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "blank"),
        ("  ", "blank"),
        ("a" * (ID_LENGTH_MAX + 1), "513 characters"),
        ("a\0", "control"),
        ("a\x1b[2J", "control"),
        ("a\x9b", "control"),
        ("a\udcff", "UTF-8"),
        (" ann", "space"),
        ("ann ", "space"),
        ("a/b", "URL"),
        ("..", "URL"),
        (".", "URL"),
        (EVERYONE, "all listeners"),
    ],
)
def test_names_that_no_listener_or_url_can_have_are_refused(name: str, says: str) -> None:
    with pytest.raises(EchoTuneError, match=says) as raised:
        checked_name(name)
    assert raised.value.remedy


@given(st.text(max_size=ID_LENGTH_MAX + 1))
def test_every_name_that_is_accepted_is_a_listener_of_an_event(name: str) -> None:
    try:
        checked_name(name)
    except EchoTuneError:
        return
    ListeningEvent(event_id="e", listener_id=name, kind="LISTEN", source="s")  # type: ignore[arg-type]


def test_a_token_belongs_to_its_person_until_it_has_ended() -> None:
    token, stored = a_token_of("ann", expires_at=1_000)
    known = KnownPeople([ANN], [stored])
    assert known.token(digest_of(token), 999) == stored
    assert known.token(digest_of(token), 1_000) is None
    assert known.token(digest_of(new_token()), 0) is None


def test_a_token_without_its_person_is_refused() -> None:
    token, stored = a_token_of("bob")
    assert KnownPeople([ANN], [stored]).token(digest_of(token), 0) is None
