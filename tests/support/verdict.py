"""The verdict that ends every fault test: no event is lost or applied twice, and all stores agree.

`echotune verify --deep` compares the logs, the state and the lists with each other. The naive fold
computes the state independently, from its description. The workload knows what was acknowledged.
"""

from collections import Counter, defaultdict
from typing import Any

from streams.folding.log_account import Counted
from streams.generation.model_choice import config_of
from streams.kafka.log_reader import LogReader
from streams.verifying.log_audit import LogAudit
from tests.support.feeding import Feeder
from tests.support.naive_fold import NaiveFold
from tests.support.station import Station, wait_until
from tests.support.workload import Delivery, What
from topics.learning_log import LogRecord, decode_log_record

LOOKS_MAX = 3
Rows = dict[tuple[int, int], bytes]
"""(partition, source offset) → event key; empty if the log rejects the record."""


def kept(station: Station, feeder: Feeder) -> dict[str, Any]:
    """Waits until every acknowledged event is settled; fails with the first broken promise.

    A sequencer that was killed may still write again what the log has already, after the log was
    read here and before it is verified: then both look once more.
    """
    for _ in range(LOOKS_MAX):
        deep, naive = _looked_at(station, feeder)
        if deep["offset"] == naive.offset:
            break
    assert deep["offset"] == naive.offset, "the digest is of another place in the log"
    assert deep["live"] == deep["replay"] == naive.digest()
    return deep


def _looked_at(station: Station, feeder: Feeder) -> tuple[dict[str, Any], NaiveFold]:
    settle(station, feeder.to_be_applied)
    records = log_of(station)
    check_acknowledged(feeder.acknowledged, rows_of(records))
    naive = NaiveFold(config_of(station.settings.model), station.settings.duplicate_window)
    check_applied(feeder.acknowledged, naive.fold(records))
    deep = station.json("verify", "--deep")
    broken = [each for each in deep["promises"] if each["broken"]]
    assert not broken, broken
    assert all(each["checked"] for each in deep["promises"] if each["promise"] != "letters")
    return deep, naive


def settle(station: Station, applied: int) -> None:
    """Waits until `applied` events are applied, and everything is covered and published to both."""
    wait_until(station.status, lambda found: _is_settled(found, applied))


def _is_settled(status: dict[str, Any], applied: int) -> bool:
    recommender = status["recommender"]
    as_of = recommender.get("as_of", -1)
    return (
        (status["applied"] or 0) >= applied
        and status["lag"] == {"events": 0, "log_records": 0}
        and (status["digest_offset"], recommender["topic_as_of"]) == (as_of, as_of)
        and recommender["redis_error"] is None
    )


def log_of(station: Station) -> list[LogRecord]:
    """All records of the learning-log."""
    with LogReader(station.addresses.kafka) as reader:
        end = reader.bounds().end
        return [decode_log_record(value, at) for at, value in reader.records(0, end - 1)]


def rows_of(records: list[LogRecord]) -> Rows:
    """The event key, or the rejection, of every source offset that the log covers."""
    audit, rows = LogAudit(), Rows()
    for offset, record in enumerate(records):
        counted = audit.note(offset, record)
        if counted is not None:
            rows |= _rows(counted)
    assert not audit.broken, audit.broken[0]
    holes = [*audit.holes()]
    assert not holes, holes[0]
    return rows


def _rows(counted: Counted) -> Rows:
    batch, partition = counted.batch, counted.batch.source.partition
    keys = (key.tobytes() for key in batch.columns["event_keys"])
    rows = zip(batch.offsets.tolist(), keys, strict=True)
    found = {(partition, at): key for at, key in rows if at >= counted.first_new}
    return found | {(partition, at): b"" for at, _ in counted.rejected}


def check_acknowledged(acknowledged: dict[tuple[int, int], Delivery], rows: Rows) -> None:
    """Checks that every acknowledged record is in the log, at its source offset and unchanged."""
    for place in sorted(acknowledged):
        delivery = acknowledged[place]
        assert place in rows, (
            f"LOST: {delivery.what} {delivery.listener_id}#{delivery.number} at {place}"
        )
        assert rows[place] == delivery.event_key, (
            f"CHANGED: {delivery} at {place} is {rows[place]!r}"
        )


def check_applied(acknowledged: dict[tuple[int, int], Delivery], naive: NaiveFold) -> None:
    """Checks that every play is applied exactly once, and each listener's plays in their order."""
    applied = Counter(event.key for event in naive.learnt)
    plays = {
        delivery.event_key: delivery for delivery in acknowledged.values() if delivery.event_key
    }
    original = {What.FRESH, What.LATE, What.AGAIN}
    for key, delivery in plays.items():
        wanted = 1 if delivery.what in original else 0
        times = applied[key]
        assert times == wanted, (
            f"{times} TIMES: {delivery.what} {delivery.listener_id}#{delivery.number}"
        )
    order = defaultdict(list)
    for event in naive.learnt:
        if event.key in plays:
            order[event.listener].append(plays[event.key].number)
    for listener_id, numbers in order.items():
        assert numbers == sorted(numbers), f"OUT OF ORDER: {listener_id} {numbers}"
