"""`RecommendationList`: tracks for a listener, made as of one log offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from topics.codecs import encode

EVERYONE = "*everyone*"
"""Key of the fallback list, for listeners without a list of their own."""


class RecommendedTrack(NamedTuple):
    """A track in a list; scores are comparable within one list only."""

    track_id: str
    score: float
    reason: str


RankedTrack = tuple[str, float, str]
"""A `RecommendedTrack`, or a plain tuple like it, which is made in less time."""


@dataclass(frozen=True, slots=True)
class RecommendationList:
    """A listener's list; the larger (log_epoch, as_of) is newer. Times in ms."""

    listener_id: str
    generation: str
    log_epoch: int
    as_of: int
    event_time: int
    items: Sequence[RankedTrack]
    shard: int = 0

    def items_json(self) -> bytes:
        """`[[track, score, reason], ...]`, best first: the form in Redis."""
        return orjson.dumps(self.items, default=tuple)

    def encoded(self, schema_id: int | None = None) -> bytes:
        """The value in the topic `recommendations`, with a registry's schema id if one is given."""
        record = {name: getattr(self, name) for name in self.__slots__}
        record["items"] = [
            {"track_id": track_id, "score": score, "reason": reason}
            for track_id, score, reason in self.items
        ]
        return encode("RecommendationList", record, schema_id)
