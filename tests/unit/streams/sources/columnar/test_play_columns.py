"""Which plays of several files are the same play: by the rule of the fold's window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.folding.deduplication_window import DeduplicationWindow, Verdict
from streams.sources import near_duplicates
from streams.sources.columnar.play_columns import PlayColumns, is_in_another_file
from tests.support.window_entries import entries

LENGTHS = (-1, 30_000, 240_000, 10**7)


def plays_of(rows: list[tuple[int, int, int, int]]) -> PlayColumns:
    """Plays of one listener: time in ms, track, file, length."""
    at_ms, tracks, files, lengths = (np.array(each, np.int64) for each in zip(*rows, strict=True))
    n = len(rows)
    return PlayColumns(
        listeners=np.zeros(n, np.int32),
        tracks=tracks.astype(np.int32),
        artists=np.zeros(n, np.int32),
        at_ms=at_ms,
        rewards=np.ones(n, np.float32),
        scored=None,
        files=files.astype(np.int32),
        durations=lengths.astype(np.int32),
        listener_ids=["ann"],
        track_ids=["a", "b", "c"],
        artist_ids=["x"],
    )


ROWS = st.lists(
    st.tuples(
        st.integers(0, 400).map(lambda s: s * 1_000),
        st.integers(0, 2),
        st.integers(0, 2),
        st.sampled_from(LENGTHS),
    ),
    min_size=1,
    max_size=40,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@given(ROWS)
@settings(deadline=None)
def test_a_play_is_in_another_file_if_the_fold_would_mask_it(
    rows: list[tuple[int, int, int, int]],
) -> None:
    verdicts = DeduplicationWindow(64).classify(
        entries([(n, 0, track, at, file, True, -1, length)
                 for n, (at, track, file, length) in enumerate(rows)])
    )  # fmt: skip
    kept = [play[:3] for play, verdict in zip(rows, verdicts, strict=True)
            if verdict == Verdict.NEW]  # fmt: skip
    found = is_in_another_file(plays_of(rows))
    several = len({file for _, _, file, _ in rows}) > 1
    left = {play[:3] for play, is_left in zip(rows, found.tolist(), strict=True) if not is_left}
    assert left == set(kept) or not several


@given(ROWS)
@settings(deadline=None)
def test_blocks_of_plays_do_not_show(rows: list[tuple[int, int, int, int]]) -> None:
    whole = is_in_another_file(plays_of(rows)).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "_PLAYS_A_BLOCK", 3)
        assert is_in_another_file(plays_of(rows)).tolist() == whole


def test_equal_plays_of_one_file_are_left_out_together() -> None:
    rows = [(0, 0, 0, -1), (0, 0, 0, -1), (0, 0, 1, -1), (0, 0, 1, -1), (50_000, 0, 1, -1)]
    assert is_in_another_file(plays_of(rows)).tolist() == [False, False, True, True, False]
