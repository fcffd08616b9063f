"""Recovery time: from SIGKILL of a recommender with a million events of state to fresh lists."""

import time
from pathlib import Path

from streams.kafka.log_reader import LogReader
from tests.benchmarks.figures import Figure
from tests.benchmarks.large_state import LargeState

KILLS = 3
STEADY_S = 40.0
"""Time between two kills: longer than the interval of snapshots."""
STREAM_S = 3_600.0
_LOOK_EVERY_S = 0.01


def recovery(kafka_libs: Path, folder: Path) -> list[Figure]:
    """Seconds from the kill to the first list as of the log's end at the kill, or later."""
    state = LargeState(folder / "recovery", kafka_libs)
    try:
        with state.going_on(STREAM_S):
            took_s = [_after_a_kill(state, has_standby=False) for _ in range(KILLS)]
            state.start()
            standby_s = [_after_a_kill(state, has_standby=True) for _ in range(KILLS)]
    finally:
        state.close()
    return [
        Figure("first fresh list after kill -9, started at once", max(took_s), "s", goal="≤ 10 s"),
        Figure(
            "first fresh list after kill -9, with a standby", max(standby_s), "s", goal="≤ 10 s"
        ),
    ]


def _after_a_kill(state: LargeState, *, has_standby: bool) -> float:
    time.sleep(STEADY_S)
    workers = [each for each in state.station.workers if each.process.poll() is None]
    with LogReader(state.station.addresses.kafka) as reader:
        workers[0].kill()
        began, end = time.perf_counter(), reader.bounds().end
    if not has_standby:
        state.start()
    state.wait_as_of(end, _LOOK_EVERY_S)
    took_s = time.perf_counter() - began
    if has_standby:
        state.start()
    print(f"  fresh after {took_s:.2f} s", flush=True)
    return took_s
