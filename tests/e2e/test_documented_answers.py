"""Every endpoint of the OpenAPI document answers as the document says.

Other tests ask through the same client, which compares each answer with the document. This one
asks for everything that the document has, so that none of it is never compared.
"""

from typing import Any

import httpx
import pytest

from streams.serving.listenbrainz_absent import STATISTICS
from tests.support.documented_answers import DOCUMENT, label_of
from tests.support.served_station import AT_S, Person, ServedStation, listen
from tests.support.station import WAIT_S, wait_until
from topics.identity import track_id_of

MBID = "00000000-0000-4000-8000-000000000001"
TRACK_ID = track_id_of("Echo Artist", "Song 1") or ""
SONG = {"artist_name": "Echo Artist", "track_name": "Song 1", "duration_ms": 200_000}
READS = (
    *("/", "/console/app.js", "/v1/me", "/v1/status", "/v1/generations"),
    *("/1/validate-token", "/1/latest-import?user_name=ada"),
    "/1/metadata/lookup?artist_name=Echo+Artist&recording_name=Song+1",
    *(f"/1/user/ada/{each}" for each in ("listens", "listen-count", "playing-now")),
    *("/1/user/ada/playlists/createdfor", "/1/cf/recommendation/user/ada/recording"),
    f"/1/metadata/recording?recording_mbids={MBID}&inc=artist+release",
    *("/1/search/users?search_term=ad", "/1/user/ada/followers", "/1/user/ada/following"),
    *(f"/1/user/ada/playlists{each}" for each in ("", "/collaborator", "/recommendations")),
    *("/1/user/ada/similar-users", "/1/ada/pins", "/1/ada/pins/following", "/1/ada/pins/current"),
    *(f"/1/stats/{of}/{each}" for each in STATISTICS for of in ("user/ada", "sitewide")),
    "/1/feedback/user/ada/get-feedback",
    f"/1/feedback/user/ada/get-feedback-for-recordings?recording_mbids={MBID}",
    *("/v1/listeners/ada/recommendations", "/v1/listeners/ada/recommendations?count=3"),
    *(f"/v1/listeners/ada/{each}" for each in ("history", "clients", "feedback")),
    *("/v1/similar/artist/Echo%20Artist", f"/v1/similar/track/{TRACK_ID}"),
    f"/v1/similar/track?recording_mbid={MBID}",
)
PLAYING = {"track_metadata": listen(9, duration_ms=200_000)["track_metadata"]}
WRITES: dict[str, Any] = {
    "/1/submit-listens?return_msid=true": {
        "listen_type": "import",
        "payload": [*(listen(at, recording_mbid=MBID[:-1] + str(at)) for at in range(1, 9)), {}],
    },
    "/1/submit-listens": {"listen_type": "playing_now", "payload": [PLAYING]},
    "/1/feedback/recording-feedback": {"score": 1, "recording_mbid": MBID},
    "/1/latest-import": {"ts": AT_S},
    "/1/delete-listen": {"listened_at": AT_S, "recording_msid": MBID},
    "/v1/playback": {"state": "playing", "position_ms": 1, "player": "p", "track": SONG},
    "/v1/feedback": {"track_id": TRACK_ID, "score": 1},
    "/v1/dismiss": {"track_id": "no track", "undo": True},
}
CHANGES: dict[str, Any] = {
    "/v1/generations/promote": {"name": "second", "why": "a test"},
    "/v1/generations/rollback": {"why": "a test"},
}


@pytest.fixture(scope="module")
def ada(served: ServedStation) -> Person:
    """An administrator."""
    return served.person("ada", "--admin")


def label(answer: httpx.Response) -> str:
    """The endpoint that answered, which has to be a success."""
    assert answer.is_success, (answer.request.url, answer.text)
    return label_of(answer)


def begin_events(ada: Person) -> str:
    headers = {"Authorization": f"Token {ada.token}"}
    url = f"{ada.station.url}/v1/events"
    with httpx.stream("GET", url, headers=headers, timeout=WAIT_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert next(answer.iter_lines()).startswith("event: ")
        return label(answer)


def wait_for_a_list(ada: Person) -> str:
    """Waits for the list and the playlists that are made of it; returns a playlist's path."""
    wait_until(
        lambda: ada.ask("GET", "/v1/listeners/ada/recommendations").json(),
        lambda found: not found.get("is_fallback", True) and len(found["tracks"]) > 2,
    )
    made = wait_until(
        lambda: ada.ask("GET", "/1/user/ada/playlists/createdfor").json()["playlists"], bool
    )
    return f"/1/playlist/{made[0]['playlist']['identifier'].rpartition('/')[2]}"


def run_second(served: ServedStation) -> None:
    """Makes a generation `second`, and waits until it may be promoted."""
    created = ("generations", "create", "second", "--model", served.settings.model, "--start")
    assert served.run(*created, "--why", "a test").returncode == 0
    served.start("recommender", ECHOTUNE_GENERATION="second")
    assert served.json("generations", "wait", "second", "--lag", "1s")["caught_up"]


def test_every_documented_endpoint_answers_as_the_document_says(
    served: ServedStation, ada: Person
) -> None:
    answered = {label(ada.ask("POST", path, body)) for path, body in WRITES.items()}
    ada.wait_listens(8)
    playlist = wait_for_a_list(ada)
    answered |= {label(ada.ask("GET", path)) for path in (*READS, playlist)}
    recordings = {"recording_mbids": [MBID[:-1] + "2"], "inc": "artist"}
    answered.add(label(ada.ask("POST", "/1/metadata/recording", recordings)))
    names = {"artist_name": "Echo Artist", "recording_name": "Song 2"}
    answered.add(label(ada.ask("POST", "/1/metadata/lookup", {"recordings": [names]})))
    answered.add(label(ada.ask("POST", "/1/playing-now/delete")))
    answered.add(label(ada.ask("POST", "/v1/continue", {"queue": [TRACK_ID, "no track"]})))
    history = b"user,artist,track,ts\nada,Can,Spoon,2024-01-01T10:00:00Z\n"
    answered.add(label(ada.ask("POST", "/v1/imports?name=plays.csv", content=history)))
    answered.add(begin_events(ada))
    run_second(served)
    answered |= {label(ada.ask("POST", path, body)) for path, body in CHANGES.items()}
    assert answered == {
        f"{method.upper()} {path}" for path in DOCUMENT for method in DOCUMENT[path]
    }
