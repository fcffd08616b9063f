"""`LearningProgress`: how far a recommender has folded the learning-log; a hint, not a truth."""

from dataclasses import asdict, dataclass

from topics.codecs import encode


@dataclass(frozen=True)
class SourcePosition:
    """The fold's next of one source partition."""

    topic_id: bytes
    name: str
    adopted: bool
    partition: int
    next: int


@dataclass(frozen=True)
class LearningProgress:
    """How far one recommender has come; the Avro record of the same name."""

    recommender_id: str
    generation: str
    log_epoch: int
    as_of: int
    sources: tuple[SourcePosition, ...]
    digest: str | None = None
    digest_offset: int = -1
    applied: int = 0

    def encoded(self) -> bytes:
        """The value in the topic."""
        return encode("LearningProgress", asdict(self))
