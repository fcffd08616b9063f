"""Bounds the memory of a fetch: how far a batch may expand, and how much one call hands out.

Brokers bound batches as they are compressed, and a megabyte may expand to many gigabytes. aiokafka
decompresses without a bound, so this module replaces its codecs, and two classes of its fetcher. A
batch that is beyond the bound is not decompressed: each of its records is an `UnreadValue`.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cramjam
from aiokafka.consumer import fetcher
from aiokafka.record import default_records

from topics.codecs import UnreadValue

DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024
"""Maximum decompressed size of a batch of records."""
HANDED_OUT_BYTES_MAX = 16 * 1024 * 1024
"""Size of the records of a partition after which a call hands out no more of them."""
_COMPILED = "aiokafka.record._crecords.default_records"
"""The extension that aiokafka uses where there is one."""
_PIECE_BYTES = 1024 * 1024
_LZ4_EXPANDS, _GZIP_EXPANDS = 255, 1_032
"""The most bytes that a compressed byte stands for. Snappy expands by 22, which needs no bound."""
_ZSTD_MAGIC, _ZSTD_BLOCK_BYTES_MAX = b"\x28\xb5\x2f\xfd", 128 * 1024
_ZSTD_BLOCK_HEADER_BYTES = 3
_ZSTD_RLE, _ZSTD_RESERVED = 1, 3

Decode = Callable[[Any], bytes]


class TooLargeError(Exception):
    """A batch expands beyond the bound."""


def bound_fetches() -> None:
    """Bounds every fetch of aiokafka in this process. Idempotent."""
    compiled: Any = sys.modules.get(_COMPILED, default_records)
    for module in (default_records, compiled):
        module.gzip_decode = bounded("gzip", cramjam.gzip.decompress, _times(_GZIP_EXPANDS))
        module.lz4_decode = bounded("lz4", cramjam.lz4.decompress, _times(_LZ4_EXPANDS))
        module.zstd_decode = bounded("zstd", cramjam.zstd.decompress, zstd_bytes_most)
    fetcher.MemoryRecords = BoundedRecords
    fetcher.FetchResult = BoundedFetchResult


# -- codecs ----------------------------------------------------------------------------------------


def bounded(
    codec: str, decompress: Callable[[bytes], Any], most: Callable[[bytes], int | None]
) -> Decode:
    """Decompresses at full speed what cannot expand beyond the bound, and the rest in pieces.

    `most` returns the size to which bytes can expand; None if that is unknown. The result raises
    `TooLargeError`.
    """

    def decode(payload: Any) -> bytes:
        data = bytes(payload)
        size = most(data)
        if size is not None and size <= DECOMPRESSED_BYTES_MAX:
            return bytes(decompress(data))
        return _in_pieces(codec, data)

    return decode


def _times(factor: int) -> Callable[[bytes], int]:
    return lambda data: factor * len(data)


def _in_pieces(codec: str, data: bytes) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - large, and hardly ever needed

    pieces, size = [], 0
    stream = pa.CompressedInputStream(pa.py_buffer(data), codec)
    while piece := stream.read(_PIECE_BYTES):
        size += len(piece)
        if size > DECOMPRESSED_BYTES_MAX:
            raise TooLargeError
        pieces.append(piece)
    return b"".join(pieces)


def zstd_bytes_most(data: bytes) -> int | None:
    """The size to which one zstd frame can expand, by its blocks; None if it is unusual.

    Each block, however short, stands for up to 128 KiB (RFC 8878, section 3.1.1).

    >>> zstd_bytes_most(bytes(cramjam.zstd.compress(bytes(300_000))))
    393216
    """
    if data[:4] != _ZSTD_MAGIC or len(data) < len(_ZSTD_MAGIC) + 1:
        return None
    at, blocks = _zstd_header_bytes(data[4]), 0
    while at + _ZSTD_BLOCK_HEADER_BYTES <= len(data):
        header = int.from_bytes(data[at : at + _ZSTD_BLOCK_HEADER_BYTES], "little")
        is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
        if kind == _ZSTD_RESERVED:
            return None
        blocks += 1
        at += _ZSTD_BLOCK_HEADER_BYTES + (1 if kind == _ZSTD_RLE else size)
        if is_last:
            checksum_bytes = 4 if data[4] & 4 else 0
            is_whole = at + checksum_bytes == len(data)
            return blocks * _ZSTD_BLOCK_BYTES_MAX if is_whole else None
    return None


def _zstd_header_bytes(descriptor: int) -> int:
    """Length of a frame's header, from its descriptor."""
    is_single_segment = descriptor >> 5 & 1
    content_size = (is_single_segment, 2, 4, 8)[descriptor >> 6]
    dictionary_id = (0, 1, 2, 4)[descriptor & 3]
    return 5 + (0 if is_single_segment else 1) + dictionary_id + content_size


# -- batches ---------------------------------------------------------------------------------------


class UnreadRecord(NamedTuple):
    """Stands for a record of a batch that was not decompressed."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None = None
    value: bytes = UnreadValue()
    checksum: None = None
    headers: tuple[()] = ()


class BoundedBatch:
    """aiokafka's batch, whose records are unread if it expands beyond the bound."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(self._batch)  # decompresses
        except TooLargeError:
            return self._unread()

    def __next__(self) -> Any:
        return next(self._batch)

    def _unread(self) -> Iterator[UnreadRecord]:
        batch = self._batch
        for offset in range(batch.base_offset, batch.next_offset):
            yield UnreadRecord(offset, batch.max_timestamp, batch.timestamp_type)


class BoundedRecords:
    """aiokafka's sequence of batches, each of them bounded."""

    def __init__(self, data: bytes) -> None:
        self._records = _MemoryRecords(data)
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> BoundedBatch | None:
        """The next batch; None if there is none."""
        batch = self._records.next_batch()
        return None if batch is None else BoundedBatch(batch)


class BoundedFetchResult(fetcher.FetchResult):
    """aiokafka's result of a fetch, which hands out a bounded number of bytes per call."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[Any]:
        """The next records; aiokafka bounds their number only."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        found: list[Any] = []
        size = 0
        for record in self._partition_records:
            found.append(record)
            size += _size_of(record)
            if size > HANDED_OUT_BYTES_MAX or len(found) == max_records:
                self._update_position()
                break
        else:
            self._update_position()
            self._partition_records = None
        return found


_MemoryRecords = fetcher.MemoryRecords


def _size_of(record: Any) -> int:
    size: int = record.serialized_value_size + record.serialized_key_size
    if record.headers:
        size += sum(len(name) + len(value or b"") for name, value in record.headers)
    return size
