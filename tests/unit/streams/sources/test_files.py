import zipfile
from pathlib import Path

import orjson
import pytest

from streams.sources import files
from tests.support.histories import a_spotify_row, events_of, rows_of, write, write_zip
from topics.errors import HistoryError

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


def test_a_zip_inside_a_zip_is_left_alone(archive: Path, tmp_path: Path) -> None:
    outer = write_zip(tmp_path / "o.zip", {"in.zip": archive.read_bytes(), "a.json": ROWS})
    assert len(events_of(outer)) == 2_000


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
