"""The form of a snapshot: state, log offset and digest, written together and checked as one.

Layout: magic, length of the header (8 bytes, little-endian), header (JSON), the arrays one after
another, xxh3-128 of everything before. A flipped bit or a missing tail is always noticed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from topics.errors import NewerSnapshotError, SnapshotError

FORMAT = 1
_MAGIC_START = b"ECHOTUNE-SNAPSHOT-"
_MAGIC = _MAGIC_START + b"%d\n" % FORMAT
_CHECKSUM_BYTES = 16
_PIECE_BYTES = 1 << 20

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
    """What must fit before a snapshot is loaded, and the small part of the state."""

    fold_version: int
    configuration: str
    log_topic_id: str
    record_hash: str
    digest: str
    summary: dict[str, Any]

    @property
    def offset(self) -> int:
        """Log offset up to which the state was folded, inclusive."""
        return int(self.summary["offset"])


def packed(header: SnapshotHeader, arrays: Arrays) -> Iterator[bytes]:
    """The bytes of a snapshot, in pieces."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    shapes = [[name, _described(a.dtype), list(a.shape)] for name, a in contiguous.items()]
    head = orjson.dumps({**asdict(header), "arrays": shapes})
    checksum = xxhash.xxh3_128()
    for piece in (
        _MAGIC,
        len(head).to_bytes(8, "little"),
        head,
        *(a.reshape(-1).view(np.uint8).data if a.size else b"" for a in contiguous.values()),
    ):
        for start in range(0, len(piece), _PIECE_BYTES):  # a copy lets no other thread run
            some = bytes(piece[start : start + _PIECE_BYTES])
            checksum.update(some)
            yield some
    yield checksum.digest()


def _described(dtype: np.dtype[Any]) -> Any:
    return dtype.descr if dtype.names else dtype.str


def unpacked(data: bytes, name: str) -> tuple[SnapshotHeader, dict[str, NDArray[Any]]]:
    """Header and arrays of a snapshot.

    Raises `SnapshotError` where a byte is not as written, and `NewerSnapshotError` where all are,
    in a format of later code.
    """
    body, checksum = memoryview(data)[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if not data.startswith(_MAGIC_START) or xxhash.xxh3_128_digest(body) != checksum:
        raise SnapshotError(f"Snapshot {name} is damaged.", "An older one is taken.")
    if not data.startswith(_MAGIC):
        raise made_by_newer(name, f"format {_format(data)}", FORMAT)
    start = len(_MAGIC) + 8
    end = start + int.from_bytes(body[len(_MAGIC) : start], "little")
    head = orjson.loads(body[start:end])
    return SnapshotHeader(**{k: v for k, v in head.items() if k != "arrays"}), dict(
        _arrays(body, end, head["arrays"])
    )


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
