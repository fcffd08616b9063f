"""Control records of the learning-log: facts about sources and epochs, in the log's order."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SourceAdded:
    """A topic is a source from this record; if `adopted`, it succeeds another id of its name."""

    topic_id: bytes
    name: str
    adopted: bool = False


@dataclass(frozen=True)
class SourceTruncated:
    """Rows of a source partition below `log_start` were deleted before they were sequenced."""

    topic_id: bytes
    partition: int
    log_start: int


@dataclass(frozen=True)
class LogEpochStarted:
    """Lists made after this record are newer than all lists of an earlier epoch."""

    epoch: int
    reason: str


@dataclass(frozen=True)
class StrayRecord:
    """A record that nothing of EchoTune has written: it is counted, and changes nothing else."""

    why: str


ControlRecord = SourceAdded | SourceTruncated | LogEpochStarted | StrayRecord

_BY_NAME: dict[str, type[SourceAdded | SourceTruncated | LogEpochStarted]] = {
    each.__name__: each for each in (SourceAdded, SourceTruncated, LogEpochStarted)
}


def control_record(name: str, record: dict[str, Any]) -> ControlRecord:
    """The control record of contract `name`."""
    return _BY_NAME[name](**record)


def fields_of(control: ControlRecord) -> dict[str, Any]:
    """The Avro record of `control`; its contract is the name of its class."""
    return asdict(control)
