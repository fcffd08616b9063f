"""The gate: the log position from which lists may be published, and what is published first.

A new owner derives the gate from the publish frontiers of both stores. Its fold has to catch up
with the store that is further ahead, and one store may be missing lists that the other one has.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.lists.frontier import Frontier, is_unknown


class StoreFrontiers(NamedTuple):
    """The publish frontiers of one recommender in both stores."""

    redis: Frontier
    topic: Frontier

    @property
    def positions(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The log positions of both frontiers."""
        return self.redis.position, self.topic.position


class Gate(NamedTuple):
    """The condition for publishing, and what has to be published when it holds."""

    opens_at: tuple[int, int]
    """The log position (epoch, offset) that the state has to reach."""
    republish_after: int
    """Every list that changed after this log offset is published first."""
    opens_from: int = -1
    """Log offset that the state has to reach in any epoch."""

    def is_open(self, log_epoch: int, offset: int) -> bool:
        """Whether a state at this log position may be published."""
        return (log_epoch, offset) >= self.opens_at and offset >= self.opens_from


def gate_between(
    redis: Frontier, topic: Frontier, log_epoch: int, former: Sequence[StoreFrontiers] = ()
) -> Gate:
    """The gate for a state in `log_epoch`; every list is due if a frontier is of an earlier epoch.

    `former` are the frontiers of shards of another M, which are fenced. If one of them published
    later than `redis` and `topic`, one store may be missing lists of it that the other store has.

    >>> redis, topic = Frontier(1, 90, serial=4, owner=1), Frontier(1, 100, serial=5, owner=1)
    >>> gate_between(redis, topic, log_epoch=1)
    Gate(opens_at=(1, 100), republish_after=90, opens_from=-1)
    >>> former = StoreFrontiers(redis=Frontier(1, 120, serial=9, owner=3), topic=topic)
    >>> gate_between(topic, topic, log_epoch=1, former=[former])
    Gate(opens_at=(1, 120), republish_after=100, opens_from=-1)
    """
    own = StoreFrontiers(redis, topic)
    later = published_later_than(own, former)
    after = min(_missing_after(*each, log_epoch) for each in (own, *later))
    return Gate(max(at for each in (own, *former) for at in each.positions), after)


def published_later_than(
    own: StoreFrontiers, former: Sequence[StoreFrontiers]
) -> list[StoreFrontiers]:
    """The shards in `former` that may have published later than `own`."""
    return [each for each in former if max(each.positions) >= min(own.positions)]


def _missing_after(redis: Frontier, topic: Frontier, log_epoch: int) -> int:
    """The log offset after which one store may be missing lists of the other; -1 if unknown.

    Publications are one sequence, of which both stores have the beginning. The newer frontier
    states what its store has beyond the other one.
    """
    older, newer = sorted((redis, topic), key=lambda each: each.serial)
    if is_unknown(redis, topic) or older.serial < newer.agreed or older.log_epoch != log_epoch:
        return -1
    differ = [newer.missing_after] if older.serial < newer.serial or newer.part else []
    return min(each for each in (older.complete_up_to, *differ) if each is not None)
