"""What real clients submit is read, and whatever is wrong with one listen spoils no other."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serving.submissions import (
    INFO_LEVELS_MAX,
    LISTENS_MAX,
    Listen,
    ListenType,
    SubmissionError,
    submission_of,
)

NOW_MS = 1_790_000_000_000
AT_S = 1_780_000_000
MBID = "00000000-0000-4000-8000-000000000001"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=12,
)


def listen(**more: Any) -> dict[str, Any]:
    """A listen as a client sends it."""
    track = {"artist_name": "Nina Simone", "track_name": "Sinnerman", **more.pop("track", {})}
    track["additional_info"] = more.pop("info", {})
    return {"listened_at": AT_S, "track_metadata": track, **more}


def read(*listens: Any, listen_type: str = "import") -> tuple[list[Listen], list[str]]:
    """Good listens, and why the others are bad."""
    found = submission_of({"listen_type": listen_type, "payload": [*listens]}, NOW_MS)
    return found.listens, [each.why for each in found.bad]


def only(**more: Any) -> Listen:
    """The listen that is read."""
    [found], bad = read(listen(**more))
    assert bad == []
    return found


def test_a_bad_listen_is_told_apart_and_the_others_are_read() -> None:
    good, bad = read(listen(), {"track_metadata": {}}, "no object", listen(listened_at="noon"))
    assert [each.track_name for each in good] == ["Sinnerman"]
    assert len(bad) == 3
    assert "listened_at" in bad[2]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ({"listen_type": "single"}, "payload"),
        ({"listen_type": "single", "payload": []}, "payload"),
        ({"listen_type": "single", "payload": {}}, "payload"),
        ({"listen_type": "single", "payload": [{}, {}]}, "single may have 1"),
        ({"listen_type": "import", "payload": [{}] * (LISTENS_MAX + 1)}, "1001 listens"),
        ({"listen_type": "album", "payload": [{}]}, "listen_type"),
        ({"listen_type": ["single"], "payload": [{}]}, "listen_type"),
        ({"payload": [{}]}, "listen_type"),
    ],
)
def test_a_body_that_is_no_submission_is_refused_as_a_whole(body: Any, why: str) -> None:
    with pytest.raises(SubmissionError, match=why):
        submission_of(body, NOW_MS)


def test_a_broken_second_is_cut_to_a_whole_one() -> None:
    assert only(listened_at=AT_S + 0.822).listened_at == AT_S * 1_000
    assert only(listened_at=str(AT_S)).listened_at == AT_S * 1_000


@pytest.mark.parametrize("at", [0, -1, 1_033_430_399, AT_S * 1_000, True, None, "", [], 1e400])
def test_a_time_that_cannot_be_is_a_bad_listen(at: Any) -> None:
    good, [why] = read(listen(listened_at=at))
    assert (good, why.startswith("listened_at")) == ([], True)


@pytest.mark.parametrize("name", [None, "", "  ", 1, [], {}, "x" * 1_025, "a\x00b", "a\ud800"])
def test_a_name_that_cannot_be_kept_is_a_bad_listen(name: Any) -> None:
    for field in ("artist_name", "track_name"):
        good, [why] = read(listen(track={field: name}))
        assert (good, why.startswith(field)) == ([], True)


def test_what_else_is_wrong_is_left_out_and_the_listen_is_read() -> None:
    found = only(
        track={"release_name": None},
        info={"recording_mbid": "", "duration_ms": "long", "submission_client": 7, "tags": "x"},
    )
    assert found.release_name is found.recording_mbid is found.duration_ms is None
    assert only(info=None) == only(info=[1]) == only()


def test_lengths_are_read_in_the_unit_that_the_client_means() -> None:
    assert only(info={"duration_ms": 200_000, "duration": 1}).duration_ms == 200_000
    assert only(info={"duration": 210.5}).duration_ms == 210_500
    assert only(info={"duration": "210"}).duration_ms == 210_000
    assert only(info={"media_player": "Supysonic", "duration_ms": 40}).duration_ms == 40_000
    assert only(info={"media_player": "Supysonic", "duration_ms": 240_000}).duration_ms == 240_000
    assert only(info={"duration_ms": 40}).duration_ms is None
    assert only(info={"duration_ms": 25 * 24 * 3_600_000}).duration_ms is None
    assert only(info={"duration_played": 12}).ms_played == 12_000


def test_an_mbid_is_a_uuid_in_lower_case() -> None:
    assert only(info={"recording_mbid": MBID.upper()}).recording_mbid == MBID
    assert only(track={"recording_mbid": MBID}).recording_mbid == MBID
    assert only(info={"recording_mbid": "abc"}).recording_mbid is None


def test_what_is_playing_now_needs_no_time() -> None:
    [found], _ = read({"track_metadata": listen()["track_metadata"]}, listen_type="playing_now")
    assert found.listened_at is None


@given(JSON, st.sampled_from([*map(str, ListenType)]))
def test_no_json_value_breaks_the_reading(value: Any, listen_type: str) -> None:
    for each in (value, listen(listened_at=value), listen(track={"track_name": value})):
        good, bad = read(each, listen_type=listen_type)
        assert len(good) + len(bad) == 1
    good, bad = read(listen(info=value), listen_type=listen_type)
    assert (len(good), bad) == (1, [])


@given(JSON)
def test_no_body_breaks_the_reading(body: Any) -> None:
    with pytest.raises(SubmissionError):
        submission_of(orjson.loads(b"[]") if isinstance(body, dict) else body, NOW_MS)


def test_what_a_client_says_is_kept_unless_it_is_nested_too_deeply() -> None:
    inner: Any = 1
    for _ in range(INFO_LEVELS_MAX - 1):
        inner = [inner]
    assert only(info={"a": inner}).additional_info == orjson.dumps({"a": inner})
    assert only(info={"a": [inner]}).additional_info == b""


@pytest.mark.parametrize("huge", [1e308, -1e308, "1e308", 10**400, float("inf")])
def test_a_number_beyond_all_bounds_is_an_unknown_one(huge: Any) -> None:
    found = only(info={"duration": huge, "duration_ms": huge, "duration_played": huge})
    assert (found.duration_ms, found.ms_played) == (None, None)
