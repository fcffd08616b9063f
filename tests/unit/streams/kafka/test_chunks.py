"""What an agent gets of a fetch: pieces of bounded size."""

from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka.chunks import chunks_of


def a_record(size: int | None, offset: int = 0) -> Any:
    value = None if size is None else bytes(size)
    return SimpleNamespace(value=value, offset=offset, timestamp=1_500, timestamp_type=0)


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        ([], []),
        ([4, 6], [[4, 6]]),
        ([4, 6, 1], [[4, 6], [1]]),
        ([25, 1, 25], [[25], [1], [25]]),
        ([None, 10, None, 1], [[None, 10, None], [1]]),
    ],
)
def test_chunks_hold_at_most_so_many_bytes_or_one_record(
    sizes: list[int | None], chunks: list[list[int | None]]
) -> None:
    pieces = chunks_of([a_record(size) for size in sizes], bytes_max=10)
    found = [[None if r.value is None else len(r.value) for r in each] for each in pieces]
    assert found == chunks
