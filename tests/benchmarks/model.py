"""Models side by side on one stream: how often the played track is in the list, and how fast.

Each play is looked for in the whole catalogue before it is learnt; plays of listeners with fewer
than five before are learnt and not scored. One process, one core, no Kafka.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import Ranker, Signal
from online_models.blend_config import EXPERTS
from online_models.evaluation import Prequential
from online_models.registry import build
from tests.benchmarks.figures import Figure
from tests.benchmarks.workload import events
from topics.listening_event import ListeningEvent

EVENTS_MAX = 1_000_000
RIVER_EVENTS = 3_000
"""River's rankers learn and rank some hundred events a second."""
ROWS_A_CALL = 1_000
PEER = "river:BiasedMF"


class Plays(NamedTuple):
    """Columns of equal length."""

    listeners: list[str]
    tracks: list[str]
    artists: list[str | None]
    at_ms: NDArray[np.int64]


class Quality(NamedTuple):
    """What a model did with a stream."""

    hit_rate: float
    mrr: float
    events_per_second: float


def models(data: Path | None) -> list[Figure]:
    """HR@20, MRR@20 and events/s of each model, beside River's."""
    plays = _plays(events(data, EVENTS_MAX))
    peer = _measured({"model": "river", "ranker": "BiasedMF"}, _first(plays, RIVER_EVENTS))
    return [
        figure
        for name, config in _configurations()
        for figure in _figures(name, _measured(config, plays), peer)
    ]


def _configurations() -> Iterator[tuple[str, dict[str, Any]]]:
    baselines = ("popularity", "own_recent", "last_transition", "co_occurrence")
    for name in (*baselines, "fast", "best"):
        yield name, {"model": name}
    yield "fast, blend every 2nd", {"model": "fast", "blend_every": 2}
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


def _plays(some: list[ListeningEvent]) -> Plays:
    return Plays(
        [event.listener_id for event in some],
        [event.track_id or "" for event in some],
        [event.artist_id for event in some],
        np.array([event.listened_at for event in some], np.int64),
    )


def _first(plays: Plays, n: int) -> Plays:
    return Plays(*(column[:n] for column in plays))


def _measured(config: Mapping[str, Any], plays: Plays) -> Quality:
    _learnt(build(config), _first(plays, 10))  # compiles, or loads what was compiled
    model = build(config)
    began = time.perf_counter()
    quality = _learnt(model, plays)
    seconds = time.perf_counter() - began
    return Quality(quality.hit_rate, quality.mrr, len(plays.tracks) / seconds)


def _learnt(model: Ranker, plays: Plays) -> Prequential:
    quality = Prequential()
    for start in range(0, len(plays.tracks), ROWS_A_CALL):
        rows = slice(start, start + ROWS_A_CALL)
        users = model.users.encode_many(plays.listeners[rows])
        items = model.items.encode_many(plays.tracks[rows])
        artists = [
            -1 if each is None else model.groups.encode(each) for each in plays.artists[rows]
        ]
        n = len(users)
        signals = np.full(n, Signal.LISTEN, np.uint8)
        groups, y = np.array(artists, np.int32), np.ones(n, np.float32)
        ranks = model.learn_many(users, items, groups, y, plays.at_ms[rows], signals)
        quality.update(users, ranks, signals)
    return quality
