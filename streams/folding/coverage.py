"""Coverage: which source rows the fold has seen, and which of a batch are new to it.

Per source partition the fold holds `next`, the first offset it has not seen. A batch that begins
beyond it is ignored (its predecessor never reached the log; both come again), one that ends below
it is a repetition, and of any other the rows from `next` on are new.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch, SourcePartition


class BatchIgnored(StrEnum):
    """Why a batch was ignored as a whole."""

    AHEAD = "ahead"
    REPEATED = "repeated"
    NOT_ADOPTED = "not_adopted"


@dataclass
class Coverage:
    """`next` of every source partition, and the topic id that each source name stands for."""

    next: dict[SourcePartition, int] = field(default_factory=dict)
    topic_ids: dict[str, bytes] = field(default_factory=dict)
    names: dict[bytes, str] = field(default_factory=dict)

    def is_adopted(self, topic_id: bytes) -> bool:
        """Whether rows of this topic count: its name stands for it, or was never introduced."""
        name = self.names.get(topic_id)
        return name is None or self.topic_ids[name] == topic_id

    def first_new(self, batch: LearningBatch) -> int | BatchIgnored:
        """First source offset of `batch` that is new, or why the whole batch is ignored."""
        if not self.is_adopted(batch.source.topic_id):
            return BatchIgnored.NOT_ADOPTED
        expected = self.next.get(batch.source, 0)
        if batch.from_offset > expected:
            return BatchIgnored.AHEAD
        if batch.to_offset < expected:
            return BatchIgnored.REPEATED
        return expected

    def cover(self, batch: LearningBatch) -> None:
        """Moves `next` past `batch`, whatever its last row was."""
        self.next[batch.source] = batch.to_offset + 1

    def add_source(self, added: SourceAdded) -> None:
        """Introduces a topic; a known name changes its id only where an operator adopted it."""
        self.names[added.topic_id] = added.name
        if added.adopted or added.name not in self.topic_ids:
            self.topic_ids[added.name] = added.topic_id

    def truncate(self, truncated: SourceTruncated) -> int:
        """Takes note that rows below `log_start` are gone; returns how many were never seen."""
        source = SourcePartition(truncated.topic_id, truncated.partition)
        missed = max(0, truncated.log_start - self.next.get(source, 0))
        if missed:
            self.next[source] = truncated.log_start
        return missed
