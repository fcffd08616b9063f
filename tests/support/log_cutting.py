"""Cuts the tail of a partition's log on disk, as a power cut loses what was only in memory."""

from pathlib import Path

_HEADER_BYTES = 12
"""Base offset (8 bytes) and length of the batch that follows (4 bytes), big-endian."""


def cut_tail(partition: Path, records: int) -> int:
    """Removes the last `records` records of a stopped broker's partition folder.

    Whole batches are removed, so it may be some more. Returns the new end offset of the log.
    """
    [segment] = partition.glob("*.log")
    data = segment.read_bytes()
    starts = _batch_starts(data)
    end = _last_offset(data, starts[-1]) + 1
    kept = [at for at in starts if _last_offset(data, at) < end - records]
    cut = kept[-1] + _size(data, kept[-1])
    segment.write_bytes(data[:cut])
    for index in [*partition.glob("*index"), *partition.parent.glob("*checkpoint")]:
        index.unlink()
    (partition.parent / ".kafka_cleanshutdown").unlink(missing_ok=True)
    return _last_offset(data, kept[-1]) + 1


def _batch_starts(data: bytes) -> list[int]:
    starts, at = [], 0
    while at + _HEADER_BYTES <= len(data):
        starts.append(at)
        at += _size(data, at)
    return starts


def _size(data: bytes, at: int) -> int:
    return _HEADER_BYTES + int.from_bytes(data[at + 8 : at + 12], "big")


def _last_offset(data: bytes, at: int) -> int:
    """Base offset + last offset delta, which is 11 bytes into the batch."""
    base = int.from_bytes(data[at : at + 8], "big")
    return base + int.from_bytes(data[at + 23 : at + 27], "big")
