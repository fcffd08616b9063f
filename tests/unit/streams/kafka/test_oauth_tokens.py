"""A bearer token is fetched from a token endpoint, and what the endpoint refuses is said."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from streams.kafka.oauth_tokens import (
    LIFETIME_MAX_S,
    LIFETIME_UNKNOWN_S,
    ClientCredentials,
    check_endpoint,
    fetched_token,
)
from tests.support.token_endpoint import SECRET, Endpoint, an_endpoint
from topics.errors import ServerError, SettingsError


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with an_endpoint() as server:
        yield server


def test_a_token_is_asked_for_with_the_client_s_credentials_and_its_scope(
    endpoint: Endpoint,
) -> None:
    endpoint.answer = (200, json.dumps({"access_token": "abc", "expires_in": 600}).encode())
    token, expires_at = fetched_token(endpoint.credentials)
    assert token == "abc"
    assert 590 < expires_at - time.time() <= 600
    [asked] = endpoint.asked
    assert asked == {
        "authorization": f"Basic {b64encode(b'me%3Ayou:a%20s%2Fecret').decode()}",
        "grant_type": ["client_credentials"],
        "scope": ["kafka write"],
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b'{"error": "invalid_client"}'), "it answered 401"),
        ((302, b""), "it answered 302"),
        ((503, b"later"), "it answered 503"),
        ((200, b"<html>log in</html>"), "gave no token"),
        ((200, b"[" * 100_000), "gave no token"),
        ((200, b"{}"), "without an access_token"),
        ((200, b"[]"), "without an access_token"),
        ((200, b'{"access_token": 7}'), "without an access_token"),
        ((200, b'{"access_token": ""}'), "without an access_token"),
        ((200, b'{"access_token": "two\\nlines"}'), "without an access_token"),
    ],
)
def test_an_endpoint_that_gives_no_token_is_named_with_the_settings_and_without_the_secret(
    endpoint: Endpoint, answer: tuple[int, bytes], said: str
) -> None:
    endpoint.answer = answer
    asked = endpoint.credentials
    with pytest.raises(ServerError) as refused:
        fetched_token(asked._replace(endpoint_url=f"{asked.endpoint_url}?key=a-secret"))
    assert said in refused.value.message
    assert "TOKEN_ENDPOINT_URL" in refused.value.remedy
    assert SECRET not in str(refused.value)
    assert "a-secret" not in str(refused.value)


def test_an_endpoint_that_is_away_is_named() -> None:
    with pytest.raises(ServerError, match=r"127.0.0.1:1/token gave no token"):
        fetched_token(ClientCredentials("http://127.0.0.1:1/token", "me", SECRET))


def test_a_redirect_is_not_followed_because_the_secret_would_go_with_it(endpoint: Endpoint) -> None:
    with an_endpoint() as elsewhere:
        elsewhere.answer = (200, b'{"access_token": "abc"}')
        endpoint.answer = (302, b"")
        endpoint.location = elsewhere.credentials.endpoint_url
        with pytest.raises(ServerError, match="it answered 302"):
            fetched_token(endpoint.credentials)
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("expires_in", "lifetime_s"),
    [
        ("600", 600.0),
        (600.0, 600.0),
        (1e400, LIFETIME_UNKNOWN_S),
        ("soon", LIFETIME_UNKNOWN_S),
        ([], LIFETIME_UNKNOWN_S),
        (None, LIFETIME_UNKNOWN_S),
        (10**400, LIFETIME_UNKNOWN_S),
        (1e15, LIFETIME_MAX_S),
    ],
)
def test_a_lifetime_may_be_text_and_is_bounded(
    endpoint: Endpoint, expires_in: Any, lifetime_s: float
) -> None:
    body = json.dumps({"access_token": "abc", "expires_in": expires_in})
    endpoint.answer = (200, body.encode())
    began = time.time()
    expires_at = fetched_token(endpoint.credentials).expires_at_s
    assert began + lifetime_s <= expires_at <= time.time() + lifetime_s


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "idp.example/token",
        "https://me:secret@idp.example/token",
        "https:///token",
        "https://idp.example:x/token",
        "https://[::1/token",
    ],
)
def test_an_address_that_is_none_or_has_a_secret_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="TOKEN_ENDPOINT_URL") as refused:
        check_endpoint(url)
    assert "secret@" not in str(refused.value)
    assert url not in str(refused.value)
