"""The ledger of imported events that the broker has acknowledged, so that none is sent again.

The file is append-only: a header and the 16-byte keys of event ids, in order of acknowledgement.
A last key that a crash has cut short is removed; its event is then sent again under the same id.
In memory the keys are sorted arrays of growing sizes (a log-structured merge; O'Neil et
al. 1996): 16 bytes an event, 48 while the largest are merged.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topics.errors import HistoryError
from topics.identity import event_key_of

HEADER = b"echotune-sent-1\n"
KEY_BYTES = 16
_KEYS = np.dtype(f"S{KEY_BYTES}")
"""Compares as bytes. Numpy drops trailing zeros, but keys of equal length stay distinct."""

Keys = NDArray[Any]


def ledger_path(home: Path, topic_id: bytes) -> Path:
    """The ledger of a topic: a recreated topic has another id, and an empty ledger of its own."""
    return home / "imports" / f"sent-to-{topic_id.hex()}"


class ImportLedger:
    """The ledger at `path`, created if it does not exist; one process at a time may open it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._error(f"cannot be opened: {error.strerror}") from error
        try:
            self._lock()
            self._runs = [_sorted(self._load())]
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> "ImportLedger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def unseen(self, event_ids: Sequence[str]) -> list[bool]:
        """For each of `event_ids`, whether it is neither in the ledger nor earlier in the list."""
        keys = _keys_of(event_ids)
        new = np.zeros(len(keys), bool)
        new[np.unique(keys, return_index=True)[1]] = True
        for run in self._runs:
            new &= ~_contains(run, keys)
        return [bool(each) for each in new]

    def record(self, event_ids: Sequence[str]) -> None:
        """Adds `event_ids`; they are on disk (fsync) when this returns."""
        if not event_ids:
            return
        keys = _keys_of(event_ids)
        self._append(keys.tobytes())
        self._runs.append(_sorted(keys))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            self._runs[-2:] = [_sorted(np.concatenate(self._runs[-2:]))]

    def close(self) -> None:
        """Closes the file, so that another process may open the ledger."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HistoryError(
                f"Another import is running: it holds {self._path}.",
                "Run this one again when it is done.",
            ) from None

    def _load(self) -> Keys:
        size = os.fstat(self._file).st_size
        if size < len(HEADER):
            os.ftruncate(self._file, 0)
            self._append(HEADER)
            _sync_folder(self._path.parent)
        elif os.pread(self._file, len(HEADER), 0) != HEADER:
            raise self._error("is not a ledger of imports")
        whole = max(size - size % KEY_BYTES, len(HEADER))
        os.ftruncate(self._file, whole)
        return np.fromfile(self._path, _KEYS, offset=len(HEADER))

    def _append(self, data: bytes) -> None:
        """Appends all of `data`, or nothing."""
        end = os.lseek(self._file, 0, os.SEEK_END)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, end)
            raise self._error(f"cannot be written: {error.strerror}") from error

    def _error(self, what: str) -> HistoryError:
        return HistoryError(
            f"The ledger of imports {self._path} {what}.",
            "Make it writable, or move it away. Imports then send earlier events again, and "
            "each is still counted once if it is in the deduplication window.",
        )


def _keys_of(event_ids: Sequence[str]) -> Keys:
    return np.frombuffer(b"".join(map(event_key_of, event_ids)), _KEYS)


def _sorted(keys: Keys) -> Keys:
    return np.sort(keys, kind="stable")


def _contains(run: Keys, keys: Keys) -> NDArray[np.bool_]:
    if not len(run):
        return np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
    return np.asarray(run[at] == keys)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
