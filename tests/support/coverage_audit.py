"""Reads the learning-log and counts how it covers its sources."""

from collections import Counter

from streams.folding.coverage import BatchIgnored, Coverage
from streams.kafka.log_reader import LogReader
from topics.control_records import SourceAdded
from topics.learning_batch import LearningBatch
from topics.learning_log import decode_log_record


def audited(kafka: str) -> Counter[str]:
    """Counts new rows, rejected rows and ignored batches of all sources, by the fold's own rule."""
    coverage, counts = Coverage(), Counter[str]()
    with LogReader(kafka) as reader:
        for offset, value in reader.records(0, reader.bounds().end - 1):
            record = decode_log_record(value, offset)
            if isinstance(record, SourceAdded):
                coverage.add_source(record)
            if not isinstance(record, LearningBatch):
                continue
            first_new = coverage.first_new(record)
            if isinstance(first_new, BatchIgnored):
                counts["ignored"] += 1
                continue
            counts["rows"] += int((record.offsets >= first_new).sum())
            counts["rejected"] += sum(at >= first_new for at, _ in record.rejected)
            coverage.cover(record)
    counts["covered"] = sum(coverage.next.values())
    return counts
