"""The conditions under which a generation may serve listeners, from the journal and statuses. Pure.

Without the *hard* ones, a listener could be left without a list: nothing overrides them. The
*forceable* ones say whether the generation is good for listeners: a person may waive them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, NamedTuple

from streams.lifecycle.lifecycle import Comparison, Lifecycle

HEARD_MS = 3_000
"""A shard is heard if its status is not older."""
BEHIND_MAX = 64
"""Log records that a recommender may be behind the log's end."""
MARGIN = 0.005
"""By this much of the hit rate a generation may be worse than the stable one."""
COVERED_MIN = 0.9
"""Share of the log that a comparison has to cover."""
FRESH_MS = 1_000.0
"""With this freshness (p99) a generation is fresh, whatever that of the stable one is."""
ROOM = 1.5
"""A recommender's memory times this has to fit into its machine."""
ALIVE = "alive"
"""The condition that each recommender is heard."""
WORSE, TOO_FEW_LISTENERS = "worse", "too few listeners"
"""Verdicts of a comparison that shut the gate."""

Statuses = Sequence[Mapping[str, Any]]
"""The status of each shard of a generation; empty for one that is not heard."""


class Condition(NamedTuple):
    """One condition, and what was found."""

    name: str
    ok: bool
    says: str
    forceable: bool = False
    """Whether a person may waive it."""


class Asks(StrEnum):
    """Which conditions have to hold."""

    HARD = "hard"
    """Those that nothing overrides: for a canary, and for `promote --force`."""
    NOT_WORSE = "not worse"
    """The hard ones, and that the generation is not known to be worse: for `promote`."""
    ALL = "all"
    """Every one: for `promote --gated`, and for the autopilot."""


class Gate(NamedTuple):
    """All conditions, and the comparison and the freshness behind them."""

    conditions: list[Condition]
    compared: Comparison | None
    p99_ms: float | None

    @property
    def is_worse(self) -> bool:
        """Whether the generation is known to be worse."""
        return self.compared is not None and self.compared.found.verdict == WORSE

    @property
    def unmet(self) -> list[Condition]:
        """The conditions that do not hold."""
        return [each for each in self.conditions if not each.ok]

    def shut_by(self, asks: Asks) -> list[Condition]:
        """The conditions that do not hold, of those that have to."""
        return [each for each in self.unmet if self._has_to_hold(each, asks)]

    def _has_to_hold(self, each: Condition, asks: Asks) -> bool:
        if not each.forceable or asks is Asks.ALL:
            return True
        return asks is Asks.NOT_WORSE and each.name == _NOT_WORSE and self.is_worse

    def evidence(self, **more: Any) -> dict[str, Any]:
        """What was known when the plan was changed, for the journal: JSON values."""
        return {
            "conditions": [each._asdict() for each in self.conditions],
            "comparison": _as_json(self.compared) if self.compared else None,
            "p99_ms": self.p99_ms,
            **more,
        }


def _as_json(compared: Comparison) -> dict[str, Any]:
    fields = asdict(compared.found)
    said = {"operation_id", "who", "why", "made_with"}
    return {key: value for key, value in fields.items() if key not in said}


_NOT_WORSE = "not worse"


def gate_of(
    lifecycle: Lifecycle,
    names: tuple[str, str],
    statuses: Statuses,
    others: Statuses,
    log_end: int,
) -> Gate:
    """The gate of the first of two generations beside the second one, with their statuses."""
    name, other = names
    compared = lifecycle.comparisons.get(names)
    return Gate(
        [
            *conditions(statuses, log_end),
            _same_log(lifecycle, name, other),
            _not_worse(lifecycle, names, compared, log_end),
            _fresh(statuses, others),
            _room(statuses),
        ],
        compared,
        p99_of(statuses),
    )


def conditions(statuses: Statuses, log_end: int) -> list[Condition]:
    """The hard conditions that follow from statuses.

    >>> one = {"as_of": 90, "publishing": True, "waits_for": [], "digest": "d", "digest_offset": 90}
    >>> [each.ok for each in conditions([one], 100)], [each.ok for each in conditions([{}], 100)]
    ([True, True, True, True], [False, False, False, True])
    """
    silent = [f"shard {at}" for at, each in enumerate(statuses) if not _is_heard(each)]
    behind = [log_end - 1 - int(each.get("as_of", -1)) for each in statuses]
    shut = [f"shard {at}" for at, each in enumerate(statuses) if not each.get("publishing")]
    return [
        Condition(ALIVE, not silent, f"not heard: {', '.join(silent) or 'none'}"),
        Condition("caught up", max(behind) <= BEHIND_MAX, f"{max(behind)} log records behind"),
        Condition("complete", not shut, f"do not publish: {', '.join(shut) or 'none'}"),
        _equal(statuses),
    ]


def _is_heard(status: Mapping[str, Any]) -> bool:
    """Whether a recommender runs, and waits for nobody."""
    is_recent = status.get("heard_ms", 0) <= HEARD_MS
    return bool(status) and is_recent and not status.get("waits_for")


def _equal(statuses: Statuses) -> Condition:
    digests: dict[int, set[str]] = {}
    for each in statuses:
        if each.get("digest"):
            digests.setdefault(int(each["digest_offset"]), set()).add(str(each["digest"]))
    differ = [offset for offset, found in digests.items() if len(found) > 1]
    says = f"digests differ at offset {differ[0]}" if differ else "no digests differ"
    return Condition("equal", not differ, says)


def _same_log(lifecycle: Lifecycle, name: str, other: str) -> Condition:
    ours, theirs = (lifecycle.generations[each].created.log_id for each in (name, other))
    says = f"it folds the log of {other}" if ours == theirs else f"{other} folds another log"
    return Condition("same log", ours == theirs, says)


def is_current(compared: Comparison | None, log_id: str, log_end: int) -> bool:
    """Whether a comparison covers enough of the log."""
    if compared is None or compared.found.log_id != log_id:
        return False
    return compared.found.upto_offset + 1 >= COVERED_MIN * log_end


def _not_worse(
    lifecycle: Lifecycle, names: tuple[str, str], compared: Comparison | None, log_end: int
) -> Condition:
    name, other = names
    if name == other:
        return Condition(_NOT_WORSE, True, f"{name} is the stable generation", forceable=True)
    command = f"`echotune generations compare {name} {other}`"
    if compared is None:
        says = f"not compared with {other}: {command} does that"
        return Condition(_NOT_WORSE, False, says, forceable=True)
    found = compared.found
    says = (
        f"{found.verdict}: {100 * found.low:+.2f} to {100 * found.high:+.2f} % of {found.metric} "
        f"beside {other}, {found.paired:,} plays"
    )
    if not is_current(compared, lifecycle.generations[name].created.log_id, log_end):
        covered = f"up to record {found.upto_offset:,} of {log_end - 1:,}"
        says = f"{says}, {covered}: {command} does that anew"
        return Condition(_NOT_WORSE, False, says, forceable=True)
    is_shown = found.verdict not in (WORSE, TOO_FEW_LISTENERS) and found.low > -MARGIN
    return Condition(_NOT_WORSE, is_shown, says, forceable=True)


def p99_of(statuses: Statuses) -> float | None:
    """The worst recent freshness (p99, ms) of all shards; None without a recent event."""
    found = [each.get("freshness_ms", {}).get("p99_recent") for each in statuses]
    return max((float(each) for each in found if each is not None), default=None)


def _fresh(statuses: Statuses, stable: Statuses) -> Condition:
    ours, theirs = p99_of(statuses), p99_of(stable)
    if ours is None:
        return Condition("fresh", True, "no event in the last 5 minutes", forceable=True)
    most = max(FRESH_MS, 2 * (theirs or 0.0))
    says = f"p99 {ours:,.0f} ms; at most {most:,.0f} ms"
    return Condition("fresh", ours <= most, says, forceable=True)


def _room(statuses: Statuses) -> Condition:
    said = [each.get("memory", {}) for each in statuses]
    if not all({"used_bytes", "limit_bytes"} <= each.keys() for each in said):
        return Condition("room", False, "its memory is not known", forceable=True)
    is_roomy = all(ROOM * each["used_bytes"] <= each["limit_bytes"] for each in said)
    used, limit = max((each["used_bytes"], each["limit_bytes"]) for each in said)
    says = f"{used / 2**20:,.0f} of {limit / 2**20:,.0f} MiB used"
    return Condition("room", is_roomy, says, forceable=True)
