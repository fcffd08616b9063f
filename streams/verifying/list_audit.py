"""Compares published lists with each other and with the ranking of the state. Pure."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson
import xxhash

from streams.verifying.promises import Broken, Promise
from topics.recommendation_list import EVERYONE, RankedTrack, RecommendationList

SAMPLE_LISTS = 200


class Published(NamedTuple):
    """A list as a consumer reads it, with a hash of its items; written at `at_ms`."""

    log_epoch: int
    as_of: int
    event_time: int
    items: bytes
    at_ms: int = 0

    @property
    def position(self) -> tuple[int, int]:
        """The place in the log as of which the list was made."""
        return self.log_epoch, self.as_of

    @property
    def content(self) -> tuple[int, int, int, bytes]:
        """The values that must be equal in Redis and the topic."""
        return self.log_epoch, self.as_of, self.event_time, self.items


Lists = Mapping[str, Published]
"""Listener id → their list."""


def items_hash(items: Iterable[RankedTrack]) -> bytes:
    """Equal for equal tracks, scores and reasons in the same order."""
    return xxhash.xxh3_128_digest(orjson.dumps([tuple(each) for each in items]))


def published_from(each: RecommendationList) -> Published:
    """The comparable form of a list that `ListMaker` has made."""
    return Published(each.log_epoch, each.as_of, each.event_time, items_hash(each.items))


def sample_of(lists: Lists, size: int = SAMPLE_LISTS) -> list[str]:
    """The fallback list and those of `size` listeners; equal listeners give an equal sample."""
    own = sorted(lists.keys() - {EVERYONE}, key=lambda each: xxhash.xxh3_64_digest(each.encode()))
    return [*own[:size], *({EVERYONE} & lists.keys())]


def disagreements(redis: Lists, topic: Lists, settled_at: tuple[int, int]) -> Iterator[Broken]:
    """Lists that differ although both stores were complete up to and including `settled_at`.

    A newer list may be in one store and still in flight to the other one.
    """
    for listener_id in sorted(redis.keys() & topic.keys()):
        one, other = redis[listener_id], topic[listener_id]
        newer = max((one.log_epoch, one.as_of), (other.log_epoch, other.as_of))
        same_position = (one.log_epoch, one.as_of) == (other.log_epoch, other.as_of)
        if one.content != other.content and (same_position or newer <= settled_at):
            what = f"as of {one.as_of} in redis, as of {other.as_of} in the topic"
            yield Broken(Promise.AGREED, listener_id, what)


def outdated(
    lists: Lists, last_changed: Mapping[str, int], settled: int, store: str
) -> Iterator[Broken]:
    """Listeners without a list as of their last change, and lists of unknown listeners.

    `last_changed` maps each listener of the state to the log offset of its last change. A list that
    changed above `settled` may still be in flight.
    """
    for listener_id, changed in last_changed.items():
        found = lists.get(listener_id)
        if changed > settled:
            continue
        if found is None:
            yield Broken(Promise.COMPLETE, listener_id, f"changed at {changed}, no list in {store}")
        elif found.as_of < changed:
            what = f"changed at {changed}, as of {found.as_of} in {store}"
            yield Broken(Promise.COMPLETE, listener_id, what)
    for listener_id in sorted(lists.keys() - last_changed.keys() - {EVERYONE}):
        if lists[listener_id].as_of <= settled:
            yield Broken(
                Promise.COMPLETE, listener_id, f"unknown listener, but has a list in {store}"
            )


def leavings(others: Mapping[str, str], known: Container[str]) -> Iterator[Broken]:
    """Lists of other generations that the topic still has, for listeners whom this one never met.

    A listener in `known` has no list of this generation then, which `outdated` finds.
    """
    for listener_id, generation in sorted(others.items()):
        if listener_id not in known and listener_id != EVERYONE:
            what = f"unknown listener, but has a list of {generation} in the topic"
            yield Broken(Promise.COMPLETE, listener_id, what)


def misranked(listener_id: str, found: Published, ranked: Published) -> Iterator[Broken]:
    """A finding if a list differs from the ranking of the state at its log offset."""
    if found.content != ranked.content:
        where = f"{listener_id} as of {found.as_of}"
        what = f"the list is {found.content}, the state ranks {ranked.content}"
        yield Broken(Promise.RANKED, where, what)
