"""The publish frontier: up to which place in the log a generation's lists have been published.

Redis and the topic `recommendations` each hold their own, written together with the lists. A
recommender publishes nothing before it has folded past both, and then publishes every list that
changed after the older one: so both end with the same lists, whatever died in between.
"""

from typing import NamedTuple

import orjson

from streams.folding.log_position import LogPosition


class Frontier(NamedTuple):
    """A place in the log that compares by (log epoch, offset); `record_hash` is that record's."""

    log_epoch: int
    as_of: int
    record_hash: str = ""
    serial: int = 0
    """Counts publications: two of the same place are told apart by it."""
    owed_after: int | None = None
    """Of the publications after `agreed`, one had lists of whoever changed after this offset."""
    owner: int = 0
    """Counts who published for this identity: one after another, never two at a time."""
    agreed: int = 0
    """Up to this serial both stores were known to have everything."""
    part: int = 0
    """Of a publication that takes several calls: how many a store has got, all but the last.

    It stands at the publication before, and no list of it is newer than `as_of`.
    """
    made_by: str = ""
    """The configuration by which all its lists were made."""

    @property
    def position(self) -> tuple[int, int]:
        """What orders the frontiers of two stores."""
        return self.log_epoch, self.as_of

    @property
    def order(self) -> tuple[int, int, int]:
        """What orders two frontiers of one store."""
        return self.owner, self.serial, self.part

    @property
    def identity(self) -> tuple[int, ...]:
        """What tells two frontiers of one store apart."""
        return *self.position, *self.order

    @property
    def complete_up_to(self) -> int:
        """Up to which log offset the store has all lists that it had to get."""
        return self.owed_after if self.part and self.owed_after is not None else self.as_of

    def text(self) -> str:
        """The form in which it is stored."""
        return orjson.dumps(self[:]).decode()

    def moved_to(self, position: LogPosition) -> "Frontier":
        """The same publication as of a later position in the log."""
        return self._replace(
            log_epoch=position.log_epoch,
            as_of=position.offset,
            record_hash=position.record_hash,
        )

    def reached_in_part(self, since: "Frontier") -> "Frontier":
        """What a store that had `since` has with some of the lists of this publication."""
        owed = (since.complete_up_to, since.owed_after, self.owed_after)
        owed_after = min(each for each in owed if each is not None)
        return self._replace(
            serial=since.serial,
            owed_after=owed_after,
            agreed=since.agreed,
            part=since.part + 1,
            made_by=since.made_by,
        )


NOTHING_PUBLISHED = Frontier(-1, -1)
UNKNOWN_SERIAL = -1
"""Of a store of which nobody knows any more what it has."""


def frontier_at(position: LogPosition) -> Frontier:
    """The frontier of lists as of `position`, before their publication is numbered."""
    return Frontier(*position)


def frontier_of(text: str | bytes | None) -> Frontier:
    """Reads `Frontier.text`; nothing stored means nothing published.

    What a newer version adds is left out.
    """
    return Frontier(*orjson.loads(text)[: len(Frontier._fields)]) if text else NOTHING_PUBLISHED


def is_unknown(redis: Frontier, topic: Frontier) -> bool:
    """Whether nobody knows what Redis has: it has not seen the topic's owner, or any at all.

    Who claims the topic claims Redis before it publishes. So Redis fell back, maybe to where it
    went on without that owner, and its serial says nothing; or that owner died between the two, in
    milliseconds. Versions before 0012 had no owners, and counted otherwise.
    """
    return redis.owner < max(topic.owner, 1)


def fenced(known: Frontier, owner: int) -> Frontier:
    """The frontier that takes a store from a shard of which it holds `known`.

    Where the store has not seen `owner`, the last one in the topic, it fell back; and whoever
    follows could not see that any more by the number of owners.

    >>> fenced(Frontier(1, 90, serial=4, owner=2), owner=2).order
    (3, 4, 0)
    >>> fenced(Frontier(1, 80, serial=4, owner=1), owner=2).order
    (3, -1, 0)
    """
    serial = UNKNOWN_SERIAL if known.owner < owner else known.serial
    return known._replace(serial=serial, owner=1 + max(known.owner, owner))
