"""F16: a soak test: steady load, a rebalance every two minutes; neither memory nor files grow."""

import os
import time

import pytest

from tests.support.consumption import sample_of, slope_mib_per_10_min
from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.workload import Rates, Workload

MINUTES = float(os.environ.get("ECHOTUNE_SOAK_MINUTES", "30"))
WARM_UP_S = 120.0
REBALANCE_EVERY_S = 120.0
SAMPLE_EVERY_S = 5.0
PER_S = int(os.environ.get("ECHOTUNE_SOAK_PER_S", "1000"))
SLOPE_MAX_MIB = 1.0
SMALL_MODEL = 'model = "fast"\ngrams = 4096\nring = 32\n'
"""A model whose tables are full before the warm-up ends, as is the deduplication window."""


@pytest.mark.soak
@pytest.mark.timeout(60 * (MINUTES + 15))
def test_nothing_grows_over_half_an_hour_of_load_and_rebalances(broken: FaultStation) -> None:
    model = broken.home / "small.toml"
    model.write_text(SMALL_MODEL)
    broken.environment["ECHOTUNE_MODEL"] = str(model)
    broken.environment["ECHOTUNE_DUPLICATE_WINDOW"] = "65536"
    broken.command_timeout_s = (
        3_600.0  # time to fold two million events again while everything runs
    )
    broken.keep("sequencer", "recommender")
    feeder = Feeder(broken.addresses.kafka)
    workload = Workload(16, listeners=500, tracks=1_000, rates=Rates(poison=0.001))
    feeder.start(workload.take(int(PER_S * 60 * MINUTES)), per_s=PER_S)
    workers = {
        "sequencer": broken.running("sequencer"),
        "recommender": broken.running("recommender"),
    }
    samples = {kind: [sample_of(each[0], 0.0)] for kind, each in workers.items()}
    began = rebalanced = time.monotonic()
    other = None
    while feeder.is_feeding:
        time.sleep(SAMPLE_EVERY_S)
        now = time.monotonic()
        for kind, each in workers.items():
            samples[kind].append(sample_of(each[0], now - began))
        if now - rebalanced > REBALANCE_EVERY_S:
            rebalanced = now
            other = other.stop() and None if other else broken.start("sequencer")
            broken.journal.note("rebalance", now="two sequencers" if other else "one sequencer")
    for kind, all_samples in samples.items():
        warm = [each for each in all_samples if each.at_s > WARM_UP_S]
        slope = slope_mib_per_10_min(warm)
        fds = [each.descriptors for each in warm]
        broken.journal.note(
            "held",
            kind=kind,
            slope_mib_per_10_min=round(slope, 2),
            rss_mib=round(warm[-1].rss_mib),
            descriptors=[min(fds), max(fds)],
        )
        assert slope < SLOPE_MAX_MIB, kind
        assert max(fds) - min(fds) < 20, kind
    broken.verdict(feeder)
