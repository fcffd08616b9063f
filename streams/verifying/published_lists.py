"""Reads all published lists of a generation from Redis and from the topic."""

from collections.abc import AsyncIterator, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Message
from redis.asyncio import Redis

from streams.kafka.partition_reader import PartitionReader
from streams.lists.redis_lists import is_wrong_type, list_key
from streams.verifying.list_audit import Published, items_hash
from topics.catalogue import RECOMMENDATIONS
from topics.codecs import Decoder, SchemaLookup
from topics.errors import LogError
from topics.rejection import Rejected, RejectionReason
from topics.schemas import released
from topics.stray_records import why_stray

_SCAN_COUNT = 1_000
_FIELDS = ("log_epoch", "as_of", "event_time", "items", "published_at")


async def lists_in_redis(redis: Redis, generation: str, prefix: str = "") -> dict[str, Published]:
    """Listener id → list, for all lists of the generation; reads one page of keys per call."""
    prefix = list_key(generation, "", prefix)
    found: dict[str, Published] = {}
    async for keys in _pages(redis, prefix):
        async with redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hmget(key, _FIELDS)
            rows = await pipeline.execute(raise_on_error=False)
        for key, fields in zip(keys, rows, strict=True):
            if (each := _in_answer(fields)) is not None:
                found[key.decode(errors="replace").removeprefix(prefix)] = each
    return found


async def _pages(redis: Redis, prefix: str) -> AsyncIterator[list[Any]]:
    cursor = 0
    while True:
        cursor, keys = await redis.scan(cursor, match=f"{prefix}*", count=_SCAN_COUNT)
        if keys:
            yield keys
        if not cursor:
            return


def _in_answer(fields: Any) -> Published | None:
    """The list in an answer of Redis; None if it has expired, or another value is in its place."""
    if isinstance(fields, Exception):
        if is_wrong_type(fields):
            return None
        raise fields
    try:
        return _of_hash(fields)
    except (ValueError, TypeError):
        return None


def _of_hash(fields: list[bytes]) -> Published:
    epoch, as_of, event_time, items, at_ms = fields
    return Published(
        int(epoch), int(as_of), int(event_time), items_hash(orjson.loads(items)), int(at_ms)
    )


class TopicLists(NamedTuple):
    """What readers of the topic find: by listener, the newest record that is no removal."""

    own: dict[str, Published]
    """The lists of one generation."""
    others: dict[str, str]
    """Listeners for whom there is a list of another generation, and which one it is."""


def lists_in_topic(kafka: str, generation: str, schemas: SchemaLookup = released) -> TopicLists:
    """Each listener's list, of this generation or of another one.

    The newest record of each key counts, whoever wrote it, because a reader takes that one: a list
    that another generation has overwritten is not one of this generation. A removal is in every
    partition and counts for the one that it is in, because the partitions have no common order.

    Raises the errors of `schemas`, if a schema is only in a registry that is unavailable.
    """
    decoder = Decoder(RECOMMENDATIONS.contracts, schemas)
    whole = TopicLists({}, {})
    for _, messages in groupby(committed_lists(kafka), key=lambda each: each.partition()):
        lists = TopicLists({}, {})
        for message in messages:
            _take(lists, message, generation, decoder)
        whole = _merged(whole, lists)
    return whole


def _merged(one: TopicLists, other: TopicLists) -> TopicLists:
    """The lists of further partitions, too; the newest counts where a key has had another one."""
    own = one.own | {
        name: each
        for name, each in other.own.items()
        if name not in one.own or each.position > one.own[name].position
    }
    others = one.others | other.others
    return TopicLists(own, {name: each for name, each in others.items() if name not in own})


def committed_lists(kafka: str) -> Iterator[Message]:
    """Every record that compaction has left in the topic, of all generations.

    Raises `ServerError` if Kafka is unavailable, or stops answering before the end.
    """
    group = "echotune-list-reader"
    with PartitionReader(kafka, group, RECOMMENDATIONS.name, skips_deleted=True) as reader:
        for partition in reader.partitions():
            yield from reader.read(partition, *reader.bounds(partition))


def _take(lists: TopicLists, message: Message, generation: str, decoder: Decoder) -> None:
    listener_id = (message.key() or b"").decode(errors="replace")
    for each in lists:
        each.pop(listener_id, None)
    if message.value() is None:
        return
    decoded = decoder.decode(message.value())
    if isinstance(decoded, Rejected) and not _may_be_newer(decoded, message.value()):
        return  # a stray record, which stands where a list would
    if isinstance(decoded, Rejected):
        raise LogError(
            f"A list in {RECOMMENDATIONS.name} cannot be read: {decoded.detail}.",
            "Upgrade, or recreate the topic: its lists are then published again.",
        )
    fields = decoded[1]
    if fields["generation"] == generation:
        lists.own[listener_id] = _of_record(fields, message.timestamp()[1])
    else:
        lists.others[listener_id] = fields["generation"]


def _may_be_newer(rejected: Rejected, value: bytes) -> bool:
    is_unknown = rejected.reason is RejectionReason.UNKNOWN_SCHEMA
    return is_unknown and not why_stray(value, RECOMMENDATIONS)


def _of_record(fields: dict[str, Any], at_ms: int) -> Published:
    items = [(each["track_id"], each["score"], each["reason"]) for each in fields["items"]]
    return Published(
        fields["log_epoch"], fields["as_of"], fields["event_time"], items_hash(items), at_ms
    )
