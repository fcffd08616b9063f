"""What a check says: how it is, in words, and what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from streams.doctor.facts import Facts


class Level(StrEnum):
    """Stable names; scripts read them."""

    OK = "ok"
    WARNING = "warning"
    """Nothing is lost yet, but somebody should look."""
    BROKEN = "broken"
    """Something promised does not hold now, or nobody can say whether it does."""


@dataclass(frozen=True)
class Finding:
    """What one check found; `remedy` is empty where nothing has to be done."""

    check: str
    level: Level
    says: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """JSON values with stable names."""
        return asdict(self)


Judged = tuple[Level, str, str] | None
"""Level, what there is to say, and the remedy; None where nothing can be judged."""

Check = Callable[[Facts], Judged]
"""A judgement of the facts; it is pure."""


def ok(says: str) -> Judged:
    """Nothing has to be done."""
    return Level.OK, says, ""


def worst(findings: Sequence[Finding]) -> Level:
    """The worst level there is.

    >>> worst([Finding("lag", Level.OK, "none"), Finding("disk", Level.WARNING, "nearly full")])
    <Level.WARNING: 'warning'>
    """
    levels = [*Level]
    return levels[max((levels.index(each.level) for each in findings), default=0)]
