"""Checks of the log: does every event reach the model, and what became of the rest?"""

from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Judged, Level, ok
from streams.kafka.open_transactions import OpenTransaction

LAG_EVENTS_MAX = 50_000
LAG_RECORDS_MAX = 1_000
"""A lag above these limits is more than a short peak of load."""
LETTERS_AN_HOUR_MAX = 100
_NAMED_MAX = 3
VACANT_MIN = 20
"""Fewer gaps than this are not judged."""
TRANSACTION_S_MAX, TRANSACTION_HANGS_AFTER_S = 5, 15 * 60
"""A transaction that is open for longer than the first is named. Kafka ends it before the second,
its own default limit (`transaction.max.timeout.ms`); one that is older hangs."""
_HOUR_MS = 3_600_000
_IGNORED = ("batches_ahead", "batches_repeated", "batches_not_adopted")


def _holes(facts: Facts) -> Judged:
    """A fold at the log's end must cover the rows that sequencers have acknowledged."""
    _, beat = (facts.heartbeats or {}).get(facts.recommender_id, (0, None))
    if beat is None or not facts.sequencers or beat.as_of < facts.log_end - 1:
        return None
    covered = {s.partition: s.next for s in beat.sources if s.topic_id == facts.topic_id}
    for one in facts.sequencers:
        for partition, each in one["partitions"].items():
            if covered.get(int(partition), 0) < each["acknowledged"]:
                return (
                    Level.BROKEN,
                    f"partition {partition} is covered to {covered.get(int(partition), 0)}, "
                    f"but acknowledged to {each['acknowledged']}",
                    "Sequencers read them again within 10 s; if they do not, restart them.",
                )
    return ok("all acknowledged rows are covered")


def _readable(facts: Facts) -> Judged:
    if facts.halt is not None:
        return Level.BROKEN, facts.halt.message, facts.halt.remedy
    return ok("the records that come next can be read") if facts.heartbeats else None


def _ignored(facts: Facts) -> Judged:
    if not facts.recommender:
        return None
    found = {name: facts.count(name) for name in _IGNORED if facts.count(name)}
    text = ", ".join(f"{name.removeprefix('batches_')} {n:,}" for name, n in found.items())
    return ok(f"{text or 'none'}; each of their rows is still counted once")


def _lag(facts: Facts) -> Judged:
    lag = (facts.status or {}).get("lag") or {}
    events, records = lag.get("events"), lag.get("log_records")
    if not lag:
        return None
    text = f"{_said(events)} events not in the log, {_said(records)} log records not in the model"
    if events is None or records is None:
        remedy = "Unknown: a worker that would know does not run, or its status cannot be read."
        return Level.WARNING, text, remedy
    if (events or 0) > LAG_EVENTS_MAX:
        return Level.WARNING, text, "Start more sequencers, up to one a partition."
    if (records or 0) > LAG_RECORDS_MAX:
        return Level.WARNING, text, "The recommender needs a core of its own, or a smaller model."
    return ok(text)


def _said(count: int | None) -> str:
    return "an unknown number of" if count is None else f"{count:,}"


def _vacant(facts: Facts) -> Judged:
    """More gaps than records are not explained by transactions of any usual kind."""
    if not facts.recommender:
        return None
    vacant = facts.count("vacant")
    records = sum(facts.count(name) for name in ("applied", "rejected", "duplicate"))
    text = f"{vacant:,} offsets of the source without a record, {records:,} with one"
    if vacant > max(records, VACANT_MIN):
        remedy = (
            "Compaction has deleted events, or producers abort most of their transactions: run "
            "`echotune topics check` and ask who changed cleanup.policy. Send lost events again."
        )
        return Level.WARNING, text, remedy
    return ok(text)


def _transactions(facts: Facts) -> Judged:
    if facts.open_transactions is None:
        return None
    by_age = sorted(facts.open_transactions, key=lambda each: each.since_ms or 0)
    if not by_age or _open_s(facts, by_age[0]) <= TRANSACTION_S_MAX:
        return ok(f"{len(by_age)} open, none for longer than {TRANSACTION_S_MAX} s")
    is_dated = by_age[0].since_ms is not None
    hangs = is_dated and _open_s(facts, by_age[0]) > TRANSACTION_HANGS_AFTER_S
    text = "; ".join(_transaction(facts, each) for each in by_age[:_NAMED_MAX])
    more = len(by_age) - _NAMED_MAX
    return (
        Level.BROKEN if hangs else Level.WARNING,
        f"{text}{f'; {more} more' if more > 0 else ''}",
        _ending(facts.kafka, by_age[0], hangs=hangs),
    )


def _open_s(facts: Facts, each: OpenTransaction) -> float:
    return (facts.clock_ms - (each.since_ms or 0)) / 1000


def _transaction(facts: Facts, each: OpenTransaction) -> str:
    age = f"for {_open_s(facts, each):,.0f} s" if each.since_ms else "for an unknown time"
    place = f"{each.topic}/{each.partition}/{each.first_offset}"
    return f"a transaction is open from {place} on {age}; {each.waiting:,} offsets wait for its end"


def _ending(kafka: str, each: OpenTransaction, *, hangs: bool) -> str:
    command = (
        f"kafka-transactions.sh --bootstrap-server {kafka} abort --topic {each.topic} "
        f"--partition {each.partition} --start-offset {each.first_offset}"
    )
    if hangs:
        return f"It hangs, and Kafka does not end it: {command}"
    return (
        "Its producer ends it, or Kafka does after that producer's transaction.timeout.ms. "
        f"If the producer is gone for good: {command}"
    )


def _missed(facts: Facts) -> Judged:
    missed = facts.count("missed_in_source")
    if missed:
        text = f"{missed:,} rows of the source were deleted before they were sequenced"
        return Level.WARNING, text, "Keep the source for longer than sequencers may be stopped."
    return ok("none") if facts.recommender else None


def _stray(facts: Facts) -> Judged:
    stray = facts.count("stray_in_log")
    if stray:
        text = f"{stray:,} in the learning-log, which nothing of EchoTune has written"
        return Level.WARNING, text, "They change nothing. Let only EchoTune write to this topic."
    return ok("none in the learning-log") if facts.recommender else None


def _dead_letters(facts: Facts) -> Judged:
    if facts.letters_at_ms is None:
        return None
    recent = sum(at > facts.clock_ms - _HOUR_MS for at in facts.letters_at_ms)
    text = f"{recent:,} in the last hour"
    if recent > LETTERS_AN_HOUR_MAX:
        return Level.WARNING, text, "`echotune deadletters list` shows where they come from."
    return ok(text)


def _window(facts: Facts) -> Judged:
    unchecked = int(facts.recommender.get("unchecked_duplicates") or 0)
    if unchecked:
        return (
            Level.WARNING,
            f"{unchecked:,} late events could not be compared with all earlier events",
            "Set ECHOTUNE_DUPLICATE_WINDOW higher, in a new generation.",
        )
    return ok("every event could be compared") if facts.recommender else None


CHECKS: dict[str, Check] = {
    "unreadable records": _readable,
    "holes": _holes,
    "ignored batches": _ignored,
    "lag": _lag,
    "transactions": _transactions,
    "vacant offsets": _vacant,
    "rows that are gone": _missed,
    "stray records": _stray,
    "dead letters": _dead_letters,
    "duplicate window": _window,
}
"""By name, in the order of the report."""
