"""Every decision of a simulation, drawn from its seed; each fault can be left out alone.

A draw depends only on the seed, the place that draws and how often it has drawn. So leaving a fault
out does not change the other draws, and shrinking depends on that.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeVar

import xxhash

T = TypeVar("T")
INTENSITIES = (0.0, 0.0, 1.0, 1.0, 1.0, 5.0)
"""Factors of a fault's rate. A seed has none, some or many of a kind: all would hide each other."""


class Fault(NamedTuple):
    """A fault of `kind` that happened at the `number`-th draw of `place`."""

    kind: str
    place: str
    number: int


class Chance:
    """The decisions of one seed; `only` those of its faults happen (None: all)."""

    def __init__(self, seed: int, only: Collection[Fault] | None = None) -> None:
        self.seed = seed
        self._only = only
        self._asked: Counter[str] = Counter()
        self._intensity: dict[str, float] = {}
        self.happened: list[Fault] = []
        self.is_healed = False

    def number(self, place: str) -> float:
        """A number from 0 to 1."""
        return self._drawn(place, self._count(place))

    def between(self, place: str, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return low + (high - low) * self.number(place)

    def pick(self, place: str, options: Sequence[T]) -> T:
        """One of `options`."""
        return options[int(self.number(place) * len(options))]

    def strikes(self, kind: str, place: str, rate: float) -> bool:
        """Whether a fault happens at this draw."""
        number = self._count(f"{kind}@{place}")
        if self.is_healed or self._drawn(f"{kind}@{place}", number) >= rate * self._of(kind):
            return False
        fault = Fault(kind, place, number)
        return self.happens(fault)

    def happens(self, fault: Fault) -> bool:
        """Whether a fault or event happens: always, unless shrinking leaves it out."""
        if self._only is not None and fault not in self._only:
            return False
        self.happened.append(fault)
        return True

    def _count(self, place: str) -> int:
        number = self._asked[place]
        self._asked[place] = number + 1
        return number

    def _drawn(self, place: str, number: int) -> float:
        return xxhash.xxh3_64_intdigest(f"{self.seed}/{place}/{number}".encode()) / 2**64

    def _of(self, kind: str) -> float:
        found = self._intensity.get(kind)
        if found is None:
            drawn = self._drawn(f"intensity of {kind}", 0)
            found = self._intensity[kind] = INTENSITIES[int(drawn * len(INTENSITIES))]
        return found
