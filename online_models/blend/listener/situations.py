"""Situations: categories of a listener's present state, which choose the weights of the blend.

Facts are small whole numbers, for example whether the last track was played before, or how the
last list did. Combinations of facts select one weight vector of each kind (contextual weights).
"""

from typing import Any

import numpy as np

from online_models.blend.listener.session_contexts import NO_CODE, UNKNOWN_LISTENER
from online_models.kernels.buckets import bucket_of
from online_models.kernels.compiled import njit_inlined, njit_inner

# Outcomes of a list for the track that was played next, best last.
MISSED, PROPOSED, LISTED, NEAR_TOP, TOP = 0, 1, 2, 3, 4
NEAR_TOP_RANKS, LISTED_RANKS = 5, 20

# Facts, by their position in `facts`.
OWN_NEXT_KNOWN, BIGRAM_KNOWN, REPEATED = 0, 1, 2
MASS_T, MASS_BI, TRIGRAM_KNOWN, ARTIST_TWICE = 3, 4, 5, 6
OUTCOME, OUTCOME_BEFORE = 7, 8
PLACE, HELD, TWICE = 9, 10, 11
RUN, REPEATS, PLAY_TIME = 12, 13, 14
FACTS = 16

PLACE_CUTS = np.array([1.0, 3.0, 8.0])
HELD_CUTS = np.array([10.0, 30.0, 100.0])
RUN_CUTS = np.array([1.0, 3.0, 7.0])
REPEAT_CUTS = np.array([0.0, 3.0, 7.0])
PLAY_TIME_CUTS_S = np.array([-0.5, 30.0, 120.0, 300.0, 1800.0])
"""Seconds between the last two plays; negative if there are fewer than two."""
REPEATS_READ = 10
"""Number of last plays whose repeats are counted."""

VECTORS = (1, 8, 64, 25, 32, 16)
"""Numbers of weight vectors: one for all situations, then those of each kind of situation."""
SITUATIONS = len(VECTORS)
FIRSTS = np.cumsum([0, *VECTORS])[:-1]


MOOD = np.dtype(
    [
        ("outcomes", "u1", (2,)),  # outcomes of the last two lists, newest first
        ("repeats", "<u2"),  # a bit per last play: whether it was a repeat
        ("session", "<i4"),  # number of their session, see `neighbours`
    ],
    align=True,
)
"""One per listener, 8 bytes: results of their lists, repeats, and their session."""


@njit_inner
def clear_mood(mood: Any) -> None:
    """Resets the record of the listener."""
    mood.outcomes[:] = 0
    mood.repeats = 0
    mood.session = 0


@njit_inner
def _outcome(rank: int, is_candidate: bool) -> int:
    if rank < 0:
        return PROPOSED if is_candidate else MISSED
    if rank == 0:
        return TOP
    if rank < NEAR_TOP_RANKS:
        return NEAR_TOP
    return LISTED if rank < LISTED_RANKS else PROPOSED


@njit_inner
def note_outcome(mood: Any, rank: int, is_candidate: bool) -> None:
    """Notes the 0-based rank of the track that was played; -1 if it was not ranked."""
    mood.outcomes[1] = mood.outcomes[0]
    mood.outcomes[0] = _outcome(rank, is_candidate)


@njit_inner
def note_repeat(mood: Any, is_repeat: bool) -> None:
    """Notes whether the last play was a repeat."""
    mood.repeats = ((int(mood.repeats) << 1) | is_repeat) & 0xFFFF


@njit_inner
def repeats_of(mood: Any) -> int:
    """The number of repeats among the last `REPEATS_READ` plays."""
    repeats = 0
    for back in range(REPEATS_READ):
        repeats += (int(mood.repeats) >> back) & 1
    return repeats


@njit_inlined
def _find_facts_of_plays(facts: Any, recent: Any) -> None:
    held, x1 = recent.held, recent.tracks[0]
    for k in range(1, held):
        if recent.tracks[k] == x1:
            facts[OWN_NEXT_KNOWN] = 1
            facts[REPEATED] = k < recent.session
            break
    facts[PLACE] = bucket_of(PLACE_CUTS, np.float64(recent.session))
    facts[HELD] = bucket_of(HELD_CUTS, np.float64(held))
    if held > 1:
        play_s = np.float64(recent.at_s[0] - recent.at_s[1])
        facts[PLAY_TIME] = bucket_of(PLAY_TIME_CUTS_S, play_s)


@njit_inlined
def find_facts(blend: Any) -> None:
    """Writes facts from the listener's plays and lists; experts write their own facts."""
    scratch, facts = blend.scratch[0], blend.scratch[0].facts
    _find_facts_of_plays(facts, scratch.recent)
    if scratch.last[0] != NO_CODE:
        facts[TWICE] = scratch.last[0] == scratch.last[1]
    if scratch.listener != UNKNOWN_LISTENER:
        mood = blend.moods[scratch.listener]
        facts[OUTCOME] = mood.outcomes[0]
        facts[OUTCOME_BEFORE] = mood.outcomes[1]
        facts[REPEATS] = bucket_of(REPEAT_CUTS, np.float64(repeats_of(mood)))


@njit_inner
def find_vectors(facts: Any, vectors: Any) -> None:
    """Writes the rows of the weight vectors of a situation into `vectors`, [SITUATIONS]."""
    f = facts
    vectors[0] = 0
    vectors[1] = (f[OWN_NEXT_KNOWN] * 2 + f[BIGRAM_KNOWN]) * 2 + f[REPEATED]
    vectors[2] = ((f[MASS_T] * 4 + f[MASS_BI]) * 2 + f[TRIGRAM_KNOWN]) * 2 + f[ARTIST_TWICE]
    vectors[3] = f[OUTCOME] * 5 + f[OUTCOME_BEFORE]
    vectors[4] = (f[PLACE] * 4 + f[HELD]) * 2 + f[TWICE]
    vectors[5] = f[RUN] * 4 + f[REPEATS]
    for kind in range(SITUATIONS):
        vectors[kind] += FIRSTS[kind]
