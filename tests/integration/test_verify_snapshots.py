"""`echotune verify --from --to` folds the log between two snapshots, and compares their digests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import packed, unpacked
from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.station import Station, StationHere, wait_until

EVENTS, EXIT_NO, EXIT_ERROR = 300, 1, 3


class Kept(NamedTuple):
    """A station without a running worker, and the log offsets of its recommender's snapshots."""

    station: Station
    first: int
    second: int

    @property
    def snapshots(self) -> SnapshotFolder:
        """The snapshots of the only recommender."""
        folder = self.station.home / "snapshots" / self.station.settings.recommender_id
        return SnapshotFolder(folder, keep=5)

    def spans(self, *span: object, code: int, says: str) -> None:
        """Runs `verify` on a part of the log, which ends with `code` and says `says`."""
        done = self.station.run("verify", *map(str, span))
        assert (done.returncode, says in done.stdout + done.stderr) == (code, True), done


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Two snapshots with 300 events before the first one and 300 between them."""
    station = StationHere(tmp_path_factory.mktemp("snapshots") / "home", KAFKA_LIBS)
    station.up()
    events, offsets = list(a_stream(2 * EVENTS)), list[int]()
    sequencer = station.start("sequencer")
    for count in (EVENTS, 2 * EVENTS):
        recommender = station.start("recommender")
        station.produce(events[count - EVENTS : count])
        station.wait_applied(count)
        recommender.stop()
        folder = station.home / "snapshots" / station.settings.recommender_id
        names = wait_until(lambda: sorted(each.stem for each in folder.glob("*.snapshot")), bool)  # noqa: B023
        offsets.append(int(names[-1]))
    sequencer.stop()
    yield Kept(station, *offsets)
    station.close()


def test_what_the_log_has_between_two_snapshots_leads_from_one_to_the_other(kept: Kept) -> None:
    found = kept.station.json("verify", "--from", str(kept.first), "--to", str(kept.second))
    assert (found["equal"], found["events"]) == (True, EVENTS)
    assert (found["by"], found["from_offset"]) == ("snapshot", kept.first + 1)
    begun = kept.station.json("verify", "--to", str(kept.first), "--generation", "first")
    assert (begun["equal"], begun["events"], begun["from_offset"]) == (True, EVENTS, 0)


def test_a_snapshot_leads_to_the_live_state(kept: Kept) -> None:
    found = kept.station.json("verify", "--from", str(kept.first))
    assert (found["equal"], found["events"], found["by"]) == (True, EVENTS, "recommender")
    assert kept.station.verify()["events"] == 2 * EVENTS


def test_a_part_that_cannot_be_folded_is_refused_in_words(kept: Kept) -> None:
    nowhere = f"Snapshots are at: {kept.first}, {kept.second}"
    kept.spans("--to", 7, code=EXIT_ERROR, says=nowhere)
    backwards = ("--from", kept.second, "--to", kept.first)
    kept.spans(*backwards, code=EXIT_ERROR, says="Begin with an earlier snapshot")
    kept.spans("--deep", "--to", kept.first, code=EXIT_ERROR, says="Leave --from and --to out")
    kept.spans("--generation", "nobody", code=EXIT_ERROR, says="nobody")


def test_a_snapshot_that_the_log_does_not_lead_to_is_not_equal(kept: Kept) -> None:
    """Both snapshots are whole, but their digests are others."""
    span = ("--from", kept.first, "--to", kept.second)
    later, earlier = kept.snapshots.paths()
    with_other_digest(later)
    kept.spans(*span, code=EXIT_NO, says="NOT EQUAL")
    later.write_bytes(later.read_bytes()[:-1])
    kept.spans(*span, code=EXIT_ERROR, says="snapshot")
    with_other_digest(earlier)
    kept.spans("--from", kept.first, code=EXIT_ERROR, says="gives another digest")


def with_other_digest(path: Path) -> None:
    header, arrays = unpacked(path.read_bytes(), path.name)
    path.write_bytes(b"".join(packed(replace(header, digest="0" * 32), arrays)))
