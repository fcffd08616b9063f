"""Records of the journal `model-lifecycle`: what happened to generations, and which one serves.

Whether a record is valid follows from the records before it (`streams.lifecycle.lifecycle`).
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import get_args

from topics.catalogue import MODEL_LIFECYCLE
from topics.codecs import Decoder, encode
from topics.errors import LogError
from topics.rejection import Rejected, RejectionReason
from topics.stray_records import why_stray


class GenerationState(StrEnum):
    """What a generation's recommenders do; the order is that of the Avro enum."""

    UNKNOWN = "UNKNOWN"
    QUIET = "QUIET"
    """They fold the log, and publish nothing."""
    STARTED = "STARTED"
    """They fold the log and publish lists."""
    STOPPED = "STOPPED"
    RETIRING = "RETIRING"
    RETIRED = "RETIRED"


class ServingCause(StrEnum):
    """Why another generation serves; the order is that of the Avro enum."""

    UNKNOWN = "UNKNOWN"
    FIRST = "FIRST"
    PROMOTED = "PROMOTED"
    CANARY = "CANARY"
    ROLLED_BACK = "ROLLED_BACK"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What every record of the journal states; its time is that of the broker."""

    operation_id: bytes
    """16 bytes; a later record with the same id is void."""
    who: str
    why: str
    made_with: str
    """Version of the software."""


@dataclass(frozen=True, kw_only=True)
class GenerationCreated(Operation):
    """A generation exists from here on; nothing of it ever changes."""

    name: str
    like: str | None = None
    log: str = "learning-log"
    log_id: str = ""
    settings: str
    """A JSON object with sorted keys."""
    fold_version: int
    fold_id: str = ""
    shards: int = 1


@dataclass(frozen=True, kw_only=True)
class GenerationMoved(Operation):
    """A generation changes its state."""

    name: str
    to: GenerationState
    shards: int = 0


@dataclass(frozen=True, kw_only=True)
class ServingChanged(Operation):
    """Which generations serve listeners from here on: the plan."""

    expected: int
    """Offset of the newest valid record of this kind that the writer knew; -1 if none."""
    stable: str
    canary: str | None = None
    share: int = 0
    """Share of the canary in ten-thousandths of the listeners."""
    cause: ServingCause
    automatic: bool = False
    evidence: str = "{}"


@dataclass(frozen=True, kw_only=True)
class AutopilotSet(Operation):
    """The keeper promotes a generation by itself from here on, or no longer does."""

    name: str
    is_armed: bool
    steps: tuple[int, ...] = ()
    """Shares of the listeners before the promotion, in ten-thousandths, rising."""
    dwell_s: int = 600
    """Least seconds between two changes of the plan."""


@dataclass(frozen=True, kw_only=True)
class GenerationsCompared(Operation):
    """The answer of a comparison of generation `a` with `b`, from the log's start."""

    a: str
    b: str
    log_id: str
    upto_offset: int
    metric: str
    paired: int
    clusters: int
    difference: float
    low: float
    high: float
    margin: float
    verdict: str


@dataclass(frozen=True, kw_only=True)
class RecordsVoided(Operation):
    """What stands at these offsets of a topic is void: each counts as one stray record."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    sha256: str = ""
    """Hash of the record's bytes, hex; empty if there are no records at these offsets."""


JournalRecord = (
    GenerationCreated
    | GenerationMoved
    | ServingChanged
    | AutopilotSet
    | GenerationsCompared
    | RecordsVoided
)

_BY_NAME: dict[str, type[JournalRecord]] = {each.__name__: each for each in get_args(JournalRecord)}
_decoder = Decoder(MODEL_LIFECYCLE.contracts)


def key_of(record: JournalRecord) -> bytes:
    """The record's key in Kafka: the generation, or the topic, that it is about."""
    match record:
        case ServingChanged():
            return record.stable.encode()
        case GenerationsCompared():
            return record.a.encode()
        case RecordsVoided():
            return record.topic.encode()
    return record.name.encode()


def encode_journal_record(record: JournalRecord) -> bytes:
    """Bytes of a record of the journal, with the fixed schema id of its contract."""
    return encode(type(record).__name__, asdict(record))


def decode_journal_record(value: bytes | None, offset: int) -> JournalRecord | None:
    """The record at `offset`; None if nothing of EchoTune has written it.

    Raises `LogError` for a record of a newer version, because it decides whether later ones are
    valid.
    """
    decoded = None if why_stray(value, MODEL_LIFECYCLE) else _decoder.decode(value)
    if decoded is None:
        return None
    if isinstance(decoded, Rejected):
        if decoded.reason is RejectionReason.UNKNOWN_SCHEMA:
            raise LogError(
                f"{MODEL_LIFECYCLE.name} record {offset} cannot be read: {decoded.detail}.",
                "A newer EchoTune wrote it. Upgrade this one.",
            )
        return None
    name, fields = decoded
    return _typed(_BY_NAME[name], fields)


def _typed(kind: type[JournalRecord], fields: dict[str, object]) -> JournalRecord:
    if kind is GenerationMoved:
        fields = fields | {"to": GenerationState(str(fields["to"]))}
    if kind is ServingChanged:
        fields = fields | {"cause": ServingCause(str(fields["cause"]))}
    if kind is AutopilotSet:
        fields = fields | {"steps": tuple(fields["steps"])}  # type: ignore[arg-type]
    return kind(**fields)  # type: ignore[arg-type]
