"""The compiled heart: gather candidates, describe, score, rank, and learn, play by play."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import AT_MS_MAX, EVALUATED_K, Signal
from online_models.blend.candidates import (
    Candidates,
    beats,
    clear,
    nth_largest,
    propose,
)
from online_models.blend.features import EXPERT_OF, FEATURES, OWN_V
from online_models.blend.learner import Learnt, OwnWeights, learn, weigh
from online_models.blend.situation import (
    CANDIDATE,
    FIRST,
    IN_LIST,
    MISSED,
    NEAR_TOP,
    judge,
    nowhere,
)
from online_models.blend.tables import TABLES, look_up
from online_models.compiled import njit_cached, njit_spliced
from online_models.contexts import (
    BREAK_MS,
    NOTHING,
    Contexts,
    is_late,
    move,
    move_late,
    start_playing,
    tracks_before,
)
from online_models.experts.artists import (
    ArtistNotes,
    Artists,
    describe_artists,
    propose_of_artists,
    teach_artist,
)
from online_models.experts.co_occurrence import propose_companions, teach_companions
from online_models.experts.fading_rows import FadingRows, add
from online_models.experts.ngrams import (
    NOWHERE,
    Ngrams,
    key_of,
    place_of,
    propose_after_three,
    propose_after_two,
    teach_ngram,
)
from online_models.experts.own_plays import (
    Plays,
    describe_own,
    play_before,
    propose_own,
    remember,
    retract,
    session_length,
)
from online_models.experts.popularity import describe_popularity, propose_popular
from online_models.experts.transitions import (
    FADING,
    describe_followers,
    propose_followers,
    teach,
)
from online_models.hated import Hated, forgive, hate
from online_models.popularity import Chart, Popularity, count

_LISTEN, _NOW_PLAYING = int(Signal.LISTEN), int(Signal.NOW_PLAYING)
_HATE, _RETRACT = int(Signal.HATE), int(Signal.RETRACT)
_EXPERT_OF = np.array(EXPERT_OF)
_EXPERTS = max(EXPERT_OF) + 1
NOBODY = -1
LOWEST = -1e9
"""Below the score of every track that is not hated; such a track is in no list."""
RECENT = 10


class Sizes(NamedTuple):
    """How far the blend looks; an expert of size 0 is neither taught nor asked."""

    survivors: int
    """Candidates that are ranked to the end."""
    followers: tuple[int, int, int]
    """Followers of the last three tracks that become candidates."""
    companions: int
    """Candidates of the co-occurrence expert."""
    own: int
    """Own plays whose tracks are candidates."""
    artists: bool
    """Whether artists are taught and asked."""
    blend_every: int
    """The weights learn from every n-th play, by its place in the stream."""


class PerListener(NamedTuple):
    """Stores by listener."""

    contexts: Contexts
    plays: Plays
    hated: Hated
    outcomes: NDArray[np.uint8]
    """[listeners, 2]: how the last two plays stood, newest first."""
    weights: OwnWeights


class PerTrack(NamedTuple):
    """Stores by track."""

    transitions: FadingRows
    companions: FadingRows
    popularity: Popularity
    artist: NDArray[np.int32]
    """Code of the artist, -1 unknown."""


class Shared(NamedTuple):
    """Stores of fixed size."""

    pairs: Ngrams
    triples: Ngrams
    chart: Chart
    learnt: Learnt
    plays: NDArray[np.int64]
    """[1]: LISTENs so far."""
    clock_ms: NDArray[np.int64]
    """[1]: time of the last event."""


class Blend(NamedTuple):
    """All that compiled code needs."""

    listeners: PerListener
    tracks: PerTrack
    artists: Artists
    shared: Shared
    candidates: Candidates
    notes: ArtistNotes
    sizes: Sizes


# -- ranking -----------------------------------------------------------------------------------


@njit_spliced
def _gather_known(blend: Blend, listener: int, arriving: int) -> tuple[float, float]:
    """Proposes and describes; returns the masses of the last track's and pair's followers."""
    candidates, tracks, plays = blend.candidates, blend.tracks, blend.listeners.plays
    x1, x2, x3 = tracks_before(blend.listeners.contexts, listener, arriving)
    mass, pair_mass, pair, triple = 0.0, 0.0, NOWHERE, NOWHERE
    artist, sizes = NOBODY, blend.sizes
    if x1 != NOTHING and sizes.followers[0] > 0:
        propose_followers(candidates, tracks.transitions, x1)
        mass = tracks.transitions.mass[x1] / tracks.transitions.grain[x1]
    if x1 != NOTHING:
        artist = int(tracks.artist[x1])
    if x2 != NOTHING:
        pairs = blend.shared.pairs
        pair = place_of(pairs, key_of(x1, x2, NOTHING))
        if pair != NOWHERE:
            propose_after_two(candidates, pairs, pair)
            pair_mass = pairs.rows.mass[pair] / pairs.rows.grain[pair]
    if x3 != NOTHING:
        triple = place_of(blend.shared.triples, key_of(x1, x2, x3))
        if triple != NOWHERE:
            propose_after_three(candidates, blend.shared.triples, triple)
    if sizes.own > 0:
        propose_own(candidates, plays, listener, x1, x2, sizes.own)
    if artist != NOBODY:
        propose_of_artists(candidates, blend.artists, artist)
    if sizes.companions > 0:
        propose_companions(candidates, tracks.companions, plays, listener, sizes.companions)
    if x2 != NOTHING and sizes.followers[0] > 0:
        describe_followers(candidates, tracks.transitions, x2, 1, sizes.followers[1])
    if x3 != NOTHING and sizes.followers[0] > 0:
        describe_followers(candidates, tracks.transitions, x3, 2, sizes.followers[2])
    session = session_length(plays, listener)
    describe_own(candidates, session)
    if sizes.artists:
        describe_artists(
            candidates, blend.notes, blend.artists, tracks.artist, plays, listener, artist
        )
    _judge(blend, listener, x1, x2, mass, pair_mass, pair, triple, session)
    return mass, pair_mass


@njit_spliced
def _judge(
    blend: Blend,
    listener: int,
    x1: int,
    x2: int,
    mass: float,
    pair_mass: float,
    pair: int,
    triple: int,
    session: int,
) -> None:
    plays, artist_of = blend.listeners.plays, blend.tracks.artist
    run, repeats, is_repeat, has_next = 0, 0, False, False
    artist = artist_of[x1] if x1 != NOTHING else NOBODY
    same_artist = x2 != NOTHING and artist != NOBODY and artist_of[x2] == artist
    for back in range(min(RECENT, plays.held[listener])):
        track, _ = play_before(plays, listener, back)
        is_repeat = is_repeat or (back > 0 and track == x1)
        if run == back and artist != NOBODY and artist_of[track] == artist:
            run += 1
        for other in range(back + 1, min(RECENT, plays.held[listener])):
            if play_before(plays, listener, other)[0] == track:
                repeats += 1
                break
    for slot in range(blend.candidates.held[0]):
        if blend.candidates.facts[OWN_V, slot] > 0.0:
            has_next = True
            break
    judge(
        blend.candidates.situation,
        has_next,
        pair != NOWHERE,
        is_repeat,
        mass,
        pair_mass,
        triple != NOWHERE,
        same_artist,
        blend.listeners.outcomes[listener],
        session,
        plays.held[listener],
        x1 != NOTHING and x1 == x2,
        run,
        repeats,
    )


@njit_spliced
def _gather(blend: Blend, listener: int, arriving: int) -> tuple[float, float]:
    """Gathers, describes and scores candidates; asked ones that are there already, too."""
    candidates = blend.candidates
    masses = (0.0, 0.0)
    propose_popular(candidates, blend.shared.chart)
    if listener == NOBODY:
        nowhere(candidates.situation)
    else:
        masses = _gather_known(blend, listener, arriving)
    describe_popularity(candidates, blend.tracks.popularity, blend.shared.chart)
    weigh(candidates, blend.shared.learnt, blend.listeners.weights, listener)
    _score(candidates)
    if listener != NOBODY:
        _leave_out_hated(candidates, blend.listeners.hated, listener)
    return masses


@njit_spliced
def _score(candidates: Candidates) -> None:
    held = candidates.held[0]
    scores = candidates.scores
    scores[:held] = 0.0
    for feature in range(FEATURES):
        weight, values = candidates.weights[feature], candidates.features[feature]
        for slot in range(held):
            scores[slot] += weight * values[slot]


@njit_spliced
def _leave_out_hated(candidates: Candidates, hated: Hated, listener: int) -> None:
    for track in hated.tracks[listener, : hated.held[listener]]:
        slot = candidates.slot_of[track]
        if slot >= 0:
            candidates.scores[slot] = LOWEST


@njit_spliced
def _choose(candidates: Candidates, most: int) -> None:
    """Keeps the best `most` by score; of equals at the border the first proposed."""
    held = candidates.held[0]
    least = np.float32(LOWEST / 2)
    if held > most:
        order = candidates.order[:held]
        for slot in range(held):
            order[slot] = candidates.scores[slot]
        least = max(least, np.float32(nth_largest(order, most)))
    ranked = 0
    for slot in range(held):
        if np.float32(candidates.scores[slot]) >= least and ranked < most:
            candidates.chosen[ranked] = slot
            ranked += 1
    candidates.ranked[0] = ranked


@njit_spliced
def _add_buckets(blend: Blend, mass: float, pair_mass: float) -> None:
    candidates, buckets = blend.candidates, blend.shared.learnt.buckets
    for at in range(candidates.ranked[0]):
        slot = candidates.chosen[at]
        look_up(candidates, slot, mass, pair_mass, candidates.buckets[at])
        for table in range(TABLES):
            candidates.scores[slot] += buckets[candidates.buckets[at, table]]


@njit_spliced
def _rank_of(candidates: Candidates, track: int) -> int:
    """Place among those ranked, -1 if it is not one of them."""
    slot = candidates.slot_of[track]
    rank, found = 0, False
    for at in range(candidates.ranked[0]):
        found = found or candidates.chosen[at] == slot
        if slot >= 0:
            rank += beats(candidates, candidates.chosen[at], slot)
    return rank if found else -1


@njit_spliced
def _reason(candidates: Candidates, slot: int) -> int:
    """The expert whose features carry most of the score."""
    carried = candidates.chances[:_EXPERTS]
    carried[:] = 0.0
    for feature in range(FEATURES):
        part = candidates.weights[feature] * candidates.features[feature, slot]
        carried[_EXPERT_OF[feature]] += part
    most = 0
    for expert in range(1, _EXPERTS):
        if carried[expert] > carried[most]:
            most = expert
    return most


@njit_spliced
def _best_into(
    candidates: Candidates,
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    slots = candidates.places[: len(items)]
    held = 0
    for at in range(candidates.ranked[0]):
        slot = candidates.chosen[at]
        place = held
        while place > 0 and beats(candidates, slot, slots[place - 1]):
            if place < len(slots):
                slots[place] = slots[place - 1]
            place -= 1
        if place < len(slots):
            slots[place] = slot
            held = min(held + 1, len(slots))
    for place in range(held):
        items[place] = candidates.items[slots[place]]
        scores[place] = candidates.scores[slots[place]]
        reasons[place] = _reason(candidates, slots[place])


@njit_cached
def answer(
    blend: Blend,
    listeners: NDArray[np.int32],
    asked: NDArray[np.int32],
    asked_scores: NDArray[np.float64],
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    """Writes the list of each of `listeners` into its row of `items`, `scores`, `reasons`.

    And the scores of `asked` tracks (at most ASKED_MAX; unknown ones score 0) into its row of
    `asked_scores`; what is asked for is ranked with the rest.
    """
    candidates = blend.candidates
    tracks = len(candidates.slot_of)
    for row in range(len(listeners)):
        known = 0 <= listeners[row] < len(blend.listeners.outcomes)
        for track in asked:
            if 0 <= track < tracks:
                propose(candidates, int(track), 0)
        mass, pair_mass = _gather(blend, int(listeners[row]) if known else NOBODY, NOTHING)
        _choose(candidates, candidates.held[0] if len(asked) else blend.sizes.survivors)
        _add_buckets(blend, mass, pair_mass)
        for at in range(len(asked)):
            if 0 <= asked[at] < tracks:
                asked_scores[row, at] = candidates.scores[candidates.slot_of[asked[at]]]
        _best_into(candidates, items[row], scores[row], reasons[row])
        clear(candidates)


# -- learning ----------------------------------------------------------------------------------


@njit_spliced
def _is_usable(row: Any) -> bool:
    is_known = row.user >= 0 and row.item >= 0
    return is_known and 0 <= row.at_ms <= AT_MS_MAX and row.signal <= _RETRACT


@njit_spliced
def _gain(y: float) -> float:
    """What a play counts: its reward, at most 1; a play without a reward was a play."""
    return 1.0 if np.isnan(y) else min(max(y, 0.0), 1.0)


@njit_spliced
def _outcome(candidates: Candidates, track: int, rank: int) -> int:
    if rank < 0 or rank >= EVALUATED_K:
        return CANDIDATE if candidates.slot_of[track] >= 0 else MISSED
    if rank == 0:
        return FIRST
    return NEAR_TOP if rank < 5 else IN_LIST


@njit_spliced
def _test_and_learn_weights(blend: Blend, row: Any, gain: float, is_blended: bool) -> int:
    """Looks where the track stands and, if so, moves the weights; returns its rank or -1."""
    candidates = blend.candidates
    mass, pair_mass = _gather(blend, int(row.user), int(row.item))
    _choose(candidates, blend.sizes.survivors)
    _add_buckets(blend, mass, pair_mass)
    rank = _rank_of(candidates, row.item)
    if is_blended:
        if rank >= 0 and gain > 0.0:
            slot = candidates.slot_of[row.item]
            weights = blend.listeners.weights
            learn(candidates, blend.shared.learnt, weights, row.user, slot, gain)
        outcomes = blend.listeners.outcomes[row.user]
        outcomes[1] = outcomes[0]
        outcomes[0] = _outcome(candidates, row.item, rank)
    clear(candidates)
    return rank if rank < EVALUATED_K else -1


@njit_spliced
def _learn_in_time(blend: Blend, row: Any, gain: float) -> None:
    contexts, tracks, shared = blend.listeners.contexts, blend.tracks, blend.shared
    if gain > 0.0:
        x1, x2, x3 = contexts.last[row.user]
        sizes = blend.sizes
        if sizes.followers[0] > 0:
            teach(tracks.transitions, contexts, row.user, row.item, row.at_ms, gain)
        if x2 != NOTHING:
            teach_ngram(shared.pairs, key_of(x1, x2, NOTHING), row.item, gain)
        if x3 != NOTHING:
            teach_ngram(shared.triples, key_of(x1, x2, x3), row.item, gain)
        if sizes.companions > 0:
            plays, second = blend.listeners.plays, row.at_ms // 1000
            teach_companions(tracks.companions, plays, row.user, row.item, second, gain)
        if sizes.artists:
            is_break = row.at_ms - contexts.newest_ms[row.user] > BREAK_MS
            before = NOTHING if is_break else x1
            teach_artist(blend.artists, tracks.artist, row.item, row.group, before, gain)
    move(contexts, row.user, row.item, row.at_ms)


@njit_spliced
def _learn_late(blend: Blend, row: Any, gain: float) -> None:
    before = move_late(blend.listeners.contexts, row.user, row.item, row.at_ms)
    if gain > 0.0:
        if before != NOTHING and blend.sizes.followers[0] > 0:
            add(blend.tracks.transitions, before, row.item, gain, FADING)
        if blend.sizes.artists:
            artist_of = blend.tracks.artist
            teach_artist(blend.artists, artist_of, row.item, row.group, before, gain)


@njit_spliced
def _learn_listen(blend: Blend, row: Any, evaluate: bool) -> int:
    gain = _gain(np.float64(row.y))
    late = is_late(blend.listeners.contexts, row.user, row.at_ms)
    plays = blend.shared.plays
    plays[0] += 1
    is_blended = not late and plays[0] % blend.sizes.blend_every == 0
    rank = -1
    if evaluate or is_blended:
        rank = _test_and_learn_weights(blend, row, gain, is_blended)
    if late:
        _learn_late(blend, row, gain)
    else:
        _learn_in_time(blend, row, gain)
    if gain > 0.0:
        remember(blend.listeners.plays, row.user, row.item, row.at_ms)
        count(blend.tracks.popularity, blend.shared.chart, row.item, gain)
    return rank if evaluate else -1


@njit_spliced
def _learn_word(blend: Blend, row: Any) -> None:
    """What a listener says, as against plays."""
    if row.signal == _NOW_PLAYING:
        start_playing(blend.listeners.contexts, row.user, row.item, row.at_ms)
    elif row.signal == _RETRACT:
        retract(blend.listeners.plays, row.user, row.item, row.at_ms)
    elif row.signal == _HATE:
        hate(blend.listeners.hated, row.user, row.item)
    else:
        forgive(blend.listeners.hated, row.user, row.item)


@njit_cached
def learn_rows(blend: Blend, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
    """Learns each of `rows` in turn, after looking where a LISTEN's track stood."""
    for at in range(len(rows)):
        row = rows[at]
        if not _is_usable(row):
            continue
        blend.shared.clock_ms[0] = row.at_ms
        if row.signal == _LISTEN:
            ranks[at] = _learn_listen(blend, row, evaluate)
        else:
            _learn_word(blend, row)
