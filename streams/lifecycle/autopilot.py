"""The autopilot: what the keeper does next with a generation that a person armed. Pure.

It goes forward in steps, each with the whole gate open and a pause after the change before; the
last step promotes. It goes back where the generation is worse, stale or broken, and only to one
that is sound itself. When a generation leaves the plan, `Lifecycle` disarms its autopilot. So
there is one rollback, and only a person begins again (hysteresis).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from streams.lifecycle.lifecycle import Autopilot, Lifecycle
from streams.lifecycle.promotion_gate import (
    WORSE,
    Asks,
    Gate,
    Statuses,
    gate_of,
    is_current,
    p99_of,
)
from topics.lifecycle import ServingCause

UNHEARD_S = 20.0
"""A shard is broken when its status is missing for so long; a status lasts 10 s by itself."""
SHUT_S = 60.0
"""A generation is broken when it publishes nothing for so long."""
LATE_BEHIND = 500
"""A generation is late when it is more log records behind than that, and not fresh."""
LATE_MS = 2_000.0
LATE_FACTOR = 4.0
"""Not fresh is a p99 above both: `LATE_MS`, and so many times that of its promotion."""
LOOKS, LATE_LOOKS = 60, 40
"""It is stale when it was late in `LATE_LOOKS` of the last `LOOKS` looks."""


@dataclass(frozen=True)
class Health:
    """What the keeper knows of a generation, from looks about a second apart."""

    statuses: Statuses = ()
    unheard_since: float | None = None
    """When a shard was missing first; None if none is. In seconds of the keeper's clock."""
    shut_since: float | None = None
    late: tuple[bool, ...] = ()
    """Of the last `LOOKS` looks."""
    at: float = 0.0
    """When the last look was."""

    def seen(
        self, now: float, statuses: Statuses, log_end: int, late_above_ms: float = LATE_MS
    ) -> "Health":
        """The health after one more look."""
        is_unheard = not all(statuses)
        is_shut = not is_unheard and not all(each.get("publishing") for each in statuses)
        behind = log_end - 1 - min((int(each.get("as_of", -1)) for each in statuses), default=-1)
        is_late = behind > LATE_BEHIND and (p99_of(statuses) or 0.0) > late_above_ms
        return Health(
            statuses,
            _since(self.unheard_since, now, is_true=is_unheard),
            _since(self.shut_since, now, is_true=is_shut),
            (*self.late, is_late)[-LOOKS:],
            now,
        )

    @property
    def broken(self) -> str:
        """Why the generation is broken; empty if it is not."""
        if self.unheard_since is not None and self.at - self.unheard_since >= UNHEARD_S:
            silent = [f"shard {at}" for at, each in enumerate(self.statuses) if not each]
            return f"broken: not heard: {', '.join(silent)}"
        if self.shut_since is not None and self.at - self.shut_since >= SHUT_S:
            return f"broken: it has published nothing for {self.at - self.shut_since:.0f} s"
        return ""

    @property
    def stale(self) -> str:
        """Why the generation is stale; empty if it is not."""
        is_stale = sum(self.late) >= LATE_LOOKS
        return f"stale: late in {sum(self.late)} of {len(self.late)} looks" if is_stale else ""


def _since(before: float | None, now: float, *, is_true: bool) -> float | None:
    if not is_true:
        return None
    return now if before is None else before


class Act(StrEnum):
    """What the keeper does."""

    WAIT = "wait"
    COMPARE = "compare"
    CHANGE = "change"


@dataclass(frozen=True)
class Step:
    """The next act for a generation, and why."""

    act: Act
    says: str
    other: str = ""
    """With whom it is compared."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the next `ServingChanged`."""


class View(NamedTuple):
    """What the keeper knows when it decides."""

    lifecycle: Lifecycle
    healths: Mapping[str, Health]
    log_end: int
    now_ms: int

    def gate(self, name: str, other: str) -> Gate:
        """The gate of a generation beside another one."""
        shards = self.lifecycle.generations[name].shards
        ours = self.healths.get(name, Health()).statuses or [{}] * shards
        theirs = self.healths.get(other, Health()).statuses
        return gate_of(self.lifecycle, (name, other), ours, theirs, self.log_end)


def generations_seen(lifecycle: Lifecycle) -> set[str]:
    """The generations that the keeper has to look at; none while nothing is armed."""
    if not lifecycle.autopilots:
        return set()
    before = lifecycle.stable_before()
    return {*lifecycle.autopilots, lifecycle.plan.stable, *([before] if before else [])}


def next_step(view: View, name: str) -> Step:
    """What to do with an armed generation."""
    lifecycle = view.lifecycle
    autopilot, plan = lifecycle.autopilots[name], lifecycle.plan
    if name not in (plan.stable, plan.canary):
        return _forward(view, name, autopilot)
    back_to = plan.stable if name == plan.canary else lifecycle.stable_before()
    if back_to is None:
        return Step(Act.WAIT, "it serves, and no generation served before it")
    if why := _why_back(view, name, back_to):
        return _back(view, name, back_to, why)
    if name == plan.canary:
        return _forward(view, name, autopilot)
    return _compared(view, name, back_to, autopilot) or Step(Act.WAIT, "it serves, and is watched")


def _why_back(view: View, name: str, back_to: str) -> str:
    health = view.healths.get(name, Health())
    return health.broken or health.stale or _worse(view.lifecycle, name, back_to)


def _worse(lifecycle: Lifecycle, name: str, back_to: str) -> str:
    """Says so if a comparison since the last change found it; what was known before is no news."""
    compared = lifecycle.comparisons.get((name, back_to))
    if compared is None or compared.at_ms <= lifecycle.plan_at_ms:
        return ""
    return f"worse than {back_to}" if compared.found.verdict == WORSE else ""


def _back(view: View, name: str, back_to: str, why: str) -> Step:
    """The rollback, unless the generation before is not sound itself, as where Redis is away."""
    unmet = view.gate(back_to, name).unmet
    unsound = [each for each in unmet if not each.forceable or each.name == "fresh"]
    if unsound:
        missing = ", ".join(each.name for each in unsound)
        return Step(Act.WAIT, f"{why}; but {back_to} is not: {missing}")
    plan = {"stable": back_to, "cause": ServingCause.ROLLED_BACK}
    return _change(view.gate(name, back_to), f"{name} is {why}", plan)


def _change(gate: Gate, says: str, plan: dict[str, Any]) -> Step:
    evidence = orjson.dumps(gate.evidence(autopilot=True)).decode()
    return Step(Act.CHANGE, says, plan=plan | {"evidence": evidence})


def _forward(view: View, name: str, autopilot: Autopilot) -> Step:
    lifecycle, plan = view.lifecycle, view.lifecycle.plan
    if plan.canary not in (None, name):
        return Step(Act.WAIT, f"{plan.canary} is the canary")
    if view.now_ms - lifecycle.plan_at_ms < 1_000 * autopilot.dwell_s:
        return Step(Act.WAIT, f"waits for {autopilot.dwell_s} s since the last change")
    if (step := _compared(view, name, plan.stable, autopilot)) is not None:
        return step
    gate = view.gate(name, plan.stable)
    if shut := gate.shut_by(Asks.ALL):
        return Step(Act.WAIT, f"waits for: {', '.join(each.name for each in shut)}")
    share = next((each for each in autopilot.steps if each > plan.share), None)
    if share is None:
        promoted = {"stable": name, "cause": ServingCause.PROMOTED}
        return _change(gate, f"{name} is promoted", promoted)
    canary = {"stable": plan.stable, "canary": name, "share": share, "cause": ServingCause.CANARY}
    return _change(gate, f"{name} serves {share / 100:g} % of the listeners", canary)


def _compared(view: View, name: str, other: str, autopilot: Autopilot) -> Step | None:
    """A comparison, if there is none of most of the log, and none was made a moment ago."""
    compared = view.lifecycle.comparisons.get((name, other))
    log_id = view.lifecycle.generations[name].created.log_id
    if is_current(compared, log_id, view.log_end):
        return None
    if compared and view.now_ms - compared.at_ms < 1_000 * autopilot.dwell_s:
        return None
    return Step(Act.COMPARE, f"{name} is compared with {other}", other)


def late_above_ms(lifecycle: Lifecycle) -> float:
    """Above this p99 the stable generation is not fresh, by that of its promotion."""
    try:
        known = orjson.loads(lifecycle.evidence)
    except ValueError:  # somebody else's record
        known = None
    before = known.get("p99_ms") if isinstance(known, dict) else None
    return max(LATE_MS, LATE_FACTOR * before) if isinstance(before, int | float) else LATE_MS
