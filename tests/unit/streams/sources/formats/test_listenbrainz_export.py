from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.histories import (
    STOPPED_MS,
    a_listen,
    bad_rows_of,
    events_of,
    write_json,
    write_lines,
    write_zip,
)
from topics.identity import track_id_of
from topics.listening_event import ListeningEvent

MBID = "5b9e2c0e-6a1c-4a47-a5c4-3a2f7f6c9d10"
OTHER_MBID = "7d1f1b7a-1111-4a47-a5c4-3a2f7f6c9d10"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "3.jsonl"


def event_of(path: Path, *, info: Any = None, mapping: Any = None) -> ListeningEvent:
    listen = a_listen()
    listen["track_metadata"] |= {"additional_info": info, "mbid_mapping": mapping}
    (event,) = events_of(write_lines(path, [listen]))
    return event


def test_a_listen_began_when_it_says(path: Path) -> None:
    event = events_of(write_lines(path, [a_listen()]))[0]
    assert event.listened_at == STOPPED_MS
    assert event.track_id == track_id_of("Miles Davis", "So What")
    assert (event.ms_played, event.duration_ms) == (300_000, 545_000)
    assert event.source == "listenbrainz_export"


@pytest.mark.parametrize(
    ("info", "mapping", "track_id"),
    [
        ({"recording_mbid": MBID.upper()}, {"recording_mbid": OTHER_MBID}, MBID),
        ({"recording_mbid": ""}, {"recording_mbid": OTHER_MBID}, OTHER_MBID),
        ({"recording_mbid": "no uuid"}, None, track_id_of("Miles Davis", "So What")),
    ],
)
def test_without_a_name_the_mbid_of_the_player_counts_before_the_mapped_one(
    path: Path, info: Any, mapping: Any, track_id: str
) -> None:
    listen = a_listen()
    listen["track_metadata"] |= {"additional_info": info, "mbid_mapping": mapping}
    if track_id in (MBID, OTHER_MBID):
        listen["track_metadata"]["artist_name"] = None
    assert events_of(write_lines(path, [listen]))[0].track_id == track_id


@pytest.mark.parametrize("mapping", [None, {"recording_mbid": MBID}])
def test_a_song_is_one_track_whether_its_mbid_is_known_or_not(path: Path, mapping: Any) -> None:
    assert event_of(path, mapping=mapping).track_id == track_id_of("Miles Davis", "So What")


def test_a_listen_that_was_mapped_since_is_the_same_event(path: Path) -> None:
    mapped = event_of(path, mapping={"recording_mbid": MBID})
    assert mapped.event_id == event_of(path, mapping=None).event_id


@pytest.mark.parametrize("key", ["listened_at", "timestamp", "ts_since_epoch"])
def test_dumps_call_the_time_otherwise_and_name_the_listener(path: Path, key: str) -> None:
    listen = a_listen(user_name="nina", user_id=7)
    at = listen.pop("listened_at")
    (event,) = events_of(write_lines(path, [listen | {key: at + 0.0}]), listener_id=None)
    assert (event.listened_at, event.listener_id) == (STOPPED_MS, "nina")


def test_a_zip_says_whose_it_is(tmp_path: Path) -> None:
    archive = write_zip(
        tmp_path / "listenbrainz_nina.zip",
        {
            "user.json": b'{"user_id": 7, "username": "nina"}',
            "feedback.jsonl": b'{"recording_mbid": "x", "score": 1, "created": 1}\n',
            "listens/2024/3.jsonl": orjson.dumps(a_listen()),
        },
    )
    assert events_of(archive, listener_id=None)[0].listener_id == "nina"


@pytest.mark.parametrize(
    "changes", [{"listened_at": None}, {"track_metadata": "x"}, {"track_metadata": {}}]
)
def test_a_wrong_listen_is_told_and_the_others_are_kept(tmp_path: Path, changes: Any) -> None:
    path = write_json(tmp_path / "a.json", [a_listen(), a_listen(**changes)])
    assert [row for row, _ in bad_rows_of(path)] == [2]
    assert len(events_of(path)) == 1
