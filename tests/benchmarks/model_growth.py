"""Cost of a growing model: bytes per listener and per track, and time per event."""

import time
from collections.abc import Iterator
from itertools import islice

from online_models.registry import build
from tests.benchmarks.figures import Figure
from tests.benchmarks.synthetic import plays

LISTENERS, TRACKS, PLAYS_EACH = 1_000_000, 1_000_000, 50
OF_LISTENERS = ("contexts", "rings", "hated", "loved", "dismissed", "moods", "leanings", "blocks")
OF_TRACKS = ("tracks", "transitions", "cooccurrence", "postings")
APART = ("bigrams", "trigrams", "sessions", "learned", "shared")
"""Stores whose size is bounded, regardless of the number of listeners and tracks."""
WORLDS = {"500 tracks": (1_000, 500), "50,000 tracks": (20_000, 50_000)}
"""Listeners and tracks of two worlds; in the first, a track has 200 plays after 10^5 events."""
EVENTS_OF_TIME = (100_000, 1_000_000, 10_000_000)
WINDOW_EVENTS = 50_000


def model_memory() -> list[Figure]:
    """Bytes of `best` after a million listeners have played fifty of a million tracks each.

    Ids are counted separately, because their length varies. The blend does not learn, because its
    memory does not grow with events and is allocated in any case.
    """
    model = build({"model": "best", "blend_every": 0})
    for some in plays(LISTENERS * PLAYS_EACH, LISTENERS, TRACKS):
        model.learn_many(some, evaluate=False)
    bytes_of = {name.removeprefix("stores/"): each.nbytes for name, each in model.state().items()}
    total = {
        kind: sum(bytes_of[name] for name in names)
        for kind, names in (("listener", OF_LISTENERS), ("track", OF_TRACKS), ("all", APART))
    }
    return [
        Figure("a listener of 50 plays", total["listener"] / LISTENERS, "bytes", goal="≤ 1,536"),
        Figure("a track", total["track"] / TRACKS, "bytes", goal="≤ 1,024"),
        Figure("n-grams, sessions and weights, bounded", total["all"] / 2**20, "MiB"),
    ]


def model_growth() -> list[Figure]:
    """Time per event of `fast` after 10^5, 10^6 and 10^7 events, with each learnt and ranked.

    In a small world rows are full at the first figure; in a large one they fill between figures.
    """
    return [figure for world, sizes in WORLDS.items() for figure in _growth(world, *sizes)]


def _growth(world: str, listeners: int, tracks: int) -> Iterator[Figure]:
    model = build({"model": "fast"})
    stream = plays(EVENTS_OF_TIME[-1] + WINDOW_EVENTS, listeners, tracks)
    done, first_us = 0, None
    for wanted in EVENTS_OF_TIME:
        for some in islice(stream, (wanted - done) // 10_000):
            model.learn_many(some)
        began = time.process_time()
        for some in islice(stream, WINDOW_EVENTS // 10_000):
            model.learn_many(some)
        done = wanted + WINDOW_EVENTS
        an_event_us = (time.process_time() - began) / WINDOW_EVENTS * 1e6
        first_us = first_us or an_event_us
        yield Figure(
            f"`fast`, {world}, after {wanted:,} events",
            an_event_us,
            "µs an event",
            f"after {EVENTS_OF_TIME[0]:,}",
            first_us,
            "≤ 1.2 ×",
        )
