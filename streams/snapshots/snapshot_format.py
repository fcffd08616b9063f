"""The format of a snapshot: state, log offset and digest under one checksum.

Layout: magic, length of the header (8 bytes, little-endian), header (JSON), the arrays one after
another, xxh3-128 of everything before. A flipped bit or a missing tail is detected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from topics.errors import NewerSnapshotError, SnapshotError

FORMAT = 1
_MAGIC_START = b"ECHOTUNE-SNAPSHOT-"
_MAGIC = _MAGIC_START + b"%d\n" % FORMAT
_CHECKSUM_BYTES = 16
_PART_BYTES = 1 << 20
_HEADER_BYTES_MAX = 256 << 20

Arrays = Mapping[str, NDArray[Any]]


def made_by_newer(name: str, its: str, ours: int) -> NewerSnapshotError:
    """The error of a snapshot that this version cannot read; `its` and `ours` name the versions."""
    return NewerSnapshotError(
        f"Snapshot {name} was made by a newer EchoTune ({its}; this one has {ours}).",
        "Upgrade this worker; or, to go back for good, run `echotune reset --snapshots`: "
        "the log is folded again.",
    )


@dataclass(frozen=True)
class SnapshotHeader:
    """The fields that are checked before a snapshot is loaded, and the small part of the state."""

    fold_version: int
    configuration: str
    log_topic_id: str
    record_hash: str
    digest: str
    summary: dict[str, Any]

    @property
    def offset(self) -> int:
        """Log offset up to and including which the state was folded."""
        return int(self.summary["offset"])


def packed(header: SnapshotHeader, arrays: Arrays) -> Iterator[bytes]:
    """The bytes of a snapshot, in parts of bounded size."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    shapes = [[name, _described(a.dtype), list(a.shape)] for name, a in contiguous.items()]
    head = orjson.dumps({**asdict(header), "arrays": shapes})
    checksum = xxhash.xxh3_128()
    for whole in (
        _MAGIC,
        len(head).to_bytes(8, "little"),
        head,
        *(a.reshape(-1).view(np.uint8).data if a.size else b"" for a in contiguous.values()),
    ):
        for start in range(0, len(whole), _PART_BYTES):  # a copy blocks all other threads (GIL)
            part = bytes(whole[start : start + _PART_BYTES])
            checksum.update(part)
            yield part
    yield checksum.digest()


def _described(dtype: np.dtype[Any]) -> Any:
    return dtype.descr if dtype.names else dtype.str


def unpacked(data: bytes, name: str) -> tuple[SnapshotHeader, dict[str, NDArray[Any]]]:
    """Header and arrays of a snapshot.

    Raises `SnapshotError` if the bytes are damaged, and `NewerSnapshotError` if they are undamaged
    but in a newer format.
    """
    body, checksum = memoryview(data)[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if not data.startswith(_MAGIC_START) or xxhash.xxh3_128_digest(body) != checksum:
        raise SnapshotError(f"Snapshot {name} is damaged.", "An older one is used.")
    if not data.startswith(_MAGIC):
        raise made_by_newer(name, f"format {_format(data)}", FORMAT)
    start = len(_MAGIC) + 8
    end = start + int.from_bytes(body[len(_MAGIC) : start], "little")
    head = orjson.loads(body[start:end])
    return _header_of(head), dict(_arrays(body, end, head["arrays"]))


def header_in(file: BinaryIO, name: str) -> SnapshotHeader:
    """The header of a snapshot, without its arrays and its checksum: it may still be damaged.

    Raises `SnapshotError` if it is no header that this version can read.
    """
    try:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise SnapshotError(f"Snapshot {name} has another format.", "It is not used.")
        size = min(int.from_bytes(file.read(8), "little"), _HEADER_BYTES_MAX)
        found = _header_of(orjson.loads(file.read(size)))
        int(found.offset)
        return found
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"Snapshot {name} is damaged.", "It is not used.") from error


def _header_of(head: dict[str, Any]) -> SnapshotHeader:
    return SnapshotHeader(**{key: value for key, value in head.items() if key != "arrays"})


def _format(body: bytes) -> str:
    first_line = body[len(_MAGIC_START) :].split(b"\n", 1)[0]
    return first_line[:20].decode(errors="replace")


def _arrays(body: memoryview, at: int, shapes: list[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, described, shape in shapes:
        dtype = np.dtype(
            [tuple(f) for f in described] if isinstance(described, list) else described
        )
        count = int(np.prod(shape, dtype=np.int64))
        yield name, np.frombuffer(body, dtype, count, at).reshape(shape).copy()
        at += count * dtype.itemsize
