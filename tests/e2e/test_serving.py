"""Players speak ListenBrainz' API to a running EchoTune: every listen arrives, once."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.served_station import ServedStation, listen
from tests.support.station import WAIT_S, wait_until

MBID = "00000000-0000-4000-8000-000000000001"
NAMED = "00000000-0000-4000-8000-00000000000a"
_NO_PAGE = {"count": 0, "offset": 0}
_NO_PLAYLISTS = {"playlists": [], "playlist_count": 0, **_NO_PAGE}
_NO_PINS = {"pinned_recordings": [], "total_count": 0, "user_name": "sue", **_NO_PAGE}
NONE_OF: dict[str, Any] = {
    "/1/user/sue/playlists": _NO_PLAYLISTS,
    "/1/user/sue/playlists/collaborator": _NO_PLAYLISTS,
    "/1/user/sue/playlists/recommendations": _NO_PLAYLISTS,
    "/1/sue/pins": _NO_PINS,
    "/1/sue/pins/following": _NO_PINS,
    "/1/sue/pins/current": {"pinned_recording": None, "user_name": "sue"},
    "/1/user/sue/followers": {"followers": [], "user": "sue"},
    "/1/user/sue/following": {"following": [], "user": "sue"},
    "/1/user/sue/similar-users": {"payload": []},
}
"""What somebody called sue is answered of what she has nothing of."""


def test_a_listen_is_acknowledged_learnt_and_read_back(served: ServedStation) -> None:
    ada = served.person("ada")
    more = {"isrc": "QZES71982312", "tracknumber": "1/4", "tags": ["jazz"]}
    first = listen(1, recording_mbid=MBID, duration_ms=200_000, **more)
    answer = ada.submit(first, listen_type="single")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    [found] = ada.wait_listens(1)
    assert found["listened_at"] == listen(1)["listened_at"]
    assert isinstance(found["inserted_at"], int)
    track = found["track_metadata"]
    assert (track["artist_name"], track["track_name"]) == ("Echo Artist", "Song 1")
    assert track["additional_info"]["recording_mbid"] == MBID
    assert {key: track["additional_info"][key] for key in more} == more
    shown = wait_until(
        lambda: ada.ask("GET", "/v1/listeners/ada/recommendations"),
        lambda answer: answer.status_code == 200 and not answer.json()["is_fallback"],
    )
    assert "Song 1" in [each["track_name"] for each in shown.json()["tracks"]]

    def again() -> httpx.Response:
        known = ada.ask("GET", "/v1/listeners/ada/recommendations").headers["etag"]
        path, given = "/v1/listeners/ada/recommendations", {"If-None-Match": known}
        return ada.ask("GET", path, headers=given)

    same = wait_until(again, lambda answer: answer.status_code == 304)  # once it does not change
    assert same.content == b""
    other = ada.ask("GET", "/v1/listeners/ada/recommendations", headers={"If-None-Match": '"x"'})
    assert other.status_code == 200


def test_a_listen_that_is_sent_again_even_at_once_counts_once(served: ServedStation) -> None:
    bob = served.person("bob")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: bob.submit(listen(1), listen(2)), range(8)))
    assert {each.status_code for each in answers} == {200}
    assert bob.submit(listen(3)).status_code == 200
    assert len(bob.wait_listens(3)) == 3
    count = bob.ask("GET", "/1/user/bob/listen-count").json()
    assert count == {"payload": {"count": 3}}


def test_a_bad_listen_is_a_dead_letter_and_the_others_are_accepted(served: ServedStation) -> None:
    cleo = served.person("cleo")
    bad = {"listened_at": 5, "track_metadata": {"artist_name": "Nobody", "track_name": "Never"}}
    answer = cleo.submit(listen(1), bad, listen(2))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert len(answer.json()["rejected"]) == 1
    assert len(cleo.wait_listens(2)) == 2
    letters = served.run("deadletters", "list", "--json").stdout
    assert "listened_at is before 2002-10-01" in letters


def test_pages_of_listens_have_exclusive_bounds(served: ServedStation) -> None:
    dan = served.person("dan")
    dan.submit(*(listen(at) for at in range(1, 6)))
    times = [each["listened_at"] for each in dan.wait_listens(5)]
    assert times == sorted(times, reverse=True)
    assert [each["listened_at"] for each in dan.listens(max_ts=times[1])] == times[2:]
    assert [each["listened_at"] for each in dan.listens(min_ts=times[3])] == times[:3]
    assert [each["listened_at"] for each in dan.listens(min_ts=times[4], count=2)] == times[2:4]
    both = dan.listens(min_ts=times[4], max_ts=times[0])
    assert [each["listened_at"] for each in both] == times[1:4]


def test_a_listen_is_taken_back_and_love_is_remembered(served: ServedStation) -> None:
    eve = served.person("eve")
    eve.submit(listen(1, recording_mbid=MBID), listen(2))
    newest, _ = eve.wait_listens(2)
    deleted = {key: newest[key] for key in ("listened_at", "recording_msid")}
    assert eve.ask("POST", "/1/delete-listen", deleted).json() == {"status": "ok"}
    assert eve.ask("POST", "/1/delete-listen", deleted).status_code == 200
    [left] = eve.wait_listens(1)
    assert left["track_metadata"]["track_name"] == "Song 1"
    for score, expected in ((1, [1]), (-1, [-1]), (0, [])):
        feedback = {"recording_mbid": MBID, "score": score}
        assert eve.ask("POST", "/1/feedback/recording-feedback", feedback).status_code == 200
        found = eve.ask("GET", "/1/feedback/user/eve/get-feedback").json()["feedback"]
        assert [each["score"] for each in found if each["recording_mbid"] == MBID] == expected
        other = "00000000-0000-4000-8000-00000000000f"
        asked = {"recording_mbids": f"{MBID}, {other}", "recording_msids": newest["recording_msid"]}
        path = "/1/feedback/user/eve/get-feedback-for-recordings"
        scores = eve.ask("GET", path, params=asked).json()["feedback"]
        assert [each["score"] for each in scores] == [*(expected or [0]), 0, 0]
        assert [each["recording_mbid"] for each in scores] == [MBID, other, None]
    for wrong in ({}, {"recording_mbids": "x"}):
        assert eve.ask("GET", path, params=wrong).status_code == 400


def test_what_plays_now_is_shown_until_the_track_ends(served: ServedStation) -> None:
    fay = served.person("fay")
    now = {"track_metadata": listen(1, duration_ms=200_000)["track_metadata"]}
    assert fay.submit(now, listen_type="playing_now").status_code == 200
    payload = fay.ask("GET", "/1/user/fay/playing-now").json()["payload"]
    assert payload["count"] == 1
    assert payload["listens"][0]["track_metadata"]["track_name"] == "Song 1"
    assert fay.listens() == []
    for said, left in (({"client": "another"}, 1), ({"client": "test player"}, 0), (None, 0)):
        assert fay.ask("POST", "/1/playing-now/delete", said).json() == {"status": "ok"}
        assert fay.ask("GET", "/1/user/fay/playing-now").json()["payload"]["count"] == left


def test_playlists_are_made_once_and_then_kept_as_they_were(served: ServedStation) -> None:
    gus = served.person("gus")
    plays = [listen(at, recording_mbid=f"{MBID[:-2]}{at:02}") for at in range(1, 30)]
    gus.submit(*plays[:5])
    gus.wait_listens(5)
    wait_until(
        lambda: gus.ask("GET", "/v1/listeners/gus/recommendations").json(),
        lambda found: not found.get("is_fallback", True) and len(found["tracks"]) >= 5,
    )
    found = gus.ask("GET", "/1/user/gus/playlists/createdfor").json()
    playlists = [each["playlist"] for each in found["playlists"]]
    assert found["count"] == len(playlists) >= 2
    assert all(each["track"] == [] for each in playlists)
    jams = next(each for each in playlists if each["title"].startswith("Weekly Jams for gus"))
    path = f"/1/playlist/{jams['identifier'].rpartition('/')[2]}"
    made = gus.ask("GET", path).json()["playlist"]
    assert all(each["identifier"][0] and each["creator"] for each in made["track"])
    gus.submit(*plays[5:])
    gus.wait_listens(29)
    assert gus.ask("GET", path).json()["playlist"] == made
    path = "/1/cf/recommendation/user/gus/recording"
    answer = wait_until(lambda: gus.ask("GET", path), lambda answer: answer.status_code == 200)
    assert answer.json()["payload"]["mbids"]


def test_recommended_recordings_can_be_named(served: ServedStation) -> None:
    ria = served.person("ria", "--public-reads")
    ria.submit(listen(1, "Named", recording_mbid=NAMED, duration_ms=200_000))
    ria.wait_listens(1)
    path, asked = "/1/metadata/recording/", {"recording_mbids": f"{NAMED},{MBID[:-1]}e"}
    expected = {
        "recording": {"name": "Named", "length": 200_000, "rels": []},
        "artist": {
            "name": "Echo Artist",
            "artist_credit_id": None,
            "artists": [{"name": "Echo Artist", "artist_mbid": None, "join_phrase": ""}],
        },
    }
    answer = wait_until(
        lambda: httpx.get(served.url + path, params={**asked, "inc": "artist"}).json(), bool
    )
    assert answer == {NAMED: expected}
    posted = ria.ask("POST", path, {"recording_mbids": [NAMED], "inc": "artist release tag"})
    assert posted.json() == {NAMED: {**expected, "release": {}}}
    for wrong in ({}, {"recording_mbids": "x"}, {"recording_mbids": [1]}):
        assert ria.ask("POST", path, wrong).status_code == 400
    names = [{"artist_name": "echo artist", "recording_name": each} for each in ("Named", "No")]
    looked_up = ria.ask("POST", "/1/metadata/lookup/", {"recordings": names}).json()
    assert [each.get("recording_mbid") for each in looked_up] == [NAMED, None]
    assert ria.ask("GET", "/1/metadata/lookup/", params=names[0]).json() == looked_up[0]
    for wrong in ({}, {"recordings": []}, {"recordings": [1]}, {"recordings": [{}]}):
        assert ria.ask("POST", "/1/metadata/lookup", wrong).status_code == 400
    assert ria.ask("GET", path, params={"recording_mbids": "x"}).status_code == 400


def test_what_nobody_has_here_is_answered_as_for_somebody_who_has_none(
    served: ServedStation,
) -> None:
    sue, tom = served.person("sue"), served.person("tom")
    for path, part in NONE_OF.items():
        answer = sue.ask("GET", path)
        assert (answer.status_code, answer.json()) == (200, part), path
        assert tom.ask("GET", path).status_code == 403
    for path in ("/1/stats/user/sue/artists?range=week", "/1/stats/sitewide/artists"):
        none = sue.ask("GET", path)
        assert (none.status_code, none.content) == (204, b"")
    for term, found in (("su", [{"user_name": "sue"}]), ("tom", []), ("", [])):
        users = sue.ask("GET", "/1/search/users", params={"search_term": term})
        assert users.json() == {"users": found}


def test_who_may_read_whom(served: ServedStation) -> None:
    hal, ida = served.person("hal"), served.person("ida", "--public-reads")
    admin = served.person("admin", "--admin")
    path = "/1/user/{}/listens"
    assert hal.ask("GET", path.format("ida")).status_code == 200
    assert ida.ask("GET", path.format("hal")).status_code == 403
    assert admin.ask("GET", path.format("hal")).status_code == 200
    for name, status in (("ida", 200), ("hal", 401), ("nobody", 401)):
        answer = httpx.get(served.url + path.format(name))
        assert answer.status_code == status
        if status != 200:
            assert answer.json()["code"] == status
    assert admin.ask("GET", path.format("nobody")).status_code == 404


def test_a_revoked_token_is_refused_at_once(served: ServedStation) -> None:
    jo = served.person("jo")
    assert jo.submit(listen(1)).status_code == 200
    assert served.run("people", "remove", "jo").returncode == 0
    refused = wait_until(lambda: jo.submit(listen(2)), lambda answer: answer.status_code != 200)
    assert (refused.status_code, refused.json()["code"]) == (401, 401)


WRONG: list[tuple[str, str, Any]] = [
    ("POST", "/1/submit-listens", None),
    ("POST", "/1/submit-listens", {"listen_type": "single"}),
    ("POST", "/1/submit-listens", {"listen_type": "import", "payload": [{}] * 1_001}),
    ("POST", "/1/delete-listen", {"listened_at": "x"}),
    ("POST", "/1/feedback/recording-feedback", {"score": 2, "recording_mbid": MBID}),
    ("POST", "/1/feedback/recording-feedback", {"score": 1, "recording_mbid": "x"}),
    ("POST", "/1/latest-import", {"ts": -1}),
    ("GET", "/1/user/kim/listens?count=many", None),
    ("GET", "/1/user/kim/listens?min_ts=-5", None),
    ("GET", "/1/metadata/lookup", None),
    ("GET", "/1/nothing", None),
    ("GET", "/apis/web/v1/stats", None),
    ("GET", "/1/submit-listens", None),
    ("DELETE", "/1/user/kim/listens", None),
    ("GET", "/1/playlist/none", None),
]


def test_every_mistake_is_answered_in_one_form(served: ServedStation) -> None:
    kim = served.person("kim")
    for method, path, body in WRONG:
        answer = kim.ask(method, path, body)
        assert 400 <= answer.status_code < 500, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["code"] == answer.status_code
        assert answer.json()["error"]


def test_bodies_of_any_size_and_form_do_no_harm(served: ServedStation) -> None:
    lea = served.person("lea")
    headers = {"Authorization": f"token {lea.token}"}
    for content, more, status in (
        (b"{", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b" " * 11_000_000, {}, 413),
        (b"\x1f\x8b" + b"0" * 100, {"Content-Encoding": "gzip"}, 415),
    ):
        answer = httpx.post(
            f"{served.url}/1/submit-listens", content=content, headers=headers | more, timeout=60.0
        )
        assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert lea.submit(listen(1)).status_code == 200


def test_paths_are_mended_as_real_clients_need_it(served: ServedStation) -> None:
    mia = served.person("mia")
    body = {"listen_type": "single", "payload": [listen(1)]}
    for path in ("/apis/listenbrainz/1/submit-listens", "/1//submit-listens/"):
        assert mia.ask("POST", path, body).json() == {"status": "ok"}
    answer = httpx.get(f"{served.url}/1/validate-token", params={"token": mia.token})
    assert (answer.json()["valid"], answer.json()["user_name"]) == (True, "mia")
    origin = {"Origin": "https://player.example", "Access-Control-Request-Method": "POST"}
    asked = {**origin, "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = httpx.options(f"{served.url}/1/submit-listens", headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    unknown = httpx.get(f"{served.url}/1/validate-token", params={"token": MBID})
    assert (unknown.status_code, unknown.json()["valid"]) == (200, False)


def test_who_is_added_later_has_the_listens_of_before(served: ServedStation) -> None:
    noa = served.person("noa")
    noa.submit(listen(1), listen(2))
    noa.wait_listens(2)
    assert served.run("people", "remove", "noa").returncode == 0
    served.run("send", "--listener", "otto", "--artist", "Echo Artist", "--title", "Before")
    otto = served.person("otto")
    [found] = otto.wait_listens(1)
    assert found["track_metadata"]["track_name"] == "Before"


def test_while_kafka_is_away_nothing_is_ok_and_what_comes_again_counts_once(
    served: ServedStation,
) -> None:
    pia = served.person("pia")
    assert pia.submit(listen(1)).status_code == 200
    served.servers.kill("kafka")
    away = pia.submit(listen(2))
    assert (away.status_code, away.json()["code"]) == (503, 503)
    assert "retry-after" in away.headers
    served.servers.start("kafka")
    back = wait_until(lambda: pia.submit(listen(2)), lambda answer: answer.status_code == 200)
    assert back.json() == {"status": "ok"}
    assert len(pia.wait_listens(2)) == 2


def test_a_killed_service_comes_back_at_its_address_and_goes_on(served: ServedStation) -> None:
    quin = served.person("quin")
    quin.submit(listen(1))
    quin.wait_listens(1)
    before = served.url
    served.workers[-1].kill()
    served.serve()
    assert served.url == before
    assert quin.submit(listen(2)).status_code == 200
    assert len(quin.wait_listens(2)) == 2
    assert served.status()["http"] == served.url


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)]
)
def test_a_service_that_is_stopped_ends_as_workers_do_and_upon_ctrl_c_as_commands_do(
    served: ServedStation, number: signal.Signals, code: int
) -> None:
    first = served.url
    service = served.serve("--port", "0")
    served.url = first
    service.process.send_signal(number)
    assert service.process.wait(WAIT_S) == code, service.text()[-2_000:]
    assert "Traceback" not in service.text()
