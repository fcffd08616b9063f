"""Gathers the doctor's facts: every server is asked once, with a bound on how long it may take."""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.topic_creation import compare
from streams.addresses import Addresses
from streams.dead_letter_reading import each_letter
from streams.doctor.facts import Facts, RedisFacts, Snapshots
from streams.kafka_clients import client_settings
from streams.log_reader import LogReader
from streams.progress_reader import ProgressReader
from streams.redis_client import REDIS_AWAY, redis_of
from streams.settings import Settings
from streams.stores.mongo_track_catalogue import MongoTrackCatalogue
from streams.stores.redis_lists import ACTIVE_KEY
from streams.stores.snapshot_folder import SnapshotFolder
from streams.system_status import system_status
from streams.topic_ids import describe_topic
from topics.catalogue import LISTENING_EVENTS, catalogue
from topics.errors import EchoTuneError
from topics.learning_progress import LearningProgress

LETTERS_READ_MAX = 1_000
"""So many of the newest dead letters of a partition are looked at."""
_HEARTBEATS_TIMEOUT_S = 10.0
_KAFKA_AWAY = (EchoTuneError, KafkaException, OSError, RuntimeError)
T = TypeVar("T")


def gather(settings: Settings, addresses: Addresses) -> Facts:
    """One look at everything; a server that is away is a fact, not an error."""
    facts = Facts(
        settings.recommender_id,
        clock_ms=time.time_ns() // 1_000_000,
        snapshots=_snapshots(settings),
    )
    facts = asyncio.run(_redis(facts, addresses))
    facts = _kafka(facts, settings, addresses)
    return asyncio.run(_mongo(facts, addresses.mongo)) if addresses.mongo else facts


def _lacking(facts: Facts, server: str, why: object) -> Facts:
    return replace(facts, away={**facts.away, server: str(why) or type(why).__name__})


# -- redis -----------------------------------------------------------------------------------------


async def _redis(facts: Facts, addresses: Addresses) -> Facts:
    redis = redis_of(addresses)
    try:
        said = await redis.info()
        seconds, microseconds = await redis.time()
        active = await redis.hgetall(ACTIVE_KEY)
    except REDIS_AWAY as error:
        return _lacking(facts, "redis", error)
    finally:
        await redis.aclose()
    found = RedisFacts(
        role=said["role"],
        policy=said.get("maxmemory_policy", "noeviction"),
        memory_max_bytes=said.get("maxmemory", 0),
        memory_used_bytes=said["used_memory"],
        evicted_keys=said.get("evicted_keys", 0),
        clock_ms=seconds * 1000 + microseconds // 1000,
        active={_text(name): _text(share) for name, share in active.items()},
    )
    return replace(facts, redis=found)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


# -- kafka -----------------------------------------------------------------------------------------


def _kafka(facts: Facts, settings: Settings, addresses: Addresses) -> Facts:
    kafka = addresses.kafka
    try:
        differences = tuple(
            line
            for each in compare(AdminClient(client_settings(kafka)), catalogue(settings.partitions))
            for line in each.lines()
        )
    except _KAFKA_AWAY as error:
        return _lacking(facts, "kafka", error)
    facts = replace(facts, differences=differences)
    if any(line.startswith("+") for line in differences):
        return facts  # without the topics there is nothing more to ask for
    status: dict[str, Any] = asyncio.run(system_status(settings, addresses, lists=0))
    try:
        topic = describe_topic(kafka, LISTENING_EVENTS.name)
        return replace(
            facts,
            status=status,
            topic_id=topic.topic_id,
            partitions=topic.partitions,
            log_end=_log_end(kafka),
            heartbeats=_heartbeats(kafka, status),
            letters_at_ms=tuple(each.rejected_at for each in each_letter(kafka, LETTERS_READ_MAX)),
        )
    except _KAFKA_AWAY as error:
        return _lacking(facts, "kafka", error)


def _log_end(kafka: str) -> int:
    with LogReader(kafka) as reader:
        return reader.bounds().end


def _heartbeats(
    kafka: str, status: dict[str, Any]
) -> dict[str, tuple[int, LearningProgress]] | None:
    """The newest of each recommender; of one that runs, one that is newer than its status."""
    as_of = status["recommender"].get("as_of", -1)
    reader = ProgressReader(kafka, lambda _: None)
    reader.start()
    try:
        if not reader.wait_caught_up(_HEARTBEATS_TIMEOUT_S):
            return None
        _wait(lambda: any(told.as_of >= as_of for _, told in reader.heard().values()))
        return reader.heard()
    finally:
        reader.close()


def _wait(is_enough: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _HEARTBEATS_TIMEOUT_S
    while not is_enough() and time.monotonic() < deadline:
        time.sleep(0.1)


# -- the rest --------------------------------------------------------------------------------------


async def _mongo(facts: Facts, url: str) -> Facts:
    tracks = MongoTrackCatalogue(url)
    try:
        missing = await tracks.missing_indexes()
    except EchoTuneError as error:
        return _lacking(facts, "mongo", error.message)
    finally:
        await tracks.close()
    return replace(
        facts, missing_indexes=tuple(f"{each.collection}.{each.name}" for each in missing)
    )


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
    """Of the disk that ECHOTUNE_HOME is on, or would be."""
    there = next(
        each for each in (settings.home, *settings.home.absolute().parents) if each.exists()
    )
    return shutil.disk_usage(there).free
