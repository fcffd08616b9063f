"""The publish frontier: up to which place in the log a generation's lists have been published.

Redis and the topic `recommendations` each hold their own, written together with the lists. A
recommender publishes nothing before it has folded past both, and then publishes every list that
changed after the older one: so both end with the same lists, whatever died in between.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson


class Frontier(NamedTuple):
    """A place in the log that compares by (log epoch, offset); `record_hash` is that record's."""

    log_epoch: int
    as_of: int
    record_hash: str = ""
    serial: int = 0
    """Counts publications: a store that falls back by one is behind, though at the same place."""
    owed_after: int | None = None
    """The other store may lack lists of listeners that changed after this log offset."""

    @property
    def position(self) -> tuple[int, int]:
        """What orders the frontiers of two stores."""
        return self.log_epoch, self.as_of

    @property
    def order(self) -> tuple[int, int, int]:
        """What orders two frontiers of one store."""
        return self.log_epoch, self.as_of, self.serial

    def text(self) -> str:
        """The form in which it is stored; what is not owed is left out."""
        return orjson.dumps([each for each in self if each is not None]).decode()


NOTHING_PUBLISHED = Frontier(-1, -1)


def frontier_of(text: str | bytes | None) -> Frontier:
    """Reads `Frontier.text`; nothing stored means nothing published.

    What a newer version adds is left out.
    """
    return Frontier(*orjson.loads(text)[: len(Frontier._fields)]) if text else NOTHING_PUBLISHED


class Gate(NamedTuple):
    """From which place on lists may be published, and what has to be published then."""

    opens_at: tuple[int, int]
    republish_after: int
    not_before: int = -1
    """Log offset that the state must have reached, too."""

    def is_open(self, log_epoch: int, offset: int) -> bool:
        """Whether the state has come far enough."""
        return (log_epoch, offset) >= self.opens_at and offset >= self.not_before


def gate_between(
    redis: Frontier, topic: Frontier, log_epoch: int, former: Iterable[Frontier] = ()
) -> Gate:
    """The gate for a state in `log_epoch`; frontiers of an earlier epoch mean: publish all.

    `former` are those of shards of another M, beyond which nobody published. A Redis that has seen
    fewer publications than the topic gets every list.

    >>> gate_between(Frontier(1, 90), Frontier(1, 100), log_epoch=1)
    Gate(opens_at=(1, 100), republish_after=90, not_before=-1)
    """
    older = min(redis.position, topic.position)
    after = older[1] if older[0] == log_epoch else -1
    if redis.serial < topic.serial:  # it fell back, nobody knows behind which repairs
        after = -1
    owed = [each.owed_after for each in (redis, topic) if each.owed_after is not None]
    opens_at = max(each.position for each in (redis, topic, *former))
    return Gate(opens_at, min([after, *owed]))
