"""Members of a group share its partitions, in whatever order they join and leave."""

from collections.abc import Iterable, Mapping
from itertools import permutations

import faust
import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata

from streams.kafka.balanced_assignor import BalancedAssignor

TOPIC = "listening-events"
Owned = Mapping[str, ClientAssignment]


class Cluster:
    """The only question that an assignor asks."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, _: str) -> set[int]:
        return set(range(self._partitions))


def rebalanced(
    members: Iterable[str], owned: Owned, partitions: int
) -> dict[str, ClientAssignment]:
    """What each of `members` gets if they have `owned` so far."""
    app = faust.App("a-group", broker="kafka://nowhere", autodiscover=False)
    assignor = BalancedAssignor(app)
    said = {
        name: ConsumerProtocolMemberMetadata(
            assignor.version,
            [TOPIC],
            ClientMetadata(
                assignment=owned.get(name) or ClientAssignment(actives={}, standbys={}),
                url="http://nowhere",
                changelog_distribution={},
                external_topic_distribution={},
                topic_groups={},
            ).dumps(),
        )
        for name in members
    }
    found = assignor.assign(Cluster(partitions), said)
    return {
        name: ClientMetadata.loads(assignor._decompress(each.user_data)).assignment
        for name, each in found.items()
    }


def partitions_of(owned: Owned) -> dict[str, list[int]]:
    return {name: sorted(each.actives.get(TOPIC, [])) for name, each in owned.items()}


@pytest.mark.parametrize("joining", [*permutations("abc")])
@pytest.mark.parametrize("partitions", [3, 4, 5, 12])
def test_whoever_joins_last_gets_partitions_too(joining: tuple[str, ...], partitions: int) -> None:
    owned: Owned = {}
    for there in range(1, len(joining) + 1):
        owned = rebalanced(joining[:there], owned, partitions)
        found = partitions_of(owned)
        assert sorted(at for each in found.values() for at in each) == list(range(partitions))
        sizes = sorted(map(len, found.values()))
        assert sizes[0] >= 1, found
        assert sizes[-1] - sizes[0] <= 1, found


def test_who_has_the_only_partition_keeps_it_and_otherwise_the_older_one_gets_it() -> None:
    assert partitions_of(rebalanced(["younger", "older"], {}, 1)) == {"older": [0], "younger": []}
    owned = rebalanced(["younger"], {}, 1)
    assert partitions_of(rebalanced(["older", "younger"], owned, 1))["younger"] == [0]
