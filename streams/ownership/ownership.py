"""Ownership of the learning-log for an identity, from the assignment until the log is lost.

An owner loads the state, takes over with a new fencing token (see `takeover`), and publishes
nothing before its gate opens. Until then it compares the log with the records that the gate was
derived from, because the log may lose its tail in the meantime.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog

from streams.folding.fold import Fold
from streams.kafka.log_reader import ReadLog
from streams.kafka.log_writer import WriteLog
from streams.kafka.retries import until_answered
from streams.ownership.gate_opening import NO_OPENING
from streams.ownership.takeover import Takeover
from streams.publishing.gate import Gate
from streams.publishing.publisher import Publisher
from streams.snapshots.state_keeper import StateKeeper
from topics.control_records import LogEpochStarted
from topics.learning_log import record_hash

EPOCH_AFTER_S = 10.0
"""How long a generation that is not the stable one leaves it to that one to begin a log epoch."""

_log = structlog.get_logger(__name__)


class LogEdge(NamedTuple):
    """I/O on single records of the log, besides the stream of all records."""

    read: ReadLog
    write: WriteLog


class Ownership:
    """The work of one recommender while it owns the log, which it may lose and get back."""

    def __init__(
        self,
        takeover: Takeover,
        publisher: Publisher,
        state: StateKeeper,
        *,
        log: LogEdge,
        fold: Fold,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._shut_at_end: tuple[Gate, float] | None = None
        """A gate that was shut at the log's end, and since when."""
        self._takeover = takeover
        self._publisher = publisher
        self._state = state
        self._log = log
        self._fold = fold
        self._loading: asyncio.Task[None] | None = None
        self._taking_over: asyncio.Task[None] | None = None
        self._has_begun = False
        self._expected = NO_OPENING
        self.is_owner = False

    @property
    def is_loading(self) -> bool:
        """Whether a state is being loaded, including for an ownership that has been lost."""
        return self._loading is not None and not self._loading.done()

    @property
    def has_loaded(self) -> bool:
        """Whether the state is ready and the takeover has begun."""
        return self._taking_over is not None

    @property
    def waits_for(self) -> list[str]:
        """Recommenders of another M that are still alive."""
        return self._takeover.waits_for

    # -- getting and losing the log ----------------------------------------------------------

    def on_assigned(self, is_owner: bool) -> None:
        """Notes whether this process owns the log."""
        if not is_owner:
            _log.info("on standby: another process has this identity")
        if self.is_owner and not is_owner:
            self._on_ownership_lost()
        self.is_owner = is_owner

    def _on_ownership_lost(self) -> None:
        """Stops publishing. The new owner may be further ahead, and fences this process."""
        self._has_begun = False
        self._stop_taking_over()

    def _stop_taking_over(self) -> None:
        if self._taking_over is not None:
            self._taking_over.cancel()
        self._taking_over = None
        self._takeover.stop_publishing()

    async def load(self) -> None:
        """Loads or checks the state, once per ownership."""
        if not self._has_begun:
            self._has_begun = True
            self._loading = asyncio.create_task(self._load_or_check(self._loading))
        assert self._loading is not None
        await asyncio.shield(self._loading)

    async def _load_or_check(self, before: asyncio.Task[None] | None) -> None:
        """Loads or checks the state, after a load for an earlier ownership (`before`) has ended."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        await until_answered(self._state.load_or_check)

    def take_over(self) -> None:
        """Starts the takeover of both stores, once per ownership."""
        if self._taking_over is None:
            self._taking_over = asyncio.create_task(self._take_over())

    async def follow_plan(self, *, is_fenced: bool = False) -> bool:
        """Lets go of both stores and takes over again if the plan has another role for this.

        Who was fenced reads the journal to its end before that. A generation without the topic
        takes over again in the same role: whichever generation becomes stable fences all others.
        """
        serving = self._takeover.serving
        has_changed = await (serving.has_changed() if is_fenced else serving.notices_change())
        if not has_changed and not (is_fenced and self._was_fenced_beside_topic):
            return False
        self._stop_taking_over()
        self._expected = NO_OPENING
        self.take_over()
        return True

    @property
    def _was_fenced_beside_topic(self) -> bool:
        """Whether this had claimed its identity without the topic, and was fenced after that."""
        task, topic = self._taking_over, self._publisher.topic
        is_over = task is not None and task.done() and not task.cancelled()
        has_claimed = is_over and task is not None and task.exception() is None
        return has_claimed and topic.is_fenced and not topic.writes_lists

    async def _take_over(self) -> None:
        self._expected = await self._takeover.run()
        await self._takeover.sweep()

    def check(self) -> None:
        """Raises the error of a failed takeover, or if this process was fenced."""
        if self._taking_over is not None and self._taking_over.done():
            self._taking_over.result()
        self._publisher.topic.check()

    def end(self) -> None:
        """Cancels a takeover that is in progress."""
        if self._taking_over is not None:
            self._taking_over.cancel()

    # -- until the gate opens ----------------------------------------------------------------

    def compare(self, records: Sequence[Any]) -> None:
        """Compares folded records with the published ones that the gate was derived from.

        Shuts the gate if the log lost its tail and grew again while the fold caught up.
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
        """Starts a log epoch if the fold is at the log's end and the gate is still shut.

        The log has then lost a tail whose lists were published. The stable generation begins the
        epoch. Another one waits until that has had the time to, and then begins it nevertheless:
        the lost lists may be its own alone, or the stable one may not run. Two records of one epoch
        do no harm, as those of two shards do none: the second one changes nothing.
        """
        gate = self._publisher.gate
        if gate is None or self._publisher.is_open:
            return
        log_end = await until_answered(self._end_of_log)
        if self._publisher.gate is not gate:  # else what is expected may be another takeover's
            return
        self._expect_end(min(self._expected.log_end, log_end))
        if self._fold.offset + 1 < self._expected.log_end or not self._is_its_turn(gate):
            return
        epoch = max(gate.opens_at[0], self._fold.log_epoch) + 1
        reason = f"lists up to {gate.opens_at} were published, the log ends at {self._fold.offset}"
        _log.warning("learning-log lost its tail; a new epoch begins", epoch=epoch, reason=reason)
        started = LogEpochStarted(epoch, reason)
        beyond = Gate((epoch, -1), -1)
        self._publisher.open_with(beyond)  # before the record is folded, which opens the gate

        def write() -> None:
            if self._publisher.gate == beyond:  # otherwise ownership was lost in the meantime
                self._expect_end(1 + self._log.write(started))

        await until_answered(write)

    def _is_its_turn(self, gate: Gate) -> bool:
        """Whether this generation is the stable one, or has left it the time to act."""
        if self._shut_at_end is None or self._shut_at_end[0] is not gate:
            self._shut_at_end = (gate, self._clock())
        waited_s = self._clock() - self._shut_at_end[1]
        return self._takeover.serving.holds_topic or waited_s >= EPOCH_AFTER_S

    def _expect_end(self, log_end: int) -> None:
        self._expected = self._expected._replace(log_end=log_end)

    def _end_of_log(self) -> int:
        """The log's end now; it may be smaller than before if the log lost its tail."""
        with self._log.read() as reader:
            return reader.bounds().end
