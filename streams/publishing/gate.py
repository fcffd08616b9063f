"""The gate: from which place in the log on lists may be published, and what is published first.

A new owner reads up to where each store has got (their publish frontiers), and derives the gate
from them: the fold has to catch up with the further store, and one store may lack what the other
one has.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.lists.frontier import Frontier, is_unknown


class Reached(NamedTuple):
    """Up to where one recommender has published to each store."""

    redis: Frontier
    topic: Frontier

    @property
    def positions(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Both places in the log."""
        return self.redis.position, self.topic.position


class Gate(NamedTuple):
    """From which place on lists may be published, and what has to be published then."""

    opens_at: tuple[int, int]
    republish_after: int

    def is_open(self, log_epoch: int, offset: int) -> bool:
        """Whether the state has come far enough."""
        return (log_epoch, offset) >= self.opens_at


def gate_between(
    redis: Frontier, topic: Frontier, log_epoch: int, former: Sequence[Reached] = ()
) -> Gate:
    """The gate for a state in `log_epoch`; frontiers of an earlier epoch mean: publish all.

    `former` are those of shards of another M, beyond which nobody published. Who published since
    these two did may have left one store without what the other has, as these two may have.

    >>> redis, topic = Frontier(1, 90, serial=4, owner=1), Frontier(1, 100, serial=5, owner=1)
    >>> gate_between(redis, topic, log_epoch=1)
    Gate(opens_at=(1, 100), republish_after=90)
    >>> former = Reached(redis=Frontier(1, 120, serial=9, owner=3), topic=topic)
    >>> gate_between(topic, topic, log_epoch=1, former=[former])
    Gate(opens_at=(1, 120), republish_after=100)
    """
    own = Reached(redis, topic)
    since = published_since(own, former)
    after = min(_one_lacks_after(*each, log_epoch) for each in (own, *since))
    return Gate(max(at for each in (own, *former) for at in each.positions), after)


def published_since(own: Reached, former: Sequence[Reached]) -> list[Reached]:
    """Those of `former` who may have published since `own` did."""
    return [each for each in former if max(each.positions) >= min(own.positions)]


def _one_lacks_after(redis: Frontier, topic: Frontier, log_epoch: int) -> int:
    """After which log offset one store may lack what the other one has; -1 where nobody knows.

    Publications are one sequence, and both stores have its beginning; the further one says what it
    has beyond the other.
    """
    older, newer = sorted((redis, topic), key=lambda each: each.serial)
    if is_unknown(redis, topic) or older.serial < newer.agreed or older.log_epoch != log_epoch:
        return -1
    differ = [newer.missing_after] if older.serial < newer.serial or newer.part else []
    return min(each for each in (older.complete_up_to, *differ) if each is not None)
