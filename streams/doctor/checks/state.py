"""Checks of what is kept and what is said: snapshots, disk, active generations, drift."""

from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Judged, Level, ok
from streams.recommender_identity import RecommenderIdentity

FREE_BYTES_MIN = 1 << 30
_SHARES_TOLERANCE = 1e-6
"""By so much the shares of all generations may differ from 1."""
FREE_SNAPSHOTS_MIN = 4
"""The disk should hold so many more snapshots like the newest one."""


def _snapshots(facts: Facts) -> Judged:
    error = facts.recommender.get("snapshot_error")
    if error:
        return Level.BROKEN, str(error), "Make room; the next attempt follows by itself."
    if facts.snapshots.set_aside:
        said = f"{facts.snapshots.set_aside} were set aside as damaged or foreign"
        return Level.WARNING, said, "Nothing is lost; the next snapshot removes them."
    known = {facts.recommender_id, *(facts.heartbeats or {})}
    orphans = [name for name in facts.snapshots.recommenders if name not in known]
    if facts.heartbeats is not None and orphans:
        said = f"of nobody who was ever heard of in this Kafka: {', '.join(orphans)}"
        return Level.WARNING, said, "Delete these folders of ECHOTUNE_HOME/snapshots."
    if facts.snapshots.newest_bytes and (former := _former(facts)):
        said = f"of recommenders of another M: {', '.join(former)}"
        remedy = "Once every shard has its own, delete these folders of ECHOTUNE_HOME/snapshots."
        return Level.WARNING, said, remedy
    return ok("in order")


def _former(facts: Facts) -> list[str]:
    """Folders that recommenders of another M left, which those of this one began from."""
    own = RecommenderIdentity.parsed(facts.recommender_id)
    found = map(RecommenderIdentity.parsed, facts.snapshots.recommenders)
    return [str(it) for it in found if it and own and it.is_former_of(own)]


def _disk(facts: Facts) -> Judged:
    free, newest = facts.snapshots.free_bytes, facts.snapshots.newest_bytes
    said = f"{free / 2**30:,.1f} GiB free"
    if free < max(FREE_BYTES_MIN, FREE_SNAPSHOTS_MIN * newest):
        return Level.WARNING, said, "Make room under ECHOTUNE_HOME."
    return ok(said)


def _pointer(facts: Facts) -> Judged:
    if facts.redis is None:
        return None
    active = facts.redis.active
    if not active:
        return Level.WARNING, "recs:active is not there", "The next list that is published sets it."
    said = ", ".join(f"{name} {share}" for name, share in sorted(active.items()))
    try:
        is_whole = abs(sum(map(float, active.values())) - 1) < _SHARES_TOLERANCE
    except ValueError:
        is_whole = False
    if not is_whole:
        remedy = "HSET recs:active with shares that sum to 1."
        return Level.BROKEN, f"shares do not sum to 1: {said}", remedy
    return ok(said)


def _drift(facts: Facts) -> Judged:
    drift = facts.recommender.get("drift")
    if drift is None:
        return None
    if drift.get("raised"):
        said = f"{drift['raised']} alarms: the hit rate fell more than chance explains"
        return Level.WARNING, said, "`echotune evaluate --log --curve curve.csv` shows since when."
    return ok("no alarm")


CHECKS: dict[str, Check] = {
    "snapshots": _snapshots,
    "disk": _disk,
    "pointer": _pointer,
    "drift": _drift,
}
"""In the order in which they are said."""
