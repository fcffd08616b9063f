"""The compiled heart of the blend: gather, score, rank, and learn, row by row."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models import bucket_tables, features, situations
from online_models.artists import (
    Artists,
    Heard,
    artist_of,
    artist_run,
    count_artist,
    describe_artists,
    learn_artists,
    propose_artists,
)
from online_models.base import AT_MS_MAX, EVALUATED_K, Signal
from online_models.buckets import GRAM_MASS_CUTS, MASS_CUTS, bucket_of
from online_models.candidates import ASKED_MAX, HATED_SCORE, Candidates, clear, propose
from online_models.compiled import njit_cached
from online_models.contexts import (
    BREAK_MS,
    NOBODY,
    NOTHING,
    Contexts,
    is_late,
    move,
    move_late,
    start_playing,
    tracks_before,
)
from online_models.cooccurrence import (
    describe_neighbours,
    learn_cooccurrence,
    pair,
    propose_best,
    sum_up_neighbours,
)
from online_models.cooccurrence import SOURCE as WIDE_SOURCE
from online_models.hated import Hated, forgive, hate
from online_models.learned_weights import (
    Leanings,
    Learned,
    step_cell,
    step_vectors,
    sum_weights,
)
from online_models.neighbours import SOURCE as NEAR_SOURCE
from online_models.neighbours import (
    Postings,
    Sessions,
    describe_sessions,
    learn_session,
    sum_up_sessions,
)
from online_models.ngrams import Grams, find, learn_gram, propose_gram
from online_models.numerics import exp_of
from online_models.own_history import describe_own, propose_own
from online_models.plays import Blocks, Plays, Recent, recall, remember, take_back
from online_models.popularity import (
    SCALE_MAX,
    Chart,
    Popularity,
    count,
    describe_popular,
    propose_chart,
)
from online_models.rows import Rows, mass_of
from online_models.scores_by_id import Sums, clear_sums
from online_models.selection import is_before, nth_best
from online_models.situations import (
    Outcomes,
    find_vectors,
    note_outcome,
    note_repeat,
    repeats_of,
)
from online_models.transitions import follow, learn_transitions, propose_followers

_LISTEN, _NOW_PLAYING = int(Signal.LISTEN), int(Signal.NOW_PLAYING)
_HATE, _RETRACT = int(Signal.HATE), int(Signal.RETRACT)
BREAK_S = BREAK_MS // 1000
SMALLEST_SHARE = 0.0002
"""Candidates with a smaller probability leave the gradient alone, but for the target."""
SMALLEST_EXPONENT = -12.0


class Knobs(NamedTuple):
    """What a configuration sets, as compiled code reads it."""

    steps: int
    """Followers of so many last tracks are proposed; 0: transitions are not taught."""
    bigrams: int
    trigrams: int
    own: int
    """So many last plays are proposed."""
    window: int
    """Co-occurrence pairs a play with so many before it; 0: not taught."""
    wide: int
    near: int
    """So many of the neighbours' tracks are proposed; 0: sessions are not kept."""
    artists: int
    survivors: int
    tables: int
    blend_every: int
    """The blend learns from every so many-th play; 0: never."""
    rate: float
    cell_rate: float


class PerListener(NamedTuple):
    """Stores by listener."""

    contexts: Contexts
    plays: Plays
    hated: Hated
    outcomes: Outcomes
    leanings: Leanings
    session: NDArray[np.int32]


class PerTrack(NamedTuple):
    """Stores by track."""

    transitions: Rows
    cooccurrence: Rows
    postings: Postings
    popularity: Popularity
    artist: NDArray[np.int32]
    """[tracks]: 1 + the code of the track's artist, 0 if unknown."""


class Shared(NamedTuple):
    """Stores of fixed size."""

    chart: Chart
    sessions: Sessions
    learned: Learned
    clock_ms: NDArray[np.int64]
    """[1]: time of the last event."""
    given: NDArray[np.int64]
    """[2]: see `plays`."""
    bigrams_used: NDArray[np.int64]
    """[2]: see `ngrams`."""
    trigrams_used: NDArray[np.int64]
    plays: NDArray[np.int64]
    """[1]: in-time plays, by which `blend_every` counts."""


class Heads(NamedTuple):
    """Where contexts are found; follows from the grams."""

    bigrams: NDArray[np.int32]
    trigrams: NDArray[np.int32]


class Scratch(NamedTuple):
    """Room to work in, no part of the state."""

    candidates: Candidates
    recent: Recent
    wide: Sums
    near: Sums
    likes: Sums
    heard: Heard
    facts: NDArray[np.int64]
    vectors: NDArray[np.int64]
    weights: NDArray[np.float64]
    gradient: NDArray[np.float64]
    survivors: NDArray[np.int32]
    shares: NDArray[np.float64]
    order: NDArray[np.int32]
    cells: NDArray[np.int32]
    """[slots, TABLES]"""


class Blend(NamedTuple):
    """All that compiled code needs of a blend."""

    listeners: PerListener
    tracks: PerTrack
    artists: Artists
    blocks: Blocks
    bigrams: Grams
    trigrams: Grams
    heads: Heads
    shared: Shared
    scratch: Scratch
    knobs: Knobs


# -- gathering -----------------------------------------------------------------------------------


@njit_cached
def _propose_sequences(blend: Blend, x1: int, x2: int, x3: int) -> None:
    """Transitions and n-grams; writes what is known of them into the facts."""
    candidates, facts, tracks = blend.scratch.candidates, blend.scratch.facts, blend.tracks
    steps = blend.knobs.steps
    if steps > 0:
        propose_followers(candidates, tracks.transitions, x1, 0)
        facts[situations.MASS_T] = bucket_of(MASS_CUTS, mass_of(tracks.transitions, x1))
    if steps > 1 and x2 != NOTHING:
        propose_followers(candidates, tracks.transitions, x2, 1)
    if steps > 2 and x3 != NOTHING:
        propose_followers(candidates, tracks.transitions, x3, 2)
    row = find(blend.bigrams, blend.heads.bigrams, x1, x2, NOTHING) if x2 != NOTHING else NOTHING
    if row != NOTHING:
        propose_gram(candidates, blend.bigrams.rows, row, features.BIGRAM)
        facts[situations.BIGRAM_KNOWN] = 1
        facts[situations.MASS_BI] = bucket_of(GRAM_MASS_CUTS, mass_of(blend.bigrams.rows, row))
    row = find(blend.trigrams, blend.heads.trigrams, x1, x2, x3) if x3 != NOTHING else NOTHING
    if row != NOTHING:
        propose_gram(candidates, blend.trigrams.rows, row, features.TRIGRAM)
        facts[situations.TRIGRAM_KNOWN] = 1


@njit_cached
def _propose_wide(blend: Blend, listener: int) -> None:
    """Co-occurrence and session neighbours."""
    scratch, tracks, knobs = blend.scratch, blend.tracks, blend.knobs
    if knobs.wide > 0:
        sum_up_neighbours(scratch.wide, tracks.cooccurrence, scratch.recent)
        propose_best(scratch.candidates, scratch.wide, knobs.wide, WIDE_SOURCE)
    if knobs.near > 0:
        mine = blend.listeners.session[listener]
        sessions, recent = blend.shared.sessions, scratch.recent
        sum_up_sessions(scratch.near, scratch.likes, sessions, tracks.postings, recent, mine)
        propose_best(scratch.candidates, scratch.near, knobs.near, NEAR_SOURCE)


@njit_cached
def _propose_personal(blend: Blend, listener: int, arriving: int) -> int:
    """Proposes by what the listener did; returns the last track's artist."""
    scratch, contexts, knobs = blend.scratch, blend.listeners.contexts, blend.knobs
    x1, x2, x3 = tracks_before(contexts, listener, arriving)
    playing = x1 if x1 != contexts.last[listener, 0] else NOTHING
    recall(scratch.recent, blend.listeners.plays, blend.blocks, listener, playing, BREAK_S)
    if x1 == NOTHING:
        return NOTHING
    _propose_sequences(blend, x1, x2, x3)
    _propose_wide(blend, listener)
    artist = artist_of(blend.tracks.artist, x1) if knobs.artists > 0 else NOTHING
    if artist != NOTHING:
        propose_artists(scratch.candidates, blend.artists, artist)
        if x2 != NOTHING:
            scratch.facts[situations.ARTIST_TWICE] = artist == artist_of(blend.tracks.artist, x2)
    if knobs.own > 0:
        propose_own(scratch.candidates, scratch.recent, x1, x2, knobs.own)
    scratch.facts[situations.TWICE] = x1 == x2
    return artist


@njit_cached
def _describe(blend: Blend, artist: int) -> None:
    scratch, tracks = blend.scratch, blend.tracks
    if blend.knobs.own > 0:
        describe_own(scratch.candidates, scratch.recent)
    describe_neighbours(scratch.candidates, scratch.wide)
    describe_sessions(scratch.candidates, scratch.near)
    clear_sums(scratch.wide)
    clear_sums(scratch.near)
    clear_sums(scratch.likes)
    if blend.knobs.artists > 0:
        describe_artists(
            scratch.candidates,
            scratch.heard,
            blend.artists,
            tracks.artist,
            tracks.popularity,
            scratch.recent,
            artist,
        )
    describe_popular(scratch.candidates, tracks.popularity, blend.shared.chart)


@njit_cached
def _find_facts(blend: Blend, listener: int) -> None:
    """What the listener's own plays and lists say of the situation."""
    scratch, facts, outcomes = blend.scratch, blend.scratch.facts, blend.listeners.outcomes
    recent = scratch.recent
    held, x1 = recent.held[0], recent.tracks[0]
    for k in range(1, held):
        if recent.tracks[k] == x1:
            facts[situations.REPEATED] = k < recent.held[1]
            facts[situations.OWN_NEXT_KNOWN] = 1
            break
    facts[situations.PLACE] = bucket_of(situations.PLACE_CUTS, np.float64(recent.held[1]))
    facts[situations.HELD] = bucket_of(situations.HELD_CUTS, np.float64(held))
    if held > 1:
        play_s = np.float64(recent.at_s[0] - recent.at_s[1])
        facts[situations.PLAY_TIME] = bucket_of(situations.PLAY_TIME_CUTS_S, play_s)
    if listener != NOBODY:
        facts[situations.OUTCOME] = outcomes.last[listener, 0]
        facts[situations.OUTCOME_BEFORE] = outcomes.last[listener, 1]
        repeats = np.float64(repeats_of(outcomes, listener))
        facts[situations.REPEATS] = bucket_of(situations.REPEAT_CUTS, repeats)
    run = artist_run(blend.tracks.artist, recent) if blend.knobs.artists > 0 else 0
    facts[situations.RUN] = bucket_of(situations.RUN_CUTS, np.float64(run))


@njit_cached
def gather(blend: Blend, listener: int, arriving: int) -> None:
    """Gathers, describes and scores candidates; those that are there already are scored alike.

    The score is linear so far; see `add_tables`.
    """
    scratch = blend.scratch
    scratch.facts[:] = 0
    scratch.recent.held[:] = 0
    artist = NOTHING
    if listener != NOBODY:
        artist = _propose_personal(blend, listener, arriving)
    propose_chart(scratch.candidates, blend.shared.chart)
    _describe(blend, artist)
    _find_facts(blend, listener)
    find_vectors(scratch.facts, scratch.vectors)
    sum_weights(
        blend.shared.learned, blend.listeners.leanings, scratch.vectors, listener, scratch.weights
    )
    _score(scratch.candidates, scratch.weights)
    if listener != NOBODY:
        _leave_out_hated(scratch.candidates, blend.listeners.hated, listener)


@njit_cached
def _score(candidates: Candidates, weights: NDArray[np.float64]) -> None:
    held, scores = candidates.held[0], candidates.scores
    scores[:held] = 0.0
    for f in range(features.FEATURES):
        weight = weights[f]
        for slot in range(held):
            scores[slot] += weight * candidates.features[f, slot]


@njit_cached
def _leave_out_hated(candidates: Candidates, hated: Hated, listener: int) -> None:
    for track in hated.tracks[listener, : hated.held[listener]]:
        slot = candidates.slot_of[track]
        if slot >= 0:
            candidates.scores[slot] = HATED_SCORE


@njit_cached
def add_tables(blend: Blend, slot: int) -> None:
    """Adds the cells of the bucket tables to a candidate's score."""
    scratch, learned, tables = blend.scratch, blend.shared.learned, blend.knobs.tables
    if tables > 0:
        cells = scratch.cells[slot]
        bucket_tables.find_cells(scratch.candidates.traits[slot], scratch.facts, tables, cells)
        for table in range(tables):
            scratch.candidates.scores[slot] += learned.cells[cells[table]]


@njit_cached
def survive(blend: Blend) -> int:
    """Writes the slots of the best candidates, in the order of the slots; tables are added."""
    scratch, candidates, n = blend.scratch, blend.scratch.candidates, blend.knobs.survivors
    scores, items, held = candidates.scores, candidates.items, candidates.held[0]
    worst, worst_score, worst_item = NOTHING, 0.0, NOTHING
    if held > n:
        worst = nth_best(scores, items, held, n - 1, scratch.order)
        worst_score, worst_item = scores[worst], items[worst]
    survivors = 0
    for slot in range(held):
        is_out = worst >= 0 and is_before(worst_score, worst_item, scores[slot], items[slot])
        if not is_out and scores[slot] != HATED_SCORE:
            add_tables(blend, slot)
            scratch.survivors[survivors] = slot
            survivors += 1
    return survivors


@njit_cached
def rank_of(blend: Blend, survivors: int, item: int) -> int:
    """0-based place of `item` among the survivors, -1 if it did not survive."""
    candidates = blend.scratch.candidates
    mine, rank, is_there = candidates.slot_of[item], 0, False
    if mine < 0:
        return -1
    for at in range(survivors):
        slot = blend.scratch.survivors[at]
        is_there |= slot == mine
        rank += is_before(candidates.scores[slot], candidates.items[slot], candidates.scores[mine], item)
    return rank if is_there else -1


# -- learning to blend ---------------------------------------------------------------------------


@njit_cached
def _softmax(blend: Blend, survivors: int) -> None:
    """Writes each survivor's probability into `shares`."""
    scratch = blend.scratch
    scores, shares = scratch.candidates.scores, scratch.shares
    best, total = scores[scratch.survivors[0]], 0.0
    for at in range(survivors):
        best = max(best, scores[scratch.survivors[at]])
    for at in range(survivors):
        exponent = scores[scratch.survivors[at]] - best
        shares[at] = exp_of(exponent) if exponent > SMALLEST_EXPONENT else 0.0
        total += shares[at]
    for at in range(survivors):
        shares[at] /= total


@njit_cached
def learn_blend(blend: Blend, listener: int, survivors: int, item: int) -> None:
    """`item`, one of the survivors, was played: a step uphill in the logarithm of its share."""
    scratch, knobs, learned = blend.scratch, blend.knobs, blend.shared.learned
    candidates, gradient = scratch.candidates, scratch.gradient
    _softmax(blend, survivors)
    gradient[:] = 0.0
    target = candidates.slot_of[item]
    for at in range(survivors):
        slot, share = scratch.survivors[at], scratch.shares[at]
        if slot != target and share <= SMALLEST_SHARE:
            continue
        g = np.float64(slot == target) - share
        for f in range(features.FEATURES):
            gradient[f] += g * candidates.features[f, slot]
        for table in range(knobs.tables):
            step_cell(learned, scratch.cells[slot, table], g, knobs.cell_rate)
    step_vectors(
        learned, blend.listeners.leanings, scratch.vectors, listener, gradient, knobs.rate
    )


@njit_cached
def _rank_and_blend(blend: Blend, row: Any, is_lesson: bool) -> int:
    """Looks where the arriving track stands; learns the blend from it where it `is_lesson`."""
    gather(blend, row.user, row.item)
    survivors = survive(blend)
    rank = rank_of(blend, survivors, row.item)
    if is_lesson:
        if rank >= 0:
            learn_blend(blend, row.user, survivors, row.item)
        is_candidate = blend.scratch.candidates.slot_of[row.item] >= 0
        note_outcome(blend.listeners.outcomes, row.user, rank, is_candidate)
    clear(blend.scratch.candidates)
    return rank if rank < EVALUATED_K else -1


# -- learning to know ----------------------------------------------------------------------------


@njit_cached
def _is_usable(row: Any) -> bool:
    is_known = row.user >= 0 and row.item >= 0
    return is_known and 0 <= row.at_ms <= AT_MS_MAX and row.signal <= _RETRACT


@njit_cached
def gain_of(y: float) -> float:
    """What a play counts: its reward, at most 1; a play without a reward was a play."""
    return 1.0 if np.isnan(y) else min(max(y, 0.0), 1.0)


@njit_cached
def _learn_sequence(blend: Blend, row: Any, gain: float) -> None:
    """What was played before this track, by all listeners together."""
    contexts, tracks, knobs = blend.listeners.contexts, blend.tracks, blend.knobs
    last = contexts.last
    x1, x2, x3 = last[row.user, 0], last[row.user, 1], last[row.user, 2]
    if knobs.steps > 0:
        learn_transitions(tracks.transitions, contexts, row.user, row.item, row.at_ms, gain)
    if knobs.bigrams > 0 and x2 != NOTHING:
        used = blend.shared.bigrams_used
        learn_gram(blend.bigrams, blend.heads.bigrams, used, x1, x2, NOTHING, row.item, gain)
    if knobs.trigrams > 0 and x3 != NOTHING:
        used = blend.shared.trigrams_used
        learn_gram(blend.trigrams, blend.heads.trigrams, used, x1, x2, x3, row.item, gain)
    if knobs.artists > 0 and row.at_ms - contexts.newest_ms[row.user] <= BREAK_MS:
        learn_artists(blend.artists, artist_of(tracks.artist, x1), row.group, gain)


@njit_cached
def _learn_in_time(blend: Blend, row: Any, gain: float) -> None:
    listeners, tracks, knobs, at_s = blend.listeners, blend.tracks, blend.knobs, row.at_ms // 1000
    recent = blend.scratch.recent
    recall(recent, listeners.plays, blend.blocks, row.user, NOTHING, BREAK_S)
    if gain > 0.0:
        _learn_sequence(blend, row, gain)
        if knobs.window > 0:
            learn_cooccurrence(tracks.cooccurrence, recent, row.item, at_s, gain, knobs.window)
        if knobs.near > 0:
            is_new = recent.held[0] == 0 or at_s - recent.at_s[0] > BREAK_S
            sessions, postings = blend.shared.sessions, tracks.postings
            learn_session(sessions, postings, listeners.session, row.user, row.item, is_new)
    is_repeat = False
    for k in range(recent.held[0]):
        is_repeat |= recent.tracks[k] == row.item
    note_repeat(listeners.outcomes, row.user, is_repeat)
    move(listeners.contexts, row.user, row.item, row.at_ms)


@njit_cached
def _learn_late(blend: Blend, row: Any, gain: float) -> None:
    before = move_late(blend.listeners.contexts, row.user, row.item, row.at_ms)
    if before != NOTHING and gain > 0.0:
        if blend.knobs.steps > 0:
            follow(blend.tracks.transitions, before, row.item, gain)
        if blend.knobs.window > 0:
            pair(blend.tracks.cooccurrence, before, row.item, gain)


@njit_cached
def _count(blend: Blend, row: Any, gain: float) -> None:
    popularity, chart = blend.tracks.popularity, blend.shared.chart
    count(popularity, chart, row.item, gain)
    artist = artist_of(blend.tracks.artist, row.item) if blend.knobs.artists > 0 else NOTHING
    if artist != NOTHING:
        count_artist(blend.artists, popularity, artist, row.item, gain * chart.scale[0])
    if chart.scale[0] > SCALE_MAX:  # a power of two: exact, no order can change
        popularity.counts[:] /= SCALE_MAX
        blend.artists.counts[:] /= SCALE_MAX
        chart.scale[0] /= SCALE_MAX


@njit_cached
def _learn_listen(blend: Blend, row: Any, is_in_time: bool) -> None:
    listeners, gain = blend.listeners, gain_of(np.float64(row.y))
    if blend.knobs.artists > 0 and row.group >= 0:
        blend.tracks.artist[row.item] = row.group + 1
    if is_in_time:
        _learn_in_time(blend, row, gain)
    else:
        _learn_late(blend, row, gain)
    if listeners.plays.blocks.shape[1] > 0:
        at_s = row.at_ms // 1000
        remember(listeners.plays, blend.blocks, blend.shared.given, row.user, row.item, at_s)
    if gain > 0.0:
        _count(blend, row, gain)


@njit_cached
def _learn_word(blend: Blend, row: Any) -> None:
    """What a listener says, as against plays."""
    listeners = blend.listeners
    if row.signal == _NOW_PLAYING:
        start_playing(listeners.contexts, row.user, row.item, row.at_ms)
    elif row.signal == _RETRACT:
        take_back(listeners.plays, blend.blocks, row.user, row.item, row.at_ms // 1000)
    elif row.signal == _HATE:
        hate(listeners.hated, row.user, row.item)
    else:
        forgive(listeners.hated, row.user, row.item)


@njit_cached
def _learn_row(blend: Blend, row: Any, evaluate: bool) -> int:
    """Ranks, where it is asked for or a lesson, then learns; returns the rank."""
    is_in_time = not is_late(blend.listeners.contexts, row.user, row.at_ms)
    rank, every, plays = -1, blend.knobs.blend_every, blend.shared.plays
    is_lesson = is_in_time and every > 0 and plays[0] % max(every, 1) == 0
    if evaluate or is_lesson:
        rank = _rank_and_blend(blend, row, is_lesson)
    plays[0] += is_in_time
    _learn_listen(blend, row, is_in_time)
    return rank if evaluate else -1


@njit_cached
def learn_rows(blend: Blend, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
    """Learns each of `rows` in turn, after looking where a LISTEN's track stood."""
    for at in range(len(rows)):
        row = rows[at]
        if not _is_usable(row):
            continue
        blend.shared.clock_ms[0] = row.at_ms
        if row.signal == _LISTEN:
            ranks[at] = _learn_row(blend, row, evaluate)
        else:
            _learn_word(blend, row)


# -- queries -------------------------------------------------------------------------------------


@njit_cached
def _reason(candidates: Candidates, weights: NDArray[np.float64], slot: int) -> int:
    """The expert whose part of the linear score is largest."""
    parts = np.zeros(len(features.REASONS))
    for f in range(features.FEATURES):
        parts[features.EXPERT_OF[f]] += weights[f] * candidates.features[f, slot]
    return int(np.argmax(parts))


@njit_cached
def _write_list(
    blend: Blend,
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    candidates, survivors = blend.scratch.candidates, survive(blend)
    slots, held = np.empty(len(items), np.int32), 0
    its, codes = candidates.scores, candidates.items
    for at in range(survivors):
        slot = blend.scratch.survivors[at]
        place = held
        while place > 0 and is_before(
            its[slot], codes[slot], its[slots[place - 1]], codes[slots[place - 1]]
        ):
            if place < len(slots):
                slots[place] = slots[place - 1]
            place -= 1
        if place < len(slots):
            slots[place] = slot
            held = min(held + 1, len(slots))
    for place in range(held):
        slot = slots[place]
        items[place], scores[place] = codes[slot], its[slot]
        reasons[place] = _reason(candidates, blend.scratch.weights, slot)


@njit_cached
def recommend_rows(
    blend: Blend,
    listeners: NDArray[np.int32],
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    """Writes the list of each of `listeners` into its row of `items`, `scores`, `reasons`."""
    for row in range(len(listeners)):
        known = 0 <= listeners[row] < len(blend.listeners.hated.held)
        gather(blend, listeners[row] if known else NOBODY, NOTHING)
        _write_list(blend, items[row], scores[row], reasons[row])
        clear(blend.scratch.candidates)


@njit_cached
def score_items(
    blend: Blend, listener: int, items: NDArray[np.int32], scores: NDArray[np.float64]
) -> None:
    """Writes the score of each of `items` (codes; others score 0) for `listener`."""
    known = 0 <= listener < len(blend.listeners.hated.held)
    candidates = blend.scratch.candidates
    for start in range(0, len(items), ASKED_MAX):
        asked = items[start : start + ASKED_MAX]
        for item in asked:
            if 0 <= item < len(candidates.slot_of):
                propose(candidates, item, 0)
        gather(blend, listener if known else NOBODY, NOTHING)
        for slot in range(candidates.held[0]):
            if candidates.scores[slot] != HATED_SCORE:
                add_tables(blend, slot)
        for at in range(len(asked)):
            if 0 <= asked[at] < len(candidates.slot_of):
                scores[start + at] = candidates.scores[candidates.slot_of[asked[at]]]
        clear(candidates)
