"""Checks of the workers: do they run, is each heard of, and do replicas agree?"""

from collections import defaultdict

from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Judged, Level, ok

SILENT_MS_MAX = 10_000


def _sequencers(facts: Facts) -> Judged:
    if facts.redis is None or facts.status is None:
        return None
    if not facts.sequencers:
        return Level.BROKEN, "none runs", "Start one: `echotune worker sequencer`."
    halted = [each["halted"] for each in facts.sequencers if each.get("halted")]
    if halted:
        return Level.BROKEN, f"halted: {halted[0]}", 'See docs/operations.md, "halted".'
    pauses = [each["pause_s"] for one in facts.sequencers for each in one["partitions"].values()]
    if any(pauses):
        said = f"{sum(map(bool, pauses))} partitions pause: too many bad records"
        return Level.WARNING, said, "`echotune deadletters list` says what is wrong with them."
    theirs = {name for one in facts.sequencers for name in one["partitions"]}
    if nobodys := {*map(str, range(facts.partitions))} - theirs:
        said = f"nobody reads partition {', '.join(sorted(nobodys, key=int))}"
        return Level.WARNING, said, "They are being shared anew; if this stays, restart one."
    return ok(f"{len(facts.sequencers)} run, {len(pauses)} partitions")


def _schema_registry(facts: Facts) -> Judged:
    told = [each.get("schema_registry_error") for each in (*facts.sequencers, facts.recommender)]
    errors = [each for each in told if each]
    if errors:
        remedy = "Bring it back, correct ECHOTUNE_SCHEMA_REGISTRY, or `echotune schemas apply`."
        return Level.BROKEN, f"somebody waits for it: {errors[0]}", remedy
    return ok("nobody waits for one")


def _recommender(facts: Facts) -> Judged:
    if facts.redis is None or facts.status is None:
        return None
    if not facts.recommender:
        remedy = "Start it: `echotune worker recommender`."
        return Level.BROKEN, f"{facts.recommender_id} does not run", remedy
    if waits_for := facts.recommender.get("waits_for"):
        said = f"it waits for the end of {', '.join(waits_for)}"
        return Level.WARNING, said, "Stop them: one M of a generation runs at a time."
    if facts.recommender.get("redis_error"):
        return (
            Level.BROKEN,
            f"Redis refuses its lists: {facts.recommender['redis_error']}",
            ("It goes on by itself once Redis takes them."),
        )
    if not facts.recommender.get("publishing"):
        said = "it does not publish yet: it folds up to what was published before"
        return Level.WARNING, said, "It begins by itself; `echotune status` shows how far it is."
    return ok(f"{facts.recommender_id} publishes, {facts.recommender.get('applied', 0):,} events")


def _heartbeats(facts: Facts) -> Judged:
    if facts.heartbeats is None or facts.recommender.get("waits_for"):  # silent on purpose
        return None
    ours = {k: at for k, (at, told) in facts.heartbeats.items() if k == facts.recommender_id}
    if not ours:
        return (
            Level.BROKEN,
            f"{facts.recommender_id} never said anything",
            ("Start it: `echotune worker recommender`."),
        )
    age_ms = facts.clock_ms - ours[facts.recommender_id]
    if age_ms > SILENT_MS_MAX:
        return (
            Level.BROKEN,
            f"the last one is {age_ms / 1000:,.0f} s old",
            ("Look at the recommender's log, and start it again."),
        )
    return ok("fresh")


def _digests(facts: Facts) -> Judged:
    """Replicas of a generation that stand at the same offset hold the same state."""
    if facts.heartbeats is None:
        return None
    at: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for _, told in facts.heartbeats.values():
        if told.digest is not None:
            at[told.generation, told.digest_offset].add(told.digest)
    for (generation, offset), digests in at.items():
        if len(digests) > 1:
            return (
                Level.BROKEN,
                f"replicas of {generation} differ at log offset {offset}",
                "This must not be: keep logs and snapshots, and run `echotune verify`.",
            )
    return ok("no two replicas differ; `echotune verify` compares with a replay")


CHECKS: dict[str, Check] = {
    "sequencers": _sequencers,
    "schema registry": _schema_registry,
    "recommender": _recommender,
    "heartbeats": _heartbeats,
    "digests": _digests,
}
"""In the order in which they are said."""
