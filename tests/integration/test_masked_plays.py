"""Two scrobblers on one player: counted by source, listed, and kept by a command."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.events import START_MS
from tests.support.station import Station, StationHere
from topics.listening_event import EventKind, ListeningEvent

SONG_MS, HALF_MS = 210_000, 105_000


def a_play(listener_id: str, source: str, at_ms: int) -> ListeningEvent:
    return ListeningEvent(
        event_id=f"{listener_id}/{source}",
        listener_id=listener_id,
        kind=EventKind.LISTEN,
        source=source,
        track_id="sinnerman",
        artist_name="Nina Simone",
        track_name="Sinnerman",
        listened_at=at_ms,
        duration_ms=SONG_MS,
    )


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station in which half of each play's reports are masked."""
    with closing(StationHere(tmp_path_factory.mktemp("masked") / "home", KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        for listener_id in ("ann", "bob"):
            station.produce([a_play(listener_id, "listenbrainz-mpd", START_MS)])
            station.produce([a_play(listener_id, "rescrobbled", START_MS + HALF_MS)])
        station.wait_applied(2)
        yield station


def listed(station: Station, *arguments: str) -> list[dict[str, object]]:
    done = station.run("duplicates", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_the_status_counts_masked_plays_by_their_source(station: Station) -> None:
    assert station.status()["recommender"]["masked"] == {"rescrobbled": 2}
    assert "rescrobbled 2 (echotune duplicates)" in station.run("status").stdout


def test_a_person_sees_which_play_counts(station: Station) -> None:
    done = station.run("duplicates", "--listener", "ann")
    [line] = done.stdout.splitlines()
    assert line.endswith("ann: Nina Simone – Sinnerman (rescrobbled, +105 s from listenbrainz-mpd)")
    assert done.stderr.splitlines()[-1] == "1 masked plays"


def test_an_id_that_masks_nothing_is_an_error_with_a_remedy(station: Station) -> None:
    done = station.run("duplicates", "keep", "nothing")
    assert done.returncode == 3
    assert "No masked play has the id nothing" in done.stderr


def test_a_kept_play_counts_and_replay_agrees(station: Station) -> None:
    [masked] = listed(station, "--listener", "bob")
    kept = station.json("duplicates", "keep", str(masked["event_id"]))
    assert kept["keeps"] == masked["event_id"]
    station.wait_applied(3)
    assert [each["listener_id"] for each in listed(station)] == ["ann"]
    assert station.status()["recommender"]["masked"] == {"rescrobbled": 1}
    again = station.run("duplicates", "keep", str(masked["event_id"]))
    assert again.returncode == 3
    verdict = station.json("verify", "--deep")
    assert (verdict["equal"], verdict["kept"]) == (True, True)
