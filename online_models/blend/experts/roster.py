"""The experts, in the order in which they are asked: the one place that knows them all.

An expert is a module with some of these functions, each of which does nothing where the knobs
leave the expert out. All take the `Blend`, whose `scratch[0]` says who is looked at.

* `propose(blend)` admits candidates; it may describe them by the way, and note facts;
* `describe(blend)` writes its features and traits of all candidates, once all are proposed;
* `learn(blend, row, gain)`: a play in time, worth `gain` > 0, before the context moves on;
* `learn_late(blend, before, track, gain)`: a late play, after the late one that it continues;
* `count(blend, track, gain)`: any play.

The order is part of the result: sums of floats and room among the candidates follow it.
"""

from typing import Any

from online_models.blend.experts import (
    artists,
    cooccurrence,
    neighbours,
    ngrams,
    own_history,
    popularity,
    transitions,
)
from online_models.blend.listener.contexts import NOTHING
from online_models.kernels.compiled import njit_inlined


@njit_inlined
def propose_all(blend: Any) -> None:
    """Fills the candidates: by what the listener did last, if anything, and by what is popular."""
    if blend.scratch[0].last[0] != NOTHING:
        transitions.propose(blend)
        ngrams.propose(blend)
        cooccurrence.propose(blend)
        neighbours.propose(blend)
        artists.propose(blend)
        own_history.propose(blend)
    popularity.propose(blend)
    own_history.propose_loved(blend)


@njit_inlined
def describe_all(blend: Any) -> None:
    """Says of all candidates what there is to say."""
    own_history.describe(blend)
    cooccurrence.describe(blend)
    neighbours.describe(blend)
    artists.describe(blend)
    popularity.describe(blend)


@njit_inlined
def learn_all(blend: Any, row: Any, gain: float) -> None:
    """Learns from a play in time."""
    transitions.learn(blend, row, gain)
    ngrams.learn(blend, row, gain)
    artists.learn(blend, row, gain)
    cooccurrence.learn(blend, row, gain)
    neighbours.learn(blend, row)


@njit_inlined
def learn_late_all(blend: Any, before: int, track: int, gain: float) -> None:
    """Learns from a late play that continues another."""
    transitions.learn_late(blend, before, track, gain)
    cooccurrence.learn_late(blend, before, track, gain)


@njit_inlined
def count_all(blend: Any, track: int, gain: float) -> None:
    """Counts a play, whenever it was."""
    popularity.count(blend, track, gain)
    artists.count(blend, track, gain)
    popularity.rescale(blend.tracks, blend.artists, blend.shared[0].chart)
