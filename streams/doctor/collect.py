"""Collects the doctor's facts: servers are probed in parallel, with one time limit for all."""

import asyncio
import shutil
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from infra.topic_creation import compare
from streams.addresses import Addresses
from streams.dead_letters.dead_letter_reader import each_letter
from streams.doctor.facts import Facts, RedisFacts, Snapshots
from streams.doctor.probes import Probe, Questions, run_probes
from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.kafka.client_settings import client_settings
from streams.kafka.log_reader import LogReader
from streams.kafka.open_transactions import open_transactions
from streams.kafka.refusals import refusals_in_words
from streams.kafka.retries import until_elected
from streams.kafka.rights import check_visible
from streams.kafka.topic_facts import describe_topic
from streams.lifecycle.voiding import halt_after
from streams.listens.kept_playlists import PLAYLIST_INDEXES
from streams.listens.listen_history import HISTORY_INDEXES
from streams.lists.redis_lists import ACTIVE_KEY, is_wrong_type
from streams.mongo_indexes import lacked_indexes, prefixed
from streams.monitoring.status import system_status
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import Refusal, redis_refusal
from streams.registry.contracts import registry_of, subject_of
from streams.registry.schema_registry import SchemaRegistry
from streams.settings import Settings
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.tracks.mongo_track_catalogue import TRACK_INDEXES
from topics.catalogue import LISTENING_EVENTS, catalogue
from topics.errors import EchoTuneError, RefusedError, RegistryUnavailableError
from topics.learning_progress import LearningProgress

WITHIN_S = 45.0
"""Time limit for all probes together; a probe that takes longer is abandoned."""
LETTERS_READ_MAX = 1_000
"""Maximum number of dead letters that are read per partition: the newest ones."""
_HEARTBEATS_TIMEOUT_S = 10.0
_TOPICS = tuple(each.name for each in catalogue())
_KAFKA_UNAVAILABLE = (EchoTuneError, KafkaException, OSError, RuntimeError)


def collect_facts(settings: Settings, addresses: Addresses) -> Facts:
    """Collects all facts once. A server that is unavailable or hangs is a fact, not an error."""
    questions: dict[str, Questions] = {
        "redis": lambda probe: asyncio.run(_redis(probe, settings, addresses)),
        "kafka": lambda probe: _kafka(probe, settings, addresses),
    }
    if registry := registry_of(settings):
        questions["registry"] = lambda probe: _registry(probe, registry)
    if addresses.mongo:
        questions["mongo"] = lambda probe: asyncio.run(_mongo(probe, settings, addresses.mongo))
    clock_ms = time.time_ns() // 1_000_000
    probes = run_probes(questions, WITHIN_S)
    found = {name: value for probe in probes.values() for name, value in probe.found.items()}
    return Facts(
        settings.recommender_id,
        clock_ms=clock_ms,
        kafka=addresses.kafka,
        unavailable={
            server: _why(probe.problem)
            for server, probe in probes.items()
            if probe.problem is not None
        },
        remedies={
            server: probe.problem.remedy
            for server, probe in probes.items()
            if isinstance(probe.problem, RefusedError | RegistryUnavailableError | Refusal)
        },
        hangs=not all(probe.is_over for probe in probes.values()),
        snapshots=_snapshots(settings),
        **found,
    )


def _why(problem: object) -> str:
    if isinstance(problem, RefusedError | RegistryUnavailableError):
        return problem.message
    if isinstance(problem, Refusal):
        return problem.what
    return str(problem) or type(problem).__name__


# -- redis -----------------------------------------------------------------------------------------


async def _redis(probe: Probe, settings: Settings, addresses: Addresses) -> None:
    redis = redis_of(addresses)
    try:
        probe.question = "its figures"
        info = await redis.info()
        seconds, microseconds = await redis.time()
        active = await _active(redis, settings.prefix)
    except REDIS_UNAVAILABLE as error:
        probe.problem = redis_refusal(error) or error
        return
    finally:
        await redis.aclose()
    probe.found["redis"] = RedisFacts(
        role=info["role"],
        policy=info.get("maxmemory_policy", "noeviction"),
        memory_max_bytes=info.get("maxmemory", 0),
        memory_used_bytes=info["used_memory"],
        evicted_keys=info.get("evicted_keys", 0),
        has_failed_disk="err"
        in (info.get("rdb_last_bgsave_status"), info.get("aof_last_write_status")),
        clock_ms=seconds * 1000 + microseconds // 1000,
        active={_text(name): _text(share) for name, share in active.items()},
    )


async def _active(redis: Redis, prefix: str) -> dict[bytes | str, bytes | str]:
    """The pointer; without a share if another value is in its place."""
    try:
        return dict(await redis.hgetall(prefix + ACTIVE_KEY))
    except ResponseError as error:
        if not is_wrong_type(error):
            raise
        return {b"(another value)": b"?"}


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")


# -- kafka -----------------------------------------------------------------------------------------


def _kafka(probe: Probe, settings: Settings, addresses: Addresses) -> None:
    kafka = addresses.kafka
    try:
        with refusals_in_words(kafka):
            _ask_kafka(probe, settings, addresses)
    except _KAFKA_UNAVAILABLE as error:
        probe.problem = error


def _ask_kafka(probe: Probe, settings: Settings, addresses: Addresses) -> None:
    kafka = addresses.kafka
    probe.question = "its topics"
    probe.found["differences"] = _differences(kafka, settings)
    if any(line.startswith("+") for line in probe.found["differences"]):
        return  # without the topics no other question can be answered
    probe.question = "the end of its partitions"
    status = asyncio.run(system_status(settings, addresses, lists=0))
    probe.found["status"] = status
    topic = describe_topic(kafka, LISTENING_EVENTS.name)
    probe.found |= {"topic_id": topic.topic_id, "partitions": topic.partitions}
    probe.question = "the end of the learning-log"
    probe.found["log_end"] = _log_end(kafka)
    probe.question = "heartbeats"
    probe.found["heartbeats"] = _heartbeats(kafka, status)
    probe.question = "the records that come next"
    probe.found["halt"] = _halt(kafka, settings, probe.found["heartbeats"])
    probe.question = "open transactions"
    probe.found["open_transactions"] = tuple(open_transactions(kafka, _TOPICS))
    probe.question = "dead letters"
    letters = each_letter(kafka, LETTERS_READ_MAX)
    probe.found["letters_at_ms"] = tuple(each.rejected_at for each in letters)


def _differences(kafka: str, settings: Settings) -> tuple[str, ...]:
    admin = AdminClient(client_settings(kafka))
    wanted = catalogue(settings.partitions)
    found = until_elected(lambda: compare(admin, wanted, settings.prefix))
    check_visible(kafka, [each.topic.name for each in found if each.is_missing])
    return tuple(line for each in found for line in each.lines())


def _log_end(kafka: str) -> int:
    with LogReader(kafka) as reader:
        return reader.bounds().end


def _heartbeats(
    kafka: str, status: dict[str, Any]
) -> dict[str, tuple[int, LearningProgress]] | None:
    """The newest heartbeat of each recommender, not older than the status of a running one."""
    as_of = status["recommender"].get("as_of", -1)
    reader = HeartbeatReader(kafka, lambda _: None)
    reader.start()
    try:
        if not reader.wait_caught_up(_HEARTBEATS_TIMEOUT_S):
            return None
        _wait(lambda: any(it.as_of >= as_of for _, it in reader.heartbeats_with_times().values()))
        return reader.heartbeats_with_times()
    finally:
        reader.close()


def _halt(
    kafka: str, settings: Settings, heartbeats: dict[str, tuple[int, LearningProgress]] | None
) -> EchoTuneError | None:
    """Why the configured recommender cannot fold the record after its newest heartbeat."""
    _, beat = (heartbeats or {}).get(settings.recommender_id, (0, None))
    return halt_after(kafka, beat.as_of) if beat is not None else None


def _wait(is_enough: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _HEARTBEATS_TIMEOUT_S
    while not is_enough() and time.monotonic() < deadline:
        time.sleep(0.1)


# -- schema registry, mongodb and disk -------------------------------------------------------------


def _registry(probe: Probe, registry: SchemaRegistry) -> None:
    probe.question = "the level of a subject"
    try:
        registry.level(subject_of(LISTENING_EVENTS))
    except EchoTuneError as error:
        probe.problem = error
        return
    probe.found["registry_answers"] = True


async def _mongo(probe: Probe, settings: Settings, url: str) -> None:
    probe.question = "its indexes"
    of_people = prefixed((*HISTORY_INDEXES, *PLAYLIST_INDEXES), settings.prefix)
    try:
        missing = await lacked_indexes(url, (*TRACK_INDEXES, *of_people), "")
    except EchoTuneError as error:
        probe.problem = error.message
        return
    probe.found["missing_indexes"] = tuple(f"{each.collection}.{each.name}" for each in missing)


def _snapshots(settings: Settings) -> Snapshots:
    folder = settings.home / "snapshots"
    if not folder.is_dir():
        return Snapshots(free_bytes=_free_bytes(settings))
    paths = SnapshotFolder(folder / settings.recommender_id, keep=1).paths()
    return Snapshots(
        recommenders=tuple(sorted(each.name for each in folder.iterdir() if each.is_dir())),
        set_aside=sum(1 for _ in folder.glob("*/*.foreign")),
        newest_bytes=paths[0].stat().st_size if paths else 0,
        free_bytes=_free_bytes(settings),
    )


def _free_bytes(settings: Settings) -> int:
    """Free bytes of the disk that holds ECHOTUNE_HOME, or will hold it."""
    existing = next(
        each for each in (settings.home, *settings.home.absolute().parents) if each.exists()
    )
    return shutil.disk_usage(existing).free
