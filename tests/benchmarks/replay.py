"""Replay of a learning-log beside the bare model in memory, and of one that only counts."""

import time
from pathlib import Path

import numpy as np

from online_models.base import Columns, Ranker, Signal
from online_models.registry import build
from streams.folding.fold import Fold
from streams.generation.fold_factory import new_fold
from streams.generation.warm_up import warm_up
from streams.kafka.log_reader import LogReader
from streams.settings import Settings
from streams.verifying.digest_check import replay
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import send
from tests.benchmarks.workload import Encoded, encoded, events
from tests.support.station import Station, wait_until
from topics.listening_event import ListeningEvent

EVENTS = 300_000
_LOAD_PER_S = 1e9


def replays(kafka_libs: Path, folder: Path, data: Path | None) -> list[Figure]:
    """Replay speed of `echotune verify` with the configured model and with one that only counts."""
    some = events(data, EVENTS)
    station = Station(folder / "replay", kafka_libs, is_hasty=False)
    station.up()
    try:
        last = _filled(station, encoded(some))
        kafka, settings = station.addresses.kafka, station.settings
        warm_up(settings)
        blend = _timed(lambda: _replayed(new_fold(settings), kafka, last), len(some))
        counting = _timed(lambda: _replayed(_counting_fold(settings), kafka, last), len(some))
    finally:
        station.close()
    bare = _timed(lambda: _learnt(build({"model": settings.model}), some, evaluate=True), 0)
    return [
        Figure("replay", blend, "events/s", "the bare model in memory", bare, "≥ 0.7 ×"),
        Figure("replay, a model that counts", counting, "events/s", goal="≥ 150,000/s"),
    ]


def _filled(station: Station, some: list[Encoded]) -> int:
    """Writes `some` to the learning-log; returns its last offset."""
    worker = station.start("sequencer")
    send(station.addresses.kafka, some, _LOAD_PER_S)
    wait_until(station.status, lambda found: found["lag"]["events"] == 0)
    worker.stop()
    with LogReader(station.addresses.kafka) as reader:
        return reader.bounds().end - 1


def _counting_fold(settings: Settings) -> Fold:
    fold = Fold(
        build({"model": "popularity"}), build({"model": "popularity"}), duplicate_window=1 << 20
    )
    for ranker in (fold.ranker, fold.baseline):
        _only_counts(ranker)
    return fold


def _only_counts(ranker: Ranker) -> None:
    learn = ranker.learn_many
    ranker.learn_many = lambda columns, **_: learn(columns, evaluate=False)  # type: ignore[method-assign,assignment]


def _replayed(fold: Fold, kafka: str, last: int) -> int:
    for _ in replay(fold, kafka, last):
        pass
    return fold.applied


def _learnt(ranker: Ranker, some: list[ListeningEvent], *, evaluate: bool) -> tuple[int, float]:
    users = ranker.users.encode_many([event.listener_id for event in some])
    items = ranker.items.encode_many([event.track_id for event in some])
    at_ms = np.array([event.listened_at for event in some])
    n = len(some)
    none, ones = np.full(n, -1, np.int32), np.ones(n, np.float32)
    signals = np.full(n, Signal.LISTEN, np.uint8)
    columns = Columns(users, items, none, ones, at_ms, signals)
    began = time.perf_counter()
    for start in range(0, n, 1_000):
        ranker.learn_many(columns.rows(slice(start, start + 1_000)), evaluate=evaluate)
    return n, time.perf_counter() - began


def _timed(run: object, wanted: int) -> float:
    """Events per second of `run`, which returns events, or events and seconds."""
    began = time.perf_counter()
    found = run()  # type: ignore[operator]
    seconds = time.perf_counter() - began
    if isinstance(found, tuple):
        found, seconds = found
    assert found >= wanted, f"{found} of {wanted} events"
    return found / seconds
