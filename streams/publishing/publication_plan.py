"""Decides what is published next, to which store, at which frontier: a pure state machine.

Publications are one sequence. Each has a sequence number, the *serial*, and is written to Redis
only at the frontier that the publisher expects there (compare-and-set). A large publication is sent
in parts. Events are method calls; actions are returned as values, which `Publisher` carries out:

    owned, opened, shut   this process is the owner; its gate is set; it lost the log
    changed               the fold has advanced, and these listeners changed
    draft()               -> Draft: the listeners to rank, as of a log position
    number(draft)         -> Part: what goes to the topic, and to Redis at the expected frontier;
                             None if the draft is out of date (Redis was reset to an older state, or
                             the gate changed)
    accepted, refused     the answer of Redis -> Behind: a repair is due; LaterOwner: stop
    frontier_read         the frontier of Redis, which is read at every heartbeat

A draft cannot be sent, because it has no frontier. A part of a publication that is over cannot be
sent, because `number` refuses its draft. The reasons are in
`docs/decisions/0012-one-sequence-of-publications.md`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import length_hint
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streams.folding.fold import Changed, merged_changes
from streams.folding.log_position import LogPosition
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.publishing.freshness import SAMPLES_MAX
from streams.publishing.gate import Gate, StoreFrontiers, published_later_than
from streams.publishing.publication_sequence import PublicationSequence

FALLBACK_EVERY_RECORDS = 50
"""Interval, in log records, at which the fallback list is rebuilt; every heartbeat does so, too."""
LISTS_A_PUBLICATION_MAX = 2_000
"""Maximum number of lists in a part of a publication."""
EXAMINED_A_LIST = 50
"""How many listeners a sweep looks up for each list that a part of a publication may have."""
_NEVER = -FALLBACK_EVERY_RECORDS


class FoldedListeners(Protocol):
    """What the plan reads of the state and of this shard's listeners (`ListMaker` has it)."""

    @property
    def position(self) -> LogPosition:
        """The position in the log that the state has reached."""
        ...

    @property
    def makes_fallback(self) -> bool:
        """Whether this shard makes the fallback list."""
        ...

    def of_this_shard(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        """The codes in `listeners` that belong to this shard and are not erased."""
        ...

    def changed_after(self, log_offset: int) -> NDArray[np.int32]:
        """Codes of this shard's listeners whose newest change is beyond `log_offset`."""
        ...

    def erased_after(self, log_offset: int) -> list[int]:
        """Offsets, in order, of the log records beyond `log_offset` that erased a listener."""
        ...

    def changed_before(self, listener_ids: Iterable[str]) -> int:
        """A log offset before the newest change of each of these listeners of the state."""
        ...

    def is_gone(self, listener_id: str) -> bool:
        """Whether the listener is of this shard and not in the state, so has to have no list."""
        ...


@dataclass(eq=False)
class OpenPublication:
    """A publication with parts that are not sent yet."""

    frontier: Frontier
    erasures: Sequence[int]
    """Offsets of log records with erasures, to be read before the last part is sent."""
    remaining: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """Codes of listeners whose lists are not ranked yet."""
    appended_at: list[int] = field(default_factory=list)
    """Broker's append times (ms) of the events that become visible with the last part."""


class Draft(NamedTuple):
    """The listeners whose lists have to be ranked now, as of `position`."""

    listeners: NDArray[np.int32]
    has_fallback: bool
    position: LogPosition
    remaining: NDArray[np.int32]
    """Listeners whose lists go into later parts."""
    changes: Changed
    gate: Gate | None
    repair_after: int | None
    continues: OpenPublication | None
    """The publication of which this is a later part; None if this is its first part."""


class Part(NamedTuple):
    """A part of a publication: it goes to the topic, then to Redis, which must be at `expected`."""

    frontier: Frontier
    removed: Sequence[str]
    more_follow: bool
    expected: Frontier | None
    """None if Redis gets no lists of this part, because it was found behind and a repair is due."""
    erasures: Sequence[int] = ()
    """Offsets of log records to be read now; the erased ids are passed to `found_erased`."""
    appended_at: Sequence[int] = ()
    """Broker's append times (ms) of the events that are visible with this part."""


class Behind(NamedTuple):
    """Redis is missing lists of listeners that changed after this log offset; they are due now."""

    after: int


class LaterOwner(NamedTuple):
    """Redis has seen a later owner (fencing token): this process has to stop publishing."""

    owner: int


class PublicationPlan:
    """Decides what one recommender publishes; `gate` is None until both frontiers are known.

    It has more than 15 methods: one for each event, and one for each decision behind it.
    """

    def __init__(
        self,
        listeners: FoldedListeners,
        *,
        made_by: str = "",
        lists_max: int = LISTS_A_PUBLICATION_MAX,
    ) -> None:
        self._listeners = listeners
        self._lists_max = lists_max
        self._sequence = PublicationSequence(0, made_by)
        self._repair_after: int | None = None
        self._changes: list[Changed] = []
        self._erased: set[str] = set()
        self._unswept: Iterator[str] = iter(())
        self._publication: OpenPublication | None = None
        self._fallback_at = _NEVER
        self.gate: Gate | None = None
        self.redis_at: Frontier | None = None
        """The newest known frontier of Redis."""

    # -- ownership and gate ----------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether lists may be published at the state's log position."""
        at = self._listeners.position
        return self.gate is not None and self.gate.is_open(at.log_epoch, at.offset)

    @property
    def is_due(self) -> bool:
        """Whether a repair, the fallback list or a sweep is due, even if no event has arrived."""
        if self._repair_after is not None or length_hint(self._unswept):
            return True
        is_stale = self._fallback_at < self._listeners.position.offset
        return self._listeners.makes_fallback and is_stale

    def owned(self, owner: int, redis_at: Frontier) -> None:
        """This process is the owner now, and both stores have its number; there is no gate yet."""
        self.shut()
        self._sequence = PublicationSequence(owner, self._sequence.made_by, self._sequence.serial)
        self.redis_at = redis_at

    def opened(self, gate: Gate, topic_at: Frontier, former: Sequence[StoreFrontiers] = ()) -> None:
        """Sets the gate. As soon as it opens, lists that changed after `republish_after` are due.

        Every list is due if another configuration made any of the stored ones, including those of
        a former shard. An incomplete publication is abandoned: all of its lists changed after
        `republish_after`.
        """
        own = StoreFrontiers(self.redis_at or NOTHING_PUBLISHED, topic_at)
        stores = [own, *published_later_than(own, former)]
        if any(at.made_by != self._sequence.made_by for each in stores for at in each):
            gate = gate._replace(republish_after=-1)
        self.gate, self._publication = gate, None
        self._sequence.serial = max(self._sequence.serial, *(each.serial for each in own))
        self._repair_after = gate.republish_after
        self._fallback_at = _NEVER

    def shut(self) -> None:
        """Stops publishing until the gate is set again."""
        self.gate = self._repair_after = self.redis_at = self._publication = None
        self._unswept = iter(())

    # -- what is due -----------------------------------------------------------------------------

    def changed(self, change: Changed) -> None:
        """The fold has advanced, and changed these listeners."""
        self._changes.append(change)
        self._erased |= set(change.erased)

    def make_fallback_due(self) -> None:
        """Makes the fallback list due, no matter how old it is."""
        self._fallback_at = _NEVER

    def places_freed(self, listener_ids: Sequence[str]) -> None:
        """Redis had other values in place of these lists, and no longer has: they are due."""
        if not listener_ids or self.gate is None:
            return
        after = self._listeners.changed_before(listener_ids)
        self._repair_after = after if self._repair_after is None else min(after, self._repair_after)
        self._erased |= set(listener_ids)
        self.make_fallback_due()

    def found_leavings(self, listener_ids: Iterable[str]) -> None:
        """The topic has lists of these listeners, perhaps of another generation.

        Those whom the state does not know when it publishes are removed, some at a time.
        """
        self._unswept = iter(sorted(listener_ids))

    def draft(self) -> Draft | None:
        """The listeners whose lists have to be ranked now; None while nothing may be published."""
        changes, position = self._take_changes(), self._listeners.position
        if not self.is_open or position.offset < 0:
            return None  # the changes are published when the gate opens
        publication, after = self._publication, self._repair_after
        if publication is not None:
            due, after = np.union1d(publication.remaining, self._of_this_shard(changes)), None
        elif after is not None:
            # Both stores have the lists that changed before `after`. If they were rebuilt here, the
            # frontier would not record that a store which misses this publication is missing them.
            due = self._listeners.changed_after(after)
        else:
            due = self._of_this_shard(changes)
        now, remaining = due[: self._lists_max], due[self._lists_max :]
        has_fallback = publication is None and self._is_fallback_due(position)
        return Draft(now, has_fallback, position, remaining, changes, self.gate, after, publication)

    def _take_changes(self) -> Changed:
        changes, self._changes = self._changes, []
        return merged_changes([Changed(), *changes])

    def _of_this_shard(self, changes: Changed) -> NDArray[np.int32]:
        return self._listeners.of_this_shard(changes.listeners)

    def _is_fallback_due(self, position: LogPosition) -> bool:
        is_old = position.offset - self._fallback_at >= FALLBACK_EVERY_RECORDS
        return self._listeners.makes_fallback and is_old

    # -- the sequence ----------------------------------------------------------------------------

    def number(self, draft: Draft, topic_at: Frontier) -> Part | None:
        """Gives the draft its place in the sequence, after Redis has answered the previous part.

        Returns None if the draft is out of date. The caller then has to make another draft.
        """
        if draft.continues is None and self._is_current(draft):
            self._publication = self._begin(draft, topic_at)
        elif draft.continues is None or draft.continues is not self._publication:
            self._changes.insert(0, draft.changes)
            return None
        return self._part(draft)

    def _is_current(self, draft: Draft) -> bool:
        return (draft.gate, draft.repair_after) == (self.gate, self._repair_after)

    def _begin(self, draft: Draft, topic_at: Frontier) -> OpenPublication:
        """A new publication. Its frontier states which lists a store without it may be missing."""
        after, self._repair_after = draft.repair_after, None
        agreed = min((self.redis_at or NOTHING_PUBLISHED).serial, topic_at.serial)
        frontier = self._sequence.next(draft.position, agreed, after)
        erasures = [] if after is None else self._listeners.erased_after(after)
        return OpenPublication(frontier, erasures)

    def _part(self, draft: Draft) -> Part:
        publication = self._publication
        assert publication is not None
        publication.frontier = publication.frontier.moved_to(draft.position)
        publication.remaining = draft.remaining
        appended_at = publication.appended_at + draft.changes.appended_at.tolist()
        publication.appended_at = appended_at[-SAMPLES_MAX:]
        if draft.has_fallback:
            self._fallback_at = draft.position.offset
        expected = (self.redis_at or NOTHING_PUBLISHED) if self._repair_after is None else None
        if len(draft.remaining) or publication.erasures:
            erasures = () if len(draft.remaining) else publication.erasures
            return Part(publication.frontier, (), True, expected, erasures)
        self._publication = None
        removed, at = self._take_removals(), publication.appended_at
        return Part(publication.frontier, removed, False, expected, appended_at=at)

    def _take_removals(self) -> list[str]:
        is_gone, erased = self._listeners.is_gone, self._erased
        self._erased = set()
        examined = islice(self._unswept, EXAMINED_A_LIST * self._lists_max)
        swept = islice(filter(is_gone, examined), self._lists_max)
        return sorted({*filter(is_gone, erased), *swept})

    def found_erased(self, listener_ids: Iterable[str]) -> None:
        """The log records of `Part.erasures` were read, and erased these listeners."""
        self._erased |= set(listener_ids)
        if self._publication is not None:
            self._publication.erasures = ()

    # -- answers of Redis ------------------------------------------------------------------------

    def accepted(self, frontier: Frontier) -> bool:
        """Redis accepted a part; returns False if publishing was shut in the meantime.

        The topic may then never get the lists that Redis accepted.
        """
        if self.gate is None:
            return False
        self.redis_at = frontier
        return True

    def refused(self, found: Frontier) -> Behind | LaterOwner | None:
        """Redis refused a part, because it is at `found` and not at the expected frontier."""
        return None if self.gate is None else self._repair_from(found)

    def frontier_read(
        self, found: Frontier, known: Frontier | None, *, was_unavailable: bool
    ) -> Behind | LaterOwner | None:
        """Redis is at `found`; `known` was its newest known frontier when the read began."""
        lost_writes = known is not None and found.order < known.order
        return self.refused(found) if was_unavailable or lost_writes else None

    def _repair_from(self, found: Frontier) -> Behind | LaterOwner | None:
        assert self.gate is not None
        if found.owner > self._sequence.owner:
            return LaterOwner(found.owner)
        missing_after = self._sequence.missing_after(found)
        if found.log_epoch != self._listeners.position.log_epoch:
            missing_after = -1
        if self._repair_after is not None:
            missing_after = min(missing_after, self._repair_after)
        self._repair_after = missing_after
        self.make_fallback_due()
        self.redis_at = found
        self.gate = self.gate._replace(opens_at=max(self.gate.opens_at, found.position))
        return Behind(missing_after)
