"""Compares the blend with usual alternatives on the same first events of a stream."""

import time
from pathlib import Path

import numpy as np

from online_models.evaluation.prequential import Prequential
from tests.benchmarks.figures import Figure
from tests.benchmarks.implicit_factors import ImplicitFactors
from tests.benchmarks.model import Plays, Quality, first_of, measured, plays_of
from tests.benchmarks.workload import events

RIVERS = ("BiasedMF", "FunkMF", "Baseline")
EVENTS = 5_000
"""Events for River's rankers, which learn and rank some hundred events per second."""
FACTORS_EVENTS = 50_000


def model_peers(data: Path | None) -> list[Figure]:
    """HR@20 and events/s of both presets beside River's best ranker and implicit factors."""
    some = plays_of(events(data, FACTORS_EVENTS))
    rivers = {
        f"river.reco.{name}": measured({"model": "river", "ranker": name}, first_of(some, EVENTS))
        for name in RIVERS
    }
    best = max(rivers, key=lambda name: (rivers[name].hit_rate, name))
    peers = [(best, rivers[best], EVENTS), ("implicit factors", _factors(some), FACTORS_EVENTS)]
    return [
        figure
        for preset in ("best", "fast")
        for name, its, n in peers
        for figure in _figures(preset, measured({"model": preset}, first_of(some, n)), name, its, n)
    ]


def _figures(preset: str, mine: Quality, name: str, its: Quality, n: int) -> list[Figure]:
    what = f"{preset}, first {n:,} events"
    return [
        Figure(f"{what}: HR@20", mine.hit_rate, "", name, its.hit_rate, "> 1 ×"),
        Figure(
            f"{what}: learns and ranks",
            mine.events_per_second,
            "events/s",
            name,
            its.events_per_second,
            "≥ 100 ×",
        ),
    ]


def _factors(some: Plays) -> Quality:
    users, items = (_codes(column) for column in (some.listeners, some.tracks))
    model, ranks = ImplicitFactors(max(users) + 1, max(items) + 1), []
    began = time.perf_counter()
    for user, item in zip(users, items, strict=True):
        ranks.append(model.rank_then_learn(user, item))
    seconds = time.perf_counter() - began
    quality = Prequential()
    quality.update(
        np.array(users, np.int32), np.array(ranks, np.int32), np.zeros(len(users), np.uint8)
    )
    return Quality(quality.hit_rate, quality.mrr, len(users) / seconds)


def _codes(ids: list[str]) -> list[int]:
    codes: dict[str, int] = {}
    return [codes.setdefault(each, len(codes)) for each in ids]
