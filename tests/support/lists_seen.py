"""Lists as their consumers see them: in Redis, and in the topic after compaction."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Consumer, TopicPartition
from redis import Redis

from tests.support.station import Station, wait_until
from topics.catalogue import RECOMMENDATIONS
from topics.codecs import Decoder
from topics.rejection import Rejected

_ANSWER_S = 0.2
_decoder = Decoder(RECOMMENDATIONS.contracts)


class Seen(NamedTuple):
    """A list as any consumer can read it."""

    log_epoch: int
    as_of: int
    event_time: int
    track_ids: tuple[str, ...]


Lists = dict[str, Seen]


def redis_of(station: Station) -> "Redis":
    """A plain Redis client."""
    return Redis.from_url(station.addresses.redis)


def in_redis(station: Station) -> Lists:
    """Every list of the generation, including the fallback list (everyone's list)."""
    prefix = f"recs:{station.settings.generation}:"
    with redis_of(station) as redis:
        keys = list(redis.scan_iter(match=f"{prefix}*", count=1_000))
        found = {key.decode().removeprefix(prefix): redis.hgetall(key) for key in keys}
    return {name: _of_hash(fields) for name, fields in found.items() if fields}  # else deleted


def _of_hash(fields: Any) -> Seen:
    return Seen(
        log_epoch=int(fields[b"log_epoch"]),
        as_of=int(fields[b"as_of"]),
        event_time=int(fields[b"event_time"]),
        track_ids=tuple(track for track, *_ in orjson.loads(fields[b"items"])),
    )


def in_topic(station: Station) -> Lists:
    """The last committed list of each key; a listener whose last record is a tombstone has none."""
    lists: Lists = {}
    for listener_id, value in _records(station):
        lists.pop(listener_id, None)
        if value is not None:
            lists[listener_id] = decoded_list(value)
    return lists


def every_list(station: Station) -> Iterator[tuple[str, dict[str, Any]]]:
    """(listener, list) of every committed record that is a list."""
    for listener_id, value in _records(station):
        if value is not None:
            yield listener_id, _fields(value)


def _records(station: Station) -> Iterator[tuple[str, bytes | None]]:
    consumer = Consumer(
        {
            "bootstrap.servers": station.addresses.kafka,
            "group.id": "seen",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    partitions = range(station.settings.partitions)
    consumer.assign([TopicPartition(RECOMMENDATIONS.name, at, 0) for at in partitions])
    unread = set(partitions)
    while unread:
        for message in consumer.consume(1_000, timeout=_ANSWER_S):
            if message.error() is None:
                yield message.key().decode(), message.value()
            elif message.error().name() == "_PARTITION_EOF":
                unread.discard(message.partition())
    consumer.close()


def decoded_list(value: bytes) -> Seen:
    """The list that a record of the topic contains."""
    fields = _fields(value)
    tracks = tuple(each["track_id"] for each in fields["items"])
    return Seen(fields["log_epoch"], fields["as_of"], fields["event_time"], tracks)


def _fields(value: bytes) -> dict[str, Any]:
    decoded = _decoder.decode(value)
    assert not isinstance(decoded, Rejected), decoded
    return dict(decoded[1])


def agreed_lists(station: Station) -> Lists:
    """Waits until Redis and the topic have the same lists, and returns them."""
    redis, _ = wait_until(
        lambda: (in_redis(station), in_topic(station)), lambda both: both[0] == both[1]
    )
    return redis
