"""A backup of one cluster is restored into another one, which then is the same, byte for byte."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.archive.backup import backup
from streams.archive.backup_folder import BackupFolder
from streams.archive.restore import restore
from streams.archive.segments import ArchivedRecord
from streams.kafka.partition_reader import PartitionReader
from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.station import Station, StationHere, wait_until
from topics.catalogue import LEARNING_LOG, MODEL_LIFECYCLE

EVENTS = 600
SMALL = 5_000
"""Bytes of a file of a backup, so that there are several."""


def quiet(*_: object) -> None:
    """Shows no progress."""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station that has learnt, and has stopped with a snapshot."""
    station = StationHere(tmp_path_factory.mktemp("one") / "home", KAFKA_LIBS)
    station.up()
    workers = [station.start("sequencer"), station.start("recommender")]
    for end in range(200, EVENTS + 1, 200):  # one log record would be one file
        station.produce(list(a_stream(end))[end - 200 :])
        station.wait_applied(end)
    for each in workers:
        each.process.terminate()
        assert each.process.wait(60.0) == 0
    yield station
    station.close()


@pytest.fixture(scope="module")
def folder(one: Station, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it, in several files."""
    path = tmp_path_factory.mktemp("backup") / "of one"
    backup(one.addresses.kafka, path, quiet, segment_bytes=SMALL)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount: test_whole_files.py limits the size of files instead")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Station]:
    """A new cluster."""
    station = StationHere(tmp_path / "home", KAFKA_LIBS)
    station.up()
    yield station
    station.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A new cluster that nothing is restored into."""
    station = StationHere(tmp_path_factory.mktemp("untouched") / "home", KAFKA_LIBS)
    station.up()
    yield station
    station.close()


def records_of(station: Station, topic: str) -> list[ArchivedRecord]:
    with PartitionReader(station.addresses.kafka, "test", topic) as reader:
        return [ArchivedRecord.of_message(each) for each in reader.read(0, *reader.bounds(0))]


def copy_of(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def test_a_restored_cluster_is_equal_and_goes_on_from_the_snapshots_of_the_first_one(
    one: Station, folder: Path, other: Station
) -> None:
    found = other.json("restore", str(folder), "--prove")
    assert found["equal"], found
    assert found["digest"] == found["expected"]
    assert found["records"] == len(records_of(one, LEARNING_LOG.name))
    for topic in (LEARNING_LOG.name, MODEL_LIFECYCLE.name):
        assert records_of(other, topic) == records_of(one, topic)
    assert other.json("topics", "check")["differences"] == []
    shutil.copytree(one.home / "snapshots", other.home / "snapshots")
    recommender = other.start("recommender")
    ready = wait_until(
        recommender.text, lambda text: "state ready" in text or recommender.process.poll()
    )
    [line] = [each for each in ready.splitlines() if "state ready" in each]
    assert f'"offset": {found["offset"]}' in line
    assert other.json("verify")["equal"]


def test_a_digest_that_differs_is_said_and_so_is_one_that_cannot_be_compared(
    folder: Path, other: Station, tmp_path: Path
) -> None:
    backed_up = BackupFolder.opened(copy_of(folder, tmp_path / "other digest"))
    [digest] = backed_up.manifest.digests
    changed = digest.model_copy(update={"digest": "0" * 32})
    backed_up.replace_manifest(backed_up.manifest.model_copy(update={"digests": [changed]}))
    done = other.run("restore", str(backed_up.path), "--prove", ECHOTUNE_MODEL="popularity")
    assert done.returncode == 1
    assert "DIFFERS" in done.stderr
    changed = digest.model_copy(update={"fold_version": 1})
    backed_up.replace_manifest(backed_up.manifest.model_copy(update={"digests": [changed]}))
    done = other.run("restore", str(backed_up.path), "--prove")
    assert done.returncode == 3
    assert "cannot be compared" in done.stderr
    proved = other.run("restore", str(folder), "--prove", "--json", ECHOTUNE_MODEL="popularity")
    assert json.loads(proved.stdout)["equal"], "the record decides, not the environment"


def test_two_backups_at_once_do_not_write_to_one_folder(one: Station, tmp_path: Path) -> None:
    with BackupFolder.opened_or_new(tmp_path).locked():
        done = one.run("backup", str(tmp_path))
    assert done.returncode == 3
    assert "Another backup is writing" in done.stderr
    assert one.run("backup", str(tmp_path)).returncode == 0


def test_a_backup_goes_on_where_the_last_one_ended(one: Station, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    first = one.json("backup", str(path))
    assert first["new_files"] == first["files"]
    assert [each["generation"] for each in first["digests"]] == ["first"]
    second = one.json("backup", str(path))
    assert (second["files"], second["new_files"]) == (first["files"], [])


def test_a_backup_of_another_log_is_not_continued(
    one: Station, folder: Path, untouched: Station, tmp_path: Path
) -> None:
    before = sorted(each.name for each in folder.iterdir())
    done = untouched.run("backup", str(folder))
    assert done.returncode == 3
    assert "another model-lifecycle" in done.stderr or "another learning-log" in done.stderr
    assert sorted(each.name for each in folder.iterdir()) == before


def test_an_interrupted_restore_is_continued(
    one: Station, folder: Path, other: Station, tmp_path: Path
) -> None:
    part = BackupFolder.opened(copy_of(folder, tmp_path / "part"))
    manifest = part.manifest.model_copy(deep=True)
    assert len(manifest.topics[LEARNING_LOG.name]) > 3
    del manifest.topics[LEARNING_LOG.name][2:]
    part.replace_manifest(manifest)
    restore(other.settings, other.addresses.kafka, part.path, quiet)
    assert len(records_of(other, LEARNING_LOG.name)) == part.end(LEARNING_LOG.name)
    restore(other.settings, other.addresses.kafka, folder, quiet)
    assert records_of(other, LEARNING_LOG.name) == records_of(one, LEARNING_LOG.name)


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


HARMS: list[tuple[Callable[[Path], object], str]] = [
    (damaged, "is not the file that was backed up"),
    (Path.unlink, "cannot be read"),
    (lambda path: path.write_bytes(b""), "is not the file that was backed up"),
]


def test_a_damaged_backup_is_refused_before_anything_is_changed(
    folder: Path, untouched: Station, tmp_path: Path
) -> None:
    before = records_of(untouched, LEARNING_LOG.name)
    for at, (harm, says) in enumerate(HARMS):
        path = copy_of(folder, tmp_path / f"harmed {at}")
        harm(path / BackupFolder.opened(path).manifest.topics[LEARNING_LOG.name][-1].name)
        done = untouched.run("restore", str(path))
        assert done.returncode == 3
        assert says in done.stderr
        assert records_of(untouched, LEARNING_LOG.name) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"topics": {"a": [{}]}}'])
def test_what_is_no_manifest_is_refused(text: str, one: Station, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    for command in ("restore", "backup"):
        done = one.run(command, str(tmp_path))
        assert done.returncode == 3
        assert "manifest" in done.stderr
        assert "Traceback" not in done.stderr


def test_without_a_backup_there_is_nothing_to_restore(untouched: Station, tmp_path: Path) -> None:
    done = untouched.run("restore", str(tmp_path))
    assert done.returncode == 3
    assert "holds no backup" in done.stderr


def test_a_cluster_with_a_history_of_its_own_is_left_as_it_is(
    folder: Path, untouched: Station
) -> None:
    untouched.start("sequencer")
    untouched.produce(a_stream(20))
    before = wait_until(lambda: records_of(untouched, LEARNING_LOG.name), lambda it: len(it) > 2)
    done = untouched.run("restore", str(folder))
    assert done.returncode == 3
    assert "is not the beginning of the backup" in done.stderr
    assert records_of(untouched, LEARNING_LOG.name)[: len(before)] == before


def test_a_backup_on_a_disk_that_fills_is_the_one_before_it_and_goes_on_with_more_room(
    one: Station, small_disk: Path
) -> None:
    place = small_disk / "backup"
    done = one.run("backup", str(place))
    assert done.returncode == 3
    assert "cannot be written: No space left on device" in done.stderr
    assert "Free disk space, or name another place" in done.stderr
    assert not (place / "manifest.json").exists()
    assert not list(place.glob("*.part"))
    nothing = one.run("restore", str(place))
    assert (nothing.returncode, "holds no backup" in nothing.stderr) == (3, True)
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    found = one.json("backup", str(place))
    BackupFolder.opened(place).check()
    kept = (place / "manifest.json").read_bytes()
    (small_disk / "ballast").write_bytes(b"")
    subprocess.run(
        ["dd", "if=/dev/zero", f"of={small_disk / 'ballast'}"], capture_output=True, check=False
    )
    again = one.run("backup", str(place))
    assert again.returncode == 3
    assert "No space left on device" in again.stderr
    assert (place / "manifest.json").read_bytes() == kept
    assert {each.name for each in place.glob("*.zst")} == {*found["files"]}


def test_an_export_on_a_disk_that_fills_leaves_no_file(one: Station, small_disk: Path) -> None:
    for name in ("plays.jsonl", "plays.parquet", "plays.jsonl.zst"):
        done = one.run("export", "--to", str(small_disk / name))
        assert done.returncode == 3
        assert "cannot be written: No space left on device" in done.stderr
        assert list(small_disk.iterdir()) == []
