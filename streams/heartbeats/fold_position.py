"""How far the folds have come, from the newest heartbeat of each recommender. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from topics.learning_batch import SourcePartition
from topics.learning_progress import LearningProgress

FRESH_MS = 10_000
"""A recommender is ignored if its last heartbeat is this much older (ms) than the newest one."""


@dataclass(frozen=True)
class FoldPosition:
    """How far the folds have come: the furthest position of the recommenders that are alive."""

    as_of: int = -1
    """Offset of the last log record that was folded; -1 if there is no heartbeat."""
    next: Mapping[SourcePartition, int] = field(default_factory=dict)
    """Source partition → the first source offset that was not folded."""
    topic_ids: Mapping[str, bytes] = field(default_factory=dict)
    """Source name → the id of the topic that the folds accept under this name."""

    @property
    def is_known(self) -> bool:
        """Whether a recommender that counts has folded at least one log record."""
        return self.as_of >= 0


def fold_position(heartbeats: Mapping[str, tuple[int, LearningProgress]]) -> FoldPosition:
    """Merges the newest heartbeat of each recommender (record time in ms, progress)."""
    newest = max((at for at, _ in heartbeats.values()), default=0)
    alive = [progress for at, progress in heartbeats.values() if newest - at <= FRESH_MS]
    alive.sort(
        key=lambda progress: progress.as_of
    )  # last is the furthest one: it knows the newest topic
    position: dict[SourcePartition, int] = {}
    topic_ids: dict[str, bytes] = {}
    for progress in alive:
        for source in progress.sources:
            if source.name and source.adopted:
                topic_ids[source.name] = source.topic_id
            if source.partition >= 0:
                key = SourcePartition(source.topic_id, source.partition)
                position[key] = max(source.next, position.get(key, 0))
    as_of = max((progress.as_of for progress in alive), default=-1)
    return FoldPosition(as_of, position, topic_ids)
