"""Makes a cluster's topics equal to the catalogue; never shrinks them or grows them silently."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from infra.interruptible import interruptible
from topics.catalogue import CATALOGUE, DEAD_LETTERS, LISTENING_EVENTS, Topic
from topics.errors import ServerError, TopicError

_TIMEOUT_S = 30.0
_LISTING_TIMEOUT_S = 10.0
_POLL_S = 0.1
_REPLICAS_TO_LOSE_ONE = 3
_LIMIT = "max.message.bytes"
_CLASHING = (LISTENING_EVENTS, DEAD_LETTERS)
_OF_ONE_PARTITION = frozenset(each.name for each in CATALOGUE if each.partitions == 1)
LETTER_HEADERS_BYTES_MAX = 16 * 1024
"""Bytes that a dead letter may need in addition to its record's."""


@dataclass(frozen=True)
class FoundTopic:
    """A topic of the cluster."""

    partitions: int
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """How one topic differs from the catalogue; an `obstacle` must not be changed here."""

    topic: Topic
    is_missing: bool = False
    partitions: tuple[int, int] | None = None
    settings: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    obstacle: str = ""
    clash: str = ""
    """What follows from a size limit that is smaller than another topic's."""
    note: str = ""
    """What differs and does no harm, and cannot be changed."""

    @property
    def is_to_change(self) -> bool:
        """Whether there is something to do about it."""
        return not self.note or bool(self.settings)

    def lines(self) -> list[str]:
        """The difference as text, one line per change."""
        if self.is_missing:
            return [f"+ {self.topic.name} ({self.topic.partitions} partitions)"]
        changes = []
        if self.partitions:
            changes.append(
                f"~ {self.topic.name}: {self.partitions[0]} → {self.partitions[1]} partitions"
            )
        changes += [
            f"~ {self.topic.name}: {name} {was} → {wanted}"
            for name, (was, wanted) in sorted(self.settings.items())
        ]
        changes += [f"~ {self.topic.name}: {self.clash}"] if self.clash else []
        changes += [f"= {self.topic.name}: {self.note}"] if self.note else []
        return [*changes, f"! {self.topic.name}: {self.obstacle}"] if self.obstacle else changes


def differences(wanted: Sequence[Topic], found: Mapping[str, FoundTopic]) -> list[Difference]:
    """Differences between `found` and `wanted`, in the catalogue's order."""
    each = [_difference(topic, found.get(topic.name)) for topic in wanted]
    clash = _clash_of(found)
    return [
        replace(one, clash=clash) if _sets_a_clashing_limit(one) else one
        for one in each
        if one is not None
    ]


def _sets_a_clashing_limit(difference: Difference) -> bool:
    names = {each.name for each in _CLASHING}
    return _LIMIT in difference.settings and difference.topic.name in names


def _clash_of(found: Mapping[str, FoundTopic]) -> str:
    """Says that a dead letter may be too large for its topic; empty if it cannot be."""
    events, letters = (
        int(found[each.name].settings.get(_LIMIT, 0)) if each.name in found else 0
        for each in _CLASHING
    )
    if not letters or letters >= events + LETTER_HEADERS_BYTES_MAX:
        return ""
    return (
        f"{DEAD_LETTERS.name} takes {letters:,} bytes, which cannot hold a record of "
        f"{LISTENING_EVENTS.name} ({events:,}): larger dead letters are cut"
    )


def _difference(topic: Topic, found: FoundTopic | None) -> Difference | None:
    if found is None:
        return Difference(topic, is_missing=True)
    settings = {
        name: (found.settings.get(name), value)
        for name, value in topic.settings.items()
        if found.settings.get(name) != value
    }
    if found.partitions == topic.partitions or _keeps_its_partitions(topic, found.partitions):
        return Difference(topic, settings=settings) if settings else None
    if topic.name in _OF_ONE_PARTITION:
        note = f"it has {found.partitions} partitions; the first is used, the others stay empty"
        return Difference(topic, settings=settings, note=note)
    return Difference(
        topic,
        partitions=(found.partitions, topic.partitions),
        settings=settings,
        obstacle=_obstacle(topic, found.partitions),
    )


def _keeps_its_partitions(topic: Topic, partitions: int) -> bool:
    """Whether fewer partitions than the catalogue's are right, because growth would do harm.

    A compacted topic would keep the older record of each key that moves in its former partition,
    also after an erasure.
    """
    is_compacted = topic.settings.get("cleanup.policy") == "compact"
    return is_compacted and topic.keyed and partitions < topic.partitions


def _obstacle(topic: Topic, partitions: int) -> str:
    if partitions > topic.partitions:
        return f"it has {partitions} partitions, and partitions cannot be removed"
    if topic.keyed:
        return "it is keyed: growing moves listeners to other partitions (say --grow to do it)"
    return ""


def compare(admin: AdminClient, wanted: Sequence[Topic], prefix: str = "") -> list[Difference]:
    """Compares the cluster with `wanted`, whose names begin with `prefix` in the cluster."""
    return differences(wanted, _found(admin, wanted, prefix))


def apply(
    admin: AdminClient,
    wanted: Sequence[Topic],
    *,
    replication_factor: int,
    grow: bool = False,
    prefix: str = "",
) -> list[Difference]:
    """Applies and returns all differences; raises `TopicError` first if one must not be."""
    found = compare(admin, wanted, prefix)
    obstacles = [one for one in found if one.obstacle and not (grow and _may_grow(one))]
    if obstacles:
        raise TopicError(
            "; ".join(f"{one.topic.name}: {one.obstacle}" for one in obstacles),
            "Set ECHOTUNE_PARTITIONS to what the cluster has.",
        )
    _create(admin, [one.topic for one in found if one.is_missing], replication_factor, prefix)
    _grow(admin, [one.topic for one in found if one.partitions], prefix)
    _alter(admin, [one for one in found if one.settings], prefix)
    return found


def _may_grow(difference: Difference) -> bool:
    was, wanted = difference.partitions or (0, 0)
    return wanted > was


def _found(admin: AdminClient, wanted: Sequence[Topic], prefix: str) -> dict[str, FoundTopic]:
    try:
        existing = interruptible(lambda: admin.list_topics(timeout=_LISTING_TIMEOUT_S)).topics
    except KafkaException as error:
        raise ServerError(f"Kafka cannot be asked for its topics: {error}.", "Is it up?") from error
    names = [name for topic in wanted if (name := prefix + topic.name) in existing]
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    settings = _results(admin.describe_configs(resources)) if resources else {}
    return {
        resource.name.removeprefix(prefix): FoundTopic(
            len(existing[resource.name].partitions),
            {name: entry.value for name, entry in entries.items()},
        )
        for resource, entries in settings.items()
    }


def _create(
    admin: AdminClient, topics: Sequence[Topic], replication_factor: int, prefix: str
) -> None:
    new = [
        NewTopic(
            prefix + topic.name,
            num_partitions=topic.partitions,
            replication_factor=replication_factor,
            config={**topic.settings, **_durability(replication_factor)},
        )
        for topic in topics
    ]
    if new:
        _results(admin.create_topics(new))
        _wait_until_listed(admin, {each.topic for each in new})


def _wait_until_listed(admin: AdminClient, names: set[str]) -> None:
    """Waits until the broker lists the topics: it learns of them after it acknowledged them."""
    ends_at = time.monotonic() + _TIMEOUT_S
    while missing := names - _listed(admin):
        if time.monotonic() > ends_at:
            raise ServerError(
                f"Kafka created topics, and does not list them: {', '.join(sorted(missing))}.",
                "Run it again.",
            )
        time.sleep(_POLL_S)


def _listed(admin: AdminClient) -> set[str]:
    """The names of all topics; none while the broker does not answer."""
    try:
        return {*admin.list_topics(timeout=_TIMEOUT_S).topics}
    except KafkaException:
        return set()


def _durability(replication_factor: int) -> dict[str, str]:
    """With three replicas, an acknowledged record is on at least two of them."""
    return {"min.insync.replicas": "2"} if replication_factor >= _REPLICAS_TO_LOSE_ONE else {}


def _grow(admin: AdminClient, topics: Sequence[Topic], prefix: str) -> None:
    if topics:
        new = [NewPartitions(prefix + each.name, each.partitions) for each in topics]
        _results(admin.create_partitions(new))


def _alter(admin: AdminClient, changes: Sequence[Difference], prefix: str) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            prefix + one.topic.name,
            incremental_configs=[
                ConfigEntry(name, wanted, incremental_operation=AlterConfigOpType.SET)
                for name, (_, wanted) in one.settings.items()
            ],
        )
        for one in changes
    ]
    if resources:
        _results(admin.incremental_alter_configs(resources))


def _results(futures: Mapping[Any, "Future[Any]"]) -> dict[Any, Any]:
    try:
        return {key: future.result(timeout=_TIMEOUT_S) for key, future in futures.items()}
    except KafkaException as error:
        raise TopicError(
            f"The cluster refused a change of its topics: {error}.",
            "docs/security.md lists the rights of the operator.",
        ) from error
    except TimeoutError as error:
        raise ServerError(
            f"Kafka did not answer within {_TIMEOUT_S:.0f} s.",
            "Run it again: nothing is done twice.",
        ) from error
