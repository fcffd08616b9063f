"""Where a projection can go on: the state of its verdicts, kept in MongoDB beside its position.

Which row counts depends on the rows before it. So whoever goes on in the middle of the log needs
the deduplication window, the coverage and the erasures as of there. They are one file in GridFS,
which is complete or not there; what an interrupted upload left is removed by the next.
"""

import asyncio
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple
from zipfile import BadZipFile

import cramjam
import numpy as np
from gridfs.errors import GridFSError
from motor.motor_asyncio import AsyncIOMotorGridFSBucket
from numpy.typing import NDArray

from streams.folding.fold_state import FOLD_VERSION
from streams.folding.row_verdicts import RowVerdicts
from streams.listens.listen_history import REMEDY
from streams.mongo_client import DATABASE, mongo_answers, mongo_client

VERDICTS = "listen_verdicts"
FORMAT = 1
_CHUNK_BYTES = 4 << 20


class TakenVerdicts(NamedTuple):
    """A copy of verdicts as of the log record at `offset`; they may go on meanwhile."""

    offset: int
    duplicate_window: int
    summary: dict[str, Any]
    state: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, verdicts: RowVerdicts, offset: int) -> "TakenVerdicts":
        """A copy; with a million events in the window, it takes some tenths of a second."""
        return cls(offset, verdicts.capacity, verdicts.summary(), verdicts.state())


class KeptVerdicts:
    """Verdicts of one log; `prefix` begins the names of the collections.

    Methods raise `ServerError` while MongoDB is unavailable.
    """

    def __init__(self, url: str, *, prefix: str = "") -> None:
        self._client = mongo_client(url)
        self._files = self._client[DATABASE][f"{prefix}{VERDICTS}.files"]
        self._chunks = self._client[DATABASE][f"{prefix}{VERDICTS}.chunks"]
        self._bucket = AsyncIOMotorGridFSBucket(
            self._client[DATABASE], prefix + VERDICTS, chunk_size_bytes=_CHUNK_BYTES
        )

    async def keep(self, taken: "TakenVerdicts", log: str) -> None:
        """Keeps verdicts of `log` in the place of all others."""
        content = await asyncio.to_thread(_packed, taken.state)
        about = {
            **_about(log, taken.duplicate_window),
            "offset": taken.offset,
            "summary": taken.summary,
        }
        with mongo_answers(REMEDY):
            new = await self._bucket.upload_from_stream(_name(log), content, metadata=about)
            await self._files.delete_many({"_id": {"$ne": new}})
            await self._chunks.delete_many({"files_id": {"$ne": new}})

    async def found(
        self, log: str, duplicate_window: int, offset_max: int
    ) -> tuple[RowVerdicts, int]:
        """The verdicts that are kept of `log` and the offset after which they go on.

        They are new ones, and -1, if none of up to `offset_max` with these rules can be read.
        """
        with mongo_answers(REMEDY):
            newest = await self._files.find_one({"filename": _name(log)}, sort=[("_id", -1)])
            about: dict[str, Any] = newest["metadata"] if newest else {}
            if newest and _is_usable(about, _about(log, duplicate_window), offset_max):
                verdicts = await self._loaded(newest["_id"], about, duplicate_window)
                if verdicts is not None:
                    return verdicts, int(about["offset"])
        return RowVerdicts(duplicate_window), -1

    async def _loaded(
        self, file: Any, about: Mapping[str, Any], duplicate_window: int
    ) -> RowVerdicts | None:
        """None if the file is damaged: then the log's start is as good."""
        try:
            stream = await self._bucket.open_download_stream(file)
            content: bytes = await stream.read()
            return await asyncio.to_thread(_unpacked, content, about["summary"], duplicate_window)
        except (GridFSError, cramjam.DecompressionError, BadZipFile, ValueError, KeyError):
            return None

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _name(log: str) -> str:
    return f"verdicts of {log}"


def _about(log: str, duplicate_window: int) -> dict[str, Any]:
    """What has to be equal, so that verdicts may be gone on with."""
    return {
        "format": FORMAT,
        "fold_version": FOLD_VERSION,
        "log": log,
        "duplicate_window": duplicate_window,
    }


def _is_usable(found: Mapping[str, Any], wanted: Mapping[str, Any], offset_max: int) -> bool:
    is_same = all(found.get(name) == each for name, each in wanted.items())
    return is_same and int(found["offset"]) <= offset_max


def _packed(state: Mapping[str, NDArray[Any]]) -> bytes:
    plain = BytesIO()
    np.savez(plain, **state)  # type: ignore[arg-type]
    return bytes(cramjam.zstd.compress(plain.getbuffer(), 1))


def _unpacked(content: bytes, summary: Mapping[str, Any], duplicate_window: int) -> RowVerdicts:
    verdicts = RowVerdicts(duplicate_window)
    with np.load(BytesIO(bytes(cramjam.zstd.decompress(content))), allow_pickle=False) as state:
        verdicts.load(summary, dict(state))
    return verdicts
