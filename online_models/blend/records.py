"""All arrays of the blend: the stores, the configuration ("knobs"), and scratch memory.

Compiled functions take all of them as one `Blend`, or single records. Everything about the
listener whose list is being made is in `blend.scratch[0]`, where the experts read and write it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.blend.bucket_tables import TABLES
from online_models.blend.candidates import features
from online_models.blend.candidates.candidate_set import CANDIDATES, SLOTS_MAX
from online_models.blend.candidates.candidate_sums import SUMS
from online_models.blend.experts.artists import ARTIST_COUNTS
from online_models.blend.experts.neighbours import SESSION_RING
from online_models.blend.experts.ngrams import MAP
from online_models.blend.experts.popularity import CHART
from online_models.blend.listener import situations
from online_models.blend.listener.explicit_feedback import MARKED_MAX
from online_models.blend.listener.play_rings import BLOCK_POOL, RECENT
from online_models.blend.listener.session_contexts import STEPS_MAX

KNOBS = np.dtype(
    [
        ("steps", "<i8"),
        ("bigrams", "<i8"),  # `grams`, or 0 if the order is left out
        ("trigrams", "<i8"),
        ("ring", "<i8"),
        ("own", "<i8"),
        ("window", "<i8"),
        ("wide", "<i8"),
        ("older", "<i8"),
        ("company", "<i8"),
        ("near", "<i8"),
        ("artists", "<i8"),
        ("leanings", "<i8"),
        ("survivors", "<i8"),
        ("tables", "<i8"),
        ("blend_every", "<i8"),
        ("skipped_s", "<i8"),
        ("rate", "<f8"),
        ("cell_rate", "<f8"),
        ("start", "<f8", (features.FEATURES,)),
    ],
    align=True,
)
"""A `BlendConfig` as compiled code reads it; experts that are left out have 0."""
SHARED = np.dtype(
    [
        ("clock_ms", "<i8"),  # time of the last event
        ("plays", "<i8"),  # plays that were not late, which `blend_every` counts
        ("sessions", SESSION_RING),
        ("given", BLOCK_POOL),
        ("bigrams", MAP),
        ("trigrams", MAP),
        ("chart", CHART),
    ],
    align=True,
)
"""Records that exist once for all listeners."""
SCRATCH = np.dtype(
    [
        ("listener", "<i8"),  # the listener, or UNKNOWN_LISTENER
        ("last", "<i8", (STEPS_MAX,)),  # their last tracks, newest first, or NO_CODE
        ("artist", "<i8"),  # of the last track, or NO_CODE
        ("recent", RECENT),  # their plays
        ("marks", "<i4", (MARKED_MAX,)),
        ("candidates", CANDIDATES),
        ("wide", SUMS),
        ("near", SUMS),
        ("similarities", SUMS),
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
"""Scratch memory for one list; it is not part of the state."""


class Blend(NamedTuple):
    """All arrays that compiled code uses: the stores, the configuration, and scratch memory."""

    contexts: NDArray[Any]
    rings: NDArray[Any]
    hated: NDArray[Any]
    loved: NDArray[Any]
    dismissed: NDArray[Any]
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
    similarity_of: NDArray[np.int32]
    artist_counts: NDArray[Any]


def scratch_for(tracks: int, artists: int, sessions: int) -> dict[str, NDArray[Any]]:
    """The scratch arrays of a `Blend`, for these numbers of rows."""
    return {
        "scratch": np.zeros(1, SCRATCH),
        "slot_of": np.zeros(tracks, np.int32),
        "wide_of": np.zeros(tracks, np.int32),
        "near_of": np.zeros(tracks, np.int32),
        "similarity_of": np.zeros(sessions, np.int32),
        "artist_counts": np.zeros(artists, ARTIST_COUNTS),
    }
