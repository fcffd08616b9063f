"""The artist expert: tracks of the same artist, and which artist is played after which.

It proposes the most popular tracks of the last track's artist, and of the artists that follow that
artist: a first-order Markov chain of artists, whose counts decay by `DECAY` per play.

    ARTIST_NEXT = ln(.0001 + w(a, b) / (sum of w(a, ·) + 5)) + 9.21
    ARTIST_PLAYS = ln(1 + plays of b among the listener's last 64)
    ARTIST_SHARE = plays of the track / plays of all tracks of b

Here a is the last track's artist, b the candidate's, and w the decayed count of transitions within
a session. Artists are the groups of `Columns`; a track's artist is the last one that came with it.
A track without plays (cold start) is a candidate if a catalogue, or an event other than a LISTEN,
has stated its artist.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import add_candidate
from online_models.blend.candidates.features import (
    ARTIST_LEVEL,
    ARTIST_NEXT,
    ARTIST_PLAYS,
    ARTIST_SHARE,
    OF_ARTIST,
    SAME_ARTIST,
)
from online_models.blend.experts.popularity import place_in_chart, scale_of
from online_models.blend.experts.transitions import log_share
from online_models.blend.listener.session_contexts import BREAK_MS, NO_CODE
from online_models.blend.listener.situations import ARTIST_TWICE, RUN, RUN_CUTS
from online_models.kernels.buckets import ARTIST_CUTS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.decaying_rows import add_to_row, row_dtype
from online_models.kernels.numerics import logs_below

TRACKS_MAX = 48
"""Length of an artist's chart of most popular tracks."""
OWN_TRACKS, NEXT_ARTISTS, THEIR_TRACKS = constant(32), 8, constant(4)
"""Numbers of candidates: of the same artist; of next artists, and per next artist."""
PLAYS_READ = 64
"""Number of last plays in which an artist's plays are counted."""
DECAY = 0.98
SHRINKAGE = 5.0
"""Pseudo-plays that shrink the shares of artists with few transitions."""
SOURCE, SOURCE_NEXT = constant(32), constant(512)
_LOGS = logs_below(PLAYS_READ + 2)


ARTIST_CHART = np.dtype([("held", "<i8"), ("tracks", "<i4", (TRACKS_MAX,))], align=True)
ARTIST = np.dtype(
    [
        ("chart", ARTIST_CHART),  # their tracks, most popular first
        ("count", "<f4"),  # plays of all their tracks, in units of the chart's scale
        ("next", row_dtype(32)),  # transitions to the artists who were played right after
    ],
    align=True,
)
"""One per artist, 472 bytes."""
ARTIST_COUNTS = np.dtype([("plays", "<i4"), ("share", "<f4")], align=True)
"""Scratch memory, one per artist: its features for the list that is being made, otherwise 0."""


@njit_inner
def artist_of(tracks: NDArray[Any], track: int) -> int:
    """The code of the track's artist, NO_CODE if unknown."""
    return int(tracks[track].artist) - 1 if track >= 0 else NO_CODE


@njit_inner
def count_artist(artist: Any, tracks: NDArray[Any], track: int, amount: float) -> None:
    """Counts a play of `track`, which popularity has counted already; `amount`: in chart units."""
    artist.count += amount
    place_in_chart(tracks, artist.chart, track)


@njit_inner
def introduce(tracks: NDArray[Any], artists: NDArray[Any], track: int, artist: int) -> None:
    """Registers the artist of a track without plays; a known artist is not replaced."""
    if len(artists) > 0 and artist >= 0 and tracks[track].artist == 0:
        tracks[track].artist = artist + 1
        place_in_chart(tracks, artists[artist].chart, track)


@njit_inner
def learn_artists(artists: NDArray[Any], before: int, artist: int, gain: float) -> None:
    """Counts a transition from artist `before` to `artist` within a session."""
    if before != NO_CODE and artist >= 0:
        add_to_row(artists[before].next, artist, gain, DECAY)


@njit_inner
def _propose_top(
    candidates: Any, slot_of: NDArray[np.int32], artist: Any, n: int, source: int
) -> None:
    for place in range(min(int(artist.chart.held), n)):
        add_candidate(candidates, slot_of, artist.chart.tracks[place], source)


@njit_inner
def propose_artists(
    candidates: Any, slot_of: NDArray[np.int32], artists: NDArray[Any], artist: int
) -> None:
    """Proposes tracks of `artist`, who was played last, and of the artists played next."""
    _propose_top(candidates, slot_of, artists[artist], OWN_TRACKS, SOURCE)
    after = artists[artist].next
    for at in range(min(int(after.held), NEXT_ARTISTS)):
        if after.items[at] != artist:
            _propose_top(candidates, slot_of, artists[after.items[at]], THEIR_TRACKS, SOURCE_NEXT)


@njit_inner
def _count_artists(
    artist_counts: NDArray[Any],
    artists: NDArray[Any],
    tracks: NDArray[Any],
    recent: Any,
    artist: int,
) -> None:
    for k in range(min(recent.held, PLAYS_READ)):
        other = artist_of(tracks, recent.tracks[k])
        if other != NO_CODE:
            artist_counts[other].plays += 1
    if artist != NO_CODE:
        after = artists[artist].next
        total = np.float64(after.sum) + SHRINKAGE * np.float64(after.unit)
        for at in range(after.held):
            artist_counts[after.items[at]].share = log_share(np.float64(after.weights[at]), total)


@njit_inner
def _clear_artist_counts(
    artist_counts: NDArray[Any],
    artists: NDArray[Any],
    tracks: NDArray[Any],
    recent: Any,
    artist: int,
) -> None:
    for k in range(min(recent.held, PLAYS_READ)):
        other = artist_of(tracks, recent.tracks[k])
        if other != NO_CODE:
            artist_counts[other].plays = 0
    if artist != NO_CODE:
        after = artists[artist].next
        for at in range(after.held):
            artist_counts[after.items[at]].share = 0.0


@njit_inner
def describe_artists(
    candidates: Any,
    artist_counts: NDArray[Any],
    artists: NDArray[Any],
    tracks: NDArray[Any],
    recent: Any,
    artist: int,
) -> None:
    """Computes features of every candidate with a known artist; `artist` was played last."""
    features, traits = candidates.features, candidates.traits
    _count_artists(artist_counts, artists, tracks, recent, artist)
    for slot in range(candidates.held):
        own_artist = artist_of(tracks, candidates.items[slot])
        if own_artist == NO_CODE:
            continue
        if own_artist == artist:
            features[SAME_ARTIST, slot] = 1.0
            traits[slot, OF_ARTIST] = 1
        share = np.float64(artist_counts[own_artist].share)
        features[ARTIST_NEXT, slot] = share
        traits[slot, ARTIST_LEVEL] = bucket_of(ARTIST_CUTS, share)
        features[ARTIST_PLAYS, slot] = _LOGS[1 + artist_counts[own_artist].plays]
        if artists[own_artist].count > 0.0:
            count = np.float64(tracks[candidates.items[slot]].count)
            features[ARTIST_SHARE, slot] = count / np.float64(artists[own_artist].count)
    _clear_artist_counts(artist_counts, artists, tracks, recent, artist)


@njit_inner
def artist_run(tracks: NDArray[Any], recent: Any) -> int:
    """The number of last plays in a row that are of the same known artist."""
    held = min(recent.held, PLAYS_READ)
    artist = artist_of(tracks, recent.tracks[0]) if held > 0 else NO_CODE
    if artist == NO_CODE:
        return 0
    run = 1
    while run < held and artist_of(tracks, recent.tracks[run]) == artist:
        run += 1
    return run


@njit_inlined
def propose(blend: Any) -> None:
    """See `roster`: tracks of the last track's artist, and of the artists played next."""
    scratch, last = blend.scratch[0], blend.scratch[0].last
    if blend.knobs[0].artists > 0:
        scratch.artist = artist_of(blend.tracks, last[0])
    if scratch.artist != NO_CODE:
        propose_artists(scratch.candidates, blend.slot_of, blend.artists, scratch.artist)
        scratch.facts[ARTIST_TWICE] = scratch.artist == artist_of(blend.tracks, last[1])


@njit_inlined
def describe(blend: Any) -> None:
    """See `roster`."""
    scratch = blend.scratch[0]
    recent, candidates = scratch.recent, scratch.candidates
    if blend.knobs[0].artists > 0:
        artist_counts, artists, tracks = blend.artist_counts, blend.artists, blend.tracks
        describe_artists(candidates, artist_counts, artists, tracks, recent, scratch.artist)
        run = np.float64(artist_run(tracks, recent))
        scratch.facts[RUN] = bucket_of(RUN_CUTS, run)


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `roster`; transitions of artists do not cross a session break."""
    context = blend.contexts[row.user]
    if blend.knobs[0].artists > 0 and row.at_ms - context.newest_ms <= BREAK_MS:
        before = artist_of(blend.tracks, context.last[0] - 1)
        learn_artists(blend.artists, before, artist_of(blend.tracks, row.item), gain)


@njit_inlined
def count(blend: Any, track: int, gain: float) -> None:
    """See `roster`; called after popularity has counted the track."""
    tracks = blend.tracks
    artist = artist_of(tracks, track) if blend.knobs[0].artists > 0 else NO_CODE
    if artist != NO_CODE:
        count_artist(blend.artists[artist], tracks, track, gain * scale_of(blend.shared[0].chart))
