"""Every check of the doctor: from facts to a finding, without I/O.

A check that has nothing to judge, since a server is away, says nothing: that the server is away is
a finding of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

from streams.doctor.facts import Facts
from streams.doctor.findings import Finding, Level
from streams.recommender_identity import RecommenderIdentity

Judged = tuple[Level, str, str] | None
"""Level, what there is to say, and the remedy; None where nothing can be judged."""

LAG_EVENTS_MAX = 50_000
LAG_RECORDS_MAX = 1_000
"""More than this is no moment's load."""
SKEW_MS_MAX = 5_000
LETTERS_AN_HOUR_MAX = 100
MEMORY_SHARE_MAX = 0.9
FREE_BYTES_MIN = 1 << 30
FREE_SNAPSHOTS_MIN = 4
"""The disk should hold so many more snapshots like the newest one."""
SILENT_MS_MAX = 10_000
_HOUR_MS = 3_600_000
_IGNORED = ("batches_ahead", "batches_repeated", "batches_not_adopted")

CHECKS: dict[str, Callable[[Facts], Judged]] = {}
"""In the order in which they are said."""


def check(name: str) -> Callable[[Callable[[Facts], Judged]], Callable[[Facts], Judged]]:
    """Names the decorated check."""

    def named(judge: Callable[[Facts], Judged]) -> Callable[[Facts], Judged]:
        CHECKS[name] = judge
        return judge

    return named


def examined(facts: Facts) -> Iterator[Finding]:
    """What each check finds."""
    for name, judge in CHECKS.items():
        judged = judge(facts)
        if judged is not None:
            yield Finding(name, *judged)


def _ok(says: str) -> Judged:
    return Level.OK, says, ""


def _reached(facts: Facts, server: str, level: Level, remedy: str) -> Judged:
    if server in facts.away:
        return level, facts.away[server], remedy
    return _ok("answers")


# -- servers ---------------------------------------------------------------------------------------


@check("kafka")
def _kafka(facts: Facts) -> Judged:
    return _reached(facts, "kafka", Level.BROKEN, "Start it, or correct ECHOTUNE_KAFKA.")


@check("redis")
def _redis(facts: Facts) -> Judged:
    return _reached(facts, "redis", Level.BROKEN, "Start it, or correct ECHOTUNE_REDIS.")


@check("mongodb")
def _mongo(facts: Facts) -> Judged:
    if facts.missing_indexes is None and "mongo" not in facts.away:
        return _ok("not set: tracks have no names")
    remedy = "Start it, or correct ECHOTUNE_MONGO. Only names of tracks are missing meanwhile."
    return _reached(facts, "mongo", Level.WARNING, remedy)


@check("mongodb indexes")
def _indexes(facts: Facts) -> Judged:
    if facts.missing_indexes is None:
        return None
    if facts.missing_indexes:
        missing = ", ".join(facts.missing_indexes)
        return (
            Level.WARNING,
            f"missing: {missing}",
            "They are made with the first name that is learnt.",
        )
    return _ok("as declared")


@check("topics")
def _topics(facts: Facts) -> Judged:
    if facts.differences is None:
        return None
    if facts.differences:
        is_refused = any(line.startswith("!") for line in facts.differences)
        other = "Set ECHOTUNE_PARTITIONS to what the cluster has."
        remedy = other if is_refused else "Run `echotune topics apply`."
        return Level.BROKEN, "; ".join(facts.differences), remedy
    return _ok("as the catalogue says")


@check("redis memory")
def _memory(facts: Facts) -> Judged:
    redis = facts.redis
    if redis is None:
        return None
    if redis.evicted_keys:
        return (
            Level.BROKEN,
            f"it has evicted {redis.evicted_keys} keys since it started, maybe lists",
            "Raise maxmemory, set maxmemory-policy to noeviction; then empty Redis: all lists "
            "are published anew.",
        )
    if not redis.memory_max_bytes:
        return _ok("no limit, nothing is evicted")
    if redis.policy != "noeviction":
        return (
            Level.WARNING,
            f"{redis.policy}: Redis may evict lists, and nobody is told",
            "Set maxmemory-policy to noeviction: a full Redis is said, and repaired once it can.",
        )
    share = redis.memory_used_bytes / redis.memory_max_bytes
    if share > MEMORY_SHARE_MAX:
        return Level.WARNING, f"{share:.0%} used", "Raise maxmemory, or lower ECHOTUNE_LIST_TTL_S."
    return _ok(f"{share:.0%} used, nothing is evicted")


@check("redis role")
def _role(facts: Facts) -> Judged:
    if facts.redis is None:
        return None
    if facts.redis.role != "master":
        return (
            Level.BROKEN,
            f"it is a {facts.redis.role}, which takes no lists",
            "Point ECHOTUNE_REDIS at the primary.",
        )
    return _ok("primary")


@check("clocks")
def _clocks(facts: Facts) -> Judged:
    """Only producers' clocks decide anything; but a machine that is off may be one of them."""
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
    return _ok(f"within {abs(skew_ms) / 1000:.1f} s of each other")


# -- workers ---------------------------------------------------------------------------------------


def _beating(facts: Facts) -> set[str]:
    recommender_id = facts.recommender.get("recommender_id")
    return {recommender_id} if recommender_id and not facts.recommender.get("waits_for") else set()


@check("sequencers")
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
    return _ok(f"{len(facts.sequencers)} run, {len(pauses)} partitions")


@check("schema registry")
def _schema_registry(facts: Facts) -> Judged:
    told = [each.get("schema_registry_error") for each in (*facts.sequencers, facts.recommender)]
    errors = [each for each in told if each]
    if errors:
        remedy = "Bring it back, correct ECHOTUNE_SCHEMA_REGISTRY, or `echotune schemas apply`."
        return Level.BROKEN, f"somebody waits for it: {errors[0]}", remedy
    return _ok("nobody waits for one")


@check("recommender")
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
    return _ok(f"{facts.recommender_id} publishes, {facts.recommender.get('applied', 0):,} events")


@check("heartbeats")
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
    return _ok("fresh")


@check("digests")
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
    return _ok("no two replicas differ; `echotune verify` compares with a replay")


# -- the log ---------------------------------------------------------------------------------------


@check("holes")
def _holes(facts: Facts) -> Judged:
    """What a sequencer had acknowledged must be covered by a fold at the log's end."""
    told = (facts.heartbeats or {}).get(facts.recommender_id)
    if told is None or not facts.sequencers or told[1].as_of < facts.log_end - 1:
        return None
    covered = {s.partition: s.next for s in told[1].sources if s.topic_id == facts.topic_id}
    for one in facts.sequencers:
        for partition, each in one["partitions"].items():
            if covered.get(int(partition), 0) < each["acknowledged"]:
                return (
                    Level.BROKEN,
                    f"partition {partition} is covered to {covered.get(int(partition), 0)}, "
                    f"but acknowledged to {each['acknowledged']}",
                    "Sequencers go back by themselves within 10 s; if not, start them again.",
                )
    return _ok("all that was acknowledged is covered")


@check("ignored batches")
def _ignored(facts: Facts) -> Judged:
    if not facts.recommender:
        return None
    found = {name: facts.count(name) for name in _IGNORED if facts.count(name)}
    said = ", ".join(f"{name.removeprefix('batches_')} {n:,}" for name, n in found.items())
    return _ok(f"{said or 'none'}; their rows are counted once all the same")


@check("lag")
def _lag(facts: Facts) -> Judged:
    lag = (facts.status or {}).get("lag") or {}
    events, records = lag.get("events"), lag.get("log_records")
    if events is None and records is None:
        return None
    said = f"{events or 0:,} events not in the log, {records or 0:,} log records not in the model"
    if (events or 0) > LAG_EVENTS_MAX:
        return Level.WARNING, said, "Start more sequencers, up to one a partition."
    if (records or 0) > LAG_RECORDS_MAX:
        return Level.WARNING, said, "The recommender needs a core of its own, or a smaller model."
    return _ok(said)


@check("rows that are gone")
def _missed(facts: Facts) -> Judged:
    missed = facts.count("missed_in_source")
    if missed:
        said = f"{missed:,} rows of the source were gone before anybody sequenced them"
        return Level.WARNING, said, "Keep the source for longer than sequencers may stand still."
    return _ok("none") if facts.recommender else None


@check("dead letters")
def _letters(facts: Facts) -> Judged:
    if facts.letters_at_ms is None:
        return None
    recent = sum(at > facts.clock_ms - _HOUR_MS for at in facts.letters_at_ms)
    said = f"{recent:,} in the last hour"
    if recent > LETTERS_AN_HOUR_MAX:
        return Level.WARNING, said, "`echotune deadletters list` says where they come from."
    return _ok(said)


@check("duplicate window")
def _window(facts: Facts) -> Judged:
    unchecked = int(facts.recommender.get("unchecked_duplicates") or 0)
    if unchecked:
        return (
            Level.WARNING,
            f"{unchecked:,} late events could not be compared with all that came before",
            "Set ECHOTUNE_DUPLICATE_WINDOW higher, in a new generation.",
        )
    return _ok("every event could be compared") if facts.recommender else None


# -- what is kept, and what is said ------------------------------------------------------------


@check("snapshots")
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
    return _ok("in order")


def _former(facts: Facts) -> list[str]:
    """Folders that recommenders of another M left, which those of this one began from."""
    own = RecommenderIdentity.parsed(facts.recommender_id)
    found = map(RecommenderIdentity.parsed, facts.snapshots.recommenders)
    return [str(it) for it in found if it and own and it.is_former_of(own)]


@check("disk")
def _disk(facts: Facts) -> Judged:
    free, newest = facts.snapshots.free_bytes, facts.snapshots.newest_bytes
    said = f"{free / 2**30:,.1f} GiB free"
    if free < max(FREE_BYTES_MIN, FREE_SNAPSHOTS_MIN * newest):
        return Level.WARNING, said, "Make room under ECHOTUNE_HOME."
    return _ok(said)


@check("pointer")
def _pointer(facts: Facts) -> Judged:
    if facts.redis is None:
        return None
    active = facts.redis.active
    if not active:
        return Level.WARNING, "recs:active is not there", "The next list that is published sets it."
    said = ", ".join(f"{name} {share}" for name, share in sorted(active.items()))
    try:
        is_whole = abs(sum(map(float, active.values())) - 1) < 1e-6
    except ValueError:
        is_whole = False
    if not is_whole:
        remedy = "HSET recs:active with shares that sum to 1."
        return Level.BROKEN, f"shares do not sum to 1: {said}", remedy
    return _ok(said)


@check("drift")
def _drift(facts: Facts) -> Judged:
    drift = facts.recommender.get("drift")
    if drift is None:
        return None
    if drift.get("raised"):
        said = f"{drift['raised']} alarms: the hit rate fell more than chance explains"
        return Level.WARNING, said, "`echotune evaluate --log --curve curve.csv` shows since when."
    return _ok("no alarm")
