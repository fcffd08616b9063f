"""What artists tell: which artist follows which, and what of an artist is played.

Method: first-order transitions between artists, and popularity within an artist; both fade.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.arithmetic import ln
from online_models.blend.candidates import Candidates, propose
from online_models.blend.features import (
    ARTIST_NEXT,
    ARTIST_PLAYS,
    ARTIST_SHARE,
    FROM_ARTIST,
    SAME_ARTIST,
)
from online_models.compiled import njit_cached
from online_models.contexts import NOTHING
from online_models.experts.fading_rows import FadingRows, add, no_rows
from online_models.experts.own_plays import Plays, play_before
from online_models.experts.transitions import log_share

NEXT_MAX = 32
TRACKS_MAX = 48
NEXT_FADING = 0.98
TRACKS_FADING = 0.998
PRIOR = 5.0
PROPOSED_OF_SAME = 32
NEXT_ASKED = 8
PROPOSED_OF_NEXT = 4
RECENT = 64
"""Own plays among which an artist's are counted."""
NOBODY = -1


class Artists(NamedTuple):
    """One row an artist, 660 bytes."""

    following: FadingRows
    """Artists that come next."""
    tracks: FadingRows
    """What of the artist is played."""


class ArtistNotes(NamedTuple):
    """Scratch: one place an artist, 0 in between."""

    following: NDArray[np.float32]
    """Feature of an artist that may come next."""
    plays: NDArray[np.int32]
    """Of the listener's last plays."""


def no_artists(artists: int) -> Artists:
    """Rows of `artists` whom nobody has played."""
    return Artists(no_rows(artists, NEXT_MAX), no_rows(artists, TRACKS_MAX))


def no_notes(artists: int) -> ArtistNotes:
    """Scratch for `artists`."""
    return ArtistNotes(np.zeros(artists, np.float32), np.zeros(artists, np.int32))


@njit_cached
def teach_artist(
    artists: Artists,
    artist_of: NDArray[np.int32],
    track: int,
    artist: int,
    before: int,
    gain: float,
) -> None:
    """`track` of `artist` was played, after track `before` (NOTHING across a break)."""
    if artist < 0:
        return
    artist_of[track] = artist
    add(artists.tracks, artist, track, gain, TRACKS_FADING)
    if before != NOTHING and artist_of[before] != NOBODY:
        add(artists.following, artist_of[before], artist, gain, NEXT_FADING)


@njit_cached
def _propose_of(candidates: Candidates, artists: Artists, artist: int, most: int) -> None:
    rows = artists.tracks
    for at in range(min(most, rows.held[artist])):
        propose(candidates, rows.items[artist, at], FROM_ARTIST)


@njit_cached
def propose_of_artists(candidates: Candidates, artists: Artists, artist: int) -> None:
    """Tracks of the last track's artist, and of those who come next."""
    _propose_of(candidates, artists, artist, PROPOSED_OF_SAME)
    rows = artists.following
    for at in range(min(NEXT_ASKED, rows.held[artist])):
        if rows.items[artist, at] != artist:
            _propose_of(candidates, artists, rows.items[artist, at], PROPOSED_OF_NEXT)


@njit_cached
def describe_artists(
    candidates: Candidates,
    notes: ArtistNotes,
    artists: Artists,
    artist_of: NDArray[np.int32],
    plays: Plays,
    listener: int,
    artist: int,
) -> None:
    """What the candidates' artists have to do with `artist`, that of the last track."""
    _take_notes(notes, artists, artist_of, plays, listener, artist)
    for slot in range(candidates.held[0]):
        its = artist_of[candidates.items[slot]]
        if its == NOBODY:
            continue
        candidates.features[ARTIST_NEXT, slot] = notes.following[its]
        if notes.plays[its] > 0:
            candidates.features[ARTIST_PLAYS, slot] = ln(1.0 + notes.plays[its])
        if its == artist:
            candidates.features[SAME_ARTIST, slot] = 1.0
    rows = artists.tracks
    if artist != NOBODY:
        for at in range(rows.held[artist]):
            slot = candidates.slot_of[rows.items[artist, at]]
            if slot >= 0:
                share = rows.weights[artist, at] / rows.mass[artist]
                candidates.features[ARTIST_SHARE, slot] = share
    _drop_notes(notes, artists, artist_of, plays, listener, artist)


@njit_cached
def _take_notes(
    notes: ArtistNotes,
    artists: Artists,
    artist_of: NDArray[np.int32],
    plays: Plays,
    listener: int,
    artist: int,
) -> None:
    rows = artists.following
    if artist != NOBODY:
        mass = rows.mass[artist] + PRIOR * rows.grain[artist]
        for at in range(rows.held[artist]):
            notes.following[rows.items[artist, at]] = log_share(rows.weights[artist, at], mass)
    for back in range(min(RECENT, plays.held[listener])):
        track, _ = play_before(plays, listener, back)
        if artist_of[track] != NOBODY:
            notes.plays[artist_of[track]] += 1


@njit_cached
def _drop_notes(
    notes: ArtistNotes,
    artists: Artists,
    artist_of: NDArray[np.int32],
    plays: Plays,
    listener: int,
    artist: int,
) -> None:
    if artist != NOBODY:
        for at in range(artists.following.held[artist]):
            notes.following[artists.following.items[artist, at]] = 0.0
    for back in range(min(RECENT, plays.held[listener])):
        track, _ = play_before(plays, listener, back)
        if artist_of[track] != NOBODY:
            notes.plays[artist_of[track]] = 0
