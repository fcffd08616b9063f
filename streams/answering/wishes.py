"""Chooses the tracks of a list from ranked ones, as its wishes say. Pure."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from streams.answering.questions import Wishes

T = TypeVar("T")


def chosen(
    ranked: Iterable[T],
    wishes: Wishes,
    *,
    artist_of: Callable[[T], Hashable | None],
    is_played: Callable[[T], bool],
) -> list[T]:
    """At most `count` of `ranked`, best first; an artist of None is nobody's."""
    wanted = [each for each in ranked if wishes.owned is None or is_played(each) is wishes.owned]
    limited = [*_of_artists(wanted, wishes.per_artist, artist_of)]
    if wishes.new_share is None or wishes.owned is not None:
        return limited[: wishes.count]
    return _shared(limited, round(wishes.new_share * wishes.count), wishes.count, is_played)


def _of_artists(
    ranked: Sequence[T], most: int, artist_of: Callable[[T], Hashable | None]
) -> Iterator[T]:
    """The best of each artist, at most `most` (0: all)."""
    taken: Counter[Hashable] = Counter()
    for each in ranked:
        artist = artist_of(each)
        taken[artist] += 1
        if not most or artist is None or taken[artist] <= most:
            yield each


def _shared(ranked: Sequence[T], new: int, count: int, is_played: Callable[[T], bool]) -> list[T]:
    """`new` tracks that were not played and otherwise played ones; either fills up the other."""
    kinds: dict[bool, list[int]] = {True: [], False: []}
    for at, each in enumerate(ranked):
        kinds[is_played(each)].append(at)
    played, others = kinds[True][: count - new], kinds[False][:new]
    missing = count - len(played) - len(others)
    more = sorted([*kinds[True][count - new :], *kinds[False][new:]])[:missing]
    return [ranked[at] for at in sorted([*played, *others, *more])]
