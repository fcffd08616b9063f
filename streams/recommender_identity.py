"""The identity of a recommender: its generation, its shard, and the number of shards.

The form of the names must not change: groups, transactional ids, frontiers and folders use them.
"""

import re
from typing import NamedTuple, Self

_FORM = re.compile(r"(.+)-(0|[1-9][0-9]*)of([1-9][0-9]*)")


class RecommenderIdentity(NamedTuple):
    """Recommender `shard` (from 0) of the `shards` recommenders of a `family`."""

    family: str
    """The prefix that all recommenders of a generation share, regardless of their number."""
    shard: int
    shards: int

    @classmethod
    def of_generation(cls, generation: str, shard: int, shards: int, *, prefix: str = "") -> Self:
        """The identity of a shard of `generation`; `prefix` begins the names of an installation.

        >>> str(RecommenderIdentity.of_generation("first", 2, 3))
        'echotune-recommender-first-2of3'
        """
        return cls(f"{prefix}echotune-recommender-{generation}", shard, shards)

    @classmethod
    def parsed(cls, recommender_id: str) -> Self | None:
        """The identity with this id; None if the id is not one of a recommender.

        >>> RecommenderIdentity.parsed("echotune-recommender-first-2of3")
        RecommenderIdentity(family='echotune-recommender-first', shard=2, shards=3)
        >>> RecommenderIdentity.parsed("echotune-recommender-first")
        """
        match = _FORM.fullmatch(recommender_id)
        return cls(match[1], int(match[2]), int(match[3])) if match else None

    def __str__(self) -> str:
        return f"{self.family}-{self.place}"

    @property
    def place(self) -> str:
        """The shard and the number of shards, `iofM`.

        >>> RecommenderIdentity("echotune-recommender-first", 2, 3).place
        '2of3'
        """
        return f"{self.shard}of{self.shards}"

    def is_former_of(self, other: Self) -> bool:
        """Whether this identity has the same generation as `other`, and another M.

        >>> one, two = RecommenderIdentity("a", 0, 1), RecommenderIdentity("a", 0, 2)
        >>> one.is_former_of(two), two.is_former_of(two)
        (True, False)
        """
        return self.family == other.family and self.shards != other.shards
