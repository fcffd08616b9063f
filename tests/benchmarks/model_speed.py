"""Speed of the model: with ranking, with a blend that learns seldom, and counting alone."""

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.benchmarks.model import EVENTS_MAX, Plays, Quality, measured, plays_of
from tests.benchmarks.workload import events

EVERY = (2, 4, 10)
GOALS = {"fast": "≥ 40,000/s", "best": "≥ 18,000/s"}


def model_speed(data: Path | None) -> list[Figure]:
    """Events/s of both presets, and their loss of quality if the blend learns from fewer plays."""
    some = plays_of(events(data, EVENTS_MAX))
    return [figure for preset in ("fast", "best") for figure in _of(preset, some)]


def _of(preset: str, some: Plays) -> Iterator[Figure]:
    whole = measured({"model": preset}, some)
    yield _speed(f"{preset}: learns and ranks every event", whole, GOALS[preset])
    yield from _quality(preset, whole)
    for every in EVERY:
        fewer = measured({"model": preset, "blend_every": every}, some)
        yield from _quality(f"{preset}, blend every {every}", fewer)
        alone = measured({"model": preset, "blend_every": every}, some, is_evaluated=False)
        yield _speed(f"{preset}, blend every {every}: learns", alone)
    counting = measured({"model": preset, "blend_every": 0}, some, is_evaluated=False)
    yield _speed(f"{preset}: counts alone, no blend", counting, "≥ 500,000/s")


def _speed(what: str, found: Quality, goal: str = "") -> Figure:
    return Figure(what, found.events_per_second, "events/s", goal=goal)


def _quality(what: str, found: Quality) -> Iterator[Figure]:
    yield Figure(f"{what}: HR@20", found.hit_rate, "")
    yield Figure(f"{what}: MRR@20", found.mrr, "")
