"""Last.fm's `track.scrobble`: its form, its signature, and what its answers mean. Pure."""

from collections.abc import Mapping, Sequence
from hashlib import md5
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from streams.listens.listen_history import Listen
from streams.relaying.relay import Relay
from streams.relaying.relay_answers import (
    DENIED_S,
    LIMITED_S,
    Answer,
    Verdict,
    answer_of_http,
    backoff_s,
)

FREE_KEY = "echotune" * 4
"""Services that are not Last.fm ask for a key of 32 characters, and take any."""
DAILY_LIMIT_S = 3_600.0
_S = 1_000
_SERVICE_DOWN = frozenset({8, 11, 16})
_LIMITED = 29
_BAD_PARAMETERS = 6
_STOPS = {
    4: "it denies this account: add the relay anew",
    9: "the session key is not valid any more: add the relay anew",
    10: "the API key is not valid: add the relay anew",
    13: "the shared secret is not that of the API key: add the relay anew",
    14: "the session was not authorised: add the relay anew",
    26: "the API key is suspended: add the relay with another",
}
"""What only a person can help with, by the code of Last.fm's errors."""
_DAILY_LIMIT = 5
_IGNORED = {
    1: "the artist is ignored",
    2: "the track is ignored",
    3: "the time is too long ago",
    4: "the time is in the future",
}
"""Why a scrobble is ignored, by the code of its `ignoredMessage`."""


def is_lastfm(url: str) -> bool:
    """Whether a URL is that of Last.fm's API, or of one that is like it.

    >>> is_lastfm("https://ws.audioscrobbler.com"), is_lastfm("https://libre.fm/2.0/")
    (True, True)
    >>> is_lastfm("https://api.listenbrainz.org")
    False
    """
    parts = urlsplit(url)
    return needs_own_key(url) or parts.path.rstrip("/").endswith("/2.0")


def needs_own_key(url: str) -> bool:
    """Whether the service gives API keys, and takes no other ones."""
    host = urlsplit(url).hostname or ""
    return host == "audioscrobbler.com" or host.endswith(".audioscrobbler.com")


def scrobble_url(url: str) -> str:
    """Where scrobbles go; people give the URL with or without `/2.0/`.

    >>> scrobble_url("https://ws.audioscrobbler.com"), scrobble_url("https://libre.fm/2.0")
    ('https://ws.audioscrobbler.com/2.0/', 'https://libre.fm/2.0/')
    """
    return url.rstrip("/").removesuffix("/2.0") + "/2.0/"


def scrobble_form(relay: Relay, listens: Sequence[Listen]) -> dict[str, str]:
    """The signed form that scrobbles listens."""
    form = {"method": "track.scrobble", "api_key": relay.api_key, "sk": relay.token}
    for at, listen in enumerate(listens):
        for name, value in _scrobble(listen).items():
            form[f"{name}[{at}]"] = value
    return {**form, "api_sig": signature(form, relay.secret), "format": "json"}


def signature(form: Mapping[str, str], secret: str) -> str:
    """Last.fm's signature of a form, which its API fixes as MD5.

    >>> signature({"method": "auth.getSession", "api_key": "k", "token": "t"}, "mysecret")
    'e2ef6bf7a4e850e58177b4ee3bdb84ff'
    """
    text = "".join(name + form[name] for name in sorted(form)) + secret
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def answer_of_lastfm(
    status: int, headers: Mapping[str, str], body: Any, sent: int, failures: int
) -> Answer:
    """What an answer means for `sent` listens, after `failures` attempts that failed."""
    found = body if isinstance(body, Mapping) else {}
    if (code := _error_code(found)) is not None:
        return _refusal(code, str(found.get("message", ""))[:200], failures)
    scrobbles = found.get("scrobbles")
    if status == HTTPStatus.OK and isinstance(scrobbles, Mapping):
        return _accepted(scrobbles, sent)
    if status == HTTPStatus.OK:
        return Answer(Verdict.WAIT, backoff_s(failures), "200, but not as Last.fm answers")
    return answer_of_http(status, headers, body, failures)


def _scrobble(listen: Listen) -> dict[str, str]:
    length_s = (listen.duration_ms or 0) // _S
    fields = {
        "artist": listen.artist_name,
        "track": listen.track_name,
        "timestamp": str(listen.listened_at // _S),
        "album": listen.release_name,
        "duration": str(length_s) if length_s else None,
        "mbid": listen.recording_mbid,
    }
    return {name: each for name, each in fields.items() if each}


def _error_code(body: Mapping[str, Any]) -> int | None:
    """The code of an error; GNU FM writes it in an object."""
    error = body.get("error")
    if isinstance(error, Mapping):
        error = error.get("code", error.get("@code"))
    return _number(error)


def _refusal(code: int, said: str, failures: int) -> Answer:
    why = f"error {code}: {said or 'no reason was given'}"
    if code in _STOPS:
        return Answer(Verdict.STOP, 0.0, f"error {code}: {_STOPS[code]}")
    if code == _BAD_PARAMETERS:
        return Answer(Verdict.REFUSED, 0.0, why)
    if code == _LIMITED:
        return Answer(Verdict.WAIT, max(LIMITED_S, backoff_s(failures)), why)
    if code in _SERVICE_DOWN:
        return Answer(Verdict.WAIT, backoff_s(failures), why)
    return Answer(Verdict.WAIT, DENIED_S, why)


def _accepted(scrobbles: Mapping[str, Any], sent: int) -> Answer:
    """All up to the daily limit, if that was reached; some may be ignored."""
    codes = _ignored_codes(scrobbles, sent)
    done = codes.index(_DAILY_LIMIT) if _DAILY_LIMIT in codes else sent
    ignored = tuple(
        (at, f"ignored ({code}): {_IGNORED.get(code, 'no reason is known')}")
        for at, code in enumerate(codes[:done])
        if code
    )
    if done < sent:
        why = "ignored (5): the daily limit is reached"
        return Answer(Verdict.WAIT, DAILY_LIMIT_S, why, ignored, done)
    return Answer(Verdict.DELIVERED, ignored=ignored)


def _ignored_codes(scrobbles: Mapping[str, Any], sent: int) -> list[int]:
    """The code of each scrobble, 0 for one that was accepted; one alone is no list."""
    found = scrobbles.get("scrobble")
    each = found if isinstance(found, list) else [found]
    codes = [_ignored_code(one) for one in each][:sent]
    return [*codes, *[0] * (sent - len(codes))]


def _ignored_code(scrobble: Any) -> int:
    said = scrobble.get("ignoredMessage") if isinstance(scrobble, Mapping) else None
    code = said.get("code", said.get("@code")) if isinstance(said, Mapping) else None
    return _number(code) or 0


def _number(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):  # one that is infinite is no number
        return None
