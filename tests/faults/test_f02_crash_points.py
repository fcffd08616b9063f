"""F2: a worker is killed at every named point between two of its effects, once each."""

import random

import pytest

from tests.support.crash_points import RECOMMENDER, SEQUENCER
from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.workload import Rates, Workload

LISTENERS = 1_200
"""Number of listeners: one publication needs several calls to Redis."""
PASSINGS_MAX = 3
"""A point that is reached repeatedly kills at one of the first times."""
ONCE = {
    "after the source was introduced",
    "between the beginning of an epoch and its first fetch",
    "between the state and its first list",
    "between fencing and the gate",
    "with the gate open and nothing published",
}
"""Points that a worker reaches once."""


@pytest.mark.fault
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sequencer", "recommender"])
def test_a_worker_killed_between_any_two_effects_loses_nothing(
    broken: FaultStation, kind: str
) -> None:
    points, other = (
        (SEQUENCER, "recommender") if kind == "sequencer" else (RECOMMENDER, "sequencer")
    )
    chance = random.Random(2)
    workload = Workload(2, LISTENERS, rates=Rates(poison=0.03))
    broken.keep(other)
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(2 * LISTENERS))
    for name in points:
        crash = f"{name}:{1 if name in ONCE else chance.randint(1, PASSINGS_MAX)}"
        broken.journal.note("started", kind=kind, to_die=crash)
        broken.until_it_stops(broken.start(kind, ECHOTUNE_TEST_CRASH=crash), feeder, workload)
    assert broken.journal.counts["died at its point"] == len(points)
    broken.keep(kind)
    broken.verdict(feeder)
