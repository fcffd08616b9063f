"""The facts that the doctor judges: plain values of one moment, which `collect` collects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.kafka.open_transactions import OpenTransaction
from topics.errors import EchoTuneError
from topics.learning_progress import LearningProgress


@dataclass(frozen=True)
class RedisFacts:
    """Settings and figures that Redis reports."""

    role: str = "master"
    policy: str = "noeviction"
    memory_max_bytes: int = 0
    """0: no limit."""
    memory_used_bytes: int = 0
    evicted_keys: int = 0
    """Number of keys evicted since Redis started."""
    has_failed_disk: bool = False
    """Whether it refuses writes because the last one to its disk failed."""
    clock_ms: int = 0
    active: Mapping[str, str] = field(default_factory=dict)
    """The fields of the pointer `recs:active`, which says which generation serves whom."""


@dataclass(frozen=True)
class Snapshots:
    """Contents of the snapshot folder, and the space on its disk."""

    recommenders: tuple[str, ...] = ()
    """Ids of the recommenders that have a folder there."""
    set_aside: int = 0
    newest_bytes: int = 0
    free_bytes: int = 1 << 40


@dataclass(frozen=True)
class Facts:
    """All facts of one moment. An unknown fact is None, and `unavailable` gives the reason.

    The sequencers' status is read first, then the log's end, then the heartbeats. A fold that has
    reached that end must therefore cover everything that a sequencer had acknowledged.
    """

    recommender_id: str
    clock_ms: int
    """This machine's clock."""
    kafka: str = ""
    """Kafka's address."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """Server (kafka, redis, registry, mongo) → the reason why it is unavailable."""
    remedies: Mapping[str, str] = field(default_factory=dict)
    """Server → what to do, where the server refuses this client."""
    hangs: bool = False
    """Whether a probe was abandoned; its thread may still be waiting for the server."""
    status: Mapping[str, Any] | None = None
    """The document of `echotune status --json`."""
    topic_id: bytes = b""
    partitions: int = 0
    """Number of partitions of the topic `listening-events`."""
    log_end: int = 0
    heartbeats: Mapping[str, tuple[int, LearningProgress]] | None = None
    """Recommender → (when the broker received its newest heartbeat, ms; that heartbeat)."""
    halt: EchoTuneError | None = None
    """Why the configured recommender cannot go on in the log."""
    differences: tuple[str, ...] | None = None
    """Differences between the topics and the catalogue, one line each."""
    open_transactions: tuple[OpenTransaction, ...] | None = None
    """The oldest open transaction of each partition that has one."""
    letters_at_ms: tuple[int, ...] | None = None
    """When each of the newest dead letters was written."""
    redis: RedisFacts | None = None
    registry_answers: bool = False
    """False if the schema registry is unavailable or not set."""
    missing_indexes: tuple[str, ...] | None = None
    """None if MongoDB is unavailable or not set."""
    snapshots: Snapshots = field(default_factory=Snapshots)

    @property
    def statuses_left_out(self) -> list[str]:
        """Keys in Redis that should hold statuses of workers, and cannot be read."""
        return list((self.status or {}).get("left_out") or [])

    @property
    def recommender(self) -> Mapping[str, Any]:
        """The status of the configured recommender; empty while it does not run."""
        return (self.status or {}).get("recommender") or {}

    @property
    def sequencers(self) -> list[Mapping[str, Any]]:
        """The status of each running sequencer."""
        return list((self.status or {}).get("sequencers") or [])

    def count(self, name: str) -> int:
        """A counter of the fold."""
        return int(self.recommender.get("counts", {}).get(name, 0))
