"""Answers of a model, as JSON. Pure."""

from typing import Any, NamedTuple

import orjson

from topics.recommendation_list import RecommendedTrack


class Answer(NamedTuple):
    """A list that was made on demand, and of which state."""

    generation: str
    log_epoch: int
    as_of: int
    tracks: list[RecommendedTrack]
    unknown: int = 0
    """How many of the tracks that were named the model has never met."""
    note: str = ""
    """What whoever asks should know, for example that the model cannot answer this."""

    def to_json(self) -> bytes:
        """The form in which it travels."""
        return orjson.dumps(self[:], default=tuple)


def answer_of(text: bytes) -> Answer:
    """Parses `Answer.to_json`; raises `ValueError` or `TypeError` if it is none."""
    found: list[Any] = orjson.loads(text)
    generation, log_epoch, as_of, tracks, *more = found
    return Answer(generation, log_epoch, as_of, [RecommendedTrack(*each) for each in tracks], *more)
