"""F8: MongoDB is down for a minute, and its replies are lost; only names wait for it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.daemon import LOOPBACK
from infra.embedded_servers import EmbeddedServers
from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue
from streams.tracks.track_catalogue import Track
from tests.conftest import KAFKA_LIBS
from tests.support.events import START_MS, an_event
from tests.support.fault_station import FaultStation
from tests.support.station import wait_until
from tests.support.tcp_proxy import TcpProxy
from topics.listening_event import ListeningEvent

AWAY_S = 60.0
EVERY_S = 3.0
EVENTS_A_STEP = 20
REPLIES_LOST_S = 8.0
"""Longer than the timeout of a call."""
CUTS = 3


@pytest.fixture
def mongo_proxy() -> Iterator[TcpProxy]:
    """The proxy between workers and MongoDB."""
    with TcpProxy() as proxy:
        yield proxy


@pytest.fixture
def station(tmp_path: Path, mongo_proxy: TcpProxy) -> Iterator[FaultStation]:
    """A station whose workers and commands connect to MongoDB through the proxy."""
    home = tmp_path / "home"
    with closing(FaultStation(home, KAFKA_LIBS)) as station:
        station.servers = EmbeddedServers(home, kafka_libs=KAFKA_LIBS, fast_start=True)
        mongo_proxy.server_port = int(station.up().mongo.rpartition(":")[2])
        station.environment["ECHOTUNE_MONGO"] = (
            f"mongodb://{LOOPBACK}:{mongo_proxy.port}/?directConnection=true"
        )
        yield station
        print(station.journal.text())


class Player:
    """Plays new tracks with names, and checks whether they are learnt and listed."""

    def __init__(self, station: FaultStation) -> None:
        self._station = station
        self.played = 0

    def play(self) -> None:
        """Plays one step of events; they are learnt regardless of MongoDB."""
        numbers = range(self.played, self.played + EVENTS_A_STEP)
        self._station.produce(a_named_play(at) for at in numbers)
        self.played += EVENTS_A_STEP
        self._station.wait_applied(self.played)

    def play_for(self, seconds: float) -> None:
        """Repeats steps for `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.play()
            time.sleep(EVERY_S)

    def names(self) -> dict[str, Track]:
        """The names in MongoDB, read without the proxy."""
        return asyncio.run(self._names())

    async def _names(self) -> dict[str, Track]:
        catalogue = MongoTrackCatalogue(self._station.addresses.mongo)
        try:
            return await catalogue.names([f"track-{at}" for at in range(self.played)])
        finally:
            await catalogue.close()

    def wait_named(self) -> None:
        """Waits until every track has its name."""
        began = time.monotonic()
        wait_until(self.names, lambda found: len(found) == self.played)
        self._station.journal.note("named", after_s=round(time.monotonic() - began, 1))


def a_named_play(at: int) -> ListeningEvent:
    """The `at`th play, of a track that was not played before."""
    return an_event(
        track_id=f"track-{at}",
        track_name=f"Title {at}",
        artist_name="Nina",
        source_track_id=f"id-{at}",
        listened_at=START_MS + at * 200_000,
    )


@pytest.mark.fault
@pytest.mark.timeout(400)
def test_learning_and_serving_go_on_without_mongo_and_names_come_back(
    station: FaultStation, mongo_proxy: TcpProxy
) -> None:
    station.keep("sequencer", "recommender")
    player = Player(station)
    player.play()
    player.wait_named()

    mongo_proxy.set("refuse")
    station.journal.note("away", server="mongo")
    player.play_for(AWAY_S)
    assert station.json("recommend", "ann")["items"]
    feed = station.status()["recommender"]["catalogue"]
    assert feed["error"], feed
    mongo_proxy.set("heal")
    player.wait_named()

    mongo_proxy.set("drop_replies")
    station.journal.note("replies lost", server="mongo")
    player.play_for(REPLIES_LOST_S)
    mongo_proxy.set("heal")
    player.wait_named()
    for _ in range(CUTS):
        mongo_proxy.set("cut_reply")
        player.play()
    player.wait_named()

    found = player.names()
    assert {len(each.source_track_ids) for each in found.values()} == {1}
    assert all(each.track_name == f"Title {at}" for at, each in enumerated(found))
    assert station.crashes("recommender") == 0
    assert station.json("verify", "--deep")["kept"]
    wait_until(
        lambda: station.status()["recommender"]["catalogue"],
        lambda feed: (feed["error"], feed["waiting"], feed["dropped"]) == (None, 0, 0),
    )


def enumerated(found: dict[str, Track]) -> list[tuple[int, Track]]:
    """Tracks with the numbers in their ids."""
    return [(int(track_id.removeprefix("track-")), each) for track_id, each in found.items()]
