"""F19: graceful shutdown: SIGTERM ends a worker soon, saves its state, and nothing is repeated."""

import json
import time
from typing import Any

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.station import Worker, wait_until
from tests.support.workload import Workload

STOP_MAX_S = 10.0


def stopped(worker: Worker, station: FaultStation) -> None:
    """Sends SIGTERM to a worker; it ends in time and with exit code 0."""
    began = time.monotonic()
    assert worker.stop() == 0, worker.text()[-2_000:]
    took_s = time.monotonic() - began
    station.journal.note("stopped", after_s=round(took_s, 2))
    assert took_s < STOP_MAX_S


def when_applied(station: FaultStation, events: int) -> int:
    """Waits until at least this number of events is applied; returns the number."""
    return wait_until(
        lambda: int(station.status()["applied"] or 0), lambda applied: applied >= events
    )


def when_logged(worker: Worker, event: str) -> None:
    """Waits until a worker's log has `event`: Redis still has the status of its predecessor."""
    wait_until(worker.text, lambda text: event in text)


def log_line(worker: Worker, event: str) -> dict[str, Any]:
    """The line of a worker's log for `event`."""
    lines = [line for line in worker.text().splitlines() if event in line and line[0] == "{"]
    return dict(json.loads(lines[-1]))


def snapshots(station: FaultStation) -> list[int]:
    """Log offsets of the existing snapshots, newest last."""
    folder = station.home / "snapshots" / station.settings.recommender_id
    return sorted(int(path.stem) for path in folder.glob("*.snapshot"))


@pytest.mark.fault
@pytest.mark.timeout(600)
def test_stopped_under_load_a_worker_ends_soon_and_its_heir_repeats_nothing(
    broken: FaultStation,
) -> None:
    broken.environment["ECHOTUNE_SNAPSHOT_EVERY_S"] = "3600"  # except for the one at the end
    feeder = Feeder(broken.addresses.kafka)
    sequencer, recommender = broken.start("sequencer"), broken.start("recommender")
    feeder.start(Workload(19).take(20_000), per_s=400)
    applied = 0
    for _ in range(3):
        when_logged(sequencer, "owns partitions")
        when_logged(recommender, "state ready")
        applied = when_applied(broken, applied + 200)  # both workers run
        stopped(recommender, broken)
        recommender = broken.start("recommender")
        stopped(sequencer, broken)
        sequencer = broken.start("sequencer")
    feeder.finish()
    broken.wait_applied(feeder.to_be_applied)
    stopped(sequencer, broken)
    stopped(recommender, broken)
    successor = broken.start("recommender")
    broken.start("sequencer")
    broken.verdict(feeder)
    ready = log_line(successor, "state ready")
    assert ready["offset"] == snapshots(broken)[-1] == ready["log_end"] - 1
