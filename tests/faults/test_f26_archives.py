"""F26: a backup, a restore, an export or a replay dies between two effects, and is run again."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streams.archive.backup_folder import BackupFolder
from streams.archive.segments import ArchivedRecord
from streams.kafka.partition_reader import PartitionReader
from tests.conftest import KAFKA_LIBS
from tests.support.generations_station import WHY, GenerationsStation
from tests.support.station import wait_until
from topics.catalogue import LEARNING_LOG, MODEL_LIFECYCLE
from topics.lifecycle import GenerationState

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]
TOPICS = (LEARNING_LOG.name, MODEL_LIFECYCLE.name)
EVENTS, MORE, BACKUPS = 300, 20, 6


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenerationsStation]:
    """A station that has learnt a little."""
    with closing(GenerationsStation(tmp_path_factory.mktemp("one") / "home", KAFKA_LIBS)) as one:
        one.up()
        one.start("sequencer")
        one.recommend("first", ECHOTUNE_MODEL="popularity")
        fed(one, EVENTS)
        yield one
        print(one.journal.text())


def fed(station: GenerationsStation, events: int) -> None:
    """Feeds events, and waits until they are learnt."""
    station.feed(events)
    station.wait_applied(station.produced)


def records_of(station: GenerationsStation, topic: str) -> list[ArchivedRecord]:
    with PartitionReader(station.addresses.kafka, "test", topic) as reader:
        return [ArchivedRecord.of_message(each) for each in reader.read(0, *reader.bounds(0))]


def test_a_backup_that_dies_is_the_one_before_it_and_one_that_goes_on_has_few_files(
    one: GenerationsStation, tmp_path: Path
) -> None:
    place, lists = tmp_path / "backup", [str(tmp_path / "backup" / "manifest.json")]
    for point, is_written in (
        ("with a file of a backup written, and not whole", False),
        ("between a file of a backup and the manifest", False),
        ("between the manifest and what it no longer lists", True),
    ):
        one.dies(point, "backup", str(place))
        assert Path(*lists).exists() == is_written
    for _ in range(BACKUPS):
        before = BackupFolder.opened(place)
        fed(one, MORE)
        one.dies("between a file of a backup and the manifest", "backup", str(place))
        left = BackupFolder.opened(place)
        left.check()
        assert left.manifest == before.manifest
        one.done("backup", str(place))
    one.done("backup", str(place))  # deletes what was merged by the last one
    folder = BackupFolder.opened(place)
    listed = [each.name for files in folder.manifest.topics.values() for each in files]
    assert {each.name for each in place.glob("*.zst*")} == {*listed}
    assert len(listed) < BACKUPS
    for topic in TOPICS:
        assert [*folder.records(topic)] == records_of(one, topic)


def test_a_restore_that_dies_anywhere_is_continued_and_proves_the_same_digest(
    one: GenerationsStation, tmp_path: Path
) -> None:
    place = str(tmp_path / "backup")
    one.done("backup", place)
    with closing(GenerationsStation(tmp_path / "other", KAFKA_LIBS)) as other:
        other.up()
        for point, time in (
            ("between two records of a restore", 1),  # of the journal, which comes first
            ("between the records and the broker's time", 1),
            ("between a topic and its records", 1),  # of the log, which is made anew
            ("between two records of a restore", 4),
            ("between the records and the broker's time", 1),
            ("between a restored topic and its check", 1),
        ):
            other.dies(point, "restore", place, time=time)
        found = other.json("restore", place, "--prove")
        assert found["equal"], found
        for topic in TOPICS:
            assert records_of(other, topic) == records_of(one, topic)
        assert other.json("topics", "check")["differences"] == []


def test_an_export_that_dies_leaves_no_file_of_its_name_and_begins_anew(
    one: GenerationsStation, tmp_path: Path
) -> None:
    path = tmp_path / "plays.jsonl"
    one.dies("with half an export written", "export", "--to", str(path))
    assert not path.exists()
    assert one.json("export", "--to", str(path))["rows"] == one.produced
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_replay_whose_command_or_recommender_dies_goes_on_where_it_was(
    one: GenerationsStation,
) -> None:
    replay = ("replay", "--generation", "trial", "--like", "first", "--from", "2")
    one.dies("between a replay and its start", *replay)
    assert one.lifecycle.generations["trial"].state is GenerationState.STOPPED
    again = one.begin("replay", "--generation", "trial", "--json")
    wait_until(
        lambda: one.lifecycle.generations["trial"].state,
        lambda state: state is GenerationState.QUIET,
    )
    dies = one.recommend("trial", ECHOTUNE_TEST_CRASH="after a snapshot:1")
    one.waits_for_death(dies)
    one.recommend("trial")
    said, _ = again.communicate(timeout=90.0)
    assert again.returncode == 0, said
    assert '"events": ' in said
    one.done("generations", "stop", "trial", *WHY)
    assert one.in_redis("trial") == {}
