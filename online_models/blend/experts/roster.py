"""The roster: calls all experts in a fixed order, and is the only module that knows all of them.

An expert is a module with some of these functions. Each takes the `Blend`, whose `scratch[0]`
holds the listener, and does nothing if the configuration leaves the expert out.

* `propose(blend)` adds candidates (candidate generation); it may already write features, traits
  and facts of the situation;
* `describe(blend)` writes its features and traits of all candidates, after all are proposed;
* `learn(blend, row, gain)` updates its counts by a play that is not late, with weight `gain` > 0,
  before the session context advances;
* `learn_late(blend, before, track, gain)` updates its counts by a late play that follows the late
  play `before`;
* `count(blend, track, gain)` counts any play, late or not.

The order is part of the result: sums of floats, and which candidates fit, depend on it.
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
from online_models.blend.listener.session_contexts import NO_CODE
from online_models.kernels.compiled import njit_inlined


@njit_inlined
def propose_all(blend: Any) -> None:
    """Generates candidates: from the last tracks, if any, popularity, and loved tracks."""
    if blend.scratch[0].last[0] != NO_CODE:
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
    """Computes the features and traits of all candidates."""
    own_history.describe(blend)
    cooccurrence.describe(blend)
    neighbours.describe(blend)
    artists.describe(blend)
    popularity.describe(blend)


@njit_inlined
def learn_all(blend: Any, row: Any, gain: float) -> None:
    """Updates the experts by a play that is not late."""
    transitions.learn(blend, row, gain)
    ngrams.learn(blend, row, gain)
    artists.learn(blend, row, gain)
    cooccurrence.learn(blend, row, gain)
    neighbours.learn(blend, row)


@njit_inlined
def learn_late_all(blend: Any, before: int, track: int, gain: float) -> None:
    """Updates the experts by a late play that follows another late play."""
    transitions.learn_late(blend, before, track, gain)
    cooccurrence.learn_late(blend, before, track, gain)


@njit_inlined
def count_all(blend: Any, track: int, gain: float) -> None:
    """Counts a play, late or not."""
    popularity.count(blend, track, gain)
    artists.count(blend, track, gain)
    popularity.rescale(blend.tracks, blend.artists, blend.shared[0].chart)
