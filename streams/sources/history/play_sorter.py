"""External merge sort of plays, for more than fit into memory (Knuth, TAOCP 3, 5.4).

A sorted run is a file of pickled blocks. `FAN_IN` runs of one level are merged into one run of the
next, so that n plays are rewritten log(n) times and few files are open together.
"""

import heapq
import pickle
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from streams.sources.plays import Play
from topics.errors import HistoryError

PLAYS_IN_MEMORY = 100_000
"""About 80 MB for plays with names of usual length, and five times that at most."""
FAN_IN = 32
_BLOCK = 500


class PlaySorter:
    """Sorts plays by time; a context manager.

    It holds up to `plays_in_memory` plays while they are added, and `FAN_IN` blocks during merges.
    """

    def __init__(self, plays_in_memory: int = PLAYS_IN_MEMORY) -> None:
        self._limit = plays_in_memory
        self._held: list[Play] = []
        self._levels: list[list[Path]] = []
        self._runs_written = 0
        self._folder: TemporaryDirectory[str] | None = None
        self.plays = 0

    def __enter__(self) -> "PlaySorter":
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            self._folder.cleanup()

    def add(self, play: Play) -> None:
        """Adds one play."""
        self._held.append(play)
        self.plays += 1
        if len(self._held) >= self._limit:
            self._spill()

    def in_order(self) -> Iterator[Play]:
        """All added plays, sorted."""
        self._held.sort()
        with ExitStack() as files:
            runs = [_blocks(path, files) for level in self._levels for path in level]
            yield from heapq.merge(self._held, *runs)

    def _spill(self) -> None:
        self._held.sort()
        self._keep(self._written(self._held), 0)
        self._held.clear()

    def _keep(self, run: Path, level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(run)
        if len(runs) == FAN_IN:
            merged = self._merged(runs)
            runs.clear()
            self._keep(merged, level + 1)

    def _merged(self, runs: list[Path]) -> Path:
        with ExitStack() as files:
            merged = self._written(heapq.merge(*(_blocks(path, files) for path in runs)))
        for path in runs:
            path.unlink()
        return merged

    def _written(self, plays: Iterable[Play]) -> Path:
        try:
            self._folder = self._folder or TemporaryDirectory(prefix="echotune-import-")
            self._runs_written += 1
            path = Path(self._folder.name) / f"{self._runs_written}.run"
            _write(path, plays)
        except OSError as error:
            raise HistoryError(
                f"Plays cannot be sorted in {gettempdir()}: {error.strerror}.",
                "Free space there, or set TMPDIR to a folder on another disk.",
            ) from error
        return path


def _write(path: Path, plays: Iterable[Play]) -> None:
    rest = iter(plays)
    with path.open("wb") as file:
        while block := [tuple(play) for play in islice(rest, _BLOCK)]:
            pickle.dump(block, file, pickle.HIGHEST_PROTOCOL)


def _blocks(path: Path, files: ExitStack) -> Iterator[Play]:
    file = files.enter_context(path.open("rb"))
    while file.peek(1):
        yield from map(Play._make, pickle.load(file))
