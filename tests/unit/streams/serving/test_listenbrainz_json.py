"""Whatever a client said beside a listen, the listen can be given back."""

from typing import Any

import orjson
import pytest

from streams.listens.listen_history import Listen as PastListen
from streams.serving.listenbrainz_json import listen_json, playing_now_json
from streams.serving.problems import Json
from streams.serving.submissions import INFO_LEVELS_MAX, Listen

PAST = PastListen("ada", "k", "t", 1_780_000_000_000, 1_780_000_000_001, "msid")
DEEP = b'{"a":' * 240 + b"1" + b"}" * 240
OF_OURS = b'{"names": "x", "self": 1, "recording_msid": "y", "isrc": "z"}'


@pytest.mark.parametrize("said", [DEEP, OF_OURS, b"[]", b"{", b"null"])
def test_a_past_listen_is_an_answer_whatever_its_client_said(said: bytes) -> None:
    found = listen_json(PAST._replace(additional_info=said.decode()))
    assert isinstance(found["track_metadata"]["additional_info"], dict)
    assert Json({"payload": {"listens": [found]}}).body


def test_what_plays_now_is_an_answer_whatever_its_client_said() -> None:
    said = Listen("Nina", "Sinnerman", None, None, None, None, None, "", "", OF_OURS)
    info: dict[str, Any] = playing_now_json("ada", said)["track_metadata"]["additional_info"]
    assert (info["names"], info["isrc"]) == ("x", "z")
    assert info["recording_msid"] != "y"


def test_what_is_nested_as_deep_as_allowed_is_given_back() -> None:
    inner: Any = 1
    for _ in range(INFO_LEVELS_MAX):
        inner = {"a": inner}
    found = listen_json(PAST._replace(additional_info=orjson.dumps(inner).decode()))
    assert found["track_metadata"]["additional_info"]["a"] == inner["a"]
