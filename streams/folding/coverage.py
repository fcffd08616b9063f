"""Coverage (low watermark, deduplication by offset): which source rows the fold has seen.

For each source partition the fold holds `next`, the low watermark: the first offset that it has not
seen. A batch that begins above `next` is ignored, because its predecessor never reached the log;
both are sent again. A batch that ends below `next` is a repetition. In any other batch the
rows from `next` on are new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch, SourcePartition


class BatchIgnored(StrEnum):
    """Why a batch was ignored as a whole."""

    AHEAD = "ahead"
    REPEATED = "repeated"
    NOT_ADOPTED = "not_adopted"


@dataclass
class Coverage:
    """`next` of every source partition, and the topic id that each source name refers to."""

    next: dict[SourcePartition, int] = field(default_factory=dict)
    topic_ids: dict[str, bytes] = field(default_factory=dict)
    names: dict[bytes, str] = field(default_factory=dict)

    def is_adopted(self, topic_id: bytes) -> bool:
        """Whether rows of this topic count: its name refers to it, or was never introduced."""
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
        """Moves `next` past `batch`, even if the batch has no row at its last offset."""
        self.next[batch.source] = batch.to_offset + 1

    def add_source(self, added: SourceAdded) -> None:
        """Introduces a topic; a known name changes its id only if an operator adopted the topic."""
        self.names[added.topic_id] = added.name
        if added.adopted or added.name not in self.topic_ids:
            self.topic_ids[added.name] = added.topic_id

    def truncate(self, truncated: SourceTruncated) -> int:
        """Notes that rows below `log_start` are deleted; returns how many were never seen."""
        source = SourcePartition(truncated.topic_id, truncated.partition)
        missed = max(0, truncated.log_start - self.next.get(source, 0))
        if missed:
            self.next[source] = truncated.log_start
        return missed

    def summary(self) -> dict[str, Any]:
        """JSON values with a fixed order, for `of_summary`."""
        return {
            "next": sorted(
                [at.topic_id.hex(), at.partition, next_] for at, next_ in self.next.items()
            ),
            "names": sorted([key.hex(), name] for key, name in self.names.items()),
            "topic_ids": sorted([name, key.hex()] for name, key in self.topic_ids.items()),
        }

    @classmethod
    def of_summary(cls, summary: Mapping[str, Any]) -> "Coverage":
        """The coverage of a `summary()`."""
        return cls(
            next={SourcePartition(bytes.fromhex(k), p): at for k, p, at in summary["next"]},
            topic_ids={name: bytes.fromhex(key) for name, key in summary["topic_ids"]},
            names={bytes.fromhex(key): name for key, name in summary["names"]},
        )
