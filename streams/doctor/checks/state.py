"""Checks of snapshots, disk, active generations and drift."""

from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Judged, Level, ok
from streams.recommender_identity import RecommenderIdentity

FREE_BYTES_MIN = 1 << 30
FREE_SNAPSHOTS_MIN = 4
"""Minimum free space of the disk, in snapshots as large as the newest one."""


def _snapshots(facts: Facts) -> Judged:
    error = facts.recommender.get("snapshot_error")
    if error:
        return (
            Level.BROKEN,
            str(error),
            "Free disk space; the next snapshot is tried automatically.",
        )
    if facts.snapshots.set_aside:
        text = f"{facts.snapshots.set_aside} were set aside as damaged or foreign"
        return Level.WARNING, text, "Nothing is lost; the next snapshot removes them."
    known = {facts.recommender_id, *(facts.heartbeats or {})}
    orphans = [name for name in facts.snapshots.recommenders if name not in known]
    if facts.heartbeats is not None and orphans:
        text = f"of recommenders without a heartbeat in this Kafka: {', '.join(orphans)}"
        return Level.WARNING, text, "Delete these folders of ECHOTUNE_HOME/snapshots."
    if facts.snapshots.newest_bytes and (previous := _previous_shards(facts)):
        text = f"of recommenders of another M: {', '.join(previous)}"
        remedy = "When every shard has its own, delete these folders of ECHOTUNE_HOME/snapshots."
        return Level.WARNING, text, remedy
    return ok("in order")


def _previous_shards(facts: Facts) -> list[str]:
    """Recommenders of another M whose snapshot folders still exist after resharding."""
    own = RecommenderIdentity.parsed(facts.recommender_id)
    found = map(RecommenderIdentity.parsed, facts.snapshots.recommenders)
    return [str(it) for it in found if it and own and it.is_former_of(own)]


def _disk(facts: Facts) -> Judged:
    free, newest = facts.snapshots.free_bytes, facts.snapshots.newest_bytes
    text = f"{free / 2**30:,.1f} GiB free"
    if free < max(FREE_BYTES_MIN, FREE_SNAPSHOTS_MIN * newest):
        return Level.WARNING, text, "Free disk space under ECHOTUNE_HOME."
    return ok(text)


def _pointer(facts: Facts) -> Judged:
    if facts.redis is None:
        return None
    active = facts.redis.active
    if not active:
        remedy = "A recommender of the generation that serves writes it: does one run?"
        return Level.WARNING, "recs:active does not exist", remedy
    if not active.get("stable") or not active.get("version", "").isdigit():
        text = ", ".join(f"{name} {value}" for name, value in sorted(active.items()))
        remedy = "DEL recs:active: a recommender of the generation that serves writes it again."
        return Level.BROKEN, f"recs:active is no pointer: {text}", remedy
    canary = f", {active['canary']} a share" if "canary" in active else ""
    return ok(f"{active['stable']} serves{canary}")


def _drift(facts: Facts) -> Judged:
    drift = facts.recommender.get("drift")
    if drift is None:
        return None
    if drift.get("raised"):
        text = f"{drift['raised']} alarms: the hit rate fell by more than chance explains"
        return Level.WARNING, text, "`echotune evaluate --log --curve curve.csv` shows since when."
    return ok("no alarm")


CHECKS: dict[str, Check] = {
    "snapshots": _snapshots,
    "disk": _disk,
    "pointer": _pointer,
    "drift": _drift,
}
"""By name, in the order of the report."""
