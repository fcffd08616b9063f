"""An administrator sees generations and comparisons in the console, and changes what serves."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.served_station import Person, ServedStation
from tests.support.station import wait_until

EVENTS = 600


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """An administrator of a station on which `second` is beside `first` and caught up."""
    home = tmp_path_factory.mktemp("console") / "home"
    with closing(ServedStation(home, KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.produce(a_stream(EVENTS))
        station.wait_applied(EVENTS)
        created = ("generations", "create", "second", "--model", station.settings.model, "--start")
        assert station.run(*created, "--why", "a test").returncode == 0
        station.start("recommender", ECHOTUNE_GENERATION="second")
        assert station.json("generations", "wait", "second", "--lag", "1s")["caught_up"]
        station.serve()
        yield station.person("ann", "--admin")


def shown(admin: Person) -> dict[str, Any]:
    answer = admin.ask("GET", "/v1/generations")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def roles(admin: Person) -> dict[str, str]:
    return {each["name"]: each["role"] for each in shown(admin)["generations"]}


def test_the_newest_comparison_is_shown_as_the_command_answered_it(admin: Person) -> None:
    assert shown(admin)["comparisons"] == []
    answer = admin.station.json("generations", "compare", "second", "first")
    [compared] = shown(admin)["comparisons"]
    assert (compared["a"], compared["b"]) == ("second", "first")
    same = ("verdict", "difference", "paired")
    assert {name: compared[name] for name in same} == {name: answer[name] for name in same}
    assert {name: compared[name] for name in ("low", "high")}.items() <= answer["interval"].items()


def test_a_promotion_and_a_rollback_are_made_in_the_name_of_the_person(admin: Person) -> None:
    before = roles(admin)
    assert before["first"] == "stable"
    change = {"name": "second", "why": "it is newer"}
    promoted = admin.ask("POST", "/v1/generations/promote", change)
    assert (promoted.status_code, promoted.json()["stable"]) == (200, "second"), promoted.text
    after = wait_until(lambda: shown(admin), lambda found: found["rollback"] == "first")
    assert {each["name"]: each["role"] for each in after["generations"]}["second"] == "stable"
    undone = admin.ask("POST", "/v1/generations/rollback", {"why": "it was better before"})
    assert (undone.status_code, undone.json()["stable"]) == (200, "first"), undone.text
    assert roles(admin) == before


def test_a_change_that_the_gate_refuses_says_why(admin: Person) -> None:
    refused = admin.ask("POST", "/v1/generations/promote", {"name": "third", "why": "a test"})
    assert refused.status_code == 409
    assert "third" in refused.json()["error"]
