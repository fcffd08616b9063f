"""The compiled heart of the blend: gather, describe, score, rank, and learn, row by row."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models import features, situations
from online_models.artists import (
    HEARD,
    artist_of,
    artist_run,
    count_artist,
    describe_artists,
    learn_artists,
    propose_artists,
)
from online_models.base import AT_MS_MAX, EVALUATED_K, Signal
from online_models.bucket_tables import TABLES, find_cells
from online_models.buckets import GRAM_MASS_CUTS, MASS_CUTS, bucket_of
from online_models.candidates import (
    CANDIDATES,
    HATED_SCORE,
    SLOTS_MAX,
    clear,
    propose,
    slot_for,
)
from online_models.compiled import njit_cached, njit_inlined, njit_inner
from online_models.contexts import (
    BREAK_MS,
    NOBODY,
    NOTHING,
    clear_context,
    is_late,
    move,
    move_late,
    playing_before,
    start_playing,
    tracks_before,
)
from online_models.cooccurrence import SOURCE as WIDE_SOURCE
from online_models.cooccurrence import (
    describe_neighbours,
    learn_cooccurrence,
    pair,
    propose_best,
    sum_up_neighbours,
)
from online_models.hated import clear_hated, forgive, hate
from online_models.learned_weights import (
    add_leaning,
    clear_leaning,
    step_cell,
    step_leaning,
    step_vectors,
    sum_weights,
)
from online_models.neighbours import (
    SESSION_RING,
    describe_sessions,
    forget_sessions,
    learn_session,
    sum_up_sessions,
)
from online_models.neighbours import SOURCE as NEAR_SOURCE
from online_models.ngrams import MAP, find, learn_gram, propose_gram
from online_models.numerics import exp_of
from online_models.own_history import describe_own, propose_own
from online_models.plays import GIVEN, RECENT, clear_ring, recall, remember, take_back
from online_models.popularity import (
    CHART,
    SCALE_MAX,
    count,
    describe_popular,
    propose_chart,
    scale_of,
)
from online_models.rows import mass_of
from online_models.selection import is_before, nth_best
from online_models.situations import (
    clear_mood,
    find_vectors,
    note_outcome,
    note_repeat,
    repeats_of,
)
from online_models.sums import SUMS, clear_sums
from online_models.transitions import follow, learn_transitions, propose_followers

_LISTEN, _NOW_PLAYING = int(Signal.LISTEN), int(Signal.NOW_PLAYING)
_HATE, _RETRACT = int(Signal.HATE), int(Signal.RETRACT)
BREAK_S = BREAK_MS // 1000
SMALLEST_SHARE = 0.0002
"""Candidates with a smaller probability leave the gradient alone, but for the target."""
SMALLEST_EXPONENT = -12.0

KNOBS = np.dtype(
    [
        ("steps", "<i8"),  # followers of so many last tracks are proposed; 0: not taught
        ("bigrams", "<i8"),
        ("trigrams", "<i8"),
        ("ring", "<i8"),  # plays of a listener that are kept
        ("own", "<i8"),  # of which so many are proposed
        ("window", "<i8"),  # co-occurrence pairs a play with so many before it; 0: not taught
        ("wide", "<i8"),
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
        ("candidates", CANDIDATES),
        ("recent", RECENT),
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


# -- gathering -----------------------------------------------------------------------------------


@njit_inlined
def _propose_grams(blend: Blend, x1: int, x2: int, x3: int) -> None:
    scratch = blend.scratch[0]
    facts = scratch.facts
    at = find(blend.bigrams, blend.bigram_heads, x1, x2, NOTHING) if x2 != NOTHING else NOTHING
    if at != NOTHING:
        row = blend.bigrams[at].row
        propose_gram(scratch.candidates, blend.slot_of, row, features.BIGRAM)
        facts[situations.BIGRAM_KNOWN] = 1
        facts[situations.MASS_BI] = bucket_of(GRAM_MASS_CUTS, mass_of(row))
    at = find(blend.trigrams, blend.trigram_heads, x1, x2, x3) if x3 != NOTHING else NOTHING
    if at != NOTHING:
        row = blend.trigrams[at].row
        propose_gram(scratch.candidates, blend.slot_of, row, features.TRIGRAM)
        facts[situations.TRIGRAM_KNOWN] = 1


@njit_inlined
def _propose_followers(blend: Blend, x1: int, x2: int, x3: int) -> None:
    scratch, steps, transitions = blend.scratch[0], blend.knobs[0].steps, blend.transitions
    if steps > 0:
        propose_followers(scratch.candidates, blend.slot_of, transitions[x1], 0)
        mass = mass_of(transitions[x1])
        scratch.facts[situations.MASS_T] = bucket_of(MASS_CUTS, mass)
    if steps > 1 and x2 != NOTHING:
        propose_followers(scratch.candidates, blend.slot_of, transitions[x2], 1)
    if steps > 2 and x3 != NOTHING:
        propose_followers(scratch.candidates, blend.slot_of, transitions[x3], 2)


@njit_inlined
def _propose_wide(blend: Blend, listener: int) -> None:
    """Co-occurrence and session neighbours."""
    scratch, knobs = blend.scratch[0], blend.knobs[0]
    recent, candidates, slot_of = scratch.recent, scratch.candidates, blend.slot_of
    if knobs.wide > 0:
        sum_up_neighbours(scratch.wide, blend.wide_of, blend.cooccurrence, recent)
        propose_best(candidates, slot_of, scratch.wide, knobs.wide, WIDE_SOURCE)
    if knobs.near > 0:
        sum_up_sessions(
            scratch.near,
            blend.near_of,
            scratch.likes,
            blend.likes_of,
            blend.sessions,
            blend.postings,
            recent,
            blend.moods[listener].session,
        )
        propose_best(candidates, slot_of, scratch.near, knobs.near, NEAR_SOURCE)


@njit_inlined
def _propose_artists(blend: Blend, x1: int, x2: int) -> int:
    """Returns the last track's artist."""
    scratch = blend.scratch[0]
    artist = artist_of(blend.tracks, x1) if blend.knobs[0].artists > 0 else NOTHING
    if artist != NOTHING:
        propose_artists(scratch.candidates, blend.slot_of, blend.artists, artist)
        scratch.facts[situations.ARTIST_TWICE] = artist == artist_of(blend.tracks, x2)
    return artist


@njit_inlined
def _propose_personal(blend: Blend, listener: int, arriving: int) -> int:
    """Proposes by what the listener did; returns the last track's artist."""
    scratch, knobs, context = blend.scratch[0], blend.knobs[0], blend.contexts[listener]
    if knobs.ring > 0:
        playing = playing_before(context, arriving)
        recall(scratch.recent, blend.rings[listener], blend.blocks, knobs.ring, playing, BREAK_S)
    x1, x2, x3 = tracks_before(context, arriving)
    if x1 == NOTHING:
        return NOTHING
    _propose_followers(blend, x1, x2, x3)
    _propose_grams(blend, x1, x2, x3)
    _propose_wide(blend, listener)
    artist = _propose_artists(blend, x1, x2)
    if knobs.own > 0:
        propose_own(scratch.candidates, blend.slot_of, scratch.recent, x1, x2, knobs.own)
    scratch.facts[situations.TWICE] = x1 == x2
    return artist


@njit_inlined
def _describe(blend: Blend, artist: int) -> None:
    scratch, knobs = blend.scratch[0], blend.knobs[0]
    candidates = scratch.candidates
    if knobs.own > 0:
        describe_own(candidates, blend.slot_of, scratch.recent)
    if knobs.wide > 0:
        describe_neighbours(candidates, blend.slot_of, scratch.wide)
        clear_sums(scratch.wide, blend.wide_of)
    if knobs.near > 0:
        describe_sessions(candidates, blend.slot_of, scratch.near)
        clear_sums(scratch.near, blend.near_of)
        clear_sums(scratch.likes, blend.likes_of)
    if knobs.artists > 0:
        describe_artists(
            candidates, blend.heard, blend.artists, blend.tracks, scratch.recent, artist
        )
    describe_popular(candidates, blend.tracks, blend.shared[0].chart)


@njit_inlined
def _find_facts_of_plays(facts: Any, recent: Any) -> None:
    held, x1 = recent.held, recent.tracks[0]
    for k in range(1, held):
        if recent.tracks[k] == x1:
            facts[situations.OWN_NEXT_KNOWN] = 1
            facts[situations.REPEATED] = k < recent.session
            break
    facts[situations.PLACE] = bucket_of(situations.PLACE_CUTS, np.float64(recent.session))
    facts[situations.HELD] = bucket_of(situations.HELD_CUTS, np.float64(held))
    if held > 1:
        play_s = np.float64(recent.at_s[0] - recent.at_s[1])
        facts[situations.PLAY_TIME] = bucket_of(situations.PLAY_TIME_CUTS_S, play_s)


@njit_inlined
def _find_facts(blend: Blend, listener: int) -> None:
    """What the listener's own plays and lists say of the situation."""
    scratch, facts = blend.scratch[0], blend.scratch[0].facts
    _find_facts_of_plays(facts, scratch.recent)
    if listener != NOBODY:
        mood = blend.moods[listener]
        facts[situations.OUTCOME] = mood.outcomes[0]
        facts[situations.OUTCOME_BEFORE] = mood.outcomes[1]
        facts[situations.REPEATS] = bucket_of(situations.REPEAT_CUTS, np.float64(repeats_of(mood)))
    if blend.knobs[0].artists > 0:
        run = np.float64(artist_run(blend.tracks, scratch.recent))
        facts[situations.RUN] = bucket_of(situations.RUN_CUTS, run)


@njit_inlined
def _score(candidates: Any, weights: Any) -> None:
    held = candidates.held
    for slot in range(held):
        candidates.scores[slot] = 0.0
    for f in range(features.FEATURES):
        weight = weights[f]
        for slot in range(held):
            candidates.scores[slot] += weight * candidates.features[f, slot]


@njit_inlined
def _leave_out_hated(candidates: Any, slot_of: NDArray[np.int32], hated: Any) -> None:
    for at in range(hated.held):
        slot = slot_for(slot_of, hated.tracks[at])
        if slot >= 0:
            candidates.scores[slot] = HATED_SCORE


@njit_inner
def gather(blend: Blend, listener: int, arriving: int) -> None:
    """Gathers, describes and scores candidates; those that are there already are scored alike.

    The score is linear so far; see `add_tables`.
    """
    scratch, knobs, artist = blend.scratch[0], blend.knobs[0], NOTHING
    for fact in range(situations.FACTS):
        scratch.facts[fact] = 0
    scratch.recent.held = 0
    scratch.recent.session = 0
    if listener != NOBODY:
        artist = _propose_personal(blend, listener, arriving)
    propose_chart(scratch.candidates, blend.slot_of, blend.shared[0].chart)
    _describe(blend, artist)
    _find_facts(blend, listener)
    find_vectors(scratch.facts, scratch.vectors)
    sum_weights(blend.learned[0], scratch.vectors, knobs.start, scratch.weights)
    if listener != NOBODY and knobs.leanings > 0:
        add_leaning(blend.leanings[listener], scratch.weights)
    _score(scratch.candidates, scratch.weights)
    if listener != NOBODY:
        _leave_out_hated(scratch.candidates, blend.slot_of, blend.hated[listener])


@njit_inner
def add_tables(scratch: Any, learned: Any, tables: int, slot: int) -> None:
    """Adds the cells of the bucket tables to a candidate's score."""
    if tables > 0:
        cells = scratch.cells[slot]
        find_cells(scratch.candidates.traits[slot], scratch.facts, tables, cells)
        for table in range(tables):
            scratch.candidates.scores[slot] += learned.cells[cells[table]]


@njit_inner
def survive(scratch: Any, learned: Any, knobs: Any) -> None:
    """Notes the slots of the best candidates, in the order of the slots; tables are added."""
    candidates, n = scratch.candidates, knobs.survivors
    scores, items, held = candidates.scores, candidates.items, candidates.held
    worst, worst_score, worst_item = NOTHING, 0.0, NOTHING
    if held > n:
        worst = nth_best(scores, items, held, n - 1, scratch.order)
        worst_score, worst_item = scores[worst], int(items[worst])
    scratch.survived = 0
    for slot in range(held):
        is_out = worst >= 0 and is_before(worst_score, worst_item, scores[slot], items[slot])
        if not is_out and scores[slot] != HATED_SCORE:
            add_tables(scratch, learned, knobs.tables, slot)
            scratch.survivors[scratch.survived] = slot
            scratch.survived += 1


@njit_inner
def rank_of(scratch: Any, mine: int) -> int:
    """0-based place of a slot among the survivors, -1 if it is none of them."""
    candidates, rank, is_there = scratch.candidates, 0, False
    if mine < 0:
        return -1
    score, item = candidates.scores[mine], candidates.items[mine]
    for at in range(scratch.survived):
        slot = scratch.survivors[at]
        is_there |= slot == mine
        rank += is_before(candidates.scores[slot], candidates.items[slot], score, item)
    return rank if is_there else -1


# -- learning to blend ---------------------------------------------------------------------------


@njit_inlined
def _softmax(scratch: Any) -> None:
    """Writes each survivor's probability into `shares`."""
    scores, shares, survivors = scratch.candidates.scores, scratch.shares, scratch.survivors
    best, total = scores[survivors[0]], 0.0
    for at in range(scratch.survived):
        best = max(best, scores[survivors[at]])
    for at in range(scratch.survived):
        exponent = scores[survivors[at]] - best
        shares[at] = exp_of(exponent) if exponent > SMALLEST_EXPONENT else 0.0
        total += shares[at]
    for at in range(scratch.survived):
        shares[at] /= total


@njit_inner
def learn_blend(scratch: Any, learned: Any, knobs: Any, target: int) -> None:
    """`target`, one of the survivors, was played: a step uphill in the logarithm of its share."""
    candidates, gradient = scratch.candidates, scratch.gradient
    _softmax(scratch)
    for f in range(features.FEATURES):
        gradient[f] = 0.0
    for at in range(scratch.survived):
        slot, share = scratch.survivors[at], scratch.shares[at]
        if slot != target and share <= SMALLEST_SHARE:
            continue
        g = (1.0 if slot == target else 0.0) - share
        for f in range(features.FEATURES):
            gradient[f] += g * candidates.features[f, slot]
        for table in range(knobs.tables):
            step_cell(learned, scratch.cells[slot, table], g, knobs.cell_rate)
    step_vectors(learned, scratch.vectors, gradient, knobs.rate)


@njit_inlined
def _rank_and_blend(blend: Blend, listener: int, item: int, is_lesson: bool) -> int:
    """Looks where the arriving track stands; learns the blend from it where it `is_lesson`."""
    gather(blend, listener, item)
    scratch, learned, knobs = blend.scratch[0], blend.learned[0], blend.knobs[0]
    survive(scratch, learned, knobs)
    target = slot_for(blend.slot_of, item)
    rank = rank_of(scratch, target)
    if is_lesson:
        if rank >= 0:
            learn_blend(scratch, learned, knobs, target)
            if knobs.leanings > 0:
                step_leaning(blend.leanings[listener], scratch.gradient, knobs.rate)
        note_outcome(blend.moods[listener], rank, target >= 0)
    clear(scratch.candidates, blend.slot_of)
    return rank if rank < EVALUATED_K else -1


# -- learning to know ----------------------------------------------------------------------------


@njit_inlined
def _is_usable(row: Any) -> bool:
    is_known = row.user >= 0 and row.item >= 0
    return is_known and 0 <= row.at_ms <= AT_MS_MAX and row.signal <= _RETRACT


@njit_inner
def gain_of(y: float) -> float:
    """What a play counts: its reward, at most 1; a play without a reward was a play."""
    return 1.0 if np.isnan(y) else min(max(y, 0.0), 1.0)


@njit_inlined
def _learn_sequence(blend: Blend, row: Any, gain: float) -> None:
    """What was played before this track, by all listeners together."""
    context, knobs, shared = blend.contexts[row.user], blend.knobs[0], blend.shared[0]
    item = row.item
    x1, x2, x3 = context.last[0] - 1, context.last[1] - 1, context.last[2] - 1
    if knobs.steps > 0:
        transitions = blend.transitions
        learn_transitions(transitions, context, item, row.at_ms, gain, knobs.steps)
    if knobs.bigrams > 0 and x2 != NOTHING:
        heads, its = blend.bigram_heads, shared.bigrams
        learn_gram(blend.bigrams, heads, its, x1, x2, NOTHING, item, gain)
    if knobs.trigrams > 0 and x3 != NOTHING:
        heads, its = blend.trigram_heads, shared.trigrams
        learn_gram(blend.trigrams, heads, its, x1, x2, x3, item, gain)
    if knobs.artists > 0 and row.at_ms - context.newest_ms <= BREAK_MS:
        learn_artists(blend.artists, artist_of(blend.tracks, x1), row.group, gain)


@njit_inlined
def _learn_together(blend: Blend, row: Any, gain: float) -> None:
    """What was played in the same session, by all listeners together."""
    recent, knobs, shared = blend.scratch[0].recent, blend.knobs[0], blend.shared[0]
    at_s = row.at_ms // 1000
    if knobs.window > 0:
        learn_cooccurrence(blend.cooccurrence, recent, row.item, at_s, gain, knobs.window)
    if knobs.near > 0:
        is_new = recent.held == 0 or at_s - recent.at_s[0] > BREAK_S
        mood = blend.moods[row.user]
        mood.session = learn_session(
            blend.sessions,
            blend.postings[row.item],
            shared.sessions,
            mood.session,
            row.user,
            row.item,
            is_new,
        )


@njit_inlined
def _learn_in_time(blend: Blend, row: Any, gain: float) -> None:
    recent, knobs = blend.scratch[0].recent, blend.knobs[0]
    recent.held = 0
    if knobs.ring > 0:
        ring = blend.rings[row.user]
        recall(recent, ring, blend.blocks, knobs.ring, NOTHING, BREAK_S)
    if gain > 0.0:
        _learn_sequence(blend, row, gain)
        _learn_together(blend, row, gain)
    is_repeat = False
    for k in range(recent.held):
        is_repeat |= recent.tracks[k] == row.item
    note_repeat(blend.moods[row.user], is_repeat)
    move(blend.contexts[row.user], row.item, row.at_ms)


@njit_inlined
def _learn_late(blend: Blend, row: Any, gain: float) -> None:
    before = move_late(blend.contexts[row.user], row.item, row.at_ms)
    if before != NOTHING and gain > 0.0:
        if blend.knobs[0].steps > 0:
            follow(blend.transitions, before, row.item, gain)
        if blend.knobs[0].window > 0:
            pair(blend.cooccurrence, before, row.item, gain)


@njit_inlined
def _count(blend: Blend, item: int, gain: float) -> None:
    tracks, chart = blend.tracks, blend.shared[0].chart
    count(tracks, chart, item, gain)
    artist = artist_of(tracks, item) if blend.knobs[0].artists > 0 else NOTHING
    if artist != NOTHING:
        count_artist(blend.artists[artist], tracks, item, gain * scale_of(chart))
    if chart.scale > SCALE_MAX:  # a power of two: exact, no order can change
        for track in range(len(tracks)):
            tracks[track].count /= SCALE_MAX
        for code in range(len(blend.artists)):
            blend.artists[code].count /= SCALE_MAX
        chart.scale /= SCALE_MAX


@njit_inlined
def _learn_listen(blend: Blend, row: Any, is_in_time: bool) -> None:
    knobs, gain = blend.knobs[0], gain_of(np.float64(row.y))
    if knobs.artists > 0 and row.group >= 0:
        blend.tracks[row.item].artist = row.group + 1
    if is_in_time:
        _learn_in_time(blend, row, gain)
    else:
        _learn_late(blend, row, gain)
    if knobs.ring > 0:
        ring, given = blend.rings[row.user], blend.shared[0].given
        remember(ring, blend.blocks, given, knobs.ring, row.item, row.at_ms // 1000)
    if gain > 0.0:
        _count(blend, row.item, gain)


@njit_inlined
def _learn_word(blend: Blend, row: Any) -> None:
    """What a listener says, as against plays."""
    size = blend.knobs[0].ring
    if row.signal == _NOW_PLAYING:
        start_playing(blend.contexts[row.user], row.item, row.at_ms)
    elif row.signal == _RETRACT:
        if size > 0:
            take_back(blend.rings[row.user], blend.blocks, size, row.item, row.at_ms // 1000)
    elif row.signal == _HATE:
        hate(blend.hated[row.user], row.item)
    else:
        forgive(blend.hated[row.user], row.item)


@njit_inlined
def _learn_row(blend: Blend, row: Any, evaluate: bool) -> int:
    """Ranks, where it is asked for or a lesson, then learns; returns the rank."""
    is_in_time = not is_late(blend.contexts[row.user], row.at_ms)
    rank, every, shared = -1, blend.knobs[0].blend_every, blend.shared[0]
    is_lesson = is_in_time and every > 0 and shared.plays % max(every, 1) == 0
    if evaluate or is_lesson:
        rank = _rank_and_blend(blend, row.user, row.item, is_lesson)
    shared.plays += is_in_time
    _learn_listen(blend, row, is_in_time)
    return rank if evaluate else -1


@njit_cached
def learn_rows(blend: Blend, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
    """Learns each of `rows` in turn, after looking where a LISTEN's track stood."""
    for at in range(len(rows)):
        row = rows[at]
        if not _is_usable(row):
            continue
        blend.shared[0].clock_ms = row.at_ms
        if row.signal == _LISTEN:
            ranks[at] = _learn_row(blend, row, evaluate)
        else:
            _learn_word(blend, row)


@njit_cached
def clear_listener(blend: Blend, listener: int) -> None:
    """Puts everything of the listener back to what it was before their first event."""
    knobs = blend.knobs[0]
    clear_hated(blend.hated[listener])
    clear_context(blend.contexts[listener])
    clear_mood(blend.moods[listener])
    if knobs.ring > 0:
        clear_ring(blend.rings[listener], blend.blocks, blend.shared[0].given)
    if knobs.leanings > 0:
        clear_leaning(blend.leanings[listener])
    if knobs.near > 0:
        forget_sessions(blend.sessions, listener)


# -- queries -------------------------------------------------------------------------------------


@njit_inlined
def _reason(scratch: Any, slot: int) -> int:
    """The expert whose part of the linear score is largest."""
    parts = np.zeros(len(features.REASONS))
    for f in range(features.FEATURES):
        parts[features.EXPERT_OF[f]] += scratch.weights[f] * scratch.candidates.features[f, slot]
    return int(np.argmax(parts))


@njit_inlined
def _sort_into(scratch: Any, slots: NDArray[np.int32]) -> int:
    """Writes the best survivors that fit into `slots`, best first; returns how many."""
    scores, codes, held = scratch.candidates.scores, scratch.candidates.items, 0
    for at in range(scratch.survived):
        slot, place = scratch.survivors[at], held
        while place > 0 and is_before(
            scores[slot], codes[slot], scores[slots[place - 1]], codes[slots[place - 1]]
        ):
            if place < len(slots):
                slots[place] = slots[place - 1]
            place -= 1
        if place < len(slots):
            slots[place] = slot
            held = min(held + 1, len(slots))
    return held


@njit_cached
def recommend_rows(
    blend: Blend,
    listeners: NDArray[np.int32],
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    """Writes the list of each of `listeners` into its row of `items`, `scores`, `reasons`."""
    scratch, slots = blend.scratch[0], np.empty(items.shape[1], np.int32)
    for row in range(len(listeners)):
        known = 0 <= listeners[row] < len(blend.contexts)
        gather(blend, listeners[row] if known else NOBODY, NOTHING)
        survive(scratch, blend.learned[0], blend.knobs[0])
        for place in range(_sort_into(scratch, slots)):
            slot = slots[place]
            items[row, place] = scratch.candidates.items[slot]
            scores[row, place] = scratch.candidates.scores[slot]
            reasons[row, place] = _reason(scratch, slot)
        clear(scratch.candidates, blend.slot_of)


@njit_cached
def score_items(
    blend: Blend, listener: int, items: NDArray[np.int32], scores: NDArray[np.float64]
) -> None:
    """Writes the score of each of `items` (codes, `ASKED_MAX` at most; others score 0)."""
    known = 0 <= listener < len(blend.contexts)
    scratch, slot_of = blend.scratch[0], blend.slot_of
    for item in items:
        if 0 <= item < len(slot_of):
            propose(scratch.candidates, slot_of, item, 0)
    gather(blend, listener if known else NOBODY, NOTHING)
    for slot in range(scratch.candidates.held):
        if scratch.candidates.scores[slot] != HATED_SCORE:
            add_tables(scratch, blend.learned[0], blend.knobs[0].tables, slot)
    for at in range(len(items)):
        if 0 <= items[at] < len(slot_of):
            scores[at] = scratch.candidates.scores[slot_for(slot_of, items[at])]
    clear(scratch.candidates, slot_of)
