"""`python -m tests.benchmarks.versions OTHER`: compares this checkout with another one, in turn.

OTHER is the folder of another checkout of this repository, in which `make setup` was run. Each
measurement runs in both, one after the other, so that a machine whose speed drifts does not decide.
Prints the median of each, and the median of the ratios pair by pair.
"""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks.figures import Figure, save, show
from tests.conftest import KAFKA_LIBS
from tests.support.station import REPOSITORY

_END_TO_END = """
import sys, tempfile
from pathlib import Path
from tests.benchmarks import end_to_end as it
from tests.benchmarks.workload import encoded, events
from tests.support.station import Station
libs, data = Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] else None
some = encoded(events(data, 200_000))
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    print(it._echotune(Station(folder / "home", libs, is_hasty=False), some, folder))
"""
_FRESHNESS = """
import sys, tempfile
from pathlib import Path
from tests.benchmarks import freshness as it
it.RATES_PER_S, it.WARM_S, it.SECONDS = (1_000,), 15.0, 20.0
with tempfile.TemporaryDirectory() as name:
    figures = it.freshness(Path(sys.argv[1]), Path(name), None)
print(*(each.value for each in figures if each.what.startswith("freshness")))
"""
_GENERATED = """
import sys
from tests.benchmarks.workload import events
import pyarrow as pa, pyarrow.parquet as pq
some = events(None, 200_000)
pq.write_table(pa.table({
    "user_id": [each.listener_id for each in some],
    "track_id": [f"{each.artist_name} - {each.track_name}" for each in some],
    "timestamp": [each.listened_at // 1000 for each in some],
}), sys.argv[1])
"""


def main(
    other: Annotated[Path, typer.Argument(help="Another checkout, with a .venv.")],
    pairs: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    data: Annotated[
        Path | None, typer.Option(help="Listening history; without, generated listeners.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to keep figures.")] = None,
) -> None:
    """Measures throughput, freshness and evaluation of two checkouts in turn."""
    began = time.perf_counter()
    figures = [
        *_compared(other, pairs, ["end to end, loaded"], "events/s", _end_to_end, data),
        *_compared(other, pairs, ["freshness p50", "freshness p99"], "ms", _freshness, None),
        *_compared(other, pairs, ["echotune evaluate"], "s", _evaluate, data),
    ]
    show(figures, time.perf_counter() - began)
    if json_file:
        save(figures, json_file)


def _compared(
    other: Path,
    pairs: int,
    names: Sequence[str],
    unit: str,
    measure: Callable[[Path, Path | None], list[float]],
    data: Path | None,
) -> list[Figure]:
    """A figure for each of `names`; `measure` returns their values for a checkout."""
    found = [(measure(REPOSITORY, data), measure(other.resolve(), data)) for _ in range(pairs)]
    figures = []
    for at, name in enumerate(names):
        ours, theirs = ([each[side][at] for each in found] for side in (0, 1))
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        print(f"{name}: {ours} beside {theirs} {unit}", flush=True)
        peer = f"the other checkout; ratios {min(ratios):.3f} to {max(ratios):.3f}"
        median = statistics.median(ratios)
        goal = f"median of ratios {median:.3f}"
        figures.append(
            Figure(name, statistics.median(ours), unit, peer, statistics.median(theirs), goal)
        )
    return figures


def _end_to_end(checkout: Path, data: Path | None) -> list[float]:
    return _printed(checkout, "-c", _END_TO_END, str(KAFKA_LIBS), str(data or ""))


def _freshness(checkout: Path, _: Path | None) -> list[float]:
    return _printed(checkout, "-c", _FRESHNESS, str(KAFKA_LIBS))


def _evaluate(checkout: Path, data: Path | None) -> list[float]:
    """Wall time of `echotune evaluate` with compiled code."""
    table = data or _generated()
    began = time.perf_counter()
    done = _run(checkout, "-m", "streams.cli", "evaluate", str(table), "--json")
    assert json.loads(done), done
    return [time.perf_counter() - began]


def _generated() -> Path:
    table = REPOSITORY / ".echotune" / "benchmark-plays.parquet"
    if not table.exists():
        table.parent.mkdir(exist_ok=True)
        _run(REPOSITORY, "-c", _GENERATED, str(table))
    return table


def _printed(checkout: Path, *arguments: str) -> list[float]:
    return [float(each) for each in _run(checkout, *arguments).split()]


def _run(checkout: Path, *arguments: str) -> str:
    done = subprocess.run(
        [checkout / ".venv" / "bin" / "python", *arguments],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


if __name__ == "__main__":
    typer.run(main)
