"""F24: everything that a listen passes is killed while players submit, and each listen counts once.

The players do as real ones: they keep what was not answered with 200 and `ok`, send it again soon,
singly or in a batch, and some send again what was answered.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.daemon import free_port
from tests.conftest import KAFKA_LIBS
from tests.support.served_station import Person, ServedStation, listen
from tests.support.station import wait_until

PLAYERS = 3
BATCH_MAX = 20
PAUSE_S = 0.05
AGAIN_AFTER_S = 0.2
PATIENCE_S = 5.0
"""How long a player waits for an answer: as long as real ones."""
SENT_AGAIN = 0.1
"""Share of requests that a player sends again although they were answered."""
BACK_MIN = 500_000
"""How many minutes before the first made-up listen the players begin: a listen takes one."""
UNDER_LOAD_S = 2.0
AWAY_S = 2.0
FAULTS = ("serve", "kafka", "redis", "mongo", "kafka and serve", "everything")


class Player(threading.Thread):
    """A player of one person: it plays on, and keeps what was not taken."""

    def __init__(self, person: Person, url: str, seed: int) -> None:
        super().__init__(name=f"player-{person.name}", daemon=True)
        self.person = person
        self.played = 0
        self.refused = 0
        self._url = url
        self._chance = random.Random(seed)
        self._waiting: list[dict[str, Any]] = []
        self._ends = threading.Event()

    def run(self) -> None:
        headers = {"Authorization": f"Token {self.person.token}"}
        with httpx.Client(base_url=self._url, headers=headers, timeout=PATIENCE_S) as client:
            while not self._ends.is_set() or self._waiting:
                if not self._ends.is_set():
                    self._play()
                self._send(client)
                time.sleep(PAUSE_S)

    def _play(self) -> None:
        for _ in range(self._chance.randint(1, 5)):
            self.played += 1
            self._waiting.append(listen(self.played - BACK_MIN, f"Song {self.played}"))

    def _send(self, client: httpx.Client) -> None:
        """Sends what waits; what is taken waits no more, unless the player sends it once more."""
        batch = self._waiting[: self._chance.choice((1, BATCH_MAX))]
        if not self._is_taken(client, batch):
            self.refused += 1
            time.sleep(AGAIN_AFTER_S)
        elif self._chance.random() >= SENT_AGAIN:
            del self._waiting[: len(batch)]

    def _is_taken(self, client: httpx.Client, batch: list[dict[str, Any]]) -> bool:
        kind = "single" if len(batch) == 1 else "import"
        body = {"listen_type": kind, "payload": batch}
        try:
            answer = client.post("/1/submit-listens", json=body)
        except httpx.TransportError:
            return False
        if answer.status_code == 200:
            return bool(answer.json() == {"status": "ok"})
        assert answer.json()["code"] == answer.status_code == 503, answer.text
        return False

    def end(self) -> None:
        """Plays no more, and waits until everything was taken."""
        self._ends.set()
        self.join()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedStation]:
    """A station with workers, whose service is started at one port."""
    with closing(ServedStation(tmp_path / "home", KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        yield station


def killed(station: ServedStation, names: list[str], port: int) -> None:
    """Kills parts under load, and starts them again after a while; the service is the last."""
    for name in names:
        if name == "serve":
            station.workers[-1].kill()
        else:
            station.servers.kill(name)
    time.sleep(AWAY_S)
    for name in names:
        if name != "serve":
            station.servers.start(name)
    if station.workers[-1].process.poll() is not None:
        station.serve("--port", str(port))


def parts_of(fault: str) -> list[str]:
    """The parts that a fault kills, in the order of their start."""
    if fault == "everything":
        return ["kafka", "redis", "mongo", "serve"]
    return fault.split(" and ")


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_players_lose_no_listen_and_none_counts_twice_whatever_is_killed(
    served: ServedStation,
) -> None:
    port = free_port(0)
    served.serve("--port", str(port))
    people = [served.person(f"player{number}") for number in range(PLAYERS)]
    players = [Player(each, served.url, seed) for seed, each in enumerate(people)]
    for player in players:
        player.start()
    for fault in FAULTS:
        time.sleep(UNDER_LOAD_S)
        killed(served, parts_of(fault), port)
    time.sleep(UNDER_LOAD_S)
    for player in players:
        player.end()
    for player in players:
        assert player.refused  # or else nothing was tried
        assert shown(player) == [f"Song {number}" for number in range(1, player.played + 1)]
    assert served.json("verify", "--deep")["kept"]


def shown(player: Player) -> list[str]:
    """The titles of all listens of the player's person, oldest first, once they are there."""
    wait_until(lambda: count(player), lambda found: found >= player.played)
    found: list[dict[str, Any]] = []
    while page := player.person.listens(
        **({"max_ts": found[-1]["listened_at"]} if found else {}),
    ):
        found += page
    return [each["track_metadata"]["track_name"] for each in reversed(found)]


def count(player: Player) -> int:
    """How many listens the player's person has."""
    path = f"/1/user/{player.person.name}/listen-count"
    return int(player.person.ask("GET", path).json()["payload"]["count"])
