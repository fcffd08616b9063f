"""The promises of EchoTune, and the first place at which each promise is broken."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Promise(StrEnum):
    """Stable names; scripts read them."""

    CONTIGUOUS = "the log covers each source without a hole, each offset once"
    COUNTED = "applied, rejected and duplicate are together what is covered"
    SOURCE = "every covered record of the source is a row or a rejection, as it was written"
    LETTERS = "every rejected record is a dead letter with its bytes"
    EQUAL = "the live state is the replayed state"
    COMPLETE = "every listener has a list that is not older than their last change"
    AGREED = "redis and the topic hold the same lists"
    RANKED = "a list is what the state of its log offset ranks"


class Broken(NamedTuple):
    """A promise that is not kept, the place (`where`), and a description (`what`)."""

    promise: Promise
    where: str
    what: str


@dataclass
class Findings:
    """For each promise: how often it was checked and broken, and the first place at which it was.

    >>> found = Findings()
    >>> found.note(Promise.AGREED, [], checked=3)
    >>> found.note(Promise.RANKED, [Broken(Promise.RANKED, "ann", "t1 is first, not t2")])
    >>> found.is_kept, found.checked[Promise.AGREED], found.first[Promise.RANKED].where
    (False, 3, 'ann')
    """

    checked: dict[Promise, int] = field(default_factory=lambda: dict.fromkeys(Promise, 0))
    broken: dict[Promise, int] = field(default_factory=lambda: dict.fromkeys(Promise, 0))
    unknown: dict[Promise, int] = field(default_factory=lambda: dict.fromkeys(Promise, 0))
    """Checks that were impossible, because retention has deleted the records to compare with."""
    uncompared: dict[Promise, int] = field(default_factory=lambda: dict.fromkeys(Promise, 0))
    """Rows and lists that exist and were not compared, because nobody has processed them yet."""
    first: dict[Promise, Broken] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Whether all that exists was compared, and no check has found a broken promise."""
        return not self.first and not any(self.uncompared.values())

    def note(
        self,
        promise: Promise,
        broken: Iterable[Broken],
        *,
        checked: int = 1,
        unknown: int = 0,
        uncompared: int = 0,
    ) -> None:
        """Notes the result of `checked` checks of one promise."""
        self.checked[promise] += checked
        self.unknown[promise] += unknown
        self.uncompared[promise] += uncompared
        for each in broken:
            self.broken[promise] += 1
            self.first.setdefault(promise, each)

    def as_json(self) -> list[dict[str, Any]]:
        """One entry per promise; JSON values with stable names."""
        return [
            {
                "promise": each.name.lower(),
                "says": each.value,
                "checked": self.checked[each],
                "broken": self.broken[each],
                "unknown": self.unknown[each],
                "uncompared": self.uncompared[each],
                "first": self.first[each]._asdict() if each in self.first else None,
            }
            for each in Promise
        ]


@dataclass(frozen=True)
class LogSums:
    """Sums over all sources: the covered offsets, and what they are."""

    covered: int = 0
    rows: int = 0
    rejected: int = 0
    vacant: int = 0

    def as_json(self) -> dict[str, int]:
        """JSON values with stable names."""
        return asdict(self)
