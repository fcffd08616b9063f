"""How new a play was, to the user or to everybody: for whole streams at once, in columns of [n]."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Novelty(IntEnum):
    """What a play was when it came."""

    REPEAT = 0
    NEW_TO_USER = 1
    NEVER_SEEN = 2


class PlaysBefore(NamedTuple):
    """What each play met."""

    novelty: NDArray[np.uint8]
    """`Novelty`."""
    of_user: NDArray[np.int64]
    """How many plays the user had before."""


def plays_before(users: NDArray[np.int32], items: NDArray[np.int32]) -> PlaysBefore:
    """What each play, in this order, met.

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
    """One number for a user and an item."""
    return (users.astype(np.int64) << 32) | items


def place_among_equals(values: NDArray[np.integer]) -> NDArray[np.int64]:
    """How many equals each value has before it.

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
