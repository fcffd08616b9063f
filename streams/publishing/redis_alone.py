"""Stands in for the topic writer of a generation that does not hold the topic `recommendations`.

The topic has the lists of the stable generation alone. Every other one publishes to Redis, and
takes what it published there for what the topic has. When it becomes stable, its own frontier in
the topic lies below that, so that every list goes out (decision 0012).
"""

from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.lists.list_store import Publication
from topics.errors import LogError


class RedisAlone:
    """Has the methods of `TopicWriter`, and writes nothing."""

    schema_registry_error: str | None = None

    def __init__(self) -> None:
        self.published = NOTHING_PUBLISHED
        self._is_fenced = False

    def open(self) -> Frontier | None:
        """None: the frontier is that of Redis."""
        return None

    def claim(self, owner: int) -> None:
        """Does nothing: the owner number is claimed in Redis."""

    def note_redis(self, frontier: Frontier) -> None:
        """Redis is at `frontier`, and so is this."""
        self.published = frontier

    def offer(self, publication: Publication) -> None:
        """Counts as published; raises like `check`."""
        self.check()
        self.published = publication.frontier

    def fence(self) -> None:
        """Publishes nothing more, because Redis knows a later owner."""
        self._is_fenced = True

    def check(self) -> None:
        """Raises `LogError` once a later owner is known."""
        if self._is_fenced:
            raise LogError(
                "Lists can no longer be published: Redis knows a later owner.",
                "Start the recommender again: another of its identity took over.",
            )

    def close(self) -> None:
        """Does nothing."""

    def abandon(self) -> None:
        """Does nothing."""

    def renewed(self) -> "RedisAlone":
        """A new one."""
        return RedisAlone()
