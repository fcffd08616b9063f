"""F25: who changes, serves or retires a generation dies or freezes between any two of its effects.

These are the rows of the tables in docs/reliability.md that need real servers.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.crash_points import HOLDER, RETIRING
from tests.support.generations_station import WHY, GenerationsStation
from tests.support.lists_seen import redis_of
from tests.support.station import wait_until
from topics.lifecycle import GenerationState, ServingChanged

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]
EVENTS, MORE = 600, 40
KNOWS, FENCED, CHECKED = HOLDER
KILLED, FROZEN = (FENCED, CHECKED), (KNOWS, FENCED)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenerationsStation]:
    """`first`, a poor model, serves; whoever created `second` died before it was started."""
    with closing(
        GenerationsStation(tmp_path_factory.mktemp("pair") / "home", KAFKA_LIBS)
    ) as station:
        station.up()
        station.start("sequencer")
        station.recommend("first", ECHOTUNE_MODEL="popularity")
        station.feed(EVENTS)
        station.wait_applied(EVENTS)
        create = ("generations", "create", "second", "--model", "fast", "--start", *WHY)
        station.dies("between a generation and its start", *create)
        assert station.lifecycle.generations["second"].state is GenerationState.STOPPED
        station.done("generations", "start", "second", *WHY)
        station.recommend("second")
        assert station.json("generations", "wait", "second")["caught_up"]
        yield station
        print(station.journal.text())


def settle(pair: GenerationsStation, stable: str) -> None:
    """Feeds events, and waits until both generations have kept every promise."""
    pair.feed(MORE)
    pair.wait_served_by(stable)
    for generation in ("first", "second"):
        pair.wait_kept(generation)


def test_an_operator_or_keeper_who_dies_leaves_one_plan_that_everything_follows(
    pair: GenerationsStation,
) -> None:
    armed = ("promote", "second", "--auto", "--steps", "50", "--dwell", "1s")
    pair.done("generations", *armed, *WHY)
    decides = pair.start("keeper", ECHOTUNE_TEST_CRASH="between a decision and its record:1")
    pair.waits_for_death(decides)
    assert pair.lifecycle.plan.stable == "first"
    assert pair.lifecycle.plan.canary is None
    records = pair.start(
        "keeper", ECHOTUNE_TEST_CRASH="between a record of the keeper and the pointer:1"
    )
    pair.waits_for_death(records)
    pair.wait_served_by("first", "second")
    keeper = pair.start("keeper")
    wait_until(lambda: pair.lifecycle.plan.stable, lambda stable: stable == "second")
    keeper.kill()
    pair.wait_served_by("second")
    automatic = [
        each
        for each in pair.lifecycle.history
        if isinstance(each.record, ServingChanged) and each.record.automatic and not each.void
    ]
    assert [each.record.cause for each in automatic][-2:] == ["CANARY", "PROMOTED"]  # type: ignore[union-attr]

    ahead, behind = "between a plan and its pointer", "after the pointer of a plan"
    for point, stable, canary, command in (
        (ahead, "first", None, ("rollback",)),
        ("between a record and its reading", "second", None, ("promote", "second")),
        (behind, "first", None, ("rollback",)),
        (ahead, "second", None, ("promote", "second")),
        (ahead, "second", "first", ("canary", "first", "10%")),
        (ahead, "second", None, ("rollback",)),
    ):
        pair.dies(point, "generations", *command, *WHY)
        pair.wait_served_by(stable, canary)

    pair.servers.kill("redis")
    said = pair.done("generations", "rollback", *WHY)
    assert "when Redis answers" in said
    pair.servers.start("redis")
    pair.wait_served_by("first")


def test_a_new_holder_of_the_topic_that_dies_or_freezes_changes_nothing_for_readers(
    pair: GenerationsStation,
) -> None:
    promote = ("generations", "promote", "second", *WHY)
    for point in KILLED:
        pair.recommend("second", ECHOTUNE_TEST_CRASH=f"{point}:1")
        assert pair.json("generations", "wait", "second")["caught_up"]
        pair.done(*promote)
        pair.waits_for_death(pair.recommenders["second"])
        assert pair.pointer() == ("second", None)  # Redis is not concerned
        made_by, lists = pair.in_topic()
        assert (made_by, lists.keys()) == ({"first"}, pair.in_redis("first").keys())
        pair.recommend("second")
        pair.wait_served_by("second")
        pair.done("generations", "rollback", *WHY)
        pair.wait_served_by("first")

    for point in FROZEN:
        zombie = pair.recommend("second", ECHOTUNE_TEST_FREEZE=f"{point}:1")
        assert pair.json("generations", "wait", "second")["caught_up"]
        pair.done(*promote)
        pair.waits_for_frost(zombie)
        pair.done("generations", "rollback", *WHY)
        pair.feed(MORE)
        pair.wait_served_by("first")
        _, before = pair.in_topic()
        said = len(zombie.text())
        zombie.thaw()
        wait_until(lambda: zombie.text()[said:], lambda text: "another role" in text)  # noqa: B023
        pair.feed(MORE)
        pair.wait_served_by("first")
        _, after = pair.in_topic()
        assert all(after[listener] >= as_of for listener, as_of in before.items())


def test_a_retirement_that_dies_between_any_two_steps_is_completed_by_running_it_again(
    pair: GenerationsStation,
) -> None:
    """`third` never served, so no reader's pointer has to be waited for."""
    create = ("generations", "create", "third", "--model", "popularity", "--start", *WHY)
    pair.done(*create)
    worker = pair.recommend("third")
    assert pair.json("generations", "wait", "third")["caught_up"]
    assert pair.in_redis("third") != {}
    for point in RETIRING:
        pair.dies(point, "generations", "retire", "third", *WHY)
        assert pair.lifecycle.generations["third"].state is GenerationState.RETIRING
    found = pair.json("generations", "retire", "third", *WHY)
    assert all(each["done"] for each in found["steps"])
    assert worker.process.wait(90.0) == 0
    assert pair.lifecycle.generations["third"].state is GenerationState.RETIRED
    assert pair.in_redis("third") == {}
    assert not list((pair.home / "snapshots").glob("*-third-*"))
    with redis_of(pair) as redis:
        assert redis.ttl("echotune:frontier:third:0of1") > 0
    settle(pair, "first")
