"""Mixes: other weights for the model's candidates, for what a list is to be good for. Pure.

* `now`: the model's own order, in the context of the query.
* `morning`: tracks that the listener has played between 5 and 11 o'clock are candidates, too, and
  a track's score rises by up to 3, by the share of its plays that were then.
* `rediscover`: only tracks that the listener has played at least twice, but not in the newer half
  of the plays that the model remembers; their scores rise by the logarithm of their plays.
* `new`: only tracks that the listener has not played; those that are merely popular come last.

What a model remembers of a listener is bounded (the blend: 1,024 plays), and so are these mixes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import Candidates
from streams.answering.questions import Mix

MORNING_H = (5, 11)
MORNING_WEIGHT = 3.0
PROPOSED_MAX = 300
"""Maximum number of tracks that a mix adds to the model's candidates."""
_PLAYS_MIN = 2
_HOUR_S, _DAY_H, _MINUTE_S = 3600, 24, 60
_NO_TRACKS = np.zeros(0, np.int32)


class History(NamedTuple):
    """The plays of a listener that the model remembers, oldest first, int32[n] and int64[n]."""

    tracks: NDArray[np.int32]
    at_s: NDArray[np.int64]


class Mixed(NamedTuple):
    """Candidates that are left, best first: their positions, and their new scores."""

    places: NDArray[np.int64]
    scores: NDArray[np.float64]


def proposed(mix: Mix, history: History, utc_offset: int) -> NDArray[np.int32]:
    """Tracks that are to be candidates beside those of the model, the best ones first."""
    if mix is Mix.MORNING:
        found = _counted(history.tracks[is_morning(history, utc_offset)])
    elif mix is Mix.REDISCOVER:
        found = _forgotten(history.tracks)
    else:
        return _NO_TRACKS
    most_played = sorted(found, key=lambda each: (-found[each], each))
    return np.array(most_played[:PROPOSED_MAX], np.int32)


def mixed(mix: Mix, found: Candidates, history: History, utc_offset: int) -> Mixed:
    """The candidates as the mix weighs them."""
    scores = found.scores.copy()
    kept, is_last = np.ones(len(scores), np.bool_), np.zeros(len(scores), np.bool_)
    match mix:
        case Mix.NOW:
            return Mixed(np.arange(len(scores)), scores)
        case Mix.MORNING:
            scores += MORNING_WEIGHT * _morning_shares(found.items, history, utc_offset)
        case Mix.REDISCOVER:
            plays = _forgotten(history.tracks)
            kept = np.isin(found.items, [*plays])
            scores[kept] += np.log([plays[each] for each in found.items[kept].tolist()])
        case Mix.NEW:
            kept = ~np.isin(found.items, history.tracks)
            is_last = ~found.is_related
    places = np.lexsort((found.items, -scores, is_last))
    places = places[kept[places]]
    return Mixed(places, scores[places])


def is_morning(history: History, utc_offset: int) -> NDArray[np.bool_]:
    """Which plays were in the morning; none if the model does not know when plays were."""
    if len(history.at_s) != len(history.tracks):
        return np.zeros(len(history.tracks), np.bool_)
    hours = (history.at_s + utc_offset * _MINUTE_S) // _HOUR_S % _DAY_H
    return np.asarray((hours >= MORNING_H[0]) & (hours < MORNING_H[1]))


def _morning_shares(
    items: NDArray[np.int32], history: History, utc_offset: int
) -> NDArray[np.float64]:
    """For each track the share of its plays that were in the morning, of its plays and one more."""
    then = _counted(history.tracks[is_morning(history, utc_offset)])
    plays = _counted(history.tracks)
    return np.array([then.get(each, 0) / (plays.get(each, 0) + 1) for each in items.tolist()])


def _forgotten(tracks: NDArray[np.int32]) -> dict[int, int]:
    """Tracks with several plays, none of them in the newer half; and how many plays."""
    newer = {*tracks[len(tracks) // 2 :].tolist()}
    return {
        track: plays
        for track, plays in _counted(tracks).items()
        if plays >= _PLAYS_MIN and track not in newer
    }


def _counted(tracks: NDArray[np.int32]) -> dict[int, int]:
    codes, plays = np.unique(tracks, return_counts=True)
    return dict(zip(codes.tolist(), plays.tolist(), strict=True))
