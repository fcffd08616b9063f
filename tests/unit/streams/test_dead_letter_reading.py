"""Dead letters for people: the newest ones, without holding all of them."""

import tracemalloc
from collections.abc import Iterator

from streams.dead_letter_reading import DeadLetter, newest_of


def letters(times: list[int], bytes_each: int = 0) -> Iterator[DeadLetter]:
    return (
        DeadLetter({"at": str(at)}, bytes(bytes_each + at), when) for at, when in enumerate(times)
    )


def test_the_newest_are_shown_oldest_first_and_of_one_moment_in_the_order_they_were_written() -> (
    None
):
    found = newest_of(letters([5, 9, 1, 9, 7, 9]), 3)
    assert [(each.rejected_at, each.headers["at"]) for each in found] == [
        (9, "1"),
        (9, "3"),
        (9, "5"),
    ]
    assert [each.rejected_at for each in newest_of(letters([3, 1, 2]), 5)] == [1, 2, 3]


def test_only_what_is_shown_is_held() -> None:
    tracemalloc.start()
    try:
        assert len(newest_of(letters([*range(500)], bytes_each=100_000), 10)) == 10
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 3_000_000
