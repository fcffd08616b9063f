from pathlib import Path

import orjson
import pytest

from streams.sources.formats.format_detection import HEAD_BYTES, HistoryFormat, recognise
from tests.support.histories import a_listen, a_spotify_row, write
from topics.errors import HistoryError

PAGE = {"track": [{"name": "So What", "artist": {"#text": "Miles Davis"}, "date": {"uts": "1"}}]}


def of(*rows: object) -> bytes:
    return orjson.dumps(rows)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (of(a_spotify_row()), HistoryFormat.SPOTIFY_EXTENDED),
        (orjson.dumps([a_spotify_row()], option=orjson.OPT_INDENT_2),
         HistoryFormat.SPOTIFY_EXTENDED),
        (of(*[a_spotify_row()] * 300), HistoryFormat.SPOTIFY_EXTENDED),
        (of({"endTime": "", "artistName": "", "trackName": "", "msPlayed": 1}),
         HistoryFormat.SPOTIFY_ACCOUNT),
        (of(a_listen()), HistoryFormat.LISTENBRAINZ_ARRAY),
        (orjson.dumps(a_listen()), HistoryFormat.LISTENBRAINZ_LINES),
        (b"\xef\xbb\xbf" + orjson.dumps(a_listen()) + b"\n{", HistoryFormat.LISTENBRAINZ_LINES),
        (of(PAGE), HistoryFormat.LASTFM_PAGES),
        (of({"track": PAGE["track"] * 2_000}), HistoryFormat.LASTFM_PAGES),
        (of({"track": PAGE["track"][0]}), HistoryFormat.LASTFM_PAGES),
        (of({"track": "So What", "user": "ann", "ts": 1}), HistoryFormat.JSON_ARRAY),
        (b'{"song_id": 1, "ts": 1}\n', HistoryFormat.JSON_LINES),
        (b"user\tsong_id\tts\n", HistoryFormat.CSV),
        (b"PAR1...", HistoryFormat.PARQUET),
        (b"PK\x03\x04...", HistoryFormat.ZIP),
        (b" [ ]\n", HistoryFormat.NO_ROWS),
    ],
)  # fmt: skip
def test_content_tells_the_format_and_the_name_does_not(
    tmp_path: Path, content: bytes, expected: HistoryFormat
) -> None:
    assert recognise(write(tmp_path / "misnamed.txt", content)) is expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"Dear diary", "it begins with 'Dear diary'"),
        (b"\x89PNG\r\n\x00\xff", "is no text, and no archive or table that is known"),
        (b'{"playlists": []}', "is no listening history that is known"),
        (b'[{"name": "no play"}]', "is no listening history that is known"),
        (b"[" * HEAD_BYTES, "is no listening history that is known"),
        (b"user,song_id,rating\n", "columns for a listener, a track"),
        (b"user,song_id,rating\n", "columns user, song_id, rating: none for a time"),
        (b'[{"user": 1, "ts": 2}]', "columns ts, user: none for a track"),
        (b'{"user": 1, "rating": 2}\n', "none for a track (.*) or a time"),
        (b"\x1f\x8b\x08\x00", "is packed with gzip"),
    ],
)
def test_what_is_not_known_is_an_error_that_says_what_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(HistoryError, match=said):
        recognise(write(tmp_path / "plays.csv", content))
