"""What is published next, to which store, and behind which frontier: a pure state machine.

Publications are one sequence. Each has a sequence number, the *serial*, and belongs behind the
frontier that the publisher knows of Redis; one that is large goes out in parts. Events come in as
calls, and what has to be done comes out as values, which `Publisher` carries out:

    owned, opened, shut   this process is the owner; its gate is set; it lost the log
    changed               the fold moved on, and these listeners changed
    draft()               -> Draft: whose lists to rank, as of which place in the log
    number(draft)         -> Part: what goes to the topic, and behind which frontier to Redis; None
                             where the draft is out of date, since Redis fell back or the gate moved
    taken, refused        what Redis answered -> Behind: a repair is due; LaterOwner: stop
    looked                where a look at Redis found it, at every heartbeat

A draft cannot be sent, since it has no frontier. A part cannot be sent for a publication that is
over, since `number` refuses its draft. See `docs/decisions/0012-one-sequence-of-publications.md`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streams.folding.fold import Changed, together
from streams.folding.log_position import LogPosition
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.publishing.gate import Gate, Reached, published_since
from streams.publishing.publication_sequence import PublicationSequence

EVERYONE_EVERY_RECORDS = 50
"""How often, in log records, the fallback list is made again; at every heartbeat, too."""
LISTS_A_PUBLICATION_MAX = 2_000
"""A part of a publication has at most so many lists."""
_NEVER = -EVERYONE_EVERY_RECORDS


class FoldedListeners(Protocol):
    """What the plan asks of the state and of its own shard of listeners (`ListMaker` answers)."""

    @property
    def position(self) -> LogPosition:
        """The position in the log that the state has reached."""
        ...

    @property
    def makes_fallback(self) -> bool:
        """Whether this shard makes the fallback list."""
        ...

    def of_this_shard(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of `listeners` (codes) that belong to this shard and are not erased."""
        ...

    def changed_after(self, log_offset: int) -> NDArray[np.int32]:
        """Codes of this shard's listeners whose newest change is beyond `log_offset`."""
        ...

    def erased_after(self, log_offset: int) -> list[int]:
        """Offsets, in order, of the log records beyond `log_offset` that erased somebody."""
        ...

    def is_gone(self, listener_id: str) -> bool:
        """Whether this shard's listener is unknown to the state, so that their list has to go."""
        ...


@dataclass(eq=False)
class OpenPublication:
    """A publication of which parts are yet to be sent."""

    frontier: Frontier
    erasures: Sequence[int]
    """Offsets of the log records to be read before the last part: who was erased there."""
    rest: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """Codes of listeners whose lists are yet to be ranked."""
    appended_at: list[int] = field(default_factory=list)


class Draft(NamedTuple):
    """Whose lists are to be ranked now, as of `position`."""

    listeners: NDArray[np.int32]
    has_everyones: bool
    position: LogPosition
    rest: NDArray[np.int32]
    """Listeners that are left for later parts."""
    news: Changed
    gate: Gate | None
    repair_after: int | None
    goes_on: OpenPublication | None
    """The publication of which this is a later part; None where it begins one."""


class Part(NamedTuple):
    """What goes to the topic, and from there to Redis, which has to be at `since`."""

    frontier: Frontier
    removed: Sequence[str]
    more_follow: bool
    since: Frontier | None
    """None where Redis gets nothing of this: it fell back meanwhile, and a repair is due."""
    erasures: Sequence[int] = ()
    """Offsets of log records that have to be read now: `found_erased` takes who was erased."""
    appended_at: Sequence[int] = ()
    """When the broker got the events that are visible with this part (ms)."""


class Behind(NamedTuple):
    """Redis lacks lists of listeners that changed after this log offset; they are due now."""

    after: int


class LaterOwner(NamedTuple):
    """Redis knows a later owner: nothing may be published any more."""

    owner: int


class PublicationPlan:
    """Decides what one recommender publishes; `gate` is None until both frontiers are known."""

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
        self._news: list[Changed] = []
        self._erased: set[str] = set()
        self._publication: OpenPublication | None = None
        self._everyones_at = _NEVER
        self.gate: Gate | None = None
        self.redis_at: Frontier | None = None
        """Where Redis is, as far as is known."""

    # -- who publishes, and from where on --------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether lists may be published at the state's place in the log."""
        at = self._listeners.position
        return self.gate is not None and self.gate.is_open(at.log_epoch, at.offset)

    @property
    def is_due(self) -> bool:
        """Whether there is something to publish, though no event has come."""
        is_stale = self._everyones_at < self._listeners.position.offset
        return self._repair_after is not None or (self._listeners.makes_fallback and is_stale)

    def owned(self, owner: int, redis_at: Frontier) -> None:
        """This process is the owner now, and both stores know it; the gate is yet to be set."""
        self.shut()
        self._sequence = PublicationSequence(owner, self._sequence.made_by, self._sequence.serial)
        self.redis_at = redis_at

    def opened(self, gate: Gate, topic_at: Frontier, former: Sequence[Reached] = ()) -> None:
        """Sets the gate; once it is open, what changed after `republish_after` goes out first.

        So does every list where some were made by another configuration, be it by a former shard.
        What was under way is given up: all of it changed after `republish_after`.
        """
        own = Reached(self.redis_at or NOTHING_PUBLISHED, topic_at)
        stores = [own, *published_since(own, former)]
        if any(at.made_by != self._sequence.made_by for each in stores for at in each):
            gate = gate._replace(republish_after=-1)
        self.gate, self._publication = gate, None
        self._sequence.serial = max(self._sequence.serial, *(each.serial for each in own))
        self._repair_after = gate.republish_after
        self._everyones_at = _NEVER

    def shut(self) -> None:
        """Publishes nothing until the gate is set again."""
        self.gate = self._repair_after = self.redis_at = self._publication = None

    # -- what is due -----------------------------------------------------------------------------

    def changed(self, change: Changed) -> None:
        """The state has reached its place in the log, and `change` is what changed on the way."""
        self._news.append(change)
        self._erased |= set(change.erased)

    def make_everyones(self) -> None:
        """The fallback list is due, however young it is."""
        self._everyones_at = _NEVER

    def draft(self) -> Draft | None:
        """Whose lists are to be ranked now; None while nothing may be published."""
        news, position = self._taken_news(), self._listeners.position
        if not self.is_open or position.offset < 0:
            return None  # the gate, once it opens, asks for all that changed since
        publication, after = self._publication, self._repair_after
        if publication is not None:
            due, after = np.union1d(publication.rest, self._own(news)), None
        elif after is not None:
            # Lists that changed before it are in both stores. Made again in passing, they would
            # not be owed to the store that this publication may miss.
            due = self._listeners.changed_after(after)
        else:
            due = self._own(news)
        now, rest = due[: self._lists_max], due[self._lists_max :]
        has_everyones = publication is None and self._is_everyones_due(position)
        return Draft(now, has_everyones, position, rest, news, self.gate, after, publication)

    def _taken_news(self) -> Changed:
        news, self._news = self._news, []
        return together([Changed(), *news])

    def _own(self, news: Changed) -> NDArray[np.int32]:
        return self._listeners.of_this_shard(news.listeners)

    def _is_everyones_due(self, position: LogPosition) -> bool:
        is_old = position.offset - self._everyones_at >= EVERYONE_EVERY_RECORDS
        return self._listeners.makes_fallback and is_old

    # -- the sequence ----------------------------------------------------------------------------

    def number(self, draft: Draft, topic_at: Frontier) -> Part | None:
        """The draft's place in the sequence, once Redis has answered the part before.

        None where it is out of date: then what is due has to be drafted again.
        """
        if draft.goes_on is None and self._is_current(draft):
            self._publication = self._begun(draft, topic_at)
        elif draft.goes_on is None or draft.goes_on is not self._publication:
            self._news.insert(0, draft.news)
            return None
        return self._part(draft)

    def _is_current(self, draft: Draft) -> bool:
        return (draft.gate, draft.repair_after) == (self.gate, self._repair_after)

    def _begun(self, draft: Draft, topic_at: Frontier) -> OpenPublication:
        """A publication whose frontier says what it has that one store may lack."""
        after, self._repair_after = draft.repair_after, None
        agreed = min((self.redis_at or NOTHING_PUBLISHED).serial, topic_at.serial)
        frontier = self._sequence.next(draft.position, agreed, after)
        erasures = [] if after is None else self._listeners.erased_after(after)
        return OpenPublication(frontier, erasures)

    def _part(self, draft: Draft) -> Part:
        publication = self._publication
        assert publication is not None
        publication.frontier = publication.frontier.moved_to(draft.position)
        publication.rest = draft.rest
        publication.appended_at += draft.news.appended_at.tolist()
        if draft.has_everyones:
            self._everyones_at = draft.position.offset
        since = (self.redis_at or NOTHING_PUBLISHED) if self._repair_after is None else None
        if len(draft.rest) or publication.erasures:
            erasures = () if len(draft.rest) else publication.erasures
            return Part(publication.frontier, (), True, since, erasures)
        self._publication = None
        removed, at = self._taken_removals(), publication.appended_at
        return Part(publication.frontier, removed, False, since, appended_at=at)

    def _taken_removals(self) -> list[str]:
        removed, self._erased = sorted(filter(self._listeners.is_gone, self._erased)), set()
        return removed

    def found_erased(self, listener_ids: Iterable[str]) -> None:
        """The log records of `Part.erasures` were read: these listeners were erased there."""
        self._erased |= set(listener_ids)
        if self._publication is not None:
            self._publication.erasures = ()

    # -- what Redis answers ----------------------------------------------------------------------

    def taken(self, frontier: Frontier) -> bool:
        """Redis took a part; False where that is no longer of interest.

        Where the log was lost meanwhile, the topic may never get what Redis took.
        """
        if self.gate is None:
            return False
        self.redis_at = frontier
        return True

    def refused(self, found: Frontier) -> Behind | LaterOwner | None:
        """Redis is not where it was thought to be, but at `found`, and took nothing."""
        return None if self.gate is None else self._repair_from(found)

    def looked(
        self, found: Frontier, known: Frontier | None, *, was_away: bool
    ) -> Behind | LaterOwner | None:
        """A look at Redis found it at `found`; when the look began, `known` was known of it."""
        fell_back = known is not None and found.order < known.order
        return self.refused(found) if was_away or fell_back else None

    def _repair_from(self, found: Frontier) -> Behind | LaterOwner | None:
        assert self.gate is not None
        if found.owner > self._sequence.owner:
            return LaterOwner(found.owner)
        lacks_after = self._sequence.lacking(found)
        if found.log_epoch != self._listeners.position.log_epoch:
            lacks_after = -1
        if self._repair_after is not None:
            lacks_after = min(lacks_after, self._repair_after)
        self._repair_after = lacks_after
        self.make_everyones()
        self.redis_at = found
        self.gate = self.gate._replace(opens_at=max(self.gate.opens_at, found.position))
        return Behind(lacks_after)
