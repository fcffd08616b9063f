"""Which member of a consumer group gets which partitions: each keeps its own, and nobody has none.

Faust's assignor also plans standby copies of tables, which EchoTune does not have. With them it
gives none of four partitions to a member that joins two others, for as long as these live.
"""

from aiokafka.cluster import ClusterMetadata
from faust.assignor.partition_assignor import (
    MemberAssignmentMapping,
    MemberMetadataMapping,
    PartitionAssignor,
)
from faust.types import AppT


class BalancedAssignor(PartitionAssignor):
    """Faust's assignor without standby copies, in the order of member ids.

    The client id, with which a member id begins, sorts by age. So of members that have nothing yet,
    the oldest is the first to get a partition. The name of the protocol is Faust's: old and new
    workers may be members of one group.
    """

    def __init__(self, app: AppT) -> None:
        super().__init__(app, replicas=0)

    def assign(
        self, cluster: ClusterMetadata, member_metadata: MemberMetadataMapping
    ) -> MemberAssignmentMapping:
        """The partitions of each member, by member id."""
        return super().assign(cluster, dict(sorted(member_metadata.items())))
