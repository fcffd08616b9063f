"""Memory of a recommender: compared with an idle worker after a history, and its growth."""

import time
from pathlib import Path

import numpy as np
import psutil

from tests.benchmarks.figures import Figure
from tests.benchmarks.load import start_load
from tests.benchmarks.workload import encoded, events
from tests.support.station import Station, Worker, wait_until

HISTORY_EVENTS = 343_183
STEADY_PER_S = 2_000.0
_MIB = 1024.0 * 1024.0
_LOOK_EVERY_S = 1.0


def memory(kafka_libs: Path, folder: Path, data: Path | None, minutes: float) -> list[Figure]:
    """MiB above idle after a history; growth in MiB per hour at a constant population."""
    station = Station(folder / "memory", kafka_libs, is_hasty=False)
    station.up()
    try:
        station.start("sequencer")
        worker = station.start("recommender")
        wait_until(station.status, lambda found: found["applied"] is not None)
        idle = _resident_mib(worker)
        some = events(data, HISTORY_EVENTS)
        history = encoded(some)
        start_load(station.addresses.kafka, history, folder, per_second=1e9).wait()
        station.wait_applied(len(some))
        figures = [
            Figure(
                "recommender's memory after a history",
                _resident_mib(worker) - idle,
                "MiB above idle",
                goal="≤ 200 MiB",
            )
        ]
        if minutes:
            figures.append(_slope(station, worker, some, folder, minutes))
        return figures
    finally:
        station.close()


def _slope(
    station: Station,
    worker: Worker,
    some: list,
    folder: Path,
    minutes: float,  # type: ignore[type-arg]
) -> Figure:
    """Measures growth while the same listeners play the same tracks, with new event ids."""
    again = [
        event.model_copy(update={"event_id": f"again-{at}", "listened_at": None})
        for at, event in enumerate(some)
    ]
    wanted = (again * 10)[: int(minutes * 60 * STEADY_PER_S)]
    load = start_load(station.addresses.kafka, encoded(wanted), folder, per_second=STEADY_PER_S)
    samples = []
    began = time.perf_counter()
    while load.poll() is None:
        samples.append((time.perf_counter() - began, _resident_mib(worker)))
        time.sleep(_LOOK_EVERY_S)
    seconds, mib = np.array(samples[len(samples) // 5 :]).T
    per_hour = float(np.polyfit(seconds, mib, 1)[0]) * 3_600
    return Figure(f"memory's slope over {minutes:.0f} minutes", per_hour, "MiB an hour", goal="~0")


def _resident_mib(worker: Worker) -> float:
    return float(psutil.Process(worker.process.pid).memory_info().rss) / _MIB
