"""What the OpenAPI document says of answers, beside `request_schemas` for requests. Pure.

Nothing is checked by it at run time: the models are for the document alone.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from streams.serving import absent_answers as absent
from streams.serving import listenbrainz_answers as listenbrainz
from streams.serving import own_answers as own
from streams.serving.listenbrainz_absent import STATISTICS

_Responses = dict[int | str, dict[str, Any]]
_PROBLEM: _Responses = {"default": {"model": listenbrainz.Problem, "description": "What is wrong."}}
_NOT_CHANGED: _Responses = {304: {"description": "It is as `If-None-Match` says."}}
_TEXT = {"schema": {"type": "string"}}


def _answer(model: Any, says: str) -> _Responses:
    """A JSON answer."""
    return {200: {"model": model, "description": says}}


def _texts(says: str, *media_types: str) -> _Responses:
    """An answer that is not one JSON value."""
    return {200: {"content": dict.fromkeys(media_types, _TEXT), "description": says}}


_OK = _answer(listenbrainz.Ok, "The broker has it.")
_ON_DEMAND = _answer(own.ListOnDemand, "The list.")
_CHANGE = _answer(own.ServingChange, "What serves whom now.")

_RECORDINGS = _answer(
    dict[UUID, listenbrainz.RecordingMetadata], "The recordings that are known, by their ids."
)
_NO_PLAYLISTS = _answer(absent.NoPlaylists, "There are none.")
_NO_PINS = _answer(absent.NoPins, "There are none.")
_NOT_COMPUTED: _Responses = {204: {"description": "They are not computed."}}

_ANSWERS: Mapping[tuple[str, str], _Responses] = {
    ("POST", "/1/submit-listens"): _answer(listenbrainz.Submitted, "The broker has the listens."),
    ("POST", "/1/delete-listen"): _OK,
    ("POST", "/1/feedback/recording-feedback"): _OK,
    ("POST", "/1/latest-import"): _answer(listenbrainz.Ok, "It is kept."),
    ("GET", "/1/validate-token"): _answer(
        listenbrainz.TokenValidity, "Whose token it is, or that it is nobody's."
    ),
    ("GET", "/1/latest-import"): _answer(listenbrainz.LatestImport, "The time."),
    ("GET", "/1/metadata/lookup"): _answer(
        listenbrainz.Recording | listenbrainz.NoMetadata, "The recording, if it is known."
    ),
    ("POST", "/1/metadata/lookup"): _answer(
        list[listenbrainz.Recording | listenbrainz.NoMetadata], "Each recording, if it is known."
    ),
    ("POST", "/1/playing-now/delete"): _answer(listenbrainz.Ok, "Nothing plays any more."),
    ("GET", "/1/metadata/recording"): _RECORDINGS,
    ("POST", "/1/metadata/recording"): _RECORDINGS,
    ("GET", "/1/search/users"): _answer(absent.FoundUsers, "Whoever asks, or nobody."),
    ("GET", "/1/user/{name}/playlists"): _NO_PLAYLISTS,
    ("GET", "/1/user/{name}/playlists/collaborator"): _NO_PLAYLISTS,
    ("GET", "/1/user/{name}/playlists/recommendations"): _NO_PLAYLISTS,
    ("GET", "/1/user/{name}/followers"): _answer(absent.NoFollowers, "There are none."),
    ("GET", "/1/user/{name}/following"): _answer(absent.NoFollowing, "There are none."),
    ("GET", "/1/user/{name}/similar-users"): _answer(absent.NoSimilarUsers, "There are none."),
    ("GET", "/1/{name}/pins"): _NO_PINS,
    ("GET", "/1/{name}/pins/following"): _NO_PINS,
    ("GET", "/1/{name}/pins/current"): _answer(absent.NoCurrentPin, "There is none."),
    **{("GET", f"/1/stats/user/{{name}}/{each}"): _NOT_COMPUTED for each in STATISTICS},
    **{("GET", f"/1/stats/sitewide/{each}"): _NOT_COMPUTED for each in STATISTICS},
    ("GET", "/1/user/{name}/listens"): _answer(listenbrainz.Listens, "The listens."),
    ("GET", "/1/user/{name}/listen-count"): _answer(listenbrainz.ListenCount, "The number."),
    ("GET", "/1/user/{name}/playing-now"): _answer(listenbrainz.PlayingNow, "One, or none."),
    ("GET", "/1/user/{name}/playlists/createdfor"): _answer(
        listenbrainz.PlaylistsPage, "The playlists."
    ),
    ("GET", "/1/playlist/{name}"): _answer(listenbrainz.PlaylistDocument, "The playlist."),
    ("GET", "/1/feedback/user/{name}/get-feedback"): _answer(
        listenbrainz.FeedbackPage, "The feedback."
    ),
    ("GET", "/1/feedback/user/{name}/get-feedback-for-recordings"): _answer(
        listenbrainz.RecordingScores, "The scores."
    ),
    ("GET", "/1/cf/recommendation/user/{name}/recording"): {
        **_answer(listenbrainz.RecommendedRecordings, "The recordings."),
        204: {"description": "No recording of the list is known."},
    },
    ("POST", "/v1/playback"): _answer(listenbrainz.Ok, "The report is kept."),
    ("POST", "/v1/continue"): _ON_DEMAND,
    ("GET", "/v1/similar/track"): _ON_DEMAND,
    ("GET", "/v1/similar/track/{name:path}"): _ON_DEMAND,
    ("GET", "/v1/similar/artist/{name:path}"): _answer(
        own.SimilarArtists, "The artists, and tracks of theirs."
    ),
    ("GET", "/v1/listeners/{name}/recommendations"): {
        **_answer(
            own.ServedList | own.ListOnDemand, "The served list, or, with wishes, one on demand."
        ),
        **_NOT_CHANGED,
    },
    ("GET", "/v1/listeners/{name}/history"): _answer(own.History, "The listens."),
    ("GET", "/v1/listeners/{name}/clients"): _answer(own.Clients, "The clients."),
    ("GET", "/v1/listeners/{name}/feedback"): _answer(own.TrackScores, "The scores."),
    ("POST", "/v1/feedback"): _OK,
    ("POST", "/v1/dismiss"): _OK,
    ("GET", "/v1/me"): _answer(own.Me, "The person."),
    ("GET", "/v1/status"): _answer(own.Status, "The status."),
    ("GET", "/v1/events"): _texts(
        "Server-sent events: `list` and `history` (ask for them again), `playing` (the listen, or "
        "null) and `status`.",
        "text/event-stream",
    ),
    ("GET", "/v1/generations"): _answer(own.Generations, "The generations."),
    ("POST", "/v1/generations/promote"): _CHANGE,
    ("POST", "/v1/generations/rollback"): _CHANGE,
    ("POST", "/v1/imports"): _texts(
        "Lines of JSON while the import runs: `share` and `sent` say how far it is, `waits` for "
        "what it waits, and at last `report` what was imported, or `error` why it ended.",
        "application/x-ndjson",
    ),
    ("GET", "/"): {**_texts("The page.", "text/html"), **_NOT_CHANGED},
    ("GET", "/console/{name}"): {
        **_texts("The file.", "text/css", "text/javascript", "text/plain"),
        **_NOT_CHANGED,
    },
}


def answers_of(method: str, path: str) -> _Responses:
    """What the document says of the answers of an endpoint."""
    return _ANSWERS[method, path] | _PROBLEM
