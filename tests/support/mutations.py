"""Mutations: every safeguard that a promise depends on, and how to take it away. For tests alone.

A suite that passes without a safeguard does not test it. `tests.faults.mutations` runs the tests
that must fail with each of these. Workers that such a test starts are mutated, too, but the
commands that check them are not.
"""

import inspect
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from math import inf
from typing import Any

import numpy as np
import xxhash

from online_models.evaluation import confidence
from streams.agents.sequence import Sequencer
from streams.answering import model_answers
from streams.folding import row_entries
from streams.folding.coverage import BatchIgnored, Coverage
from streams.folding.deduplication_window import DeduplicationWindow, EventColumns, Verdict
from streams.folding.erasures import Erasures
from streams.folding.fold import Fold
from streams.folding.judging import EventJudge
from streams.heartbeats import fold_position
from streams.heartbeats.fold_position import Generations
from streams.kafka.backpressure import ChunksInFlight
from streams.lifecycle import known_generations, pointer
from streams.lifecycle.lifecycle import Lifecycle
from streams.lifecycle.roles import ServingOfJournal
from streams.listens import kept_verdicts
from streams.listens.projection import Projection
from streams.lists import redis_lists
from streams.lists.frontier import Frontier
from streams.lists.list_store import Publication, PublishOutcome
from streams.lists.memory_lists import MemoryLists
from streams.ownership import gate_opening, takeover
from streams.ownership.gate_opening import Opening
from streams.ownership.ownership import Ownership
from streams.ownership.resharding import FormerShards
from streams.ownership.takeover import AlwaysServing, Serving, Takeover
from streams.publishing import gate as gate_module
from streams.publishing.gate import Gate, StoreFrontiers
from streams.publishing.publication_plan import PublicationPlan
from streams.publishing.publisher import Publisher
from streams.publishing.redis_alone import RedisAlone
from streams.publishing.topic_transactions import TopicTransactions
from streams.sequencing.lost_rows import LostRowsDetector
from streams.sequencing.pipeline import ChunkInFlight, Pipeline, ReportOutcome
from streams.snapshots import loading, snapshot_folder, snapshot_format, state_keeper
from streams.snapshots.loading import Fit
from topics.learning_batch import LearningBatch
from topics.lifecycle import ServingChanged

MUTATIONS: dict[str, Callable[[], None]] = {}
"""Safeguard → how to take it away in this process."""


def safeguard(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Names the safeguard that the decorated function takes away."""

    def named(take_away: Callable[[], None]) -> Callable[[], None]:
        MUTATIONS[name] = take_away
        return take_away

    return named


def mutate(name: str) -> None:
    """Takes the safeguard `name` away in this process."""
    MUTATIONS[name]()


def _patch(owner: Any, name: str, made: Callable[[Any], Any]) -> None:
    was = getattr(owner, name)
    now = made(was)
    _check_called_alike(was, now)
    setattr(owner, name, now)


def _check_called_alike(was: Callable[..., Any], now: Callable[..., Any]) -> None:
    """Raises `TypeError` if the call itself would fail, because such a mutation proves nothing."""
    parameters = inspect.signature(was).parameters.values()
    by_name = [each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    in_order = [each for each in parameters if each.kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD]
    inspect.signature(now).bind(*(None for _ in in_order), **dict.fromkeys(by_name))


@safeguard("row-offset mask")
def _rows_are_not_masked() -> None:
    """Every row of a batch counts again, even if the coverage has some of them."""

    def made(first_new: Any) -> Any:
        def unmasked(self: Coverage, batch: LearningBatch) -> int | BatchIgnored:
            found: int | BatchIgnored = first_new(self, batch)
            return found if isinstance(found, BatchIgnored) else batch.from_offset

        return unmasked

    _patch(Coverage, "first_new", made)


@safeguard("hole rule")
def _holes_are_passed() -> None:
    """A batch whose predecessor is missing is accepted (an offset gap)."""

    def made(first_new: Any) -> Any:
        def passed(self: Coverage, batch: LearningBatch) -> int | BatchIgnored:
            found: int | BatchIgnored = first_new(self, batch)
            return batch.from_offset if found is BatchIgnored.AHEAD else found

        return passed

    _patch(Coverage, "first_new", made)


@safeguard("duplicate window")
def _nothing_is_remembered() -> None:
    """Every event is new."""
    _patch(
        DeduplicationWindow, "classify", lambda _: lambda self, some: np.zeros(len(some), np.uint8)
    )


@safeguard("length of a near duplicate")
def _a_minute_is_the_length_of_every_track() -> None:
    """Two reports of one play are recognised only within a minute."""

    def made(entries_of: Any) -> Any:
        def short(columns: EventColumns) -> Any:
            return entries_of(columns._replace(duration_ms=np.full_like(columns.duration_ms, -1)))

        return short

    _patch(row_entries, "entries_of", made)


@safeguard("near duplicates of other sources alone")
def _one_source_masks_its_own_plays() -> None:
    """A play masks the next ones of its own source, too: every row has a source of its own."""

    def made(entries_of: Any) -> Any:
        def mixed(columns: EventColumns) -> Any:
            own = np.arange(len(columns.sources), dtype=np.int32)
            return entries_of(columns._replace(sources=own))

        return mixed

    _patch(row_entries, "entries_of", made)


@safeguard("one masked play of each source")
def _a_play_masks_all_around_it() -> None:
    """A play masks every play of another source that it reaches."""

    def made(classify: Any) -> Any:
        def masked(self: DeduplicationWindow, entries: Any) -> Any:
            verdicts = np.array(classify(self, entries))
            counted = [*entries[verdicts == Verdict.NEW]]
            verdicts[[any(_reaches(one, other) for one in counted) for other in entries]] = (
                Verdict.MASKED
            )
            return verdicts

        return masked

    _patch(DeduplicationWindow, "classify", made)


def _reaches(one: Any, other: Any) -> bool:
    is_same = one["listener"] == other["listener"] and one["track"] == other["track"]
    is_apart = one["source"] != other["source"] and one["at"] < other["at"]
    return bool(is_same and is_apart and other["at"] - one["at"] <= one["pairing"])


@safeguard("compare-and-set of the frontier")
def _anybody_may_publish() -> None:
    """A publication is accepted regardless of the frontier that its publisher expects."""
    _rewrite_script("if (was[at] or 0) ~= (since[at] or 0) then", "if false then")

    def made(publish: Any) -> Any:
        async def anyway(
            self: MemoryLists, publication: Publication, since: Frontier
        ) -> PublishOutcome:
            outcome: PublishOutcome = await publish(self, publication, self._frontier)
            return outcome

        return anyway

    _patch(MemoryLists, "publish", made)


@safeguard("compare-and-set of a list")
def _redis_takes_older_lists() -> None:
    """A list is accepted regardless of its `as_of`."""
    compared = "if not (is_older(e, a, old_epoch, old_as_of) or is_older(e, a, was[1], was[2]))"
    _rewrite_script(compared, "if true")
    _patch(MemoryLists, "_newest", lambda _: lambda self, listener_id: (-1, -1))


def _rewrite_script(line: str, new: str) -> None:
    assert line in redis_lists._PUBLISH
    redis_lists._PUBLISH = redis_lists._PUBLISH.replace(line, new)


@safeguard("snapshot checksum")
def _damage_is_not_seen() -> None:
    """The content of a snapshot is not checked."""

    def made(unpacked: Any) -> Any:
        def believed(data: bytes, name: str) -> Any:
            return unpacked(data[:-16] + xxhash.xxh3_128_digest(data[:-16]), name)

        return believed

    _patch(snapshot_format, "unpacked", made)
    snapshot_folder.unpacked = snapshot_format.unpacked


@safeguard("acknowledge after the produce")
def _chunks_are_acknowledged_at_once() -> None:
    """A chunk is acknowledged when it is sent, not when the log has it."""

    def made(send: Any) -> Any:
        async def hasty(self: Sequencer, tp: Any, chunk: ChunkInFlight, *more: Any) -> None:
            chunk.reports_due = 0
            self._acknowledge(tp, self.pipelines[tp])
            await send(self, tp, chunk, *more)

        return hasty

    _patch(Sequencer, "_send", made)


@safeguard("acknowledge in order")
def _chunks_overtake_each_other() -> None:
    """A chunk is acknowledged although its predecessor is not."""

    def acknowledgeable(self: Pipeline) -> Iterator[ChunkInFlight]:
        for chunk in [each for each in self.in_flight if not each.reports_due and not self.broken]:
            self.in_flight.remove(chunk)
            self.next_to_acknowledge = chunk.to_offset + 1
            yield chunk

    def acknowledge(self: ChunksInFlight, chunk: Any) -> bool:
        if not self.is_current(chunk):
            return False
        self._chunks[chunk.tp] = [each for each in self._chunks[chunk.tp] if each is not chunk]
        self._acknowledged_next[chunk.tp] = chunk.offset + 1
        return True

    _patch(Pipeline, "acknowledgeable", lambda _: acknowledgeable)
    _patch(ChunksInFlight, "acknowledge", lambda _: acknowledge)


@safeguard("Redis repair")
def _redis_is_not_repaired() -> None:
    """Lists that Redis lost are not published again."""
    _patch(PublicationPlan, "_repair_from", lambda _: lambda self, found: None)


@safeguard("dead letter before the acknowledgement")
def _letters_are_not_waited_for() -> None:
    """A chunk is acknowledged although its dead letters may never be written."""

    def made(send: Any) -> Any:
        async def careless(
            self: Sequencer, tp: Any, chunk: ChunkInFlight, batches: Any, rejected: Any
        ) -> None:
            chunk.reports_due -= len(rejected)
            await send(self, tp, chunk, batches, rejected)

        return careless

    _patch(Sequencer, "_send", made)
    _patch(Pipeline, "report_letter", lambda _: lambda self, chunk, landed: ReportOutcome.STALE)


@safeguard("assignment epoch of delivery reports")
def _reports_of_former_epochs_count() -> None:
    """A delivery report counts regardless of the assignment epoch of its chunk."""
    _patch(Pipeline, "_is_stale", lambda _: lambda self, flight: self.broken)


@safeguard("transactional fencing")
def _nobody_is_fenced() -> None:
    """Every owner has a transactional id of its own, so that no zombie is fenced."""

    def made(begin: Any) -> Any:
        def unfenced(self: TopicTransactions, *arguments: Any, **named: Any) -> None:
            begin(self, *arguments, **named)
            self._transactional_id += f"-{uuid.uuid4()}"

        return unfenced

    _patch(TopicTransactions, "__init__", made)


@safeguard("publish frontier")
def _frontiers_are_not_looked_at() -> None:
    """A recommender starts to publish from its state, and records no missing lists."""
    gate_module.gate_between = gate_opening.gate_between = lambda *_: Gate((-1, -1), 2**62)


@safeguard("`next` for a chunk without rows")
def _chunks_without_rows_cover_nothing() -> None:
    """Only a batch with rows moves the coverage."""

    def made(cover: Any) -> Any:
        def covered(self: Coverage, batch: LearningBatch) -> None:
            if len(batch):
                cover(self, batch)

        return covered

    _patch(Coverage, "cover", made)


# -- further safeguards, which are easily overlooked ---------------------------------------------


@safeguard("healing of a lost tail")
def _nothing_is_sent_again() -> None:
    """A sequencer never rewinds its source."""
    _patch(LostRowsDetector, "is_lost", lambda _: lambda self, *_: False)


@safeguard("snapshot of this log")
def _any_snapshot_fits() -> None:
    """A snapshot is loaded regardless of the log that it was folded from."""
    loading.snapshot_fit = state_keeper.snapshot_fit = lambda *_: Fit.FITS


@safeguard("log without a hole")
def _offsets_of_the_log_may_be_missing() -> None:
    """The fold continues although log records are missing."""
    _patch(Fold, "_is_next", lambda _: lambda self, offset: offset > self.offset)


@safeguard("chunks of a former assignment")
def _any_chunk_is_current() -> None:
    """A chunk is sequenced although the positions moved after it was fetched."""
    _patch(Sequencer, "_is_current", lambda _: lambda self, message: True)


@safeguard("removals that the log asks for")
def _what_was_forgotten_is_forgotten() -> None:
    """A repair removes only listeners that this process saw erased since its last publication."""
    _patch(Erasures, "after", lambda _: lambda self, log_offset: [])


@safeguard("coverage of what is skimmed")
def _a_skim_covers_nothing() -> None:
    """What precedes the offset to learn from is passed, and not covered."""
    _patch(Fold, "_skim", lambda _: lambda self, offset, batch: [])


@safeguard("erasures before an export")
def _whoever_is_erased_later_is_exported() -> None:
    """An export knows of no erasure before the log comes to it."""
    _patch(
        EventJudge,
        "_to_be_erased",
        lambda _: lambda self, judged: np.zeros(len(judged.batch), np.bool_),
    )


# -- generations -----------------------------------------------------------------------------------


@safeguard("journal read after fencing")
def _the_journal_is_not_read_again() -> None:
    """Who takes the topic over believes that it is stable still, once it has fenced the others."""

    def made(fence_rivals: Any) -> Any:
        async def fenced(self: Takeover) -> Any:
            serving, self.serving = self.serving, _Unchanged(self.serving)
            try:
                return await fence_rivals(self)
            finally:
                self.serving = serving

        return fenced

    _patch(Takeover, "_fence_rivals", made)


@safeguard("another claim of whom a new holder fenced")
def _who_is_fenced_while_claiming_ends() -> None:
    """A generation without the topic claims its stores once."""

    def made(_: Any) -> Any:
        async def claimed(self: Takeover) -> Any:
            return await takeover.claim_stores(self._publisher, self._retry_s)

        return claimed

    _patch(Takeover, "_claim", made)


@safeguard("takeover of whom a new holder fenced")
def _who_is_fenced_beside_the_topic_ends() -> None:
    """A generation without the topic that was fenced after its takeover does not begin anew."""
    Ownership._was_fenced_beside_topic = property(lambda _: False)  # type: ignore[method-assign,assignment]


@safeguard("what the topic shows that Redis lost")
def _a_topic_that_gets_no_lists_shows_nothing() -> None:
    """Who lost the topic goes by Redis alone, also where the topic shows a later publication."""

    def made(claim_stores: Any) -> Any:
        async def claimed(publisher: Publisher, retry_s: float) -> StoreFrontiers:
            found: StoreFrontiers = await claim_stores(publisher, retry_s)
            if publisher.topic.writes_lists:
                return found
            return StoreFrontiers(found.redis, found.redis._replace(owner=found.topic.owner))

        return claimed

    _patch(takeover, "claim_stores", made)


@safeguard("journal read before a retired generation publishes")
def _whoever_wakes_publishes() -> None:
    """Who was frozen while its generation was stopped or retired publishes when it wakes."""

    def made(fence_rivals: Any) -> Any:
        async def fenced(self: Takeover) -> Any:
            return await fence_rivals(self) if self.serving.holds_topic else []

        return fenced

    _patch(Takeover, "_fence_rivals", made)


class _Unchanged(AlwaysServing):
    def __init__(self, serving: Serving) -> None:
        self.publishes, self.holds_topic = serving.publishes, serving.holds_topic


@safeguard("plan that the writer knew")
def _any_plan_follows_any_other() -> None:
    """A plan is valid though somebody else changed it in the meantime."""

    def made(why_not: Any) -> Any:
        def why(self: Lifecycle, record: ServingChanged) -> str:
            return str(why_not(self, replace(record, expected=self.plan.version)))

        return why

    _patch(Lifecycle, "_why_not_serving", made)


@safeguard("pointer of the newest plan")
def _any_plan_becomes_the_pointer() -> None:
    """The pointer is written whatever plan Redis has."""
    pointer._WRITE = pointer._WRITE.replace("if not is_newer and", "if false and")


@safeguard("gate of a fresh generation")
def _half_learnt_lists_are_published() -> None:
    """A generation without lists publishes from the first record on."""

    def made(opening: Any) -> Any:
        def opened(*arguments: Any) -> Opening:
            found = opening(*arguments)
            return found._replace(gate=found.gate._replace(opens_from=-1))

        return opened

    gate_opening.gate_opening = takeover.gate_opening = made(gate_opening.gate_opening)


@safeguard("one holder of the topic")
def _every_generation_writes_to_the_topic() -> None:
    """A generation that is not stable writes its lists to the topic, too."""
    _patch(ServingOfJournal, "first_topic", lambda _: lambda self: self._topic)


@safeguard("sweep of the topic")
def _the_lists_of_others_stay_in_the_topic() -> None:
    """Who takes the topic over finds no list there of listeners whom it does not know."""
    _patch(Publisher, "sweep", lambda _: lambda self, listener_ids: None)


@safeguard("a read of the journal before an older plan")
def _a_later_plan_in_redis_is_overwritten() -> None:
    """Whoever finds a later plan in Redis takes it for one that the journal has lost."""

    def made(note: Callable[..., None]) -> Callable[..., None]:
        def noted(writer: pointer.PointerWriter, later: bytes) -> None:
            note(writer, later)
            writer._seen_at = -inf

        return noted

    _patch(pointer.PointerWriter, "_note", made)


@safeguard("frontiers of other generations")
def _another_generation_is_not_fenced() -> None:
    """Whoever becomes stable finds no other generation that publishes to the topic."""
    _patch(FormerShards, "rivals", lambda _: lambda self: [])
    former = import_module("tests.simulation.former")
    _patch(former.SimulatedFormerShards, "rivals", lambda _: lambda self: [])


@safeguard("numbers that outlive redis")
def _redis_alone_counts_by_redis() -> None:
    """A generation without the topic numbers its publications by what Redis has."""

    def note_redis(alone: RedisAlone, frontier: Frontier) -> None:
        alone._published = frontier

    _patch(RedisAlone, "note_redis", lambda _: note_redis)


@safeguard("hysteresis of the autopilot")
def _a_rollback_leaves_the_autopilot_armed() -> None:
    """A generation that was rolled back is promoted again as soon as it looks better."""
    _patch(Lifecycle, "_disarm", lambda _: lambda self, names: None)


@safeguard("clusters of a comparison")
def _plays_are_taken_for_independent() -> None:
    """A comparison's interval allows for other plays, and not for other listeners."""
    confidence.mixture_boundary = lambda *_, **__: 0.0


@safeguard("position after the listens")
def _the_position_moves_before_the_listens() -> None:
    """A projection notes its position before it writes what came up to there."""

    def made(write: Callable[..., Any]) -> Callable[..., Any]:
        async def moved_before(self: Projection, changes: Any) -> None:
            if not self._is_behind:
                await self._move(self._live.people)
            await write(self, changes)

        return moved_before

    _patch(Projection, "_write", made)


@safeguard("a second look before somebody is forgotten")
def _whoever_is_missing_once_is_forgotten() -> None:
    """A process that knows the people a moment later than others forgets who was just added."""
    Projection._missing = property(lambda _: _Everybody(), lambda *_: None)  # type: ignore[assignment]


class _Everybody(frozenset[str]):
    """Has whoever is asked for."""

    def __rand__(self, names: Any) -> Any:
        return names


@safeguard("verdicts up to the position alone")
def _verdicts_of_later_are_gone_on_with() -> None:
    """A projection goes on after its verdicts, even if its position is before that."""
    kept_verdicts._is_usable = lambda found, wanted, offset_max: bool(found)


@safeguard("questions change nothing")
def _a_queue_is_learnt() -> None:
    """The queue of a question is learnt as plays of the listener, and so is in their context."""

    def made(was: Any) -> Any:
        def context(ranker: Any, question: Any, queue: list[int]) -> Any:
            for track in question.queue:
                ranker.learn_one(question.listener_id, track)
            return was(ranker, question, queue)

        return context

    _patch(model_answers, "_context", made)


@safeguard("heartbeats of the stable generation")
def _the_furthest_of_all_generations_counts() -> None:
    """Sequencers take the furthest position of any generation, also of a faulty candidate."""

    def made(_: Any) -> Any:
        def folds(alive: Any) -> Any:
            found = fold_position._furthest(list(alive))
            return dict.fromkeys([each.generation for each in alive], found)

        return folds

    _patch(fold_position, "_by_generation", made)


@safeguard("heartbeats of retired generations")
def _the_retired_are_heard() -> None:
    """A late heartbeat of a generation that is retired counts."""
    _patch(
        known_generations,
        "generations_of",
        lambda _: lambda lifecycle: Generations(lifecycle.plan.stable),
    )


@safeguard("log epochs of the stable generation")
def _every_generation_begins_log_epochs() -> None:
    """A candidate begins a log epoch as soon as it sees that the log lost its tail."""
    _patch(Ownership, "_is_its_turn", lambda _: lambda self, gate: True)


@safeguard("proof of ownership before a repair")
def _redis_is_repaired_unproven() -> None:
    """Whoever finds that Redis lost data repairs it, also if it was fenced meanwhile."""

    async def proven(self: Publisher) -> bool:
        return True

    _patch(Publisher, "_is_proven", lambda _: proven)
