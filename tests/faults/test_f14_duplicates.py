"""F14: repeated and reordered events, inside of the deduplication window and beyond it."""

import random

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.verdict import settle
from tests.support.workload import Delivery, Rates, What, Workload

HOUR = 20_000
"""Events between a play and its repetition "an hour later"."""
RATES = Rates(again=0.05, near=0.05, late=0.02)
WINDOW_MIN = 1_024


def delivered(workload: Workload, events: int, chance: random.Random) -> list[Delivery]:
    """`events`, and 1 % of them again, an hour later."""
    deliveries = [*workload.take(events)]
    again = [each for each in deliveries[: events - HOUR] if chance.random() < 0.01]
    plays = [each for each in again if each.what in (What.FRESH, What.LATE)]
    return [*deliveries, *(each._replace(what=What.AGAIN) for each in plays)]


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_inside_of_the_window_every_play_counts_once(broken: FaultStation) -> None:
    broken.keep("sequencer", "recommender")
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(delivered(Workload(14, rates=RATES), 40_000, random.Random(14)), per_s=4_000)
    deep = broken.verdict(feeder)
    counts = broken.status()["recommender"]["counts"]
    assert deep["log"]["covered"] == len(feeder.acknowledged)
    assert counts["duplicate"] + counts["applied"] == deep["log"]["rows"]
    assert broken.status()["recommender"]["unchecked_duplicates"] == 0


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_beyond_the_window_repetitions_are_counted_and_told(broken: FaultStation) -> None:
    broken.environment["ECHOTUNE_DUPLICATE_WINDOW"] = str(WINDOW_MIN)
    broken.keep("sequencer", "recommender")
    feeder = Feeder(broken.addresses.kafka)
    workload = Workload(15, rates=Rates(again=0, near=0, late=0, poison=0))
    once = [*workload.take(3 * WINDOW_MIN)]
    feeder.feed(once[:100])
    feeder.finish()
    settle(broken, 100)  # from here on the log has the order of the fed events
    feeder.feed([*once[100:], *once[:500]], per_s=1_000)
    feeder.finish()
    broken.wait_applied(len(once) + 500)
    found = broken.status()["recommender"]
    assert found["counts"]["duplicate"] == 0
    assert found["unchecked_duplicates"] >= 500
    assert broken.json("verify", "--deep")["kept"]
