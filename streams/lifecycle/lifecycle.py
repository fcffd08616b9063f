"""Folds the journal into generations and the plan, and decides which records are valid. Pure.

A record is void unless it follows on what is valid before it. Everybody who reads the journal
therefore agrees, no matter how many operators wrote to it at once.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import orjson

from streams.lists.serving_plan import SHARE_WHOLE, Plan
from streams.settings import SHARDS_MAX
from topics.lifecycle import (
    AutopilotSet,
    GenerationCreated,
    GenerationMoved,
    GenerationsCompared,
    GenerationState,
    JournalRecord,
    RecordsVoided,
    ServingCause,
    ServingChanged,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LIKE_AN_IDENTITY = re.compile(r".*-\d+of\d+")
_RESERVED = frozenset({"active"})


def wrong_name(name: str) -> str:
    """Why a generation cannot have this name; empty if it can.

    >>> wrong_name("second"), wrong_name("a-0of1")
    ('', "'a-0of1' ends like a shard of a recommender")
    """
    if not _NAME.fullmatch(name):
        return f"{name!r} is not up to 63 of a-z, 0-9 and -, beginning with a letter or digit"
    if name in _RESERVED:
        return f"{name!r} is reserved"
    if _LIKE_AN_IDENTITY.fullmatch(name):
        return f"{name!r} ends like a shard of a recommender"
    return ""


class Role(StrEnum):
    """What the recommenders of a generation do."""

    PARKED = "parked"
    QUIET = "quiet"
    STARTED = "started"
    CANARY = "canary"
    STABLE = "stable"

    @property
    def publishes(self) -> bool:
        """Whether lists go to Redis."""
        return self in (Role.STARTED, Role.CANARY, Role.STABLE)

    @property
    def is_in_plan(self) -> bool:
        """Whether listeners are served by the generation."""
        return self in (Role.CANARY, Role.STABLE)


@dataclass(frozen=True)
class Generation:
    """A generation of the journal."""

    created: GenerationCreated
    created_at: int
    """Milliseconds since 1970."""
    state: GenerationState
    shards: int

    @property
    def learn_until(self) -> int | None:
        """The last log offset that it folds, so that it can never serve; None if there is none."""
        until = orjson.loads(self.created.settings).get("learn_until")
        return until if isinstance(until, int) else None


class Entry(NamedTuple):
    """One record of the journal, and why it is void; empty if it is valid."""

    offset: int
    at_ms: int
    record: JournalRecord
    void: str


class Autopilot(NamedTuple):
    """What a person asked the keeper to do with a generation."""

    steps: tuple[int, ...]
    """Shares of the listeners before the promotion, in ten-thousandths, rising."""
    dwell_s: int


class Comparison(NamedTuple):
    """A comparison of two generations, and when it was recorded."""

    found: GenerationsCompared
    at_ms: int


class Lifecycle:
    """All generations, the plan, and the history of both."""

    def __init__(self) -> None:
        self.generations: dict[str, Generation] = {}
        self.history: list[Entry] = []
        self.autopilots: dict[str, Autopilot] = {}
        """By generation, those that are armed."""
        self.comparisons: dict[tuple[str, str], Comparison] = {}
        """The newest one of each pair: who was judged, and with whom it was compared."""
        self.plan_at_ms = 0
        """When the plan changed last."""
        self.evidence = "{}"
        """What was known when the plan changed last: a JSON object."""
        self._plans = [Plan()]
        self._promoted: list[str] = []
        """The generations that became stable, without those that were rolled back."""
        self._operations: set[bytes] = set()

    @property
    def plan(self) -> Plan:
        """The plan now."""
        return self._plans[-1]

    @property
    def is_empty(self) -> bool:
        """Whether nothing serves yet: an installation whose journal was never begun."""
        return self.plan.version < 0

    def role_of(self, name: str) -> Role:
        """What the recommenders of a generation do; `PARKED` if there is no such generation."""
        generation = self.generations.get(name)
        if generation is None:
            return Role.PARKED
        if name == self.plan.stable:
            return Role.STABLE
        if name == self.plan.canary:
            return Role.CANARY
        started = {GenerationState.STARTED: Role.STARTED, GenerationState.QUIET: Role.QUIET}
        return started.get(generation.state, Role.PARKED)

    def stable_before(self) -> str | None:
        """The generation that served before the stable one was promoted; None if none did."""
        return self._promoted[-2] if len(self._promoted) > 1 else None

    def rolled_back_to(self) -> str | None:
        """Who serves everybody once the newest change is undone; None if there is no such change.

        A canary ends; else the generation before serves again.
        """
        return self.plan.stable if self.plan.canary is not None else self.stable_before()

    def apply(self, offset: int, at_ms: int, record: JournalRecord) -> str:
        """Takes the next record of the journal; returns why it is void, or an empty text."""
        void = self.why_void(record)
        self.history.append(Entry(offset, at_ms, record, void))
        if void:
            return void
        self._operations.add(record.operation_id)
        match record:
            case GenerationCreated():
                created = Generation(record, at_ms, GenerationState.STOPPED, record.shards)
                self.generations[record.name] = created
            case GenerationMoved():
                known = self.generations[record.name]
                shards = record.shards or known.shards
                self.generations[record.name] = replace(known, state=record.to, shards=shards)
                if record.to is not GenerationState.STARTED:
                    self._disarm({record.name})
            case ServingChanged():
                self._note_plan(offset, at_ms, record)
            case AutopilotSet():
                self._disarm({record.name})
                if record.is_armed:
                    self.autopilots[record.name] = Autopilot(record.steps, record.dwell_s)
            case GenerationsCompared():
                self.comparisons[record.a, record.b] = Comparison(record, at_ms)
            case RecordsVoided():
                pass  # readers of the log look for these themselves (`kafka/voided_records.py`)
        return ""

    def _note_plan(self, offset: int, at_ms: int, record: ServingChanged) -> None:
        before, name = self.plan, record.operation_id.hex()
        self._plans.append(Plan(offset, name, record.stable, record.canary, record.share))
        self.plan_at_ms, self.evidence = at_ms, record.evidence
        self._note_stable(record)
        self._disarm({before.stable, before.canary} - {record.stable, record.canary})

    def _disarm(self, names: set[str | None]) -> None:
        """Ends the autopilot of these generations: only a person arms it again (hysteresis)."""
        self.autopilots = {
            name: each for name, each in self.autopilots.items() if name not in names
        }

    def _note_stable(self, record: ServingChanged) -> None:
        is_undone = record.cause is ServingCause.ROLLED_BACK and record.stable in self._promoted
        while is_undone and self._promoted[-1] != record.stable:
            self._promoted.pop()
        if self._promoted[-1:] != [record.stable]:
            self._promoted.append(record.stable)

    def why_void(self, record: JournalRecord) -> str:
        """Why `record` would be void if it came next; empty if it would be valid."""
        if record.operation_id in self._operations:
            return "its operation was recorded before"
        match record:
            case GenerationCreated():
                return self._why_not_created(record)
            case GenerationMoved():
                return self._why_not_moved(record)
            case ServingChanged():
                return self._why_not_serving(record)
            case AutopilotSet():
                return self._why_not_armed(record)
        compared = {record.a, record.b} if isinstance(record, GenerationsCompared) else set()
        unknown = compared - self.generations.keys()
        return f"there is no generation {min(unknown)}" if unknown else ""

    def _why_not_armed(self, record: AutopilotSet) -> str:
        shares = (0, *record.steps, SHARE_WHOLE)
        if any(share >= following for share, following in pairwise(shares)):
            return "its steps do not rise from more than 0 to less than 100 %"
        if record.dwell_s < 1:
            return "it has no time between two changes"
        return self._why_not_started(record.name) if record.is_armed else ""

    def _why_not_created(self, record: GenerationCreated) -> str:
        if record.name in self.generations:
            return f"a generation {record.name} exists, and names are used once"
        if not 1 <= record.shards <= SHARDS_MAX:
            return f"it has {record.shards} shards, and may have 1 to {SHARDS_MAX:,}"
        if not _is_json_object(record.settings):
            return "its settings are no JSON object"
        return wrong_name(record.name)

    def _why_not_moved(self, record: GenerationMoved) -> str:
        name, known = record.name, self.generations.get(record.name)
        if known is None:
            return f"there is no generation {name}"
        if record.to is GenerationState.UNKNOWN or not 0 <= record.shards <= SHARDS_MAX:
            return "it does not say where to"
        if name in (self.plan.stable, self.plan.canary):
            is_scaled = record.to is GenerationState.STARTED and record.shards > 0
            return "" if is_scaled else f"{name} serves listeners"
        return "" if _may_follow(known.state, record.to) else f"{name} is {known.state.lower()}"

    def _why_not_serving(self, record: ServingChanged) -> str:
        if record.expected != self.plan.version:
            return "the plan was changed in the meantime"
        if (record.canary is not None) != (1 <= record.share <= SHARE_WHOLE):
            return "a share belongs to a canary, and a canary to a share of 1 to 10,000"
        if record.canary == record.stable:
            return "the canary is the stable generation"
        if record.cause is ServingCause.UNKNOWN:
            return "it does not say why"
        return self._why_not_started(record.stable) or self._why_not_started(record.canary)

    def _why_not_started(self, name: str | None) -> str:
        if name is None:
            return ""
        known = self.generations.get(name)
        if known is None:
            return f"there is no generation {name}"
        if known.learn_until is not None:
            return f"{name} learns nothing after log offset {known.learn_until}"
        return "" if known.state is GenerationState.STARTED else f"{name} is not started"


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except ValueError:
        return False


def _may_follow(state: GenerationState, to: GenerationState) -> bool:
    """Whether a generation that serves nobody may go from `state` to `to`."""
    if state is GenerationState.RETIRING or to is GenerationState.RETIRED:
        return (state, to) == (GenerationState.RETIRING, GenerationState.RETIRED)
    return state is not GenerationState.RETIRED
