"""Asks a cluster which rights (ACLs) this client has, before something hangs or fails without them.

A consumer that may not use its group waits for ever without a word (aiokafka 0.14), and a producer
that may not write to its topic fails with a right of another name.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed, security_of
from streams.kafka.refusals import who
from topics.errors import RefusedError

_TIMEOUT_S = 10.0
_REFUSED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})

Wanted = Mapping[str, Sequence[str]]
"""Name → operations, such as READ and WRITE."""


def check_rights(kafka: str, *, topics: Wanted, groups: Wanted) -> None:
    """Raises `RefusedError` that names every missing right; what cannot be asked is not missing."""
    admin = AdminClient(client_settings(kafka))
    wanted_topics = {prefixed(kafka, name): each for name, each in topics.items()}
    wanted_groups = {prefixed(kafka, name): each for name, each in groups.items()}
    missing: list[str] = []
    if topics:
        found = TopicCollection([*wanted_topics])
        described = admin.describe_topics(found, include_authorized_operations=True)
        missing += _missing("topic", described, wanted_topics)
    if groups:
        described = admin.describe_consumer_groups(
            [*wanted_groups], include_authorized_operations=True
        )
        missing += _missing("group", described, wanted_groups)
    if missing:
        raise RefusedError(
            f"Kafka gives {who(security_of(kafka))} too few rights; missing: {', '.join(missing)}.",
            "Grant them: docs/security.md lists the rights (ACLs) of each role.",
        )


def check_visible(kafka: str, topics: Sequence[str]) -> None:
    """Raises `RefusedError` if one of `topics` only seems missing, because it is hidden."""
    check_rights(kafka, topics={each: ["DESCRIBE"] for each in topics}, groups={})


def _missing(kind: str, described: Mapping[str, "Future[Any]"], wanted: Wanted) -> list[str]:
    lacking = []
    for name, operations in wanted.items():
        allowed = _allowed(described[name])
        lack = [each for each in operations if allowed is not None and each not in allowed]
        lacking += [f"{' and '.join(lack)} on {kind} {name}"] if lack else []
    return lacking


def _allowed(described: "Future[Any]") -> set[str] | None:
    """The operations that are allowed; None if the cluster does not say."""
    try:
        found = described.result(_TIMEOUT_S).authorized_operations
    except KafkaException as error:
        return set() if error.args[0].code() in _REFUSED else None
    except FutureTimeoutError:
        return None
    return {each.name for each in found} if found else None
