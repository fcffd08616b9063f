"""Which plays of several files are the same play."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.columnar.play_columns import PlayColumns, is_in_another_file
from streams.sources.history.event_assembly import NEAR_MS


def plays_of(rows: list[tuple[int, int, int]]) -> PlayColumns:
    """Plays of one listener: time in ms, track, file."""
    at_ms, tracks, files = (np.array(each, np.int64) for each in zip(*rows, strict=True))
    n = len(rows)
    return PlayColumns(
        listeners=np.zeros(n, np.int32),
        tracks=tracks.astype(np.int32),
        artists=np.zeros(n, np.int32),
        at_ms=at_ms,
        rewards=np.ones(n, np.float32),
        scored=None,
        files=files.astype(np.int32),
        listener_ids=["ann"],
        track_ids=["a", "b", "c"],
        artist_ids=["x"],
    )


def expected(rows: list[tuple[int, int, int]]) -> list[bool]:
    """The rule as its sentence says it: a kept play of another file is at most a minute before."""
    kept: list[tuple[int, int, int]] = []
    found = []
    for at, track, file in rows:
        near = [each for each in kept if each[1] == track and at - each[0] <= NEAR_MS]
        is_repeated = any(other != file for _, _, other in near)
        found.append(is_repeated)
        if not is_repeated:
            kept.append((at, track, file))
    return found


ROWS = st.lists(
    st.tuples(st.integers(0, 400).map(lambda s: s * 1_000), st.integers(0, 2), st.integers(0, 2)),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_a_play_is_in_another_file_if_a_kept_one_is_at_most_a_minute_before(
    rows: list[tuple[int, int, int]],
) -> None:
    rows.sort(key=lambda row: row[0])
    assert is_in_another_file(plays_of(rows)).tolist() == expected(rows)
