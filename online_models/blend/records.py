"""What the blend is made of: every store, the knobs of a configuration, and room to work in.

Compiled functions take the whole of it, as `blend`, or single records of it. What has to do with
the one listener who is looked at stands in `blend.scratch[0]`, where the experts find it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.blend.bucket_tables import TABLES
from online_models.blend.candidates import features
from online_models.blend.candidates.candidate_sums import SUMS
from online_models.blend.candidates.candidates import CANDIDATES, SLOTS_MAX
from online_models.blend.experts.artists import HEARD
from online_models.blend.experts.neighbours import SESSION_RING
from online_models.blend.experts.ngrams import MAP
from online_models.blend.experts.popularity import CHART
from online_models.blend.listener import situations
from online_models.blend.listener.contexts import STEPS_MAX
from online_models.blend.listener.marks import MARKED_MAX
from online_models.blend.listener.play_rings import GIVEN, RECENT

KNOBS = np.dtype(
    [
        ("steps", "<i8"),  # followers of so many last tracks are proposed; 0: not taught
        ("bigrams", "<i8"),
        ("trigrams", "<i8"),
        ("ring", "<i8"),  # plays of a listener that are kept
        ("own", "<i8"),  # of which so many are proposed
        ("window", "<i8"),  # co-occurrence pairs a play with so many before it; 0: not taught
        ("wide", "<i8"),
        ("older", "<i8"),  # with so many plays it is seen what goes, beyond the last
        (
            "company",
            "<i8",
        ),  # so many of a candidate's company are looked for in the last plays
        ("near", "<i8"),  # so many of the neighbours' tracks are proposed; 0: not taught
        ("artists", "<i8"),
        ("leanings", "<i8"),
        ("survivors", "<i8"),
        ("tables", "<i8"),
        ("blend_every", "<i8"),  # the blend learns from every so many-th play; 0: never
        ("rate", "<f8"),
        ("cell_rate", "<f8"),
        ("start", "<f8", (features.FEATURES,)),
    ],
    align=True,
)
"""What a configuration sets, as compiled code reads it."""
SHARED = np.dtype(
    [
        ("clock_ms", "<i8"),  # time of the last event
        ("plays", "<i8"),  # plays in time, by which `blend_every` counts
        ("sessions", SESSION_RING),
        ("given", GIVEN),
        ("bigrams", MAP),
        ("trigrams", MAP),
        ("chart", CHART),
    ],
    align=True,
)
"""What there is one of."""
SCRATCH = np.dtype(
    [
        ("listener", "<i8"),  # who is looked at, or NOBODY
        ("last", "<i8", (STEPS_MAX,)),  # their last tracks, newest first, or NOTHING
        ("artist", "<i8"),  # of the last track, or NOTHING
        ("recent", RECENT),  # their plays
        ("marks", "<i4", (MARKED_MAX,)),
        ("candidates", CANDIDATES),
        ("wide", SUMS),
        ("near", SUMS),
        ("likes", SUMS),
        ("facts", "<i8", (situations.FACTS,)),
        ("vectors", "<i8", (situations.SITUATIONS,)),
        ("weights", "<f8", (features.FEATURES,)),
        ("gradient", "<f8", (features.FEATURES,)),
        ("survivors", "<i4", (SLOTS_MAX,)),
        ("survived", "<i8"),
        ("shares", "<f8", (SLOTS_MAX,)),
        ("order", "<i4", (SLOTS_MAX,)),
        ("parts", "<f8", (len(features.REASONS),)),
        ("cells", "<i4", (SLOTS_MAX, TABLES)),
    ],
    align=True,
)
"""Room to work in, no part of the state."""


class Blend(NamedTuple):
    """All that compiled code needs: arrays of records by code, and records there is one of."""

    contexts: NDArray[Any]
    rings: NDArray[Any]
    hated: NDArray[Any]
    loved: NDArray[Any]
    moods: NDArray[Any]
    leanings: NDArray[Any]
    tracks: NDArray[Any]
    transitions: NDArray[Any]
    cooccurrence: NDArray[Any]
    postings: NDArray[Any]
    artists: NDArray[Any]
    blocks: NDArray[Any]
    bigrams: NDArray[Any]
    trigrams: NDArray[Any]
    sessions: NDArray[Any]
    learned: NDArray[Any]
    shared: NDArray[Any]
    bigram_heads: NDArray[np.int32]
    trigram_heads: NDArray[np.int32]
    knobs: NDArray[Any]
    scratch: NDArray[Any]
    slot_of: NDArray[np.int32]
    wide_of: NDArray[np.int32]
    near_of: NDArray[np.int32]
    likes_of: NDArray[np.int32]
    heard: NDArray[Any]


def scratch_for(tracks: int, artists: int, sessions: int) -> dict[str, NDArray[Any]]:
    """The arrays of a `Blend` that are room to work in."""
    return {
        "scratch": np.zeros(1, SCRATCH),
        "slot_of": np.zeros(tracks, np.int32),
        "wide_of": np.zeros(tracks, np.int32),
        "near_of": np.zeros(tracks, np.int32),
        "likes_of": np.zeros(sessions, np.int32),
        "heard": np.zeros(artists, HEARD),
    }
