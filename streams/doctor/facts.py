"""What the doctor knows of a running system at one moment; plain values, gathered elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from topics.learning_progress import LearningProgress


@dataclass(frozen=True)
class RedisFacts:
    """What Redis says of itself."""

    role: str = "master"
    policy: str = "noeviction"
    memory_max_bytes: int = 0
    """0: no limit."""
    memory_used_bytes: int = 0
    evicted_keys: int = 0
    """Since it started."""
    clock_ms: int = 0
    active: Mapping[str, str] = field(default_factory=dict)
    """The pointer: generation → share of listeners."""


@dataclass(frozen=True)
class Snapshots:
    """What lies in the folder of snapshots."""

    recommenders: tuple[str, ...] = ()
    """Who has a folder there."""
    set_aside: int = 0
    newest_bytes: int = 0
    free_bytes: int = 1 << 40


@dataclass(frozen=True)
class Facts:
    """One look at everything. What could not be asked is None, and `away` says why.

    Sequencers were asked first, then the log's end, then the heartbeats: what a sequencer had
    acknowledged must be covered by a fold that stands at that end.
    """

    recommender_id: str
    clock_ms: int
    """This machine's."""
    away: Mapping[str, str] = field(default_factory=dict)
    """kafka, redis, mongo → what is wrong."""
    hangs: bool = False
    """Whether one of them was left behind, and may be waited for still."""
    status: Mapping[str, Any] | None = None
    """As `echotune status --json`."""
    topic_id: bytes = b""
    partitions: int = 0
    """Of the topic of events."""
    log_end: int = 0
    heartbeats: Mapping[str, tuple[int, LearningProgress]] | None = None
    """Recommender → (when the broker got its newest heartbeat, ms; what it says)."""
    differences: tuple[str, ...] | None = None
    """How the topics differ from the catalogue."""
    letters_at_ms: tuple[int, ...] | None = None
    """When each of the newest dead letters was written."""
    redis: RedisFacts | None = None
    missing_indexes: tuple[str, ...] | None = None
    """None: MongoDB is away, or not set."""
    snapshots: Snapshots = field(default_factory=Snapshots)

    @property
    def recommender(self) -> Mapping[str, Any]:
        """What the configured recommender says, empty while it does not run."""
        return (self.status or {}).get("recommender") or {}

    @property
    def sequencers(self) -> list[Mapping[str, Any]]:
        """What each running sequencer says."""
        return list((self.status or {}).get("sequencers") or [])

    def count(self, name: str) -> int:
        """A counter of the fold."""
        return int(self.recommender.get("counts", {}).get(name, 0))
