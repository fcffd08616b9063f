"""The artist expert: an artist's tracks, and which artist is played after which.

Artists are the groups of the columns; a track's artist is the last one that came with it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.buckets import ARTIST_CUTS, bucket_of
from online_models.candidates import Candidates, propose
from online_models.compiled import njit_cached
from online_models.contexts import NOTHING
from online_models.features import (
    ARTIST_LEVEL,
    ARTIST_NEXT,
    ARTIST_PLAYS,
    ARTIST_SHARE,
    OF_ARTIST,
    SAME_ARTIST,
)
from online_models.numerics import log_of
from online_models.plays import Recent
from online_models.popularity import Popularity, place_in_chart
from online_models.rows import Rows, add, no_rows
from online_models.transitions import log_share

NEXT_MAX = 32
TRACKS_MAX = 48
OWN_TRACKS, NEXT_ARTISTS, THEIR_TRACKS = 32, 8, 4
"""Proposed: so many of the artist's, and of so many next artists so many each."""
PLAYS_READ = 64
FADING = 0.98
DOUBT = 5.0
SOURCE, SOURCE_NEXT = 32, 512
_LOGS = np.zeros(PLAYS_READ + 2)
for _n in range(1, PLAYS_READ + 2):
    _LOGS[_n] = log_of(float(_n))


class Artists(NamedTuple):
    """One row an artist, 464 bytes."""

    next: Rows
    tracks: NDArray[np.int32]
    """[artists, TRACKS_MAX], most popular first, NOTHING where there are not so many."""
    counts: NDArray[np.float32]
    """Plays of all their tracks, in units of the chart's scale."""


class Heard(NamedTuple):
    """Scratch: what is known of each artist for the list that is being made; else 0."""

    plays: NDArray[np.int32]
    shares: NDArray[np.float64]


def no_artists(artists: int) -> Artists:
    """Rows of `artists` whom nobody has played."""
    return Artists(
        next=no_rows(artists, NEXT_MAX),
        tracks=np.full((artists, TRACKS_MAX), NOTHING, np.int32),
        counts=np.zeros(artists, np.float32),
    )


def nothing_heard(artists: int) -> Heard:
    """Scratch for `artists`."""
    return Heard(np.zeros(artists, np.int32), np.zeros(artists, np.float64))


@njit_cached
def artist_of(artist_codes: NDArray[np.int32], track: int) -> int:
    """The track's artist, NOTHING if unknown; codes are kept plus 1."""
    return artist_codes[track] - 1 if track >= 0 else NOTHING


@njit_cached
def count_artist(
    artists: Artists, popularity: Popularity, artist: int, track: int, amount: float
) -> None:
    """`track` of `artist` was played and counted already; `amount` in the chart's units."""
    artists.counts[artist] += amount
    place_in_chart(popularity, artists.tracks[artist], track)


@njit_cached
def learn_artists(artists: Artists, before: int, artist: int, gain: float) -> None:
    """`artist` was played right after `before`, in one session."""
    if before != NOTHING and artist != NOTHING:
        add(artists.next, before, artist, gain, FADING)


@njit_cached
def propose_artists(candidates: Candidates, artists: Artists, artist: int) -> None:
    """Proposes tracks of `artist`, who was played last, and of those who are played next."""
    for track in artists.tracks[artist, :OWN_TRACKS]:
        if track != NOTHING:
            propose(candidates, track, SOURCE)
    for at in range(min(artists.next.held[artist], NEXT_ARTISTS)):
        other = artists.next.items[artist, at]
        if other != artist:
            for track in artists.tracks[other, :THEIR_TRACKS]:
                if track != NOTHING:
                    propose(candidates, track, SOURCE_NEXT)


@njit_cached
def _hear(
    heard: Heard, artists: Artists, artist_codes: NDArray[np.int32], recent: Recent, artist: int
) -> None:
    for k in range(min(recent.held[0], PLAYS_READ)):
        other = artist_of(artist_codes, recent.tracks[k])
        if other != NOTHING:
            heard.plays[other] += 1
    if artist != NOTHING:
        rows = artists.next
        total = np.float64(rows.sums[artist]) + DOUBT * rows.units[artist]
        for at in range(rows.held[artist]):
            share = log_share(np.float64(rows.weights[artist, at]), total)
            heard.shares[rows.items[artist, at]] = share


@njit_cached
def _unhear(
    heard: Heard, artists: Artists, artist_codes: NDArray[np.int32], recent: Recent, artist: int
) -> None:
    for k in range(min(recent.held[0], PLAYS_READ)):
        other = artist_of(artist_codes, recent.tracks[k])
        if other != NOTHING:
            heard.plays[other] = 0
    if artist != NOTHING:
        for at in range(artists.next.held[artist]):
            heard.shares[artists.next.items[artist, at]] = 0.0


@njit_cached
def describe_artists(
    candidates: Candidates,
    heard: Heard,
    artists: Artists,
    artist_codes: NDArray[np.int32],
    popularity: Popularity,
    recent: Recent,
    artist: int,
) -> None:
    """Describes every candidate whose artist is known; `artist` was played last."""
    if len(artists.counts) == 0:
        return
    features, traits = candidates.features, candidates.traits
    _hear(heard, artists, artist_codes, recent, artist)
    for slot in range(candidates.held[0]):
        its = artist_of(artist_codes, candidates.items[slot])
        if its == NOTHING:
            continue
        if its == artist:
            features[SAME_ARTIST, slot] = 1.0
            traits[slot, OF_ARTIST] = 1
        share = heard.shares[its]
        features[ARTIST_NEXT, slot] = share
        traits[slot, ARTIST_LEVEL] = bucket_of(ARTIST_CUTS, share)
        features[ARTIST_PLAYS, slot] = _LOGS[1 + heard.plays[its]]
        if artists.counts[its] > 0.0:
            counts = popularity.counts[candidates.items[slot]]
            features[ARTIST_SHARE, slot] = np.float64(counts) / artists.counts[its]
    _unhear(heard, artists, artist_codes, recent, artist)


@njit_cached
def artist_run(artist_codes: NDArray[np.int32], recent: Recent) -> int:
    """How many of the last plays in a row are of one known artist."""
    held = min(recent.held[0], PLAYS_READ)
    if held == 0 or artist_of(artist_codes, recent.tracks[0]) == NOTHING:
        return 0
    run = 1
    artist = artist_of(artist_codes, recent.tracks[0])
    while run < held and artist_of(artist_codes, recent.tracks[run]) == artist:
        run += 1
    return run
