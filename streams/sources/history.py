"""Reads listening history of any known format, in order of time: to import or evaluate."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from streams.sources import parquet_table
from streams.sources.assembling import assembled
from streams.sources.merging import PlaySorter
from streams.sources.rows import BadRow, HistoryRow, Ignored, Play

__all__ = ["BadRow", "History", "HistoryRow", "Ignored", "read_history"]


def read_history(
    paths: Sequence[Path], listener_id: str | None = None, *, now_ms: int | None = None
) -> Iterator[HistoryRow]:
    """Events of `paths` in order of time, after the rows that are none."""
    return History(paths, listener_id, now_ms=now_ms).rows()


class History:
    """The plays of some files."""

    def __init__(
        self, paths: Sequence[Path], listener_id: str | None = None, *, now_ms: int | None = None
    ) -> None:
        self._paths = paths
        self._listener_id = listener_id
        self._now_ms = now_ms if now_ms is not None else time.time_ns() // 1_000_000
        self._plays = self._given = 0

    @property
    def share_read(self) -> float:
        """Share of the plays that `rows` has given; 0 while the files are still read."""
        return self._given / self._plays if self._plays else 0.0

    def rows(self) -> Iterator[HistoryRow]:
        """Bad and ignored rows as files are read, then all events in order of time."""
        with PlaySorter() as sorter:
            for number, path in enumerate(self._paths):
                with path.open("rb") as file:
                    for row in parquet_table.read(file, number, path.name, self._listener_id):
                        if isinstance(row, Play):
                            sorter.add(row)
                        else:
                            yield row
            self._plays = sorter.plays
            names = [(number, path.name) for number, path in enumerate(self._paths)]
            for each in assembled(sorter.in_order(), names, now_ms=self._now_ms):
                self._given += 1
                yield each
