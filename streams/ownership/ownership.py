"""Owning the learning-log for an identity: from the first assignment until the log is lost again.

An owner loads the state, takes over (see `takeover`), and publishes nothing before its gate opens.
Until then it compares the log with what the gate was derived from: the log may lose its tail.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import structlog

from streams.folding.fold import Fold
from streams.kafka.log_reader import ReadLog
from streams.kafka.log_writer import WriteLog
from streams.kafka.waiting import until_answered
from streams.ownership.gate_opening import Opening
from streams.ownership.takeover import Takeover
from streams.publishing.gate import Gate
from streams.publishing.publisher import Publisher
from streams.snapshots.state_keeper import StateKeeper
from topics.control_records import LogEpochStarted
from topics.learning_log import record_hash

_log = structlog.get_logger(__name__)


class LogEdge(NamedTuple):
    """How single records of the log are read and written, beside the stream of all of them."""

    read: ReadLog
    write: WriteLog


class Ownership:
    """What one recommender does because it owns the log; it may lose the log and get it back."""

    def __init__(
        self,
        takeover: Takeover,
        publisher: Publisher,
        state: StateKeeper,
        *,
        log: LogEdge,
        fold: Fold,
    ) -> None:
        self._takeover = takeover
        self._publisher = publisher
        self._state = state
        self._log = log
        self._fold = fold
        self._loading: asyncio.Task[None] | None = None
        self._taking_over: asyncio.Task[None] | None = None
        self._has_begun = False
        self._expected = Opening(Gate((-1, -1), -1), log_end=0, hashes={})
        self.is_owner = False

    @property
    def is_loading(self) -> bool:
        """Whether a state is being loaded, be it for an ownership that was lost meanwhile."""
        return self._loading is not None and not self._loading.done()

    @property
    def has_loaded(self) -> bool:
        """Whether the state is ready and the takeover has begun."""
        return self._taking_over is not None

    @property
    def waits_for(self) -> list[str]:
        """Recommenders of another M that still run."""
        return self._takeover.waits_for

    # -- getting and losing the log ----------------------------------------------------------

    def on_assigned(self, is_owner: bool) -> None:
        """Notes whether this process owns the log."""
        if not is_owner:
            _log.info("on standby: another process has this identity")
        if self.is_owner and not is_owner:
            self._lose()
        self.is_owner = is_owner

    def _lose(self) -> None:
        """Publishes no more: the new owner may be further, and has fenced this process."""
        if self._taking_over is not None:
            self._taking_over.cancel()
        self._has_begun, self._taking_over = False, None
        self._takeover.let_go()

    async def load(self) -> None:
        """Makes the state ready, once an ownership."""
        if not self._has_begun:
            self._has_begun = True
            self._loading = asyncio.create_task(self._make_ready(self._loading))
        assert self._loading is not None
        await asyncio.shield(self._loading)

    async def _make_ready(self, before: asyncio.Task[None] | None) -> None:
        """Loads the state; a process that gets the log back while it loads finishes that first."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        await until_answered(self._state.make_ready)

    def take_over(self) -> None:
        """Begins the takeover of both stores, once an ownership."""
        if self._taking_over is None:
            self._taking_over = asyncio.create_task(self._take_over())

    async def _take_over(self) -> None:
        self._expected = await self._takeover.run()

    def check(self) -> None:
        """Raises what ended the takeover, or fenced this process."""
        if self._taking_over is not None and self._taking_over.done():
            self._taking_over.result()
        self._publisher.topic.check()

    def end(self) -> None:
        """Gives up a takeover that is under way."""
        if self._taking_over is not None:
            self._taking_over.cancel()

    # -- until the gate opens ----------------------------------------------------------------

    def compare(self, records: Sequence[Any]) -> None:
        """Compares folded records with those that were published, where the gate hangs on them.

        Shuts the gate where the log lost its tail, and grew again, while the fold caught up.
        """
        hashes = self._expected.hashes
        for each in records if hashes else ():
            published, gate = hashes.pop(each.offset, None), self._publisher.gate
            if published is None or gate is None:
                continue
            if record_hash(each.value, each.timestamp) != published:
                beyond = (self._fold.log_epoch + 1, -1)
                self._publisher.open_with(Gate(max(gate.opens_at, beyond), -1))

    async def start_epoch_if_shut(self) -> None:
        """Starts a log epoch where the gate stays shut: lists of a lost tail were published."""
        gate = self._publisher.gate
        if gate is None or self._publisher.is_open:
            return
        self._expect_end(min(self._expected.log_end, await until_answered(self._end_of_log)))
        if self._publisher.gate is not gate or self._fold.offset + 1 < self._expected.log_end:
            return
        epoch = max(gate.opens_at[0], self._fold.log_epoch) + 1
        reason = f"lists up to {gate.opens_at} were published, the log ends at {self._fold.offset}"
        _log.warning("learning-log lost its tail; a new epoch begins", epoch=epoch, reason=reason)
        started = LogEpochStarted(epoch, reason)
        beyond = Gate((epoch, -1), -1)
        self._publisher.open_with(beyond)  # before the record is folded, which opens what is shut

        def write() -> None:
            if self._publisher.gate == beyond:  # else ownership was lost meanwhile
                self._expect_end(1 + self._log.write(started))

        await until_answered(write)

    def _expect_end(self, log_end: int) -> None:
        self._expected = self._expected._replace(log_end=log_end)

    def _end_of_log(self) -> int:
        """Where the log ends now: it may lose its tail while the gate is shut."""
        with self._log.read() as reader:
            return reader.bounds().end
