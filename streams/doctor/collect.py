"""Gathers the doctor's facts: servers are asked side by side, with one bound for all of them."""

import asyncio
import shutil
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.topic_creation import compare
from streams.addresses import Addresses
from streams.dead_letters.dead_letter_reader import each_letter
from streams.doctor.facts import Facts, RedisFacts, Snapshots
from streams.doctor.probes import Asking, Probe, looked
from streams.kafka.client_settings import client_settings
from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import describe_topic
from streams.kafka.waiting import until_elected
from streams.lists.redis_lists import ACTIVE_KEY
from streams.monitoring.status import system_status
from streams.progress.progress_reader import ProgressReader
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.settings import Settings
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue
from topics.catalogue import LISTENING_EVENTS, catalogue
from topics.errors import EchoTuneError
from topics.learning_progress import LearningProgress

WITHIN_S = 45.0
"""After so long what has not answered is left behind."""
LETTERS_READ_MAX = 1_000
"""So many of the newest dead letters of a partition are looked at."""
_HEARTBEATS_TIMEOUT_S = 10.0
_KAFKA_AWAY = (EchoTuneError, KafkaException, OSError, RuntimeError)


def gather(settings: Settings, addresses: Addresses) -> Facts:
    """One look at everything; a server that is away, or hangs, is a fact and no error."""
    asking: dict[str, Asking] = {
        "redis": lambda look: asyncio.run(_redis(look, addresses)),
        "kafka": lambda look: _kafka(look, settings, addresses),
    }
    if addresses.mongo:
        asking["mongo"] = lambda look: asyncio.run(_mongo(look, addresses.mongo))
    clock_ms = time.time_ns() // 1_000_000
    looks = looked(asking, WITHIN_S)
    found = {name: value for look in looks.values() for name, value in look.found.items()}
    return Facts(
        settings.recommender_id,
        clock_ms=clock_ms,
        away={
            server: str(look.away) or type(look.away).__name__
            for server, look in looks.items()
            if look.away is not None
        },
        hangs=not all(look.is_over for look in looks.values()),
        snapshots=_snapshots(settings),
        **found,
    )


# -- redis -----------------------------------------------------------------------------------------


async def _redis(look: Probe, addresses: Addresses) -> None:
    redis = redis_of(addresses)
    try:
        look.asked = "its figures"
        said = await redis.info()
        seconds, microseconds = await redis.time()
        active = await redis.hgetall(ACTIVE_KEY)
    except REDIS_UNAVAILABLE as error:
        look.away = error
        return
    finally:
        await redis.aclose()
    look.found["redis"] = RedisFacts(
        role=said["role"],
        policy=said.get("maxmemory_policy", "noeviction"),
        memory_max_bytes=said.get("maxmemory", 0),
        memory_used_bytes=said["used_memory"],
        evicted_keys=said.get("evicted_keys", 0),
        clock_ms=seconds * 1000 + microseconds // 1000,
        active={_text(name): _text(share) for name, share in active.items()},
    )


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


# -- kafka -----------------------------------------------------------------------------------------


def _kafka(look: Probe, settings: Settings, addresses: Addresses) -> None:
    kafka = addresses.kafka
    try:
        look.asked = "its topics"
        look.found["differences"] = _differences(kafka, settings)
        if any(line.startswith("+") for line in look.found["differences"]):
            return  # without the topics there is nothing more to ask for
        look.asked = "where its partitions end"
        status = asyncio.run(system_status(settings, addresses, lists=0))
        look.found["status"] = status
        topic = describe_topic(kafka, LISTENING_EVENTS.name)
        look.found |= {"topic_id": topic.topic_id, "partitions": topic.partitions}
        look.asked = "the end of the learning-log"
        look.found["log_end"] = _log_end(kafka)
        look.asked = "heartbeats"
        look.found["heartbeats"] = _heartbeats(kafka, status)
        look.asked = "dead letters"
        letters = each_letter(kafka, LETTERS_READ_MAX)
        look.found["letters_at_ms"] = tuple(each.rejected_at for each in letters)
    except _KAFKA_AWAY as error:
        look.away = error


def _differences(kafka: str, settings: Settings) -> tuple[str, ...]:
    admin = AdminClient(client_settings(kafka))
    found = until_elected(lambda: compare(admin, catalogue(settings.partitions)))
    return tuple(line for each in found for line in each.lines())


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
        _wait(
            lambda: any(told.as_of >= as_of for _, told in reader.heartbeats_with_times().values())
        )
        return reader.heartbeats_with_times()
    finally:
        reader.close()


def _wait(is_enough: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _HEARTBEATS_TIMEOUT_S
    while not is_enough() and time.monotonic() < deadline:
        time.sleep(0.1)


# -- the rest --------------------------------------------------------------------------------------


async def _mongo(look: Probe, url: str) -> None:
    tracks = MongoTrackCatalogue(url)
    look.asked = "its indexes"
    try:
        missing = await tracks.missing_indexes()
    except EchoTuneError as error:
        look.away = error.message
        return
    finally:
        await tracks.close()
    look.found["missing_indexes"] = tuple(f"{each.collection}.{each.name}" for each in missing)


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
