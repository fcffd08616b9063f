"""Novelty of plays: a repeat, new to the user, or new to all users; in columns of [n]."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Novelty(IntEnum):
    """How new the item of a play was to its user and to the model."""

    REPEAT = 0
    NEW_TO_USER = 1
    NEVER_SEEN = 2


class PlaysBefore(NamedTuple):
    """What was known before each play, [n]."""

    novelty: NDArray[np.uint8]
    """`Novelty` of the play."""
    of_user: NDArray[np.int64]
    """Number of earlier plays of the user."""


def plays_before(users: NDArray[np.int32], items: NDArray[np.int32]) -> PlaysBefore:
    """Novelty of each play, and the number of its user's earlier plays; plays are in order.

    >>> met = plays_before(np.array([0, 0, 1, 0]), np.array([7, 7, 7, 8]))
    >>> met.novelty.tolist(), met.of_user.tolist()
    ([2, 0, 1, 2], [0, 1, 0, 2])
    """
    is_repeat = place_among_equals(pairs(users, items)) > 0
    is_known = place_among_equals(items) > 0
    novelty = np.where(is_known, Novelty.NEW_TO_USER, Novelty.NEVER_SEEN)
    novelty[is_repeat] = Novelty.REPEAT
    return PlaysBefore(novelty.astype(np.uint8), place_among_equals(users))


def pairs(users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.int64]:
    """One number, int64[n], for each pair of a user and an item (codes [n])."""
    return (users.astype(np.int64) << 32) | items


def place_among_equals(values: NDArray[np.integer]) -> NDArray[np.int64]:
    """The number of equal values before each value, [n].

    >>> place_among_equals(np.array([5, 9, 5, 5])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(values) else order
    lengths = np.diff(np.r_[starts, len(values)])
    place = np.empty(len(values), np.int64)
    place[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return place
