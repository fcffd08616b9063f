"""Checks of the servers: availability, topics, memory, role and clocks."""

from streams.doctor.facts import Facts
from streams.doctor.findings import Check, Judged, Level, ok
from streams.redis_refusals import DISK, FULL, REPLICA, Refusal

SKEW_MS_MAX = 5_000
MEMORY_SHARE_MAX = 0.9


def _reached(facts: Facts, server: str, level: Level, remedy: str) -> Judged:
    if server in facts.unavailable:
        return level, facts.unavailable[server], facts.remedies.get(server, remedy)
    return ok("answers")


def _kafka(facts: Facts) -> Judged:
    return _reached(facts, "kafka", Level.BROKEN, "Start it, or correct ECHOTUNE_KAFKA.")


def _redis(facts: Facts) -> Judged:
    return _reached(facts, "redis", Level.BROKEN, "Start it, or correct ECHOTUNE_REDIS.")


def _registry(facts: Facts) -> Judged:
    if not facts.registry_answers and "registry" not in facts.unavailable:
        return ok("not set: schemas have fixed ids")
    remedy = "Start it, or correct ECHOTUNE_SCHEMA_REGISTRY. Events of new schemas wait for it."
    return _reached(facts, "registry", Level.WARNING, remedy)


def _mongo(facts: Facts) -> Judged:
    if facts.missing_indexes is None and "mongo" not in facts.unavailable:
        return ok("not set: tracks have no names")
    remedy = "Start it, or correct ECHOTUNE_MONGO. Only the names of tracks are missing."
    return _reached(facts, "mongo", Level.WARNING, remedy)


def _indexes(facts: Facts) -> Judged:
    if facts.missing_indexes is None:
        return None
    if facts.missing_indexes:
        missing = ", ".join(facts.missing_indexes)
        return (
            Level.WARNING,
            f"missing: {missing}",
            "Restart a recommender (tracks) or `echotune serve` (all else): they create them.",
        )
    return ok("as declared")


def _topics(facts: Facts) -> Judged:
    if facts.differences is None:
        return None
    if facts.differences and all(line.startswith("=") for line in facts.differences):
        text = "; ".join(facts.differences)
        return Level.WARNING, text, "Nothing is to be done: Kafka cannot remove partitions."
    if facts.differences:
        is_refused = any(line.startswith("!") for line in facts.differences)
        set_partitions = "Set ECHOTUNE_PARTITIONS to what the cluster has."
        remedy = set_partitions if is_refused else "Run `echotune topics apply`."
        return Level.BROKEN, "; ".join(facts.differences), remedy
    return ok("as in the catalogue")


def _memory(facts: Facts) -> Judged:
    redis = facts.redis
    if redis is None:
        return None
    if redis.evicted_keys:
        return (
            Level.BROKEN,
            f"it has evicted {redis.evicted_keys} keys since it started, maybe lists",
            "Raise maxmemory, set maxmemory-policy to noeviction; then empty Redis: all lists "
            "are published again.",
        )
    if not redis.memory_max_bytes:
        return ok("no limit, nothing is evicted")
    if redis.policy != "noeviction":
        return (
            Level.WARNING,
            f"{redis.policy}: Redis may evict lists without an error",
            "Set maxmemory-policy to noeviction: then a full Redis is an error, and is repaired.",
        )
    share = redis.memory_used_bytes / redis.memory_max_bytes
    if share > MEMORY_SHARE_MAX:
        level = Level.BROKEN if share >= 1 else Level.WARNING
        return level, f"{share:.0%} used", "Raise maxmemory, or lower ECHOTUNE_LIST_TTL_S."
    return ok(f"{share:.0%} used, nothing is evicted")


def refusal(facts: Facts) -> Refusal | None:
    """Why Redis refuses writes, by its own figures; None if it does not."""
    redis = facts.redis
    if redis is None:
        return None
    if redis.role != "master":
        return REPLICA
    is_limited = redis.policy == "noeviction" and redis.memory_max_bytes
    if is_limited and redis.memory_used_bytes >= redis.memory_max_bytes:
        return FULL
    return DISK if redis.has_failed_disk else None


def _writes(facts: Facts) -> Judged:
    if facts.redis is None:
        return None
    if why := refusal(facts):
        return Level.BROKEN, why.what, f"{why.remedy} Until then, nothing is known of workers."
    return ok("accepted")


def _foreign_keys(facts: Facts) -> Judged:
    if facts.redis is None or facts.status is None:
        return None
    lists = facts.recommender.get("redis_left_out") or []
    if lists:
        text = f"other values are in place of the lists of {', '.join(lists)}"
        return Level.WARNING, text, "Rename or delete these keys (recs:GENERATION:LISTENER)."
    if facts.statuses_left_out:
        text = f"not statuses of this version: {', '.join(facts.statuses_left_out)}"
        return Level.WARNING, text, "Upgrade these workers, or delete the keys."
    return ok("none in place of a list or a status")


def _role(facts: Facts) -> Judged:
    if facts.redis is None:
        return None
    if facts.redis.role != "master":
        return (
            Level.BROKEN,
            f"it is a {facts.redis.role}, which accepts no lists",
            "Point ECHOTUNE_REDIS at the primary.",
        )
    return ok("primary")


def _clocks(facts: Facts) -> Judged:
    """Only producers' clocks matter, but a machine whose clock is wrong may be a producer."""
    others = {"redis": facts.redis.clock_ms} if facts.redis else {}
    alive = [at for name, (at, _) in (facts.heartbeats or {}).items() if name in _beating(facts)]
    if alive:
        others["kafka"] = max(alive)
    if not others:
        return None
    name, skew_ms = max(
        ((name, facts.clock_ms - at) for name, at in others.items()), key=lambda it: abs(it[1])
    )
    if abs(skew_ms) > SKEW_MS_MAX:
        return (
            Level.WARNING,
            f"this machine is {skew_ms / 1000:+.1f} s from {name}",
            "Let NTP set both. Events of more than 10 minutes ahead are rejected.",
        )
    return ok(f"within {abs(skew_ms) / 1000:.1f} s of each other")


def _beating(facts: Facts) -> set[str]:
    recommender_id = facts.recommender.get("recommender_id")
    return {recommender_id} if recommender_id and not facts.recommender.get("waits_for") else set()


CHECKS: dict[str, Check] = {
    "kafka": _kafka,
    "redis": _redis,
    "registry": _registry,
    "mongodb": _mongo,
    "mongodb indexes": _indexes,
    "topics": _topics,
    "redis memory": _memory,
    "redis role": _role,
    "redis writes": _writes,
    "foreign keys": _foreign_keys,
    "clocks": _clocks,
}
"""By name, in the order of the report."""
