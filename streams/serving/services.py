"""The parts that endpoints use, opened and closed together."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from redis.asyncio import Redis

from streams.addresses import Addresses
from streams.answering.asking import ModelQuestions
from streams.listens.kept_playlists import KeptPlaylists
from streams.listens.listen_history import ListenHistory
from streams.lists.served_lists import ServedLists
from streams.people.people_directory import PeopleDirectory
from streams.producers.acknowledged_producer import AcknowledgedProducer
from streams.serving.client_stamps import Stamp
from streams.serving.console.console_state import ConsoleState
from streams.serving.rate_limits import ReadLimits
from streams.settings import Settings
from streams.tracks.track_catalogue import TrackCatalogue


@dataclass(frozen=True)
class Services:
    """What every endpoint may use; `Redis` raises what `REDIS_UNAVAILABLE` names."""

    settings: Settings
    addresses: Addresses
    people: PeopleDirectory
    producer: AcknowledgedProducer
    redis: Redis
    lists: ServedLists
    questions: ModelQuestions
    tracks: TrackCatalogue
    history: ListenHistory
    playlists: KeptPlaylists
    stamps: Mapping[str, Stamp]
    """Which moment of a play each client calls `listened_at`."""
    reads: ReadLimits
    console: ConsoleState = field(default_factory=ConsoleState)


def now_ms() -> int:
    """The time, in ms since 1970."""
    return time.time_ns() // 1_000_000
