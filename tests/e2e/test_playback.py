"""What players report becomes one graded play for each start, whatever happens meanwhile."""

import time
from collections.abc import Iterator
from contextlib import closing
from random import Random
from typing import Any

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.service_station import PERSON, ServiceStation
from tests.support.station import wait_until

LENGTH_MS = 200_000


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceStation]:
    """A whole EchoTune with a service and a sequencer."""
    home = tmp_path_factory.mktemp("playback") / "home"
    with closing(ServiceStation(home, KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.serve()
        yield station


def now_ms() -> int:
    """The time."""
    return time.time_ns() // 1_000_000


def report(state: str, track_name: str, position_ms: int, at: int, **more: Any) -> dict[str, Any]:
    """A report of the player `kitchen`."""
    track = {"artist_name": "Nina Simone", "track_name": track_name, "duration_ms": LENGTH_MS}
    return {
        "state": state,
        "position_ms": position_ms,
        "player": "kitchen",
        "client": "Tempo",
        "at": at,
        "track": track,
        **more,
    }


def a_skip(track_name: str, at: int) -> list[dict[str, Any]]:
    """Twelve seconds of a track; then another one starts."""
    return [
        report("starting", track_name, 0, at),
        report("playing", track_name, 0, at + 500),
        report("playing", track_name, 10_000, at + 10_500),
        report("stopped", track_name, 12_000, at + 12_500),
        report("starting", f"after {track_name}", 0, at + 13_000),
    ]


def a_whole_play(track_name: str, at: int) -> list[dict[str, Any]]:
    """A track from its start to its end."""
    return [
        report("starting", track_name, 0, at),
        report("playing", track_name, 0, at),
        report("stopped", track_name, LENGTH_MS, at + LENGTH_MS),
    ]


def scrobble(track_name: str, listened_at_ms: int) -> dict[str, Any]:
    """A submission of the same player's scrobbler."""
    track = {
        "artist_name": "Nina Simone",
        "track_name": track_name,
        "additional_info": {"submission_client": "navidrome", "duration_ms": LENGTH_MS},
    }
    listen = {"listened_at": listened_at_ms // 1_000, "track_metadata": track}
    return {"listen_type": "single", "payload": [listen]}


def plays(station: ServiceStation, track_name: str) -> list[dict[str, Any]]:
    """The LISTEN events of a track."""
    found = [each for each in station.events() if each["track_name"] == track_name]
    return [each for each in found if each["kind"] == "LISTEN"]


def listened(station: ServiceStation) -> list[str]:
    """The tracks of the person's listens."""
    return [each["track_metadata"]["track_name"] for each in station.listens()]


def test_a_skip_is_one_event_whatever_the_order_of_reports_and_who_is_killed(
    station: ServiceStation,
) -> None:
    reports = [*a_skip("Sinnerman", now_ms() - 2 * LENGTH_MS)] * 2
    Random(5).shuffle(reports)
    for each in reports[:4]:
        station.post("/v1/playback", each)
    station.services[-1].kill()
    station.serve()
    for each in reports[4:]:
        station.post("/v1/playback", each)
    (play,) = wait_until(lambda: plays(station, "Sinnerman"), bool)
    assert (play["ms_played"], play["duration_ms"]) == (12_000, LENGTH_MS)
    # A service that is away for longer than it waits for the next start knows of none.
    assert play["reason_end"] in {"fwdbtn", "endplay"}
    assert play["source"] == "playback:tempo"
    for each in reports:  # a player that sends everything again
        station.post("/v1/playback", each)
    for each in a_whole_play("Barrier", now_ms() - LENGTH_MS):
        station.post("/v1/playback", each)
    wait_until(lambda: plays(station, "Barrier"), bool)
    assert len(plays(station, "Sinnerman")) == 1


def test_what_starts_is_shown_as_playing_now_until_it_stops(station: ServiceStation) -> None:
    def playing() -> list[str]:
        found = station.http.get(f"/1/user/{PERSON}/playing-now").json()["payload"]["listens"]
        return [each["track_metadata"]["track_name"] for each in found]

    at = now_ms()
    station.post("/v1/playback", report("starting", "Lilac Wine", 0, at, player="bath"))
    assert playing() == ["Lilac Wine"]
    kinds = [each["kind"] for each in station.events() if each["track_name"] == "Lilac Wine"]
    assert kinds == ["NOW_PLAYING"]
    station.post("/v1/playback", report("stopped", "Lilac Wine", 0, at + 1, player="bath"))
    assert not playing()


def test_a_play_and_its_scrobble_are_one_listen_in_either_order(station: ServiceStation) -> None:
    at = now_ms() - LENGTH_MS - 5_000
    station.post("/1/submit-listens", scrobble("Four Women", at + 2_000))
    wait_until(lambda: "Four Women" in listened(station), bool)
    for each in [*a_whole_play("Four Women", at), *a_whole_play("Mood Indigo", at)]:
        track = each["track"]["track_name"]
        station.post("/v1/playback", {**each, "player": track})
    wait_until(lambda: plays(station, "Four Women")[1:], bool)
    wait_until(lambda: "Mood Indigo" in listened(station), bool)
    station.post("/1/submit-listens", scrobble("Mood Indigo", at + 2_000))
    station.post("/1/submit-listens", scrobble("the last one", at))
    wait_until(lambda: "the last one" in listened(station), bool)
    assert [len(plays(station, each)) for each in ("Four Women", "Mood Indigo")] == [2, 2]
    assert listened(station).count("Four Women") == 1
    assert listened(station).count("Mood Indigo") == 1


@pytest.mark.parametrize("wrong", [{"state": "humming"}, {"track": {}}, {"rate": 0}])
def test_a_wrong_report_is_refused_with_the_reason(
    station: ServiceStation, wrong: dict[str, Any]
) -> None:
    answer = station.http.post(
        "/v1/playback", json={**report("starting", "Lilac Wine", 0, now_ms()), **wrong}
    )
    (field,) = wrong
    assert answer.status_code == 400
    assert field in answer.json()["error"]


def test_who_has_no_token_reports_nothing(station: ServiceStation) -> None:
    body = report("starting", "Lilac Wine", 0, now_ms())
    answer = station.http.post("/v1/playback", json=body, headers={"Authorization": "Token x"})
    assert answer.status_code == 401
