import zipfile
from pathlib import Path

import orjson
import pytest

from streams.sources import files
from streams.sources.plays import Skipped
from tests.support.histories import (
    a_listen,
    a_spotify_row,
    events_of,
    read,
    rows_of,
    write,
    write_zip,
)
from topics.errors import HistoryError
from topics.listening_event import ListeningEvent

ROWS = orjson.dumps([a_spotify_row(ms_played=each) for each in range(2_000)])


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "export.zip", {"audio.json": ROWS})


def test_a_zip_that_was_cut_off_is_an_error(archive: Path) -> None:
    write(archive, archive.read_bytes()[:-100])
    with pytest.raises(HistoryError, match=r"export\.zip cannot be read: .*may be cut off"):
        rows_of(archive)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_zip_with_a_damaged_file_is_an_error(archive: Path, share: float) -> None:
    content = bytearray(archive.read_bytes())
    content[int(share * len(content))] ^= 0xFF
    write(archive, bytes(content))
    with pytest.raises(HistoryError, match=r"export\.zip"):
        rows_of(archive)


def test_a_zip_with_very_many_entries_is_refused(tmp_path: Path) -> None:
    members = {f"{each}.txt": b"" for each in range(files.ZIP_ENTRIES_MAX)}
    archive = write_zip(tmp_path / "a.zip", {"audio.json": ROWS, **members})
    with pytest.raises(HistoryError, match="has 501 entries, more than 500"):
        rows_of(archive)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ZIP_MEMBER_BYTES_MAX", 10_000)
    archive = write_zip(tmp_path / "a.zip", {"audio.json": b"[" + b" " * 10_000 + b"]"})
    with pytest.raises(HistoryError, match=r"an entry of 10,002 bytes: audio\.json"):
        rows_of(archive)


def test_an_encrypted_zip_is_refused(archive: Path) -> None:
    content = archive.read_bytes()
    at = content.index(b"PK\x01\x02") + 8
    write(archive, content[:at] + b"\x01" + content[at + 1 :])
    with pytest.raises(HistoryError, match="is encrypted"):
        rows_of(archive)


def test_a_zip_inside_a_folder_is_read(archive: Path) -> None:
    assert len(events_of(archive.parent)) == 2_000


def test_names_inside_a_zip_lead_nowhere(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("../../audio.json", ROWS)
    assert len(events_of(archive)) == 2_000
    assert not (tmp_path.parent / "audio.json").exists()


def test_a_folder_of_more_files_than_any_export_has_is_not_walked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FOLDER_FILES_MAX", 3)
    for at in range(3):
        (tmp_path / f"{at}.json").touch()
    assert [each.name for each in files.files_of(tmp_path)] == ["0.json", "1.json", "2.json"]
    (tmp_path / "4.json").touch()
    with pytest.raises(HistoryError, match="more than 3 files"):
        files.files_of(tmp_path)


# -- archives in an archive ------------------------------------------------------------------------


def skipped_of(path: Path) -> list[str]:
    return [str(row) for row in rows_of(path) if isinstance(row, Skipped)]


def test_a_zip_in_a_zip_is_read_and_a_deeper_one_is_named(archive: Path, tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "i.zip", {"deep.zip": archive.read_bytes(), "audio.json": ROWS})
    path = write_zip(tmp_path / "o.zip", {"again/i.zip": inner.read_bytes(), "readme.txt": b"x"})
    assert len(events_of(path)) == 2_000
    assert skipped_of(path) == [
        f"{path}: again/i.zip: deep.zip is an archive in an archive in an archive. Unpack it."
    ]


def test_a_zip_in_a_zip_names_its_listener(tmp_path: Path) -> None:
    listen = orjson.dumps(a_listen())
    members = {"user.json": b'{"username": "nina"}', "listens/2024/3.jsonl": listen}
    inner = write_zip(tmp_path / "i.zip", members).read_bytes()
    (event,) = events_of(write_zip(tmp_path / "o.zip", {"i.zip": inner}), listener_id=None)
    assert event.listener_id == "nina"


def test_a_broken_or_foreign_zip_in_a_zip_costs_no_other_file(
    archive: Path, tmp_path: Path
) -> None:
    sheet = write_zip(tmp_path / "s.xlsx", {"[Content_Types].xml": b"<a/>"}).read_bytes()
    none = write_zip(tmp_path / "n.zip", {"a.txt": b"x"}).read_bytes()
    members = {"cut.zip": archive.read_bytes()[:-99], "s.xlsx": sheet, "n.zip": none}
    path = write_zip(tmp_path / "o.zip", members | {"audio.json": ROWS})
    assert len(events_of(path)) == 2_000
    assert [each.split("zip: ", 1)[1][:40] for each in skipped_of(path)] == [
        "cut.zip cannot be read: File is not a zi",
        "s.xlsx is a spreadsheet or another offic",
        "n.zip holds no listening history that is",
    ]
    with pytest.raises(HistoryError, match=r"o\.zip holds no listening history.*cut\.zip cannot"):
        rows_of(write_zip(path, members))


def test_members_of_inner_archives_have_the_bounds_of_one(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "o.zip", {"in.zip": archive.read_bytes(), "audio.json": ROWS})
    monkeypatch.setattr(files, "ZIP_MEMBER_BYTES_MAX", len(ROWS) - 1)
    outer = write_zip(tmp_path / "p.zip", {"in.zip": archive.read_bytes()})
    with pytest.raises(HistoryError, match=r"in\.zip has an entry of .* bytes: audio\.json"):
        rows_of(outer)
    with pytest.raises(HistoryError, match=r"has an entry of"):
        rows_of(path)


def test_more_than_one_archive_in_an_archive_is_as_large_as_one_may_be(tmp_path: Path) -> None:
    members = {f"{each}.txt": b"" for each in range(files.ZIP_ENTRIES_MAX // 2)}
    inner = write_zip(tmp_path / "in.zip", {"audio.json": ROWS, **members}).read_bytes()
    path = write_zip(tmp_path / "outer.zip", {"a.zip": inner, "b.zip": inner})
    rows = rows_of(path)
    assert sum(isinstance(row, ListeningEvent) for row in rows) == 2_000
    (skipped,) = [str(row) for row in rows if isinstance(row, Skipped)]
    assert "b.zip has 251 entries, more than the 247 that are left of 500" in skipped


def test_what_accompanies_an_export_is_not_named_for_the_name_of_its_archive(
    tmp_path: Path,
) -> None:
    members = {
        "user.json": b'{"username": "nina"}',
        "listens/2024/3.jsonl": orjson.dumps(a_listen()),
    }
    path = write_zip(tmp_path / "my listening history.zip", members | {"feedback.jsonl": b"{}"})
    assert skipped_of(path) == []
    named = write_zip(path, members | {"more/history.json": b'{"a": 1}'})
    assert skipped_of(named) == [
        f"{path}: more/history.json is no listening history that is known."
    ]


APPLE = {
    "Apple Music Play Activity.csv": "Artist Name,Song Name,Event Start Timestamp\n"
    "Nina,Sinnerman,2023-11-14T22:13:20Z\n",
    "Apple Music - Play History Daily Tracks.csv": "Track Description,Date Played\n"
    "Nina - Sinnerman,20231114\n",
    "Apple Music - Track Play History.csv": "Track Name,Last Played Date\n"
    "Nina - Sinnerman,1700000000000\n",
}


def test_summaries_of_plays_count_only_without_the_plays(tmp_path: Path) -> None:
    for name, text in APPLE.items():
        write(tmp_path / "folder" / name, text)
    archive = write_zip(
        tmp_path / "a.zip", {f"x/{key}": text.encode() for key, text in APPLE.items()}
    )
    for path in (tmp_path / "folder", archive):
        assert [event.track_name for event in read(path)] == ["Sinnerman"]
        assert [each.split(".csv", 1)[1] for each in skipped_of(path)] == [
            " repeats plays of another file, by day or by track."
        ] * 2
    (tmp_path / "folder" / "Apple Music Play Activity.csv").unlink()
    assert len(read(tmp_path / "folder")) == 2
