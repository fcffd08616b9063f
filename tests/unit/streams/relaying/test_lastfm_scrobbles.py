"""What is scrobbled to Last.fm, and what its answers mean."""

from typing import Any

import pytest

from streams.listens.listen_history import Listen
from streams.relaying.lastfm_scrobbles import answer_of_lastfm, scrobble_form, signature
from streams.relaying.relay import LASTFM, Relay
from streams.relaying.relay_answers import Verdict

RELAY = Relay("r", "ada", "https://ws.audioscrobbler.com", "key", 0, LASTFM, "api", "secret")


def a_listen(**changes: Any) -> Listen:
    fields = {"artist_name": "Björk", "track_name": "Jóga", "source": "listenbrainz", **changes}
    return Listen("ada", "key", "t", 1_700_000_000_999, 0, "msid", **fields)


def answer(body: Any, status: int = 200, sent: int = 1, failures: int = 0) -> Any:
    return answer_of_lastfm(status, {}, body, sent, failures)


def scrobbles(*codes: int) -> dict[str, Any]:
    each = [{"ignoredMessage": {"code": str(code)}} for code in codes]
    return {"scrobbles": {"scrobble": each if len(each) > 1 else each[0]}}


def test_a_form_names_each_listen_and_is_signed_without_its_format() -> None:
    more = {"duration_ms": 200_999, "release_name": "Homogenic", "recording_mbid": "m"}
    form = scrobble_form(RELAY, [a_listen(**more), a_listen()])
    assert form["timestamp[0]"] == "1700000000"
    assert (form["artist[1]"], form["track[1]"], form["duration[0]"]) == ("Björk", "Jóga", "200")
    assert (form["album[0]"], form["mbid[0]"], "album[1]" in form) == ("Homogenic", "m", False)
    assert (form["method"], form["sk"], form["api_key"]) == ("track.scrobble", "key", "api")
    unsigned = {name: each for name, each in form.items() if name not in ("api_sig", "format")}
    assert form["api_sig"] == signature(unsigned, "secret")
    assert "secret" not in form.values()


def test_tracks_of_up_to_30_seconds_are_not_scrobbled() -> None:
    lengths = (30_000, 30_001, None)
    assert [RELAY.passes(a_listen(duration_ms=each)) for each in lengths] == [False, True, True]


@pytest.mark.parametrize("code", [8, 11, 16, 29])
def test_a_service_that_is_down_or_limits_the_rate_is_tried_again(code: int) -> None:
    waits = [answer({"error": code, "message": "m"}, 503, 1, failures) for failures in (0, 9)]
    assert {each.verdict for each in waits} == {Verdict.WAIT}
    assert 0 < waits[0].wait_s < waits[1].wait_s == 300
    assert f"error {code}" in waits[0].why


@pytest.mark.parametrize("code", [4, 9, 10, 13, 14, 26])
def test_keys_that_are_not_valid_stop_the_relay_with_words(code: int) -> None:
    found = answer({"error": {"code": str(code), "#text": "as GNU FM writes it"}})
    assert found.verdict is Verdict.STOP
    assert found.why.startswith(f"error {code}: ")
    assert "add the relay" in found.why


def test_what_is_ignored_is_named_and_the_rest_is_delivered() -> None:
    found = answer(scrobbles(0, 3, 0, 1), sent=4)
    assert (found.verdict, found.wait_s) == (Verdict.DELIVERED, 0.0)
    assert found.ignored == (
        (1, "ignored (3): the time is too long ago"),
        (3, "ignored (1): the artist is ignored"),
    )
    assert answer(scrobbles(2)).ignored == ((0, "ignored (2): the track is ignored"),)


def test_from_the_daily_limit_on_listens_wait() -> None:
    found = answer(scrobbles(0, 2, 5, 5), sent=4)
    assert (found.verdict, found.done, found.wait_s) == (Verdict.WAIT, 2, 3_600.0)
    assert [at for at, _ in found.ignored] == [1]


@pytest.mark.parametrize("body", [None, [], "ok", {"status": "ok"}, {"scrobbles": 3}])
def test_a_page_that_is_no_answer_of_lastfm_is_no_delivery(body: Any) -> None:
    assert answer(body).verdict is Verdict.WAIT


@pytest.mark.parametrize("status", [301, 404, 429, 500, 502])
def test_a_status_without_a_code_waits(status: int) -> None:
    assert answer(None, status).verdict is Verdict.WAIT


def test_bad_parameters_are_refused() -> None:
    assert answer({"error": 6, "message": "m"}, 400).verdict is Verdict.REFUSED
