"""A replay: a quiet generation that works through the log, or a part of it, beside the live ones.

There is no other engine for this than the recommenders. So a replay survives every crash that they
do, and whoever watches it may stop watching at any time.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NamedTuple

import orjson

from streams.folding.fold_state import Count
from streams.kafka.log_places import first_place, last_place
from streams.kafka.log_reader import LogReader
from streams.lifecycle.generation_record import created, log_id_of, settings_from
from streams.lifecycle.journal import Journal, operation
from streams.lifecycle.lifecycle import Generation, Lifecycle
from streams.settings import Settings
from topics.errors import SettingsError
from topics.lifecycle import GenerationMoved, GenerationState, JournalRecord

RATE_WINDOW_S = 10.0
_OVER = (GenerationState.RETIRING, GenerationState.RETIRED)
_EVENTS = (Count.APPLIED, Count.DUPLICATE, Count.CONFLICT, Count.ERASED, Count.SKIMMED)


@dataclass(frozen=True)
class WantedReplay:
    """What to replay, as the options say it; None where they say nothing."""

    name: str | None = None
    first: str | None = None
    last: str | None = None
    like: str | None = None
    model: str | None = None

    @property
    def chosen(self) -> dict[str, str]:
        """The options that only a new generation can have."""
        options = {"--from": self.first, "--to": self.last}
        options |= {"--like": self.like, "--model": self.model}
        return {name: value for name, value in options.items() if value is not None}


def free_name(lifecycle: Lifecycle) -> str:
    """A name for a replay that has none.

    >>> free_name(Lifecycle())
    'replay-1'
    """
    names = (f"replay-{number}" for number in count(1))
    return next(each for each in names if each not in lifecycle.generations)


def begin_replay(
    journal: Journal,
    settings: Settings,
    kafka: str,
    wanted: WantedReplay,
    why: str,
    check_room: Callable[[Lifecycle, Settings], None],
) -> Generation:
    """The wanted generation, which folds: it is created and started where that is necessary.

    A new one is like the stable generation, unless the options say otherwise. Raises
    `SettingsError` if it cannot be as wanted, and what `check_room` does before one is started.
    """
    lifecycle = journal.read()
    name = wanted.name or free_name(lifecycle)
    known = lifecycle.generations.get(name)
    if known is None:
        like = wanted.like or (None if lifecycle.is_empty else lifecycle.plan.stable)
        fresh = _settings_of(lifecycle, settings, kafka, replace(wanted, name=name, like=like))
        check_room(lifecycle, fresh)
        record = created(
            name,
            fresh,
            log_id_of(kafka),
            like=like,
            **operation(why, settings.who),
        )
        _append(journal, record)
    else:
        _check_known(known, wanted)
        if known.state is GenerationState.STOPPED:
            recorded = Settings(generation=name)
            check_room(lifecycle, settings_from(lifecycle, recorded, prefers="record"))
    if known is None or known.state is GenerationState.STOPPED:
        said = operation(why, settings.who)
        _append(journal, GenerationMoved(name=name, to=GenerationState.QUIET, **said))
    return journal.lifecycle.generations[name]


def _check_known(known: Generation, wanted: WantedReplay) -> None:
    name = known.created.name
    if known.state in _OVER:
        raise SettingsError(f"{name} is retired.", "Name another generation; it is created.")
    if wanted.chosen:
        raise SettingsError(
            f"{name} exists, and its settings never change.",
            f"Leave {', '.join(wanted.chosen)} away to watch it, or name another generation.",
        )


def _settings_of(
    lifecycle: Lifecycle, settings: Settings, kafka: str, wanted: WantedReplay
) -> Settings:
    base = settings
    if wanted.like is not None:
        base = settings_from(lifecycle, Settings(generation=wanted.like), prefers="record")
    with LogReader(kafka) as log:
        first = first_place(log, wanted.first, "--from") if wanted.first else base.learn_from
        last = last_place(log, wanted.last, "--to") if wanted.last else base.learn_until
    if last is not None and last < first:
        raise SettingsError(
            f"--from is record {first:,}, and --to is {last:,}.", "Name a later --to."
        )
    changes = {"generation": wanted.name, "shards": 1, "learn_from": first, "learn_until": last}
    return base.model_copy(update=changes | ({"model": wanted.model} if wanted.model else {}))


def _append(journal: Journal, record: JournalRecord) -> None:
    void = journal.read().why_void(record) or journal.append(lambda _: record).own.void
    if void:
        raise SettingsError(
            f"This cannot be: {void}.", "`echotune generations list` shows what is."
        )


def likeness(lifecycle: Lifecycle, name: str) -> str:
    """What a new generation has from the one that it was made like, in words."""
    created = lifecycle.generations[name].created
    if created.like is None:
        return f"{name} was created"
    other = lifecycle.generations[created.like].created
    if other.fold_id == created.fold_id:
        return (
            f"{name} was created: it learns as {created.like} does, so that it begins with the "
            "newest snapshot of it on this disk; `echotune verify` folds the log from its start"
        )
    ours, theirs = orjson.loads(created.settings), orjson.loads(other.settings)
    differ = [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]
    return f"{name} was created: it is like {created.like}, but for {', '.join(differ)}"


class ReplayProgress(NamedTuple):
    """How far a replay is; None where that is not known."""

    generation: str
    as_of: int
    target: int
    events: int
    events_per_s: float | None
    eta_s: float | None
    throttled: bool
    heard: bool
    """Whether each of its recommenders runs."""

    @property
    def is_done(self) -> bool:
        """Whether it has reached its target."""
        return self.heard and self.as_of >= self.target


class ReplayWatch:
    """Computes the progress of a replay from the statuses of its shards."""

    def __init__(self, generation: str, target: int) -> None:
        self._generation = generation
        self._target = target
        self._seen: deque[tuple[float, int, int]] = deque()

    def note(self, now_s: float, statuses: Sequence[Mapping[str, Any]]) -> ReplayProgress:
        """The progress as of now; an empty status is of a recommender that is not heard."""
        heard = [each for each in statuses if each]
        as_of = min((int(each["as_of"]) for each in heard), default=-1)
        events = min((_events_of(each) for each in heard), default=0)
        speed = self._speed(now_s, as_of, events) if heard else None
        records_per_s, events_per_s = speed or (None, None)
        left = max(0, self._target - as_of)
        eta_s = None if not records_per_s else round(left / records_per_s, 1)
        return ReplayProgress(
            self._generation,
            as_of,
            self._target,
            events,
            None if events_per_s is None else round(events_per_s, 1),
            eta_s if left else 0.0,
            any(each.get("pace", {}).get("throttled", False) for each in heard),
            len(heard) == len(statuses) > 0,
        )

    def _speed(self, now_s: float, as_of: int, events: int) -> tuple[float, float] | None:
        """Records and events a second in the last seconds; None if they are not known yet."""
        if self._seen and as_of < self._seen[-1][1]:
            self._seen.clear()  # it was started again, from a snapshot
        self._seen.append((now_s, as_of, events))
        while now_s - self._seen[0][0] > RATE_WINDOW_S:
            self._seen.popleft()
        began_s, first, events_before = self._seen[0]
        if now_s <= began_s:
            return None
        return (as_of - first) / (now_s - began_s), (events - events_before) / (now_s - began_s)


def _events_of(status: Mapping[str, Any]) -> int:
    return sum(int(status.get("counts", {}).get(each, 0)) for each in _EVENTS)
