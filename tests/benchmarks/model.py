"""Compares models on one stream: hit rate of the played track, and speed.

Each play is ranked over the whole catalogue before it is learnt (prequential evaluation). Plays of
listeners with fewer than five earlier plays are learnt and not scored. One process, one core.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import Columns, Ranker, Signal
from online_models.blend.blend_config import EXPERTS
from online_models.evaluation.prequential import Prequential
from online_models.registry import build
from tests.benchmarks.figures import Figure
from tests.benchmarks.workload import events
from topics.listening_event import ListeningEvent

EVENTS_MAX = 1_000_000
RIVER_EVENTS = 3_000
"""Events for River's rankers, which learn and rank some hundred events per second."""
ROWS_A_CALL = 1_000
PEER = "river:BiasedMF"


class Plays(NamedTuple):
    """Plays in columns of equal length."""

    listeners: list[str]
    tracks: list[str]
    artists: list[str | None]
    at_ms: NDArray[np.int64]


class Quality(NamedTuple):
    """Quality and speed of a model on a stream."""

    hit_rate: float
    mrr: float
    events_per_second: float


def models(data: Path | None) -> list[Figure]:
    """HR@20, MRR@20 and events/s of each model, beside River's."""
    plays = plays_of(events(data, EVENTS_MAX))
    peer = measured({"model": "river", "ranker": "BiasedMF"}, first_of(plays, RIVER_EVENTS))
    return [
        figure
        for name, config in _configurations()
        for figure in _figures(name, measured(config, plays), peer)
    ]


def _configurations() -> Iterator[tuple[str, dict[str, Any]]]:
    baselines = ("popularity", "own_recent", "last_transition", "co_occurrence")
    for name in (*baselines, "fast", "best"):
        yield name, {"model": name}
    for expert in EXPERTS:
        yield f"best without {expert}", {"model": "best", "without": [expert]}


def _figures(name: str, found: Quality, peer: Quality) -> Iterator[Figure]:
    yield Figure(f"{name}: HR@20", found.hit_rate, "")
    yield Figure(f"{name}: MRR@20", found.mrr, "")
    yield Figure(
        f"{name}: learns and ranks",
        found.events_per_second,
        "events/s",
        f"{PEER}, first {RIVER_EVENTS:,} events",
        peer.events_per_second,
    )


def plays_of(some: list[ListeningEvent]) -> Plays:
    """The plays among `some`, in columns."""
    return Plays(
        [event.listener_id for event in some],
        [event.track_id or "" for event in some],
        [event.artist_id for event in some],
        np.array([event.listened_at for event in some], np.int64),
    )


def first_of(plays: Plays, n: int) -> Plays:
    """The first `n` plays."""
    return Plays(*(column[:n] for column in plays))


def measured(config: Mapping[str, Any], plays: Plays, *, is_evaluated: bool = True) -> Quality:
    """Measures a model of `config` on `plays`; without `is_evaluated` it only learns them.

    Ids are turned into codes beforehand, so that only the model's time is measured.
    """
    warm, quality = build(config), Prequential()
    _learn(
        warm, _columns(warm, first_of(plays, 10)), is_evaluated
    )  # compiles the model, or loads compiled code
    model = build(config)
    columns = _columns(model, plays)
    began = time.perf_counter()
    ranks = _learn(model, columns, is_evaluated)
    seconds = time.perf_counter() - began
    quality.update(columns.users, ranks, columns.signals)
    return Quality(quality.hit_rate, quality.mrr, len(ranks) / seconds)


def _columns(model: Ranker, plays: Plays) -> Columns:
    n = len(plays.tracks)
    artists = [-1 if each is None else model.groups.encode(each) for each in plays.artists]
    return Columns(
        model.users.encode_many(plays.listeners),
        model.items.encode_many(plays.tracks),
        np.array(artists, np.int32),
        np.ones(n, np.float32),
        plays.at_ms,
        np.full(n, Signal.LISTEN, np.uint8),
    )


def _learn(model: Ranker, columns: Columns, is_evaluated: bool) -> NDArray[np.int32]:
    ranks = [np.zeros(0, np.int32)]
    for start in range(0, len(columns.users), ROWS_A_CALL):
        rows = columns.rows(slice(start, start + ROWS_A_CALL))
        ranks.append(model.learn_many(rows, evaluate=is_evaluated))
    return np.concatenate(ranks)
