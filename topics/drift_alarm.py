"""`DriftAlarm`: the hit rate of a generation's model fell; computed from the learning-log alone."""

from dataclasses import asdict, dataclass

from topics.codecs import encode


@dataclass(frozen=True)
class DriftAlarm:
    """One alarm; the Avro record of the same name."""

    generation: str
    log_epoch: int
    as_of: int
    scored: int
    since: int
    before: float
    after: float

    def encoded(self) -> bytes:
        """The value in the topic."""
        return encode("DriftAlarm", asdict(self))
