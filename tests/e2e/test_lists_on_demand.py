"""Lists on demand over HTTP: the model that serves a listener answers, and learns nothing by it."""

from typing import Any

import httpx
import pytest

from tests.support.served_station import Person, ServedStation, listen
from tests.support.station import wait_until
from topics.identity import track_id_of

MBID = "00000000-0000-4000-8000-000000000001"
ALBUMS = {"Ann": "abcdef", "Bob": "ghijkl", "Cat": "mnopqr"}
"""Artists, and the titles that are always played in this order."""


@pytest.fixture(scope="module")
def ada(served: ServedStation) -> Person:
    """Somebody who has played Ann's and Bob's albums twice each; another one played all of them."""
    ada, eve = served.person("ada"), served.person("eve")
    eve.submit(*_plays(["Ann", "Bob", "Cat"] * 3))
    ada.submit(*_plays(["Ann", "Bob"] * 2))
    served.wait_applied(6 * 9 + 6 * 4)
    ada.wait_listens(24)
    return ada


def _plays(albums: list[str]) -> list[dict[str, Any]]:
    titles = [(artist, title) for artist in albums for title in ALBUMS[artist]]
    return [
        listen(3 * at, f"Song {title}", artist=artist) for at, (artist, title) in enumerate(titles)
    ]


def _song(title: str) -> dict[str, str]:
    artist = next(each for each, titles in ALBUMS.items() if title in titles)
    return {"artist_name": artist, "track_name": f"Song {title}"}


def _id(title: str) -> str:
    song = _song(title)
    return track_id_of(song["artist_name"], song["track_name"]) or ""


def _titles(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return "".join(each["track_name"][-1] for each in answer.json()["tracks"])


def test_a_queue_is_continued_by_the_model(ada: Person) -> None:
    queue = [_song("m"), _song("n"), _song("o")]
    answer = ada.ask("POST", "/v1/continue", {"queue": queue, "count": 5})
    found = answer.json()
    assert found["answered_by"] == "model"
    assert (found["listener"], found["generation"], found["unknown"]) == ("ada", "first", 0)
    assert _titles(answer)[0] == "p", "what always follows"
    assert not {*_titles(answer)} & {*"mno"}, "the queue itself is not given again"
    assert len(found["tracks"]) == 5


def test_questions_leave_the_state_as_it_was(served: ServedStation, ada: Person) -> None:
    for queue in ([_song("m"), _song("a")], ["never-met"], []):
        assert ada.ask("POST", "/v1/continue", {"queue": queue}).json()["answered_by"] == "model"
    for mix in ("now", "morning", "rediscover", "new"):
        path = f"/v1/listeners/ada/recommendations?mix={mix}"
        assert ada.ask("GET", path).json()["answered_by"] == "model"
    applied = served.status()["applied"]
    ada.submit(listen(200, "Song a", artist="Ann"))  # for whose sake a new digest is computed
    served.wait_applied(applied + 1)
    verified = served.verify()
    assert verified["equal"], verified


def test_tracks_are_named_in_every_way_that_listens_and_playlists_name_them(
    served: ServedStation, ada: Person
) -> None:
    kim = served.person("kim")
    kim.submit(listen(1, "Song c", artist="Ann", recording_mbid=MBID))
    kim.wait_listens(1)
    jspf = {"playlist": {"track": [{"title": "Song c", "creator": "Ann"}]}}
    address = {"identifier": [f"https://musicbrainz.org/recording/{MBID}"]}
    expected = None
    for given in ([_id("c")], [_song("c")], [{"recording_mbid": MBID.upper()}], [address], jspf):
        name = "queue" if isinstance(given, list) else "playlist"
        found = kim.ask("POST", "/v1/continue", {name: given, "count": 5}).json()
        assert found["unknown"] == 0
        expected = expected or found["tracks"]
        assert found["tracks"] == expected
    assert _titles(kim.ask("POST", "/v1/continue", {"queue": [_song("c")]}))[0] == "d"


def test_similar_tracks_and_artists_are_found_by_id_and_by_name(ada: Person) -> None:
    answer = ada.ask("GET", f"/v1/similar/track/{_id('n')}")
    assert _titles(answer)[0] == "o"
    assert answer.json()["answered_by"] == "model"
    named = ada.ask("GET", "/v1/similar/track", params=_song("n"))
    assert _titles(named) == _titles(answer)
    found = ada.ask("GET", "/v1/similar/artist/cat", params={"count": 4}).json()
    artists = [each["artist_name"] for each in found["artists"]]
    assert artists
    assert "Cat" not in artists
    assert len(found["tracks"]) == 4
    nobody = ada.ask("GET", "/v1/similar/artist/AC%2FDC")
    assert (nobody.status_code, nobody.json()["tracks"]) == (200, [])


def test_the_recommendations_are_as_wished(ada: Person) -> None:
    def titles(**wishes: Any) -> str:
        path = "/v1/listeners/ada/recommendations"
        return _titles(ada.ask("GET", path, params={"count": 6, **wishes}))

    assert {*titles(owned=True)} <= {*"abcdefghijkl"}
    assert {*titles(owned=False)} <= {*"mnopqr"}
    assert {*titles(mix="new")} <= {*"mnopqr"}
    assert sum(each in "mnopqr" for each in titles(new_share=0.5)) == 3
    assert sum(each in "abcdef" for each in titles(per_artist=1)) == 1
    assert titles() != titles(exclude=[_id("a"), _id("b"), _id("c")])
    assert not {*titles(exclude=[_id("a"), _id("b")], count=100)} & {*"ab"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "not a JSON object"),
        ({}, "queue is not a list"),
        ({"queue": "a"}, "queue is not a list"),
        ({"queue": [None]}, "queue[0] is neither"),
        ({"queue": [{"artist_name": "Ann"}]}, "queue[0] needs a track_id"),
        ({"queue": [{"track_id": 5}]}, "queue[0] has a name or an id that is no text"),
        ({"queue": [{"recording_mbid": "no"}]}, "queue[0] needs a track_id"),
        ({"queue": ["a\x00"]}, "NUL"),
        ({"queue": ["a" * 513]}, "longer than 512"),
        ({"queue": ["a"] * 501}, "it may have 500"),
        ({"queue": [], "count": 0}, "count: input should be greater"),
        ({"queue": [], "count": 101}, "count: input should be less"),
        ({"queue": [], "new_share": 1.5}, "new_share"),
        ({"queue": [], "mix": "evening"}, "mix"),
        ({"queue": [], "exclude": "a"}, "exclude"),
        ({"queue": [], "exclude": ["a"] * 1_001}, "exclude"),
        ({"queue": [], "owned": "perhaps"}, "owned"),
        ({"queue": [], "mix": "new", "owned": True}, "mix=new is of tracks"),
        ({"queue": [], "mix": "rediscover", "owned": False}, "mix=rediscover is of tracks"),
    ],
)
def test_what_is_no_question_is_refused_in_words(ada: Person, body: Any, why: str) -> None:
    answer = ada.ask("POST", "/v1/continue", body)
    assert answer.status_code == 400
    assert why in answer.json()["error"]


def test_lists_on_demand_are_for_people_with_a_token(served: ServedStation, ada: Person) -> None:
    for method, path in (
        ("POST", "/v1/continue"),
        ("GET", "/v1/similar/track/a"),
        ("GET", "/v1/similar/track?track_id=a"),
        ("GET", "/v1/similar/artist/a"),
        ("GET", "/v1/listeners/ada/recommendations?count=3"),
    ):
        assert httpx.request(method, served.url + path, json={"queue": []}).status_code == 401


def test_weekly_exploration_is_of_what_the_model_finds_new_and_jams_are_of_the_list(
    ada: Person,
) -> None:
    def patched(playlist: dict[str, Any]) -> tuple[str, str]:
        [more] = [each["additional_metadata"] for each in playlist["extension"].values()]
        return more["algorithm_metadata"]["source_patch"], more["made_of"]

    found = ada.ask("GET", "/1/user/ada/playlists/createdfor").json()["playlists"]
    made = {}
    for each in found:
        playlist_id = each["playlist"]["identifier"].rpartition("/")[2]
        playlist = ada.ask("GET", f"/1/playlist/{playlist_id}").json()["playlist"]
        patch, made_of = patched(playlist)
        made[patch] = {track["title"][-1] for track in playlist["track"]}
        generation, _, offset = made_of.partition("@")
        assert (generation, int(offset) >= 0) == ("first", True)
    assert made.keys() == {"weekly-jams", "weekly-exploration", "daily-jams"}
    assert made["weekly-exploration"] == {*"mnopqr"}
    assert made["weekly-jams"] <= {*"abcdefghijkl"}


def test_while_the_model_is_away_its_list_is_filtered_and_a_successor_answers_again(
    served: ServedStation, ada: Person
) -> None:
    def asked(**wishes: Any) -> httpx.Response:
        return ada.ask("POST", "/v1/continue", {"queue": [_song("m")], "count": 5, **wishes})

    served.workers[1].kill()
    away = asked().json()
    assert away["answered_by"] == "list"
    assert 0 < len(away["tracks"]) <= 5
    assert {*_titles(asked(owned=True))} <= {*"abcdefghijkl"}
    assert {*_titles(asked(mix="new"))} <= {*"nopqr"}
    assert _id("a") not in [each["track_id"] for each in asked(exclude=[_id("a")]).json()["tracks"]]
    for answer in (asked(mix="rediscover"), ada.ask("GET", "/v1/similar/artist/Ann")):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "away" in answer.json()["error"]
    served.start("recommender")
    again = wait_until(lambda: asked().json(), lambda found: found["answered_by"] == "model")
    assert again["tracks"][0]["track_name"] == "Song n"
