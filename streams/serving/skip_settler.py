"""Makes events of the skips that scrobblers hide, where the setting asks for it.

What a client says to play waits in Redis until the listen of it would have come. One service at a
time looks then whether it did, in the listen history, in which the listens of all sources are.
"""

from contextlib import suppress

from redis.asyncio import Redis

from streams.listens.listen_history import ListenHistory
from streams.producers.acknowledged_producer import AcknowledgedProducer, event_record
from streams.redis_client import REDIS_UNAVAILABLE
from streams.serving.hidden_skips import HiddenSkip, event_of_skip, hidden_skips, now_report
from streams.serving.playback_settler import PlaybackSettler
from streams.serving.playback_store import PlaybackStore, Player
from streams.serving.services import Services, now_ms
from streams.serving.submissions import Listen

SKIPS = "hidden-skips"
_LISTENS_MAX = 1_000


async def note_playing_now(services: Services, name: str, listen: Listen, user_agent: str) -> None:
    """Notes what a client says to play; a skip may be missed while Redis is away."""
    if not services.settings.hidden_skips:
        return
    report = now_report(listen, user_agent, now_ms())
    store = PlaybackStore(services.redis, services.settings.prefix, SKIPS)
    with suppress(*REDIS_UNAVAILABLE):
        await store.add(Player(name, report.client), report, report.at)


class SkipSettler(PlaybackSettler):
    """Settles skips as its parent settles plays."""

    def __init__(
        self,
        redis: Redis,
        producer: AcknowledgedProducer,
        history: ListenHistory,
        prefix: str = "",
    ) -> None:
        super().__init__(redis, producer, prefix, what=SKIPS)
        self._history = history

    async def _settle(self, player: Player, now: int) -> None:
        kept = await self._store.kept(player)
        skips, found = hidden_skips(kept.received, now)
        hidden = [each for each in skips if not await self._is_played(player.listener_id, each)]
        if hidden:
            events = [event_of_skip(player.listener_id, each) for each in hidden]
            await self._producer.produce(map(event_record, events))
        await self._store.settle(player, kept, found)

    async def _is_played(self, listener_id: str, skip: HiddenSkip) -> bool:
        """Whether the play counts, whoever reported it."""
        after, before = skip.between
        found = await self._history.listens(
            listener_id, count=_LISTENS_MAX, after_ms=after, before_ms=before
        )
        return any(each.track_id == skip.track.track_id for each in found)
