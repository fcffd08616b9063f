"""`FormerShards` over a simulated broker: the recommenders of previous shard counts."""

from collections.abc import Mapping, Sequence

from streams.lists.frontier import Frontier, frontier_of
from streams.ownership.resharding import (
    LIVENESS_WINDOW_S,
    FormerShards,
    former_shards_among,
    rivals_among,
)
from streams.publishing.topic_frontier import frontier_group, transactional_id
from tests.simulation.broker import Group
from tests.simulation.edge import Edge

Groups = Mapping[str, Group]
"""Identity of recommenders → the group in which they read the log."""


class SimulatedFormerShards(FormerShards):
    """The production class with another I/O layer."""

    def __init__(self, edge: Edge, recommender_id: str, groups: Groups) -> None:
        super().__init__("", recommender_id)
        self._edge = edge
        self._groups = groups

    def ids(self) -> list[str]:
        """See `FormerShards`."""
        self._edge.block("a list of all groups")
        return former_shards_among(self._group_names(), self._recommender_id)

    def _group_names(self) -> list[str]:
        read = [name for name, group in self._groups.items() if group.generation]
        return [*read, *self._edge.broker.frontiers]

    def rivals(self) -> list[str]:
        """See `FormerShards`."""
        self._edge.block("a list of all groups")
        return rivals_among(self._group_names(), self._recommender_id)

    def alive(self, ids: Sequence[str]) -> list[str]:
        """See `FormerShards`."""
        if not ids:
            return []
        heartbeats = self._edge.broker.heartbeats
        self._edge.block("the first heartbeats")
        before = dict(heartbeats)
        self._edge.loop.block(self._edge.process, LIVENESS_WINDOW_S)
        return [each for each in ids if heartbeats.get(each) != before.get(each)]

    def _fence(self, recommender_id: str) -> None:
        self._edge.block("the fencing of a former")
        owners, name = self._edge.broker.owners, transactional_id(recommender_id)
        owners[name] = owners.get(name, -1) + 1
        self._edge.note(self._edge.name, f"fences {recommender_id}")

    def _frontier(self, recommender_id: str) -> Frontier:
        self._edge.block("the frontier of a former")
        return frontier_of(self._edge.broker.frontiers.get(frontier_group(recommender_id)))
