"""What a recommender is called: its generation, and which shard of how many it is.

The names are literal, since groups, transactional ids, frontiers and folders hang on them.
"""

import re
from typing import NamedTuple, Self

_FORM = re.compile(r"(.+)-(0|[1-9][0-9]*)of([1-9][0-9]*)")


class RecommenderIdentity(NamedTuple):
    """Recommender `shard` of `shards`, counted from 0, of those that share the `family`."""

    family: str
    """The same for all recommenders of a generation, whatever their number is."""
    shard: int
    shards: int

    @classmethod
    def of_generation(cls, generation: str, shard: int, shards: int) -> Self:
        """The identity of a shard of `generation`.

        >>> str(RecommenderIdentity.of_generation("first", 2, 3))
        'echotune-recommender-first-2of3'
        """
        return cls(f"echotune-recommender-{generation}", shard, shards)

    @classmethod
    def parsed(cls, recommender_id: str) -> Self | None:
        """The identity that is called so; None where nobody can be.

        >>> RecommenderIdentity.parsed("echotune-recommender-first-2of3")
        RecommenderIdentity(family='echotune-recommender-first', shard=2, shards=3)
        >>> RecommenderIdentity.parsed("echotune-recommender-first")
        """
        it = _FORM.fullmatch(recommender_id)
        return cls(it[1], int(it[2]), int(it[3])) if it else None

    def __str__(self) -> str:
        return f"{self.family}-{self.place}"

    @property
    def place(self) -> str:
        """Which of how many.

        >>> RecommenderIdentity("echotune-recommender-first", 2, 3).place
        '2of3'
        """
        return f"{self.shard}of{self.shards}"

    def is_former_of(self, other: Self) -> bool:
        """Whether it is of the same generation and another M.

        >>> one, two = RecommenderIdentity("a", 0, 1), RecommenderIdentity("a", 0, 2)
        >>> one.is_former_of(two), two.is_former_of(two)
        (True, False)
        """
        return self.family == other.family and self.shards != other.shards
