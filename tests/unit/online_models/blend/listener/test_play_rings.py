"""A listener's own last plays, by event time, in blocks."""

from random import Random
from typing import Any

import pytest

from online_models.blend.listener import play_rings as module
from online_models.blend.listener.play_rings import (
    BLOCK,
    BLOCK_PLAYS,
    BLOCK_POOL,
    RECENT,
    RING,
    RING_MAX,
)
from tests.support.compiled import called, records

ANN, BOB = 0, 1
clear_ring, is_played, read_recent, insert_play, remove_play = map(
    called,
    (
        module.clear_ring,
        module.is_played,
        module.read_recent,
        module.insert_play,
        module.remove_play,
    ),
)


class Kept:
    """Rings of two listeners and the blocks that they share."""

    def __init__(self, size: int = RING_MAX) -> None:
        self.rings, self.blocks = records(RING, 2), records(BLOCK, 64)
        self.given = records(BLOCK_POOL, 1)
        self.size = size

    def play(self, track: int, at_s: int, who: int = ANN) -> None:
        insert_play(self.rings[who], self.blocks, self.given[0], self.size, track, at_s)

    def retract(self, track: int, at_s: int, who: int = ANN) -> None:
        remove_play(self.rings[who], self.blocks, self.size, track, at_s)

    def is_played(self, track: int, who: int = ANN) -> bool:
        return bool(is_played(self.rings[who], self.blocks, self.size, track))

    def recent(self, who: int = ANN, playing: int = -1) -> Any:
        recent = records(RECENT, 1)[0]
        read_recent(recent, self.rings[who], self.blocks, self.size, playing, 1_800, self.size)
        return recent

    def held(self, who: int = ANN) -> list[tuple[int, int]]:
        """(second, track), oldest first."""
        recent = self.recent(who)
        n = recent["held"]
        plays = zip(recent["at_s"][:n].tolist(), recent["tracks"][:n].tolist(), strict=True)
        return list(plays)[::-1]


def plays_of(*tracks: int) -> Kept:
    """A second apart, from second 1 on."""
    kept = Kept()
    for at, track in enumerate(tracks):
        kept.play(track, at + 1)
    return kept


@pytest.mark.parametrize(("seed", "size"), [(0, 64), (1, 128), (2, 256), (3, 16)])
def test_plays_in_any_order_are_kept_by_time_and_only_the_newest_stay(seed: int, size: int) -> None:
    chance, kept, naive = Random(seed), Kept(size), []
    for track in range(3 * size):
        second = chance.randrange(500)
        kept.play(track, second)
        naive = sorted([*naive, (second, track)], key=lambda play: play[0])[-size:]
        assert kept.held() == naive
    played = {track for _, track in naive}
    assert [kept.is_played(track) for track in range(3 * size)] == [
        track in played for track in range(3 * size)
    ]


def test_a_place_that_is_empty_is_no_play_of_the_first_track() -> None:
    kept = plays_of(5, 6)
    assert not kept.is_played(0)
    assert not kept.is_played(5, BOB)
    kept.retract(5, 1)
    assert not kept.is_played(5)
    assert kept.is_played(6)


def test_a_play_older_than_all_that_is_kept_is_not_kept() -> None:
    kept = plays_of(*range(RING_MAX))
    before = kept.held()
    kept.play(99, 0)
    assert kept.held() == before


def test_a_retraction_removes_the_play_of_that_second() -> None:
    kept = plays_of(5, 6, 5, 7, 5)
    kept.retract(5, 3)
    assert kept.held() == [(1, 5), (2, 6), (4, 7), (5, 5)]


def test_without_a_play_of_that_second_a_retraction_removes_the_newest_of_the_track() -> None:
    kept = plays_of(5, 6, 5, 7)
    kept.retract(5, 77)
    assert kept.held() == [(1, 5), (2, 6), (4, 7)]


def test_retracting_a_track_that_was_not_played_changes_nothing() -> None:
    kept = plays_of(5, 6)
    kept.retract(9, 1)
    kept.retract(5, 1, BOB)
    assert kept.held() == [(1, 5), (2, 6)]


def test_blocks_are_allocated_as_plays_arrive() -> None:
    kept = plays_of(*range(BLOCK_PLAYS))
    assert kept.given["blocks"] == [1]
    kept.play(1, 10**6)
    kept.play(1, 10**6, BOB)
    assert kept.given["blocks"] == [3]


def test_a_cleared_listener_leaves_no_trace_and_their_blocks_are_reused() -> None:
    kept = plays_of(*range(1, 2 * BLOCK_PLAYS + 1))
    clear_ring(kept.rings[ANN], kept.blocks, kept.given[0])
    assert not any(kept.rings.tobytes())
    assert not kept.blocks["tracks"].any()
    assert not kept.blocks["at_s"].any()
    for at in range(2 * BLOCK_PLAYS):
        kept.play(at, at, BOB)
    assert kept.given["blocks"] == [2]
    assert [track for _, track in kept.held(BOB)] == list(range(2 * BLOCK_PLAYS))


def test_a_session_reaches_back_to_the_first_gap_of_more_than_half_an_hour() -> None:
    kept = Kept()
    for second in (0, 1_801, 3_601, 3_602):
        kept.play(1, second)
    assert kept.recent()["session"] == 3
    assert Kept().recent()["session"] == 0


def test_a_playing_track_comes_first() -> None:
    recent = plays_of(5, 6).recent(playing=9)
    assert recent["tracks"][: recent["held"]].tolist() == [9, 6, 5]
