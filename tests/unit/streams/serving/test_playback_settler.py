"""One player whose reports cannot be settled does not keep those of all others."""

from typing import Any, cast

from redis.asyncio import Redis

from streams.producers.acknowledged_producer import AcknowledgedProducer
from streams.serving.playback import Settled
from streams.serving.playback_settler import PlaybackSettler
from streams.serving.playback_store import Kept, PlaybackStore, Player

DAMAGED, GOOD = Player("ann", "damaged"), Player("ann", "good")


class AStore:
    """A store in which the reports of one player cannot be understood."""

    def __init__(self) -> None:
        self.settled: list[Player] = []

    async def due(self, *_: Any) -> list[Player]:
        return [DAMAGED, GOOD]

    async def kept(self, player: Player) -> Kept:
        if player == DAMAGED:
            raise ValueError("of another version")
        return Kept({}, [], [])

    async def settle(self, player: Player, _: Kept, __: Settled) -> None:
        self.settled.append(player)


async def test_a_player_whose_reports_cannot_be_settled_costs_nobody_else_a_play() -> None:
    settler, store = PlaybackSettler(cast(Redis, None), cast(AcknowledgedProducer, None)), AStore()
    settler._store = cast(PlaybackStore, store)
    await settler.step(1)
    assert store.settled == [GOOD]
