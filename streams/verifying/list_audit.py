"""Lists as consumers find them, beside each other and beside what the state ranks. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson
import xxhash

from streams.verifying.findings import Broken, Promise
from topics.recommendation_list import EVERYONE, RankedTrack, RecommendationList

SAMPLE_LISTS = 200


class Published(NamedTuple):
    """A list as a consumer finds it, its items by their hash; `at_ms` is when it was written."""

    log_epoch: int
    as_of: int
    event_time: int
    items: bytes
    at_ms: int = 0

    @property
    def content(self) -> tuple[int, int, int, bytes]:
        """What Redis and the topic agree on."""
        return self.log_epoch, self.as_of, self.event_time, self.items


Lists = Mapping[str, Published]
"""Listener id → their list."""


def items_hash(items: Iterable[RankedTrack]) -> bytes:
    """Equal for equal tracks, scores and reasons in the same order."""
    return xxhash.xxh3_128_digest(orjson.dumps([tuple(each) for each in items]))


def made(each: RecommendationList) -> Published:
    """A list as `ListMaker` makes it."""
    return Published(each.log_epoch, each.as_of, each.event_time, items_hash(each.items))


def sample_of(lists: Lists, size: int = SAMPLE_LISTS) -> list[str]:
    """Everyone's list and those of `size` listeners, always the same ones of the same listeners."""
    own = sorted(lists.keys() - {EVERYONE}, key=lambda each: xxhash.xxh3_64_digest(each.encode()))
    return [*own[:size], *({EVERYONE} & lists.keys())]


def disagreements(redis: Lists, topic: Lists, settled_at: tuple[int, int]) -> Iterator[Broken]:
    """Lists that differ though both stores said before that they hold all up to `settled_at`.

    What is newer in one store may be on its way to the other.
    """
    for listener_id in sorted(redis.keys() & topic.keys()):
        one, other = redis[listener_id], topic[listener_id]
        newer = max((one.log_epoch, one.as_of), (other.log_epoch, other.as_of))
        same_place = (one.log_epoch, one.as_of) == (other.log_epoch, other.as_of)
        if one.content != other.content and (same_place or newer <= settled_at):
            what = f"as of {one.as_of} in redis, as of {other.as_of} in the topic"
            yield Broken(Promise.AGREED, listener_id, what)


def outdated(
    lists: Lists, last_changed: Mapping[str, int], settled: int, store: str
) -> Iterator[Broken]:
    """Listeners without a list as of their last change, and lists of nobody.

    `last_changed` is the log offset at which each listener that is remembered changed last; who
    changed beyond `settled` may be on the way.
    """
    for listener_id, changed in last_changed.items():
        found = lists.get(listener_id)
        if changed > settled:
            continue
        if found is None:
            yield Broken(Promise.COMPLETE, listener_id, f"changed at {changed}, not in {store}")
        elif found.as_of < changed:
            what = f"changed at {changed}, as of {found.as_of} in {store}"
            yield Broken(Promise.COMPLETE, listener_id, what)
    for listener_id in sorted(lists.keys() - last_changed.keys() - {EVERYONE}):
        if lists[listener_id].as_of <= settled:
            yield Broken(Promise.COMPLETE, listener_id, f"nobody, but has a list in {store}")


def misranked(listener_id: str, found: Published, ranked: Published) -> Iterator[Broken]:
    """Whether a list is what the state of its place ranks."""
    if found.content != ranked.content:
        where = f"{listener_id} as of {found.as_of}"
        what = f"the list is {found.content}, the state ranks {ranked.content}"
        yield Broken(Promise.RANKED, where, what)
