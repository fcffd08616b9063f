"""Listens go on to another service, each once and in order, whatever fails on the way."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.fake_lastfm import FakeLastFm
from tests.support.fake_listenbrainz import FakeListenBrainz, Listen
from tests.support.service_station import PERSON, ServiceStation
from tests.support.station import wait_until

LISTENS = 240
BAD = 177
"""The listen that the other service refuses."""
FAILURES = ["429", "503", "reset", "ok", "hang", "ok", "html", "503"]
FIRST_S = 1_780_000_000


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceStation]:
    """A whole EchoTune with a sequencer."""
    home = tmp_path_factory.mktemp("relays") / "home"
    with closing(ServiceStation(home, KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.serve()
        yield station


def listen(name: str, at_s: int, client: str = "navidrome") -> dict[str, Any]:
    """A listen as a player submits it."""
    more = {"submission_client": client, "duration_ms": 200_000}
    track = {"artist_name": "Nina", "track_name": name, "additional_info": more}
    return {"listened_at": at_s, "track_metadata": track}


def submit(station: ServiceStation, listens: list[dict[str, Any]]) -> None:
    """Submits listens."""
    station.post("/1/submit-listens", {"listen_type": "import", "payload": listens})


def relays(station: ServiceStation) -> list[dict[str, Any]]:
    """`echotune relays list --json`."""
    done = station.run("relays", "list", "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def fails(number: int, listens: list[Listen]) -> str:
    """First every failure in turn; later only the bad listen is refused."""
    if number < len(FAILURES):
        return FAILURES[number]
    return "400" if any(name == f"track {BAD}" for _, name in listens) else "ok"


def add(station: ServiceStation, url: str, tmp_path: Path, *more: str) -> None:
    """Adds a relay of the person."""
    token = tmp_path / "token"
    token.write_text("their-token\n")
    done = station.run("relays", "add", PERSON, "--to", url, "--token-file", str(token), *more)
    assert done.returncode == 0, done.stderr


def test_each_listen_arrives_once_and_in_order_whatever_fails_and_who_is_killed(
    station: ServiceStation, tmp_path: Path
) -> None:
    submit(station, [listen("before the relay", FIRST_S - 1_000)])
    wait_until(station.listens, bool)
    with closing(FakeListenBrainz(fails)) as fake:
        add(station, fake.url, tmp_path)
        expected = [(FIRST_S + at * 300, f"track {at}") for at in range(LISTENS)]
        for start in range(0, LISTENS, 80):
            part = expected[start : start + 80]
            submit(station, [listen(name, at) for at, name in part])
        wait_until(fake.hangs.is_set, bool)
        station.services[-1].kill()  # between the delivery and the position
        station.serve()
        fake.let_go.set()
        expected.remove((FIRST_S + BAD * 300, f"track {BAD}"))
        wait_until(lambda: len(fake.kept), lambda found: found >= len(expected))
        (relay,) = wait_until(lambda: relays(station), lambda found: found[0]["lag"] == 0)
        assert list(fake.kept) == expected
        assert set(FAILURES) <= set(fake.answered)
        assert fake.tokens == {"Token their-token"}
        assert relay["state"] == "runs"
        assert relay["why"] is None


def test_a_listen_that_is_refused_is_set_aside_with_the_reason_and_the_rest_goes_on(
    station: ServiceStation, tmp_path: Path
) -> None:
    def refuses(_: int, listens: list[Listen]) -> str:
        return "400" if any("bad" in name for _, name in listens) else "ok"

    with closing(FakeListenBrainz(refuses)) as fake:
        add(station, fake.url, tmp_path)
        relay_id = f"{PERSON}@{fake.url.removeprefix('http://')}"
        names = ["good 0", "good 1", "bad", "good 2"]
        submit(
            station, [listen(name, FIRST_S - 90_000 + 300 * at) for at, name in enumerate(names)]
        )
        wait_until(lambda: [name for _, name in fake.kept], lambda found: "good 2" in found)
        assert [name for _, name in fake.kept] == ["good 0", "good 1", "good 2"]
        refused = json.loads(station.run("relays", "refused", relay_id, "--json").stdout)
        assert [(each["track_name"], each["why"]) for each in refused] == [("bad", "400: 400")]


def test_a_relay_that_is_paused_waits_and_says_how_far_it_is_behind(
    station: ServiceStation, tmp_path: Path
) -> None:
    with closing(FakeListenBrainz(lambda *_: "ok")) as fake:
        add(station, fake.url, tmp_path, "--without", "listenbrainz:web-scrobbler")
        relay_id = f"{PERSON}@{fake.url.removeprefix('http://')}"
        assert station.run("relays", "pause", relay_id).returncode == 0
        listens = [
            listen("of the web", FIRST_S - 50_000, client="Web Scrobbler"),
            listen("of another EchoTune", FIRST_S - 49_000, client="EchoTune relay"),
            listen("paused", FIRST_S - 48_000),
        ]
        submit(station, listens)

        def state() -> Any:
            found = station.status()["relays"] or []
            return next((each for each in found if each["relay"] == relay_id), None)

        paused = wait_until(state, lambda found: found is not None and found["lag"] == 3)
        assert paused["state"] == "paused"
        assert paused["lag_s"] >= 0
        assert "their-token" not in json.dumps(paused)
        assert not fake.kept
        assert station.run("relays", "resume", relay_id).returncode == 0
        wait_until(state, lambda found: found["lag"] == 0)
        assert [name for _, name in fake.kept] == ["paused"]
        assert station.run("relays", "remove", relay_id).returncode == 0
        assert relay_id not in [each["relay"] for each in relays(station)]


def test_a_skip_that_was_reported_is_not_relayed(station: ServiceStation, tmp_path: Path) -> None:
    with closing(FakeListenBrainz(lambda *_: "ok")) as fake:
        add(station, fake.url, tmp_path)
        at = time.time_ns() // 1_000_000 - 400_000
        for name, heard_ms in (("skipped", 12_000), ("whole", 200_000)):
            track = {"artist_name": "Nina", "track_name": name, "duration_ms": 200_000}
            more = {"track": track, "player": name, "session": name}
            start = {"state": "starting", "position_ms": 0, "at": at, **more}
            stop = {"state": "stopped", "position_ms": heard_ms, "at": at + heard_ms, **more}
            for each in (start, stop):
                station.post("/v1/playback", each)
        wait_until(
            lambda: {each["track_metadata"]["track_name"] for each in station.listens()},
            lambda found: found >= {"skipped", "whole"},
        )
        wait_until(lambda: list(fake.kept), bool)
        host = fake.url.removeprefix("http://")
        mine = f"{PERSON}@{host}"
        wait_until(
            lambda: [each["lag"] for each in relays(station) if each["relay"] == mine],
            lambda found: found == [0],
        )
        assert [name for _, name in fake.kept] == ["whole"]


def add_lastfm(station: ServiceStation, url: str, tmp_path: Path, *more: str) -> str:
    """Adds a relay of the person to a service with Last.fm's API; returns its name."""
    keys = tmp_path / "keys"
    keys.write_text("session_key = their-key\napi_key = ours\nsecret = s3cret\n")
    done = station.run("relays", "add", PERSON, "--to", url, "--token-file", str(keys), *more)
    assert done.returncode == 0, done.stderr
    return f"{PERSON}@{url.removeprefix('http://').rstrip('/')}"


def relay_named(station: ServiceStation, relay_id: str) -> dict[str, Any]:
    """The status of one relay."""
    return next(each for each in relays(station) if each["relay"] == relay_id)


def test_scrobbles_arrive_once_in_order_and_signed_whatever_fails_and_who_is_killed(
    station: ServiceStation, tmp_path: Path
) -> None:
    failures = ["11", "16", "ok", "reset", "11"]

    def fails(number: int, _: list[Listen]) -> str:
        return failures[number] if number < len(failures) else "ok"

    with closing(FakeLastFm(fails, "s3cret")) as fake:
        relay_id = add_lastfm(station, fake.url, tmp_path)
        expected = [(FIRST_S - 500_000 + at * 300, f"scrobble {at}") for at in range(120)]
        submit(station, [listen(name, at) for at, name in expected])
        wait_until(lambda: len(fake.answered), lambda found: found >= 4)
        station.services[-1].kill()
        station.serve()
        wait_until(lambda: len(fake.kept), lambda found: found >= len(expected))
        relay = wait_until(lambda: relay_named(station, relay_id), lambda found: found["lag"] == 0)
        assert list(fake.kept) == expected
        assert max(fake.sizes) == 50
        assert fake.answered[: len(failures)] == failures
        assert {(form["sk"], form["api_key"]) for form in fake.forms} == {("their-key", "ours")}
        assert (relay["kind"], relay["state"], relay["why"]) == ("lastfm", "runs", None)
        station.run("relays", "remove", relay_id)


def test_a_session_key_that_ended_stops_the_relay_with_words_until_there_is_another(
    station: ServiceStation, tmp_path: Path
) -> None:
    is_valid: list[bool] = []

    def script(_: int, listens: list[Listen]) -> str:
        return "ignore 3 too old" if is_valid else "9"

    with closing(FakeLastFm(script, "s3cret")) as fake:
        relay_id = add_lastfm(station, fake.url, tmp_path)
        names = ["first", "too old", "last"]
        submit(station, [listen(n, FIRST_S - 800_000 + 300 * at) for at, n in enumerate(names)])
        stopped = wait_until(
            lambda: relay_named(station, relay_id), lambda found: found["state"] == "stopped"
        )
        assert stopped["why"] == (
            "error 9: the session key is not valid any more: add the relay anew"
        )
        asked = len(fake.answered)
        is_valid.append(True)
        assert add_lastfm(station, fake.url, tmp_path) == relay_id
        wait_until(lambda: relay_named(station, relay_id), lambda found: found["lag"] == 0)
        assert asked == 1
        assert [name for _, name in fake.kept] == ["first", "last"]
        [refused] = json.loads(station.run("relays", "refused", relay_id, "--json").stdout)
        assert (refused["track_name"], refused["why"]) == (
            "too old",
            "ignored (3): the time is too long ago",
        )
        station.run("relays", "remove", relay_id)


def test_keys_for_lastfm_are_asked_for_by_name(station: ServiceStation, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("session_key=k\n")
    arguments = ("relays", "add", PERSON, "--token-file", str(tmp_path / "keys"), "--to")
    done = station.run(*arguments, "https://ws.audioscrobbler.com/2.0/")
    assert (done.returncode, "api_key=" in done.stderr) == (3, True)
    assert station.run(*arguments, "https://libre.example/2.0/").returncode == 0
    assert station.run("relays", "remove", f"{PERSON}@libre.example/2.0").returncode == 0


@pytest.mark.parametrize("url", ["ftp://host", "host", "http://u:p@host", "http://h/?token=x"])
def test_a_url_that_is_no_services_is_refused(
    station: ServiceStation, tmp_path: Path, url: str
) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    done = station.run("relays", "add", PERSON, "--to", url, "--token-file", str(token))
    assert done.returncode == 3
    assert "is not the URL of a service" in done.stderr


def test_a_relay_that_is_not_there_and_a_token_that_is_none_are_named(
    station: ServiceStation, tmp_path: Path
) -> None:
    assert "no relay nobody@host" in station.run("relays", "pause", "nobody@host").stderr
    (tmp_path / "token").write_text("\n")
    arguments = ("relays", "add", PERSON, "--to", "http://h", "--token-file")
    for file in ("token", "missing"):
        done = station.run(*arguments, str(tmp_path / file))
        assert (done.returncode, "Traceback" in done.stderr) == (3, False)
