"""The publish frontier: the log position up to which a generation's lists have been published.

Redis and the topic `recommendations` each hold a frontier, which is written together with the
lists. A new owner publishes nothing before its fold has reached both frontiers. It then publishes
every list that changed after the older one, so that both stores end with the same lists, no matter
which processes were killed in between.
"""

from typing import NamedTuple

import orjson

from streams.folding.log_position import LogPosition


class Frontier(NamedTuple):
    """What one store has of a recommender's lists.

    `record_hash` is the hash of the log record at (`log_epoch`, `as_of`).
    """

    log_epoch: int
    as_of: int
    record_hash: str = ""
    serial: int = 0
    """Sequence number of the publication; it distinguishes publications of one log position."""
    missing_after: int | None = None
    """Publications after `agreed` had lists of all listeners that changed after this log offset.

    A store that missed one of them may be missing these lists. None if there was no such repair.
    """
    owner: int = 0
    """Owner number of the process that published: the fencing token, larger with each takeover."""
    agreed: int = 0
    """Both stores were known to have every publication up to and including this serial."""
    part: int = 0
    """Number of parts that the store has of an incomplete publication; 0 if it is complete.

    `serial` is then that of the publication before, and none of the lists is newer than `as_of`.
    """
    made_by: str = ""
    """Hash of the configuration with which all lists were made."""

    @property
    def position(self) -> tuple[int, int]:
        """The log position, by which frontiers of two stores are ordered."""
        return self.log_epoch, self.as_of

    @property
    def order(self) -> tuple[int, int, int]:
        """The key by which frontiers of one store are ordered."""
        return self.owner, self.serial, self.part

    @property
    def identity(self) -> tuple[int, ...]:
        """The fields by which frontiers of one store are distinguished (compare-and-set)."""
        return *self.position, *self.order

    @property
    def complete_up_to(self) -> int:
        """The low watermark: the store has all lists that changed up to this log offset."""
        return self.missing_after if self.part and self.missing_after is not None else self.as_of

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

    def reached_in_part(self, known: "Frontier") -> "Frontier":
        """The frontier of a store that was at `known` and got one more part of this publication."""
        candidates = (known.complete_up_to, known.missing_after, self.missing_after)
        missing_after = min(each for each in candidates if each is not None)
        return self._replace(
            serial=known.serial,
            missing_after=missing_after,
            agreed=known.agreed,
            part=known.part + 1,
            made_by=known.made_by,
        )


NOTHING_PUBLISHED = Frontier(-1, -1)
_FIELDS_MIN = 2
UNKNOWN_SERIAL = -1
"""Serial of a store whose contents are unknown."""


def frontier_at(position: LogPosition) -> Frontier:
    """The frontier of lists as of `position`, before their publication is numbered."""
    return Frontier(*position)


def frontier_of(text: str | bytes | None) -> Frontier:
    """Parses `Frontier.text`; `NOTHING_PUBLISHED` if nothing is stored.

    Fields that a newer version appended are ignored. Raises `ValueError` if `text` is no frontier.
    """
    if not text:
        return NOTHING_PUBLISHED
    found = orjson.loads(text)
    if not isinstance(found, list) or len(found) < _FIELDS_MIN:
        raise ValueError("this is no frontier")
    frontier = Frontier(*found[: len(Frontier._fields)])
    if not all(isinstance(each, int) for each in frontier.identity):
        raise ValueError("this is no frontier")
    return frontier


def is_unknown(redis: Frontier, topic: Frontier) -> bool:
    """Whether the contents of Redis are unknown: it has not seen the topic's owner, or any owner.

    An owner claims the topic, then Redis, and only then publishes. If Redis has not seen the
    topic's owner, there are two cases. Either Redis was reset to an older state (failover to a
    lagging replica) and may have been written to since, so that its serial proves nothing. Or the
    owner was killed in the milliseconds between both claims. Versions before decision 0012 had no
    owner numbers, and their serials are not comparable.
    """
    return redis.owner < max(topic.owner, 1)


def fenced_frontier(known: Frontier, owner: int) -> Frontier:
    """The frontier that fences a shard in a store that holds `known` of it.

    `owner` is the newest owner number in the topic. A store that has not seen it lost recent
    writes. The new owner number would hide that, so the serial becomes `UNKNOWN_SERIAL`.

    >>> fenced_frontier(Frontier(1, 90, serial=4, owner=2), owner=2).order
    (3, 4, 0)
    >>> fenced_frontier(Frontier(1, 80, serial=4, owner=1), owner=2).order
    (3, -1, 0)
    """
    serial = UNKNOWN_SERIAL if known.owner < owner else known.serial
    return known._replace(serial=serial, owner=1 + max(known.owner, owner))
