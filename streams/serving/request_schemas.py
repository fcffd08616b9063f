"""What the OpenAPI document says of requests: their parameters and bodies. Pure.

The endpoints read requests themselves, because real clients need more lenience than a schema has.
So the document says what a client should send, and an endpoint takes more than that.
"""

from collections.abc import Mapping
from typing import Any

from streams.answering.questions import (
    ARTIST_MAX,
    COUNT_MAX,
    EXCLUDED_MAX,
    OFFSET_MAX,
    QUEUE_MAX,
    Mix,
)
from streams.serving.playback import PlaybackState
from streams.serving.playback_reports import NAME_LENGTH_MAX, RATE_MAX, RATE_MIN
from streams.serving.recording_metadata import LOOKED_UP_MAX, RECORDINGS_MAX
from streams.serving.submissions import LISTENS_MAX, ListenType
from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    ID_LENGTH_MAX,
    PLAY_LENGTH_MAX_MS,
    TEXT_LENGTH_MAX,
)

_Schema = dict[str, Any]
_UUID: _Schema = {"type": "string", "format": "uuid"}
_UUIDS: _Schema = {"type": "array", "items": _UUID, "minItems": 1, "maxItems": RECORDINGS_MAX}
_TEXT: _Schema = {"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH_MAX}
_SECONDS: _Schema = {"type": "integer", "minimum": 0}
_TRACK_ID: _Schema = {"type": "string", "minLength": 1, "maxLength": ID_LENGTH_MAX}
_SCORE: _Schema = {"type": "integer", "enum": [1, 0, -1]}


def _object(required: list[str], **properties: _Schema) -> _Schema:
    return {"type": "object", "properties": properties, "required": required}


def _body(schema: _Schema, *, is_required: bool = True) -> _Schema:
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": is_required, "content": content}}


def _query(**parameters: _Schema) -> _Schema:
    given = [{"name": name, "in": "query", "schema": each} for name, each in parameters.items()]
    return {"parameters": given}


_TRACK = _object(
    ["artist_name", "track_name"],
    artist_name=_TEXT,
    track_name=_TEXT,
    release_name={"type": "string", "maxLength": TEXT_LENGTH_MAX},
    additional_info={"type": "object"},
)
_SUBMISSION = _object(
    ["listen_type", "payload"],
    listen_type={"type": "string", "enum": [str(each) for each in ListenType]},
    payload={
        "type": "array",
        "minItems": 1,
        "maxItems": LISTENS_MAX,
        "items": _object(["track_metadata"], listened_at=_SECONDS, track_metadata=_TRACK),
    },
)
_LENGTH_MS: _Schema = {"type": "integer", "minimum": 0, "maximum": PLAY_LENGTH_MAX_MS}
_LABEL: _Schema = {"type": "string", "maxLength": NAME_LENGTH_MAX}
_FLAG: _Schema = {"type": "boolean"}
_REPORT = _object(
    ["state", "track"],
    state={"type": "string", "enum": [str(each) for each in PlaybackState]},
    track=_object(
        ["artist_name", "track_name"],
        artist_name=_TEXT,
        track_name=_TEXT,
        release_name={"type": "string", "maxLength": TEXT_LENGTH_MAX},
        duration_ms=_LENGTH_MS,
        recording_mbid=_UUID,
    ),
    at={"type": "integer", "minimum": EARLIEST_LISTENED_AT_MS, "description": "ms since 1970"},
    position_ms=_LENGTH_MS,
    rate={"type": "number", "minimum": RATE_MIN, "maximum": RATE_MAX},
    player=_LABEL,
    session=_LABEL,
    client=_LABEL,
    completed=_FLAG,
    ignore_scrobble=_FLAG,
)
_WISHES: dict[str, _Schema] = {
    "count": {"type": "integer", "minimum": 1, "maximum": COUNT_MAX},
    "owned": _FLAG,
    "new_share": {"type": "number", "minimum": 0, "maximum": 1},
    "per_artist": {"type": "integer", "minimum": 0, "maximum": ARTIST_MAX},
    "exclude": {"type": "array", "items": _TRACK_ID, "maxItems": EXCLUDED_MAX},
    "mix": {"type": "string", "enum": [str(each) for each in Mix]},
    "utc_offset": {"type": "integer", "minimum": -OFFSET_MAX, "maximum": OFFSET_MAX},
}
_NAMED = _object(["artist_name", "track_name"], artist_name=_TEXT, track_name=_TEXT)
_NAMES: _Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": LOOKED_UP_MAX,
    "items": _object(["artist_name", "recording_name"], artist_name=_TEXT, recording_name=_TEXT),
}
_QUEUE: _Schema = {
    "type": "array",
    "maxItems": QUEUE_MAX,
    "items": {"anyOf": [_TRACK_ID, _NAMED, _object(["recording_mbid"], recording_mbid=_UUID)]},
}
_COUNT: _Schema = {"type": "integer", "minimum": 0}
_PAGE = _query(count=_COUNT, offset=_COUNT)

REQUESTS: Mapping[tuple[str, str], _Schema] = {
    ("POST", "/1/submit-listens"): _body(_SUBMISSION) | _query(return_msid={"type": "boolean"}),
    ("POST", "/1/delete-listen"): _body(
        _object(["listened_at", "recording_msid"], listened_at=_SECONDS, recording_msid=_UUID)
    ),
    ("POST", "/1/feedback/recording-feedback"): _body(
        _object(["score"], score=_SCORE, recording_mbid=_UUID, recording_msid=_UUID)
    ),
    ("POST", "/1/latest-import"): _body(_object(["ts"], ts=_SECONDS)),
    ("POST", "/1/playing-now/delete"): _body(_object([], client=_LABEL), is_required=False),
    ("POST", "/1/metadata/lookup"): _body(_object(["recordings"], recordings=_NAMES)),
    ("POST", "/1/metadata/recording"): _body(
        _object(["recording_mbids"], recording_mbids=_UUIDS, inc={"type": "string"})
    ),
    ("POST", "/v1/playback"): _body(_REPORT),
    ("POST", "/v1/continue"): _body(
        _object([], queue=_QUEUE, playlist={"type": "object"}, **_WISHES)
    ),
    ("POST", "/v1/feedback"): _body(
        _object(["track_id", "score"], track_id=_TRACK_ID, score=_SCORE)
    ),
    ("POST", "/v1/dismiss"): _body(
        _object(["track_id"], track_id=_TRACK_ID, undo={"type": "boolean"})
    ),
    ("POST", "/v1/generations/promote"): _body(_object(["name", "why"], name=_TEXT, why=_TEXT)),
    ("POST", "/v1/generations/rollback"): _body(_object(["why"], why=_TEXT)),
    ("POST", "/v1/imports"): _query(name={"type": "string"}),
    ("GET", "/1/validate-token"): _query(token=_UUID),
    ("GET", "/1/latest-import"): _query(user_name={"type": "string"}),
    ("GET", "/v1/similar/track"): _query(
        artist_name=_TEXT,
        track_name=_TEXT,
        recording_mbid=_UUID,
        track_id=_TRACK_ID,
        **_WISHES,
    ),
    ("GET", "/v1/similar/track/{name:path}"): _query(**_WISHES),
    ("GET", "/v1/similar/artist/{name:path}"): _query(**_WISHES),
    ("GET", "/v1/listeners/{name}/recommendations"): _query(**_WISHES),
    ("GET", "/1/search/users"): _query(search_term={"type": "string"}),
    ("GET", "/1/metadata/recording"): _query(
        recording_mbids={"type": "string"}, inc={"type": "string"}
    ),
    ("GET", "/1/metadata/lookup"): _query(artist_name=_TEXT, recording_name=_TEXT),
    ("GET", "/1/user/{name}/listens"): _query(count=_COUNT, min_ts=_SECONDS, max_ts=_SECONDS),
    ("GET", "/1/user/{name}/playlists/createdfor"): _PAGE,
    ("GET", "/1/feedback/user/{name}/get-feedback"): _query(
        score=_SCORE, count=_COUNT, offset=_COUNT
    ),
    ("GET", "/1/feedback/user/{name}/get-feedback-for-recordings"): _query(
        recording_mbids={"type": "string"}, recording_msids={"type": "string"}
    ),
    ("GET", "/1/cf/recommendation/user/{name}/recording"): _PAGE,
    ("GET", "/v1/listeners/{name}/history"): _query(count=_COUNT, before=_COUNT),
}
"""Method and path → what the document says beside what follows from the route."""
