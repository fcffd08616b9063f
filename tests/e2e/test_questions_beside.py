"""Questions while generations run beside each other: whose list it is answers, or else the stable.

All of it runs with whole workers, which are stopped, begin anew and catch up in between.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.served_station import Person, ServedStation
from tests.support.station import Worker, wait_until

EVENTS = 600
WHY = ("--why", "a test")
OF_CANARY, OF_STABLE = "listener-1", "listener-2"
"""By their buckets of the canary `second`, of which the share is a half."""


class Beside:
    """A station on which `first` is stable and `second` is its canary."""

    def __init__(self, station: ServedStation) -> None:
        self.station = station
        self.second: Worker | None = None
        self.people: dict[str, Person] = {}

    def begin_second(self) -> None:
        """Starts the worker of `second`."""
        self.second = self.station.start("recommender", ECHOTUNE_GENERATION="second")

    def stop_second(self) -> None:
        """Stops it."""
        assert self.second is not None
        self.second.stop()

    def done(self, *arguments: str, **environment: str) -> None:
        """Runs a command that has to succeed."""
        found = self.station.run(*arguments, **environment)
        assert found.returncode == 0, found.stderr

    def asked(self, listener: str) -> dict[str, Any]:
        """What a queue is continued with."""
        body = {"queue": ["track-1", "track-2"], "count": 5}
        answer = self.people[listener].ask("POST", "/v1/continue", body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_answered_by(self, listener: str, generation: str) -> dict[str, Any]:
        """Waits until the model of a generation answers; others may do so until then."""
        return wait_until(
            lambda: self.asked(listener),
            lambda found: (found["answered_by"], found["generation"]) == ("model", generation),
        )


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """`second` has caught up, and serves half of the listeners."""
    with closing(ServedStation(tmp_path_factory.mktemp("beside") / "home", KAFKA_LIBS)) as station:
        beside = Beside(station)
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.produce(a_stream(EVENTS))
        station.wait_applied(EVENTS)
        beside.done("generations", "create", "second", "--model", "best", "--start", *WHY)
        beside.begin_second()
        assert station.json("generations", "wait", "second", "--lag", "1s")["caught_up"]
        beside.done("generations", "canary", "second", "50%", *WHY)
        station.serve()
        beside.people = {each: station.person(each) for each in (OF_CANARY, OF_STABLE)}
        yield beside


def test_each_listener_is_answered_by_the_generation_that_serves_them(beside: Beside) -> None:
    found = beside.wait_answered_by(OF_CANARY, "second")
    assert beside.wait_answered_by(OF_STABLE, "first")["tracks"]
    path = f"/v1/listeners/{OF_CANARY}/recommendations"
    listed = beside.people[OF_CANARY].ask("GET", path).json()
    assert (listed["generation"], listed["as_of"]) == ("second", found["as_of"])


def test_while_the_owner_of_the_canary_is_away_the_stable_generation_answers(
    beside: Beside,
) -> None:
    beside.wait_answered_by(OF_CANARY, "second")
    beside.stop_second()
    assert beside.wait_answered_by(OF_CANARY, "first")["tracks"]
    beside.begin_second()
    beside.wait_answered_by(OF_CANARY, "second")


def test_a_canary_that_folds_the_log_anew_answers_when_it_is_where_its_lists_are(
    beside: Beside,
) -> None:
    before = beside.wait_answered_by(OF_CANARY, "second")["as_of"]
    beside.stop_second()
    snapshots = [*beside.station.home.rglob("snapshots/*second*/*.snapshot")]
    assert snapshots
    for each in snapshots:
        each.unlink()
    beside.begin_second()
    seen = []
    wait_until(
        lambda: seen.append(beside.asked(OF_CANARY)) or seen[-1],
        lambda found: found["generation"] == "second" and found["answered_by"] == "model",
    )
    assert {each["generation"] for each in seen} <= {"first", "second"}
    assert min(each["as_of"] for each in seen) >= before, "no answer is of an older state"


def test_a_canary_that_does_not_know_a_listener_leaves_their_questions_to_the_stable_one(
    beside: Beside,
) -> None:
    end = beside.asked(OF_STABLE)["as_of"] + 1
    learn_from = {"ECHOTUNE_LEARN_FROM": str(end)}
    beside.done("generations", "create", "third", "--start", *WHY, **learn_from)
    beside.station.start("recommender", ECHOTUNE_GENERATION="third")
    assert beside.station.json("generations", "wait", "third", "--lag", "1s")["caught_up"]
    beside.done("generations", "canary", "third", "100%", *WHY)
    for each in (OF_CANARY, OF_STABLE):
        assert beside.wait_answered_by(each, "first")["unknown"] == 0
    listed = json.loads(beside.station.run("generations", "list", "--json").stdout)
    roles = {each["name"]: each["role"].lower() for each in listed}
    assert (roles["first"], roles["third"]) == ("stable", "canary")
