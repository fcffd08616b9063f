"""Result of a check: a level, a description, and what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from streams.doctor.facts import Facts


class Level(StrEnum):
    """Stable names; scripts read them."""

    OK = "ok"
    WARNING = "warning"
    """Nothing is lost yet, but an operator should act."""
    BROKEN = "broken"
    """A promise is broken now, or it is unknown whether it is kept."""


@dataclass(frozen=True)
class Finding:
    """The finding of one check; `remedy` is empty if nothing has to be done."""

    check: str
    level: Level
    says: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """JSON values with stable names."""
        return asdict(self)


Judged = tuple[Level, str, str] | None
"""Level, description and remedy; None if the facts do not allow a judgement."""

Check = Callable[[Facts], Judged]
"""A pure function that judges the facts."""


def ok(says: str) -> Judged:
    """A judgement at which nothing has to be done."""
    return Level.OK, says, ""


def worst(findings: Sequence[Finding]) -> Level:
    """The worst level of all findings; OK if there is none.

    >>> worst([Finding("lag", Level.OK, "none"), Finding("disk", Level.WARNING, "nearly full")])
    <Level.WARNING: 'warning'>
    """
    levels = [*Level]
    return levels[max((levels.index(each.level) for each in findings), default=0)]
