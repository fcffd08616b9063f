"""A station with M recommenders, each of which publishes the lists of its listeners (a shard)."""

from typing import Any

from tests.support.lists_seen import Lists, agreed_lists
from tests.support.station import Station, Worker, wait_until
from topics.partitioning import partition_of


class Shards:
    """The recommenders of one M; resharding replaces them."""

    def __init__(self, station: Station, shards: int) -> None:
        self.station = station
        self.workers: list[Worker] = []
        self.begin(shards)

    def begin(self, shards: int) -> None:
        """Starts `shards` recommenders in place of the previous ones."""
        self.shards = shards
        self.station.environment["ECHOTUNE_SHARDS"] = str(shards)
        self.workers = [self.another(at) for at in range(shards)]

    def another(self, shard: int) -> Worker:
        """Starts one more process of an identity."""
        return self.station.start("recommender", ECHOTUNE_SHARD=str(shard))

    def settle(self, applied: int) -> Lists:
        """Waits until all shards have published after `applied` events; returns their lists."""
        wait_until(self.station.status, lambda found: self._is_settled(found, applied))
        return agreed_lists(self.station)

    def _is_settled(self, status: dict[str, Any], applied: int) -> bool:
        return status["lag"] == {"events": 0, "log_records": 0} and all(
            each["applied"] == applied
            and each["publishing"]
            and each["topic_as_of"] == each["as_of"]
            for each in status["shards"]
        )

    def owner(self, listener_id: str) -> int:
        """The shard to which a listener belongs."""
        return partition_of(listener_id, self.shards)

    def check(self) -> None:
        """Runs `echotune verify --deep` for every shard."""
        for at in range(self.shards):
            deep = self.station.json("verify", "--deep", ECHOTUNE_SHARD=str(at))
            broken = [each for each in deep["promises"] if each["broken"]]
            assert not broken, (at, broken)
            assert deep["equal"]
