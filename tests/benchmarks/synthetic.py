"""Endless plays of generated listeners, in codes: sessions that follow sequences of tracks."""

from collections.abc import Iterator

import numpy as np

from online_models.base import Columns, Signal

SESSION_PLAYS = 10
BETWEEN_MS = 200_000
SESSIONS_AT_ONCE = 1_000
FOLLOWS_SHARE = 0.7
"""Share of plays whose track is the successor of the previous one."""
START_MS = 1_400_000_000_000


def plays(events: int, listeners: int, tracks: int, *, seed: int = 1) -> Iterator[Columns]:
    """`events` plays in blocks of `SESSIONS_AT_ONCE` sessions side by side.

    Listeners take turns, so that all have as many plays; tracks are few and popular, or many and
    rare.
    """
    chance, first, at_ms = np.random.default_rng(seed), 0, START_MS
    for _ in range(events // (SESSIONS_AT_ONCE * SESSION_PLAYS)):
        users = (first + np.arange(SESSIONS_AT_ONCE)) % listeners
        first += SESSIONS_AT_ONCE
        any_track = (tracks * chance.random((SESSION_PLAYS, SESSIONS_AT_ONCE)) ** 3).astype(
            np.int64
        )
        follows = chance.random((SESSION_PLAYS, SESSIONS_AT_ONCE)) < FOLLOWS_SHARE
        for step in range(1, SESSION_PLAYS):
            after = (any_track[step - 1] + 1) % tracks
            any_track[step] = np.where(follows[step], after, any_track[step])
        yield _columns(users, any_track, at_ms)
        at_ms += SESSION_PLAYS * BETWEEN_MS


def _columns(users: np.ndarray, items: np.ndarray, at_ms: int) -> Columns:
    times = at_ms + BETWEEN_MS * np.arange(SESSION_PLAYS)
    n = items.size
    return Columns(
        np.tile(users, SESSION_PLAYS).astype(np.int32),
        items.ravel().astype(np.int32),
        np.full(n, -1, np.int32),
        np.ones(n, np.float32),
        np.repeat(times, len(users)),
        np.full(n, Signal.LISTEN, np.uint8),
    )
