"""How many plays of each source do not count, because a play of another source masks them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from online_models.vocabulary import Vocabulary
from streams.folding.deduplication_window import Verdict

SHOWN_MAX = 20
OTHERS = "(others)"


class MaskedPlays:
    """One number per source; a KEEP takes its play off again.

    >>> sources = Vocabulary()
    >>> masked = MaskedPlays(sources)
    >>> codes = sources.encode_many(["navidrome", "lastfm", "lastfm", "lastfm"])
    >>> found = [Verdict.NEW, Verdict.MASKED, Verdict.MASKED, Verdict.UNMASKED]
    >>> masked.note(codes, np.array(found, np.uint8))
    >>> masked.by_source()
    {'lastfm': 1}
    """

    def __init__(self, sources: Vocabulary) -> None:
        self._sources = sources
        self._counts: dict[int, int] = {}

    def note(self, sources: NDArray[np.int32], verdicts: NDArray[np.uint8]) -> None:
        """Notes the verdict on a row of each of `sources` (codes)."""
        for verdict, step in ((Verdict.MASKED, 1), (Verdict.UNMASKED, -1)):
            for code in sources[verdicts == verdict].tolist():
                self._counts[code] = self._counts.get(code, 0) + step

    def by_source(self) -> dict[str, int]:
        """Name of the source → masked plays, most first; a bounded number of sources."""
        found = sorted(self._counts.items(), key=lambda each: (-each[1], each[0]))
        shown = {str(self._sources.value(code)): n for code, n in found[:SHOWN_MAX] if n}
        others = sum(n for _, n in found[SHOWN_MAX:])
        return shown | ({OTHERS: others} if others else {})

    def rows(self) -> list[tuple[int, int]]:
        """(code of the source, masked plays), by code; `load` accepts it."""
        return sorted((code, n) for code, n in self._counts.items() if n)

    def load(self, rows: Sequence[tuple[int, int]]) -> None:
        """Loads `rows()`."""
        self._counts = dict(rows)
