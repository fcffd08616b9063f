"""`LearningProgress`: a recommender's heartbeat: how far it has folded the log. Advisory."""

from dataclasses import asdict, dataclass

from topics.codecs import encode


@dataclass(frozen=True)
class SourcePosition:
    """`next` of one source partition: the first offset that the fold has not covered."""

    topic_id: bytes
    name: str
    adopted: bool
    partition: int
    next: int


@dataclass(frozen=True)
class LearningProgress:
    """One heartbeat; the Avro record of the same name."""

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
