"""Time of a start: with an empty compilation cache, with a full one, and several concurrently."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.figures import Figure

AT_ONCE = 3
_START = """
import sys
from tests.support.rankers import a_ranker, rows
model = a_ranker(sys.argv[1], rows(1, 50))
model.recommend("u1")
print(model.digest())
"""


def model_start(folder: Path) -> list[Figure]:
    """Seconds until a worker's model has learnt and ranked; several start with an empty cache."""
    figures = []
    for name in ("fast", "best"):
        cache = folder / f"compiled-{name}"
        figures += [
            Figure(f"{name}: first start", _started(name, cache, 1), "s", goal="≤ 30 s"),
            Figure(f"{name}: later start", _started(name, cache, 1), "s", goal="≤ 3 s"),
        ]
    together = _started("fast", folder / "compiled-together", AT_ONCE)
    return [*figures, Figure(f"fast: {AT_ONCE} first starts at once, equal", together, "s")]


def _started(name: str, cache: Path, workers: int) -> float:
    """Raises `RuntimeError` if one fails or ends in another state."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", _START, name]
    began = time.perf_counter()
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    outputs = {each.communicate()[0] for each in running}
    seconds = time.perf_counter() - began
    if len(outputs) != 1 or any(each.returncode for each in running):
        raise RuntimeError(f"{workers} starts of {name} came to {outputs}")
    return seconds
