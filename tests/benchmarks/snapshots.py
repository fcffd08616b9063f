"""How long a snapshot blocks the event loop, at a million events of state, and pauses of lists."""

import gc
import re
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.figures import Figure
from tests.benchmarks.large_state import LargeState
from tests.support.station import Worker

WATCHED_S = 60.0
WARM_S = 5.0
OFTEN_S, NEVER_S = "3", "86400"
_LOOK_EVERY_S = 0.001


def snapshots(kafka_libs: Path, folder: Path) -> list[Figure]:
    """ms between two lists of a listener who plays in every log record (each 10 ms)."""
    state = LargeState(folder / "snapshots", kafka_libs, ECHOTUNE_SNAPSHOT_EVERY_S=NEVER_S)
    try:
        without = _pauses_ms(state)
        state.worker.stop()
        state.station.environment["ECHOTUNE_SNAPSHOT_EVERY_S"] = OFTEN_S
        state.start()
        with_them = _pauses_ms(state)
        held_ms = _held_ms(state.worker)
    finally:
        state.close()
    peer = "without snapshots"
    return [
        Figure(
            f"longest that one of {len(held_ms)} snapshots let nothing else happen",
            max(held_ms),
            "ms",
            goal="≤ 100 ms",
        ),
        Figure("longest pause in publishing", float(with_them.max()), "ms", peer, without.max()),
        Figure(
            "99.9th percentile of pauses",
            float(np.percentile(with_them, 99.9)),
            "ms",
            peer,
            float(np.percentile(without, 99.9)),
        ),
    ]


def _held_ms(worker: Worker) -> list[float]:
    """How long the snapshots blocked the event loop, from the worker's log."""
    return [float(each) for each in re.findall(r"held_ms\W+([\d.]+)", worker.text())]


def _pauses_ms(state: LargeState) -> "np.ndarray":  # type: ignore[type-arg]
    """Pauses between two changes of the probe's list."""
    times = []
    gc.collect()
    gc.freeze()  # the observer must not pause
    with state.going_on(WATCHED_S * 3):
        state.wait_as_of(state.as_of() + 1, _LOOK_EVERY_S)
        time.sleep(WARM_S)
        last, ends = state.as_of(), time.perf_counter() + WATCHED_S
        while time.perf_counter() < ends:
            found = state.as_of()
            if found != last:
                times.append(time.perf_counter())
                last = found
            time.sleep(_LOOK_EVERY_S)
    pauses = np.diff(times) * 1000
    print("  longest pauses:", *(f"{each:.0f}" for each in np.sort(pauses)[-12:]), "ms", flush=True)
    return pauses
