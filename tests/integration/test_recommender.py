"""A recommender on real servers, of which one after the other goes away, forgets or is killed.

All tests share one station; each leaves it running, idle and whole, with listeners of its own.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from streams.heartbeats.heartbeat_reader import HeartbeatReader
from tests.conftest import KAFKA_LIBS
from tests.support.learning_log import an_event
from tests.support.lists_seen import Lists, agreed_lists, in_redis, in_topic, redis_of
from tests.support.station import Station, Worker, wait_until
from topics.learning_progress import LearningProgress
from topics.listening_event import EventFields, ListeningEvent
from topics.recommendation_list import EVERYONE

TRACKS = 30
CATCH_UP_S = 15.0


class Running:
    """A station with both workers, and how many events are in its model."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.applied = 0
        self.sequencer = station.start("sequencer")
        self.recommender = station.start("recommender")

    def produce(self, events: Iterable[EventFields], *, new: int | None = None) -> None:
        """Produces `events`, of which `new` (all, if not said) will be applied."""
        events = list(events)
        self.station.produce(ListeningEvent(**event) for event in events)
        self.applied += len(events) if new is None else new

    def settle(self) -> Lists:
        """Waits until all that was produced is in lists; returns them, the same in both places."""
        self.station.wait_applied(self.applied)
        return agreed_lists(self.station)

    def counts(self) -> dict[str, int]:
        """The fold's counters."""
        return dict(self.station.status()["recommender"]["counts"])

    def progress(self) -> LearningProgress:
        """The newest heartbeat, which comes whether Redis is there or not."""
        reader = HeartbeatReader(self.station.addresses.kafka, lambda _: None)
        reader.start()
        assert reader.wait_caught_up(CATCH_UP_S)
        heartbeats = reader.heartbeats()
        reader.close()
        return heartbeats[self.station.settings.recommender_id]

    def wait_learnt(self) -> None:
        """Waits until all that was produced is in the model, published or not."""
        wait_until(self.progress, lambda found: found.applied == self.applied)

    def wait_kept(self) -> None:
        """Waits until all that was produced is in a snapshot, published or not."""
        self.wait_learnt()
        last = self.progress().as_of
        wait_until(
            lambda: sorted(path.name for path in self.snapshots.glob("*.snapshot")),
            lambda names: int(names[-1].split(".")[0]) == last,
        )

    def empty_redis(self) -> None:
        """FLUSHALL."""
        with redis_of(self.station) as redis:
            redis.flushall()

    @property
    def snapshots(self) -> Path:
        """Where the recommender keeps its snapshots."""
        return self.station.home / "snapshots" / self.station.settings.recommender_id

    def restart(self, **environment: str) -> Worker:
        """Starts the recommender again."""
        self.recommender = self.station.start("recommender", **environment)
        return self.recommender


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One station for all tests of this file."""
    station = Station(tmp_path_factory.mktemp("recommender") / "home", KAFKA_LIBS)
    station.up()
    yield Running(station)
    station.close()


def plays(name: str, listeners: int = 10, each: int = 5) -> list[EventFields]:
    """Plays of listeners called after `name`."""
    return [
        an_event(f"{name}-{at}", f"track-{(at * 7 + step) % TRACKS}", minute=4 * step)
        for step in range(each)
        for at in range(listeners)
    ]


def named(lists: Lists, name: str) -> Lists:
    return {listener: seen for listener, seen in lists.items() if listener.startswith(name)}


def test_every_listener_and_everyone_gets_a_list_in_redis_and_in_the_topic(
    running: Running,
) -> None:
    running.produce(plays("first"))
    lists = running.settle()
    assert set(lists) == {EVERYONE} | {f"first-{at}" for at in range(10)}
    assert all(seen.track_ids for seen in lists.values())
    with redis_of(running.station) as redis:
        assert redis.hget("recs:active", "stable") == b"first"


def test_a_reader_of_progress_catches_up_though_heartbeats_never_pause(running: Running) -> None:
    running.settle()
    assert running.progress().applied == running.applied


def test_what_is_covered_is_applied_rejected_or_a_duplicate(running: Running) -> None:
    play = an_event("repeater", "t1")
    before = running.counts()
    running.produce(
        [
            play,
            play,
            {**play, "track_id": "t2"},
            an_event("repeater", "t1", minute=1, source="lastfm"),
            an_event("repeater", "t1", minute=1.1, source="lastfm"),
        ],
        new=2,
    )
    running.settle()
    now = running.counts()
    grown = {name: now[name] - before.get(name, 0) for name in ("applied", "rejected", "duplicate")}
    assert grown == {"applied": 2, "rejected": 1, "duplicate": 2}
    assert now["conflict"] == 1


def test_a_late_event_is_learnt_and_leaves_the_time_of_the_list(running: Running) -> None:
    running.produce([an_event("latecomer", "t1", minute=60)])
    before = running.settle()["latecomer"]
    running.produce([an_event("latecomer", "t2", minute=1)])
    after = running.settle()["latecomer"]
    assert after.as_of > before.as_of
    assert after.event_time == before.event_time


def test_an_erased_listener_has_no_list_anywhere(running: Running) -> None:
    running.produce([an_event("leaver", "t1")])
    assert "leaver" in running.settle()
    running.produce([an_event("leaver", None, kind="ERASE", minute=9)])
    assert "leaver" not in running.settle()


def test_a_redis_that_is_emptied_gets_every_list_back(running: Running) -> None:
    before = set(running.settle())
    running.empty_redis()
    wait_until(lambda: set(in_redis(running.station)), lambda found: found == before)
    running.settle()


def test_a_redis_emptied_while_the_recommender_is_down_gets_every_list_back(
    running: Running,
) -> None:
    before = set(running.settle())
    assert running.recommender.stop() == 0
    running.empty_redis()
    running.restart()
    wait_until(lambda: set(in_redis(running.station)), lambda found: found == before)
    running.settle()


def test_lists_are_complete_after_a_kill_between_snapshot_and_publication(
    running: Running,
) -> None:
    running.settle()
    running.station.servers.kill("redis")
    running.produce(plays("unlucky"))
    running.wait_kept()
    running.recommender.kill()
    running.restart()
    running.produce(plays("patient"))
    running.wait_learnt()
    running.station.servers.start("redis")
    lists = running.settle()
    assert len(named(lists, "unlucky")) == len(named(lists, "patient")) == 10


def test_whom_the_snapshot_forgot_before_redis_was_told_is_removed_by_the_heir(
    running: Running,
) -> None:
    running.produce([an_event("forgotten", "t1"), an_event("kept", "t1")])
    running.settle()
    running.station.servers.kill("redis")
    running.produce([an_event("forgotten", None, kind="ERASE", minute=9)])
    running.wait_kept()
    running.recommender.kill()
    running.station.servers.start("redis")
    assert {"forgotten", "kept"} < in_redis(running.station).keys()
    running.restart()
    lists = running.settle()
    assert "kept" in lists
    assert "forgotten" not in lists


def test_a_setting_that_differs_from_the_generations_own_is_refused(running: Running) -> None:
    running.settle()
    assert running.recommender.stop() == 0
    refused = running.station.run("worker", "recommender", ECHOTUNE_LIST_LENGTH="3")
    assert refused.returncode == 3
    assert "created with another value of ECHOTUNE_LIST_LENGTH" in refused.stderr
    running.restart()
    running.produce(plays("differing"))
    assert len(named(running.settle(), "differing")) == 10


def test_a_disk_that_is_full_at_the_snapshot_stops_nothing(running: Running) -> None:
    running.settle()
    aside = running.snapshots.with_name("aside")
    running.snapshots.rename(aside)
    running.snapshots.write_text("in the way")
    running.produce(plays("full"))
    error = wait_until(lambda: running.station.status()["recommender"].get("snapshot_error"), bool)
    assert "could not be written" in error
    assert len(named(running.settle(), "full")) == 10
    running.snapshots.unlink()
    aside.rename(running.snapshots)
    running.produce(plays("roomy"))
    wait_until(
        lambda: running.station.status()["recommender"],
        lambda it: bool(it) and it["snapshot_error"] is None and it["applied"] == running.applied,
    )


def test_a_second_process_of_the_same_identity_stands_by_and_takes_over(
    running: Running,
) -> None:
    running.settle()
    first, second = running.recommender, running.restart()
    wait_until(second.text, lambda said: "on standby" in said)
    first.freeze()
    running.produce(plays("taken"))
    lists = running.settle()
    assert len(named(lists, "taken")) == 10
    first.thaw()
    running.produce(plays("thawed"))
    running.station.wait_applied(running.applied)
    assert len(named(in_topic(running.station), "thawed")) == 10
    assert second.process.poll() is None
    # What the thawed one wrote to Redis may be as of a later record than the topic's list.
    assert set(in_redis(running.station)) == set(in_topic(running.station))
    running.empty_redis()
    running.settle()


def test_whoever_is_left_takes_over_from_those_that_are_killed(running: Running) -> None:
    *former, spare = [*running.station.workers[-2:], running.restart()]
    wait_until(spare.text, lambda said: "on standby" in said)
    for at, worker in enumerate(reversed(former)):
        worker.kill()
        running.produce(plays(f"left-{at}"))
        assert len(named(running.settle(), f"left-{at}")) == 10


def test_a_killed_worker_of_either_kind_changes_nothing_that_is_counted(
    running: Running,
) -> None:
    for round_ in range(2):
        running.produce(plays(f"killed-{round_}", listeners=20, each=50))
        running.recommender.kill()
        running.sequencer.kill()
        running.sequencer = running.station.start("sequencer")
        running.restart()
    lists = running.settle()
    assert len(named(lists, "killed")) == 40
    found = running.station.verify()
    assert (found["equal"], found["events"]) == (True, running.applied)
