"""Several recommenders of one generation: each publishes its own listeners, together everybody."""

from collections.abc import Iterator

import orjson
import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.learning_log import an_event
from tests.support.list_watching import Watcher
from tests.support.lists_seen import every_list, in_topic, redis_of
from tests.support.sharded_station import Shards
from tests.support.station import Station, wait_until
from topics.listening_event import ListeningEvent
from topics.recommendation_list import EVERYONE

LISTENERS = 30


class Running:
    """A sequencer and a few shards, of which one is restarted with another M."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.applied = 0
        self.sequencer = station.start("sequencer")
        self.shards = Shards(station, 3)

    def produce(self, name: str, minute: int = 0) -> None:
        """A play of each listener of that name."""
        self.applied += LISTENERS
        self.station.produce(
            ListeningEvent(**an_event(f"{name}-{at}", f"t{at % 7}", minute))
            for at in range(LISTENERS)
        )

    def erase(self, listener_id: str) -> None:
        """Forgets a listener."""
        self.applied += 1
        erased = an_event(listener_id, None, kind="ERASE", minute=9_999)
        self.station.produce([ListeningEvent(**erased)])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One station for all tests of this file, which build on each other."""
    station = Station(tmp_path_factory.mktemp("shards") / "home", KAFKA_LIBS)
    station.up()
    yield Running(station)
    station.close()


def written_by(station: Station) -> dict[str, set[int]]:
    """Listener → shards that ever published a list of theirs to the topic."""
    found: dict[str, set[int]] = {}
    for listener_id, fields in every_list(station):
        found.setdefault(listener_id, set()).add(fields["shard"])
    return found


def test_each_shard_publishes_its_own_listeners_and_one_of_them_everyones(
    running: Running,
) -> None:
    running.produce("ann")
    lists = running.shards.settle(running.applied)
    names = {f"ann-{at}" for at in range(LISTENERS)}
    assert set(lists) == names | {EVERYONE}
    owners = {each: {running.shards.owner(each)} for each in names}
    assert {0, 1, 2} == {at for each in owners.values() for at in each}
    assert written_by(running.station) == owners | {EVERYONE: {0}}


def test_while_one_shard_is_gone_the_others_publish_and_its_standby_takes_over(
    running: Running,
) -> None:
    shards = running.shards
    standby = shards.another(1)
    wait_until(standby.text, lambda said: "on standby" in said)
    shards.workers[1].kill()
    shards.workers[1] = standby
    running.produce("bob")
    names = [f"bob-{at}" for at in range(LISTENERS)]
    others = {each for each in names if shards.owner(each) != 1}
    wait_until(lambda: set(in_topic(running.station)), lambda found: others <= found)
    assert set(names) <= set(shards.settle(running.applied))


def test_a_new_m_begins_where_the_former_one_ended_and_nothing_goes_back(running: Running) -> None:
    shards, station = running.shards, running.station
    gone = f"ann-{next(at for at in range(LISTENERS) if shards.owner(f'ann-{at}') == 2)}"
    running.erase(gone)
    with Watcher(station) as watcher:
        wait_until(lambda: set(in_topic(station)), lambda found: gone not in found)
        for worker in shards.workers:
            worker.kill()
        shards.begin(1)
        running.produce("cid")
        lists = shards.settle(running.applied)
    assert set(lists) == {EVERYONE} | {
        f"{name}-{at}" for name in ("ann", "bob", "cid") for at in range(LISTENERS)
    } - {gone}
    assert (watcher.older, watcher.failures) == ([], [])
    assert min(watcher.seen.values()) > LISTENERS


def test_recommenders_of_another_m_wait_until_the_former_ones_are_stopped(
    running: Running,
) -> None:
    shards, station = running.shards, running.station
    [former] = shards.workers
    early = station.start("recommender", ECHOTUNE_SHARD="0", ECHOTUNE_SHARDS="2")
    wait_until(early.text, lambda said: "of another M still run" in said)
    running.produce("dan")
    shards.settle(running.applied)
    assert former.process.poll() is None
    with redis_of(station) as redis:
        said = orjson.loads(
            redis.get("echotune:status:recommender:echotune-recommender-first-0of2")
        )
    assert said["waits_for"] == ["echotune-recommender-first-0of1"]
    early.kill()
    shards.check()
