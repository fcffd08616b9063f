"""`python -m tests.benchmarks [PART ...]`: measures, each part beside a peer in the same run."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks.end_to_end import end_to_end
from tests.benchmarks.figures import Figure, save, show
from tests.benchmarks.freshness import freshness
from tests.benchmarks.generations import archives, switches
from tests.benchmarks.http_service import http_service
from tests.benchmarks.made_otherwise import made_otherwise
from tests.benchmarks.memory import memory
from tests.benchmarks.model import models
from tests.benchmarks.model_growth import model_growth, model_memory
from tests.benchmarks.model_peers import model_peers
from tests.benchmarks.model_speed import model_speed
from tests.benchmarks.model_start import model_start
from tests.benchmarks.on_demand import on_demand
from tests.benchmarks.reads import reads
from tests.benchmarks.recovery import recovery
from tests.benchmarks.replay import replays
from tests.benchmarks.replay_beside import replay_beside
from tests.benchmarks.sequencer import sequencing
from tests.benchmarks.snapshots import snapshots
from tests.conftest import KAFKA_LIBS

PARTS = ("sequencer", "replay", "end-to-end", "freshness", "memory")
"""Parts that are measured by default; other parts have to be named."""
RELIABILITY = ("recovery", "snapshots", "reads")
"""`make bench-reliability`: with a million events of state."""
GENERATION_PARTS = ("archive", "switches", "replay-beside", "made-otherwise")
"""Backup and restore; readers during switches; a replay beside live ones; other lists alone."""
HTTP_PARTS = ("http", "on-demand")
"""The HTTP service, beside Maloja; lists that the model makes while a request waits."""
MODEL_PARTS = (
    "model",
    "model-speed",
    "model-peers",
    "model-start",
    "model-growth",
    "model-memory",
)
"""`make bench-model`: models alone, without servers."""
ALL_PARTS = (*PARTS, *RELIABILITY, *GENERATION_PARTS, *HTTP_PARTS, *MODEL_PARTS)


def main(
    parts: Annotated[
        list[str] | None,
        typer.Argument(help=f"Of {', '.join(ALL_PARTS)}."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Listening history; without, generated listeners.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="How long memory is watched.")] = 0.0,
    json: Annotated[Path | None, typer.Option(help="Where to keep the figures, too.")] = None,
) -> None:
    """Measures speed, freshness and memory; no test depends on the figures."""
    began = time.perf_counter()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every: dict[str, Callable[[], list[Figure]]] = {
            "sequencer": lambda: sequencing(data),
            "replay": lambda: replays(KAFKA_LIBS, folder, data),
            "end-to-end": lambda: end_to_end(KAFKA_LIBS, folder, data),
            "freshness": lambda: freshness(KAFKA_LIBS, folder, data),
            "archive": lambda: archives(KAFKA_LIBS, folder, data),
            "replay-beside": lambda: replay_beside(KAFKA_LIBS, folder, data),
            "made-otherwise": lambda: made_otherwise(KAFKA_LIBS, folder),
            "switches": lambda: switches(KAFKA_LIBS, folder, data),
            "http": lambda: http_service(KAFKA_LIBS, folder),
            "model": lambda: models(data),
            "model-speed": lambda: model_speed(data),
            "model-peers": lambda: model_peers(data),
            "model-start": lambda: model_start(folder),
            "model-growth": model_growth,
            "model-memory": model_memory,
            "recovery": lambda: recovery(KAFKA_LIBS, folder),
            "snapshots": lambda: snapshots(KAFKA_LIBS, folder),
            "on-demand": lambda: on_demand(KAFKA_LIBS, folder, data),
            "reads": lambda: reads(KAFKA_LIBS, folder),
            "memory": lambda: memory(KAFKA_LIBS, folder, data, minutes),
        }
        for part in parts or PARTS:
            typer.echo(f"{part} ...", err=True)
            figures += every[part]()
    show(figures, time.perf_counter() - began)
    if json is not None:
        save(figures, json)


if __name__ == "__main__":
    typer.run(main)
