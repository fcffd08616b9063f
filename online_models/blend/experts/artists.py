"""The artist expert: an artist's tracks, and which artist is played after which.

Artists are the groups of the columns; a track's artist is the last one that came with it. A track
that nobody has played is known by its artist, where somebody told of it: a catalogue, or a word.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidates import admit
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
from online_models.blend.listener.contexts import BREAK_MS, NOTHING
from online_models.blend.listener.situations import ARTIST_TWICE, RUN, RUN_CUTS
from online_models.kernels.buckets import ARTIST_CUTS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.fading_rows import add, row_of
from online_models.kernels.numerics import logs_below

TRACKS_MAX = 48
OWN_TRACKS, NEXT_ARTISTS, THEIR_TRACKS = constant(32), 8, constant(4)
"""Proposed: so many of the artist's, and of so many next artists so many each."""
PLAYS_READ = 64
FADING = 0.98
DOUBT = 5.0
SOURCE, SOURCE_NEXT = constant(32), constant(512)
_LOGS = logs_below(PLAYS_READ + 2)


ARTIST_CHART = np.dtype([("held", "<i8"), ("tracks", "<i4", (TRACKS_MAX,))], align=True)
ARTIST = np.dtype(
    [
        ("chart", ARTIST_CHART),  # their tracks, most popular first
        ("count", "<f4"),  # plays of all their tracks, in units of the chart's scale
        ("next", row_of(32)),  # artists who were played right after
    ],
    align=True,
)
"""One an artist, 472 bytes."""
HEARD = np.dtype([("plays", "<i4"), ("share", "<f4")], align=True)
"""Scratch: what is known of an artist for the list that is being made; else 0."""


@njit_inner
def artist_of(tracks: NDArray[Any], track: int) -> int:
    """The track's artist, NOTHING if unknown."""
    return int(tracks[track].artist) - 1 if track >= 0 else NOTHING


@njit_inner
def count_artist(artist: Any, tracks: NDArray[Any], track: int, amount: float) -> None:
    """`track` of `artist` was played and counted already; `amount` in the chart's units."""
    artist.count += amount
    place_in_chart(tracks, artist.chart, track)


@njit_inner
def introduce(tracks: NDArray[Any], artists: NDArray[Any], track: int, artist: int) -> None:
    """`track` is by `artist`, unless that is known otherwise; nobody has played it yet."""
    if len(artists) > 0 and artist >= 0 and tracks[track].artist == 0:
        tracks[track].artist = artist + 1
        place_in_chart(tracks, artists[artist].chart, track)


@njit_inner
def learn_artists(artists: NDArray[Any], before: int, artist: int, gain: float) -> None:
    """`artist` was played right after `before`, in one session."""
    if before != NOTHING and artist >= 0:
        add(artists[before].next, artist, gain, FADING)


@njit_inner
def _propose_some(
    candidates: Any, slot_of: NDArray[np.int32], artist: Any, n: int, source: int
) -> None:
    for place in range(min(int(artist.chart.held), n)):
        admit(candidates, slot_of, artist.chart.tracks[place], source)


@njit_inner
def propose_artists(
    candidates: Any, slot_of: NDArray[np.int32], artists: NDArray[Any], artist: int
) -> None:
    """Proposes tracks of `artist`, who was played last, and of those who are played next."""
    _propose_some(candidates, slot_of, artists[artist], OWN_TRACKS, SOURCE)
    after = artists[artist].next
    for at in range(min(int(after.held), NEXT_ARTISTS)):
        if after.items[at] != artist:
            _propose_some(candidates, slot_of, artists[after.items[at]], THEIR_TRACKS, SOURCE_NEXT)


@njit_inner
def _hear(
    heard: NDArray[Any], artists: NDArray[Any], tracks: NDArray[Any], recent: Any, artist: int
) -> None:
    for k in range(min(recent.held, PLAYS_READ)):
        other = artist_of(tracks, recent.tracks[k])
        if other != NOTHING:
            heard[other].plays += 1
    if artist != NOTHING:
        after = artists[artist].next
        total = np.float64(after.sum) + DOUBT * np.float64(after.unit)
        for at in range(after.held):
            heard[after.items[at]].share = log_share(np.float64(after.weights[at]), total)


@njit_inner
def _unhear(
    heard: NDArray[Any], artists: NDArray[Any], tracks: NDArray[Any], recent: Any, artist: int
) -> None:
    for k in range(min(recent.held, PLAYS_READ)):
        other = artist_of(tracks, recent.tracks[k])
        if other != NOTHING:
            heard[other].plays = 0
    if artist != NOTHING:
        after = artists[artist].next
        for at in range(after.held):
            heard[after.items[at]].share = 0.0


@njit_inner
def describe_artists(
    candidates: Any,
    heard: NDArray[Any],
    artists: NDArray[Any],
    tracks: NDArray[Any],
    recent: Any,
    artist: int,
) -> None:
    """Describes every candidate whose artist is known; `artist` was played last."""
    features, traits = candidates.features, candidates.traits
    _hear(heard, artists, tracks, recent, artist)
    for slot in range(candidates.held):
        its = artist_of(tracks, candidates.items[slot])
        if its == NOTHING:
            continue
        if its == artist:
            features[SAME_ARTIST, slot] = 1.0
            traits[slot, OF_ARTIST] = 1
        share = np.float64(heard[its].share)
        features[ARTIST_NEXT, slot] = share
        traits[slot, ARTIST_LEVEL] = bucket_of(ARTIST_CUTS, share)
        features[ARTIST_PLAYS, slot] = _LOGS[1 + heard[its].plays]
        if artists[its].count > 0.0:
            count = np.float64(tracks[candidates.items[slot]].count)
            features[ARTIST_SHARE, slot] = count / np.float64(artists[its].count)
    _unhear(heard, artists, tracks, recent, artist)


@njit_inner
def artist_run(tracks: NDArray[Any], recent: Any) -> int:
    """How many of the last plays in a row are of one known artist."""
    held = min(recent.held, PLAYS_READ)
    artist = artist_of(tracks, recent.tracks[0]) if held > 0 else NOTHING
    if artist == NOTHING:
        return 0
    run = 1
    while run < held and artist_of(tracks, recent.tracks[run]) == artist:
        run += 1
    return run


@njit_inlined
def propose(blend: Any) -> None:
    """See `experts`: tracks of the last track's artist, and of who is played next."""
    scratch, last = blend.scratch[0], blend.scratch[0].last
    if blend.knobs[0].artists > 0:
        scratch.artist = artist_of(blend.tracks, last[0])
    if scratch.artist != NOTHING:
        propose_artists(scratch.candidates, blend.slot_of, blend.artists, scratch.artist)
        scratch.facts[ARTIST_TWICE] = scratch.artist == artist_of(blend.tracks, last[1])


@njit_inlined
def describe(blend: Any) -> None:
    """See `experts`."""
    scratch = blend.scratch[0]
    recent, candidates = scratch.recent, scratch.candidates
    if blend.knobs[0].artists > 0:
        heard, artists, tracks = blend.heard, blend.artists, blend.tracks
        describe_artists(candidates, heard, artists, tracks, recent, scratch.artist)
        run = np.float64(artist_run(tracks, recent))
        scratch.facts[RUN] = bucket_of(RUN_CUTS, run)


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `experts`; a break ends what goes together."""
    context = blend.contexts[row.user]
    if blend.knobs[0].artists > 0 and row.at_ms - context.newest_ms <= BREAK_MS:
        before = artist_of(blend.tracks, context.last[0] - 1)
        learn_artists(blend.artists, before, artist_of(blend.tracks, row.item), gain)


@njit_inlined
def count(blend: Any, track: int, gain: float) -> None:
    """See `experts`; after the track itself was counted."""
    tracks = blend.tracks
    artist = artist_of(tracks, track) if blend.knobs[0].artists > 0 else NOTHING
    if artist != NOTHING:
        count_artist(blend.artists[artist], tracks, track, gain * scale_of(blend.shared[0].chart))
