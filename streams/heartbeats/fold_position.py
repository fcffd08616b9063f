"""How far the folds have come, from the newest heartbeat of each recommender. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from topics.learning_batch import SourcePartition
from topics.learning_progress import LearningProgress

FRESH_MS = 10_000
"""A recommender is ignored if its last heartbeat is this much older (ms) than the newest one."""

Heartbeat = tuple[int, LearningProgress]
"""When the broker appended it (ms), and what it says."""


@dataclass(frozen=True)
class Generations:
    """What sequencers know of the journal: whose heartbeats decide, and whose count for nothing."""

    stable: str = ""
    """The stable generation; empty if it is not known."""
    retired: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FoldPosition:
    """How far the folds have come that decide where the source is read again."""

    as_of: int = -1
    """Offset of the last log record that was folded; -1 if it is not known."""
    next: Mapping[SourcePartition, int] = field(default_factory=dict)
    """Source partition → the first source offset that was not folded."""
    topic_ids: Mapping[str, bytes] = field(default_factory=dict)
    """Source name → the id of the topic that the folds accept under this name."""

    @property
    def is_known(self) -> bool:
        """Whether a recommender that counts has folded at least one log record."""
        return self.as_of >= 0


def fold_position(
    heartbeats: Mapping[str, Heartbeat], generations: Generations = Generations()
) -> FoldPosition:
    """Merges the newest heartbeat of each recommender.

    A generation may be faulty, and say that it has folded what the log has lost. So the stable one
    alone decides while it is heard. Otherwise the least position of all others decides, because a
    row that is sent again does no harm, and a row that is not sent is lost. Of these, whoever has
    not come as far as the stable one was still catches up, and says nothing of lost rows.
    """
    counted = [
        each for each in heartbeats.values() if each[1].generation not in generations.retired
    ]
    newest = max((at for at, _ in counted), default=0)
    alive = [progress for at, progress in counted if newest - at <= FRESH_MS]
    folds = _by_generation(alive)
    if generations.stable in folds:
        return folds[generations.stable]
    said = [it for _, it in counted if it.generation == generations.stable]
    silent = _furthest(said)
    others = [it for it in folds.values() if it.is_known and it.as_of >= silent.as_of]
    return _least(others) if others else FoldPosition(topic_ids=silent.topic_ids)


def _by_generation(alive: Iterable[LearningProgress]) -> dict[str, FoldPosition]:
    folds: dict[str, list[LearningProgress]] = {}
    for progress in alive:
        folds.setdefault(progress.generation, []).append(progress)
    return {generation: _furthest(found) for generation, found in folds.items()}


def _furthest(found: list[LearningProgress]) -> FoldPosition:
    """The furthest position of the recommenders of one generation, which fold the same."""
    position: dict[SourcePartition, int] = {}
    topic_ids: dict[str, bytes] = {}
    for progress in sorted(found, key=lambda each: each.as_of):  # the last knows the newest topic
        for source in progress.sources:
            if source.name and source.adopted:
                topic_ids[source.name] = source.topic_id
            if source.partition >= 0:
                key = SourcePartition(source.topic_id, source.partition)
                position[key] = max(source.next, position.get(key, 0))
    return FoldPosition(max((each.as_of for each in found), default=-1), position, topic_ids)


def _least(folds: list[FoldPosition]) -> FoldPosition:
    """The least position of several generations; the one that is least far names the topics."""
    least = min(folds, key=lambda each: each.as_of)
    known = set(least.next).intersection(*(each.next for each in folds))
    position = {key: min(each.next[key] for each in folds) for key in known}
    return FoldPosition(least.as_of, position, least.topic_ids)
