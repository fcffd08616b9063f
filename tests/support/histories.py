"""Listening histories for tests: rows as services export them, and files of such rows."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from streams.sources.columnar.play_reader import read_plays
from streams.sources.history.history import BadRow, HistoryRow, Ignored, read_history
from topics.listening_event import ListeningEvent

NOW_MS = 1_760_000_000_000
STOPPED = "2024-03-01T20:15:30Z"
STOPPED_MS = 1_709_324_130_000


def a_spotify_row(**changes: Any) -> dict[str, Any]:
    """A row of Spotify's extended streaming history."""
    return {
        "ts": STOPPED,
        "platform": "linux",
        "ms_played": 200_000,
        "conn_country": "NL",
        "ip_addr": "198.51.100.7",
        "master_metadata_track_name": "So What",
        "master_metadata_album_artist_name": "Miles Davis",
        "master_metadata_album_album_name": "Kind of Blue",
        "spotify_track_uri": "spotify:track:4vLYewWIvqHfKtJDk8c8tq",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
        "shuffle": None,
        "skipped": None,
        "offline": None,
        "offline_timestamp": None,
        "incognito_mode": None,
    } | changes


def a_listen(**changes: Any) -> dict[str, Any]:
    """A line of a ListenBrainz export."""
    return {
        "listened_at": 1_709_324_130,
        "inserted_at": 1_709_324_200.5,
        "track_metadata": {
            "artist_name": "Miles Davis",
            "track_name": "So What",
            "release_name": "Kind of Blue",
            "recording_msid": "0b0e3a4e-7a34-4a28-8a2c-61c1d9b4a3c5",
            "additional_info": {"duration": 545, "duration_played": 300},
            "mbid_mapping": None,
        },
    } | changes


def write(path: Path, content: bytes | str) -> Path:
    """Writes a file and its folders; returns `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_json(path: Path, rows: Sequence[Any]) -> Path:
    """Writes one JSON array."""
    return write(path, orjson.dumps(rows))


def write_lines(path: Path, rows: Iterable[Any]) -> Path:
    """Writes JSON lines."""
    return write(path, b"".join(orjson.dumps(row) + b"\n" for row in rows))


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    """Writes a zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def rows_of(*paths: Path, listener_id: str | None = "ann") -> list[HistoryRow]:
    """All rows that are read from a file."""
    return list(read_history(paths, listener_id, now_ms=NOW_MS))


def events_of(*paths: Path, listener_id: str | None = "ann") -> list[ListeningEvent]:
    """The events among the rows that are read."""
    return [
        row for row in rows_of(*paths, listener_id=listener_id) if isinstance(row, ListeningEvent)
    ]


def bad_rows_of(*paths: Path, listener_id: str | None = "ann") -> list[tuple[int, str]]:
    """Row number and reason of each bad row."""
    rows = rows_of(*paths, listener_id=listener_id)
    return [(row.row, row.reason) for row in rows if isinstance(row, BadRow)]


def ignored_of(*paths: Path, listener_id: str | None = "ann") -> list[str]:
    """The reasons why rows were ignored."""
    rows = rows_of(*paths, listener_id=listener_id)
    return [row.reason for row in rows if isinstance(row, Ignored)]


def read(*paths: Path, listener_id: str | None = "ann") -> list[ListeningEvent]:
    """The events of an import, which an evaluation reads as the same plays."""
    events = events_of(*paths, listener_id=listener_id)
    plays, report = read_plays(paths, listener_id)
    listeners = [plays.listener_ids[code] for code in plays.listeners.tolist()]
    assert listeners == [event.listener_id for event in events]
    assert plays.at_ms.tolist() == [event.listened_at for event in events]
    assert len(plays.track_ids) == len({event.track_id for event in events})
    assert len(plays.artist_ids) == len({event.artist_id for event in events} - {None})
    assert report.bad == len(bad_rows_of(*paths, listener_id=listener_id))
    assert report.ignored.total() == len(ignored_of(*paths, listener_id=listener_id))
    return events
