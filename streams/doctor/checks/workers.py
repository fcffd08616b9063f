"""Checks of the workers: do they run, are heartbeats fresh, and do replicas agree?"""

from collections import defaultdict

from streams.doctor.checks.servers import refusal
from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Judged, Level, ok

SILENT_MS_MAX = 10_000
UNSEEN_MS_MAX = 3_000
"""A status outlives its worker by 10 s: one that is missing beside a heartbeat was not written."""


def _sequencers(facts: Facts) -> Judged:
    if facts.redis is None or facts.status is None:
        return None
    if not facts.sequencers:
        return _no_sequencer(facts)
    halted = [each["halted"] for each in facts.sequencers if each.get("halted")]
    if halted:
        return Level.BROKEN, f"halted: {halted[0]}", 'See docs/operations.md, "halted".'
    pauses = [each["pause_s"] for one in facts.sequencers for each in one["partitions"].values()]
    if any(pauses):
        text = f"{sum(map(bool, pauses))} partitions pause: too many bad records"
        return Level.WARNING, text, "`echotune deadletters list` shows what is wrong with them."
    assigned = {name for one in facts.sequencers for name in one["partitions"]}
    if unassigned := {*map(str, range(facts.partitions))} - assigned:
        text = f"no sequencer reads partition {', '.join(sorted(unassigned, key=int))}"
        return Level.WARNING, text, "A rebalance is in progress; if this lasts, restart one."
    return ok(f"{len(facts.sequencers)} run, {len(pauses)} partitions")


def _no_sequencer(facts: Facts) -> Judged:
    if _is_blind(facts) or _beats_unseen(facts):
        return None
    return Level.BROKEN, "none runs", "Start one: `echotune worker sequencer`."


def _is_blind(facts: Facts) -> bool:
    """Whether workers may run although their statuses cannot be seen."""
    return bool(refusal(facts) or facts.statuses_left_out)


def _beats_unseen(facts: Facts) -> bool:
    """Whether the recommender runs, by its heartbeats, and its status is not in Redis."""
    if facts.recommender:
        return False
    at, _ = (facts.heartbeats or {}).get(facts.recommender_id, (0, None))
    return facts.clock_ms - at <= UNSEEN_MS_MAX


def _schema_registry(facts: Facts) -> Judged:
    workers = (*facts.sequencers, facts.recommender)
    errors = [error for each in workers if (error := each.get("schema_registry_error"))]
    if errors:
        remedy = "Start it, correct ECHOTUNE_SCHEMA_REGISTRY, or `echotune schemas apply`."
        return Level.BROKEN, f"a worker waits for it: {errors[0]}", remedy
    return ok("no worker waits for one")


def _no_recommender(facts: Facts) -> Judged:
    if _is_blind(facts):
        return None
    if _beats_unseen(facts):
        text = f"{facts.recommender_id} sends heartbeats, but its status is not in this Redis"
        remedy = (
            "ECHOTUNE_REDIS may name another server or database than the worker's, or a command is "
            "renamed or not allowed (ACL); the worker's log has the error."
        )
        return Level.BROKEN, text, remedy
    remedy = "Start it: `echotune worker recommender`."
    return Level.BROKEN, f"{facts.recommender_id} does not run", remedy


def _recommender(facts: Facts) -> Judged:
    if facts.redis is None or facts.status is None:
        return None
    if not facts.recommender:
        return _no_recommender(facts)
    if waits_for := facts.recommender.get("waits_for"):
        text = f"it waits for the end of {', '.join(waits_for)}"
        return Level.WARNING, text, "Stop them: one M of a generation runs at a time."
    if facts.recommender.get("redis_error"):
        return (
            Level.BROKEN,
            f"Redis refuses its lists: {facts.recommender['redis_error']}",
            "It continues automatically when Redis accepts them.",
        )
    if not facts.recommender.get("publishing"):
        text = "it does not publish yet: it folds up to what was published before"
        return (
            Level.WARNING,
            text,
            "It starts automatically; `echotune status` shows how far it is.",
        )
    return ok(f"{facts.recommender_id} publishes, {facts.recommender.get('applied', 0):,} events")


def _heartbeats(facts: Facts) -> Judged:
    if facts.heartbeats is None or facts.recommender.get("waits_for"):  # sends none on purpose
        return None
    ours = {k: at for k, (at, _) in facts.heartbeats.items() if k == facts.recommender_id}
    if not ours:
        return (
            Level.BROKEN,
            f"{facts.recommender_id} has never sent one",
            "Start it: `echotune worker recommender`.",
        )
    age_ms = facts.clock_ms - ours[facts.recommender_id]
    if age_ms > SILENT_MS_MAX:
        return (
            Level.BROKEN,
            f"the last one is {age_ms / 1000:,.0f} s old",
            "Read the recommender's log, and start it again.",
        )
    return ok("fresh")


def _digests(facts: Facts) -> Judged:
    """Replicas of a generation that are at the same log offset have the same state."""
    if facts.heartbeats is None:
        return None
    at: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for _, beat in facts.heartbeats.values():
        if beat.digest is not None:
            at[beat.generation, beat.digest_offset].add(beat.digest)
    for (generation, offset), digests in at.items():
        if len(digests) > 1:
            return (
                Level.BROKEN,
                f"replicas of {generation} differ at log offset {offset}",
                "This must never happen: keep logs and snapshots, and run `echotune verify`.",
            )
    return ok("no two replicas differ; `echotune verify` compares with a replay")


CHECKS: dict[str, Check] = {
    "sequencers": _sequencers,
    "schema registry": _schema_registry,
    "recommender": _recommender,
    "heartbeats": _heartbeats,
    "digests": _digests,
}
"""By name, in the order of the report."""
