"""The verdict of a simulation: nothing is lost or applied twice, and all stores agree."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from faust.types import TP

from streams.dead_letters.letter_index import Origin
from streams.folding.fold import Fold
from streams.lists.list_maker import ListMaker
from streams.lists.list_shape import ListShape
from streams.verifying.audit_replay import ranked
from streams.verifying.list_audit import (
    Lists,
    Published,
    disagreements,
    items_hash,
    misranked,
    outdated,
)
from streams.verifying.log_audit import LogAudit
from streams.verifying.source_audit import compared, missing_letters
from streams.verifying.store_audit import last_changed
from tests.simulation.counting import CountingRanker
from tests.simulation.feeding import ERASED
from tests.simulation.generations import FIRST, SECOND
from tests.simulation.workers import WINDOW, K, new_fold
from tests.simulation.world import World
from tests.support.naive_fold import NaiveFold
from tests.support.workload import What
from topics.catalogue import LISTENING_EVENTS, RECOMMENDATIONS
from topics.codecs import Decoder
from topics.learning_log import LogRecord, decode_log_record

_EVENTS = Decoder(LISTENING_EVENTS.contracts)
_LISTS = Decoder(RECOMMENDATIONS.contracts)


class PlainFold(NaiveFold):
    """The naive fold with the model of the simulation."""

    def built(self, model: dict[str, str]) -> list[CountingRanker]:  # type: ignore[override]
        """See `NaiveFold`."""
        return [CountingRanker(), CountingRanker()]


def judge(world: World) -> None:
    """Notes every promise that is broken."""
    for each in [*world.broker.broken, *world.redis.broken]:
        world.breaks(each)
    if world.broken:
        return  # other findings would follow from these
    kept = world.broker.log.records
    records = [decode_log_record(each.value, each.offset) for each in kept]
    for check in (_log, _state, _lists):
        for what in check(world, records):
            world.breaks(what)


# -- the log and its sources ---------------------------------------------------------------------


def _log(world: World, records: list[LogRecord]) -> Iterator[str]:
    """The log covers its sources once and without a gap; rejected rows are dead letters."""
    audit, covered = LogAudit(), set()

    def keeps(origin: Origin, value: bytes | None) -> bool | None:
        values = world.broker.letters.get("/".join(map(str, origin)))
        return value in values if values else None

    for offset, record in enumerate(records):
        counted = audit.note(offset, record)
        if counted is None:
            continue
        batch = counted.batch
        source = world.broker.sources[TP(LISTENING_EVENTS.name, batch.source.partition)]
        found = source.records[counted.first_new : batch.to_offset + 1]
        rows = [each for each in found if not each.is_vacant]
        for broken in [*compared(counted, rows, _EVENTS), *missing_letters(counted, rows, keeps)]:
            yield f"LOG: {broken.where}: {broken.what}"
        covered |= {(batch.source.partition, each.offset) for each in rows}
    for broken in [*audit.broken, *audit.holes()]:
        yield f"LOG: {broken.where}: {broken.what}"
    for place in sorted(world.feeder.acknowledged.keys() - covered):
        yield f"LOST: {world.feeder.acknowledged[place].what} at {place}"


# -- the state -----------------------------------------------------------------------------------


def _state(world: World, records: list[LogRecord]) -> Iterator[str]:
    """Live, replayed and naive state are equal; each play counts once, in its listener's order."""
    naive = PlainFold({}, WINDOW).fold(records)
    replayed = new_fold()
    replayed.apply_many(enumerate(records))
    live = {f"live, {each.place}": each.recommender.fold.digest() for each in world.owners}
    for name, digest in (live | {"naive": naive.digest()}).items():
        if digest != replayed.digest():
            yield f"STATE: {name} is {digest}, replayed is {replayed.digest()}"
    yield from _applied(world, naive)


def _applied(world: World, naive: NaiveFold) -> Iterator[str]:
    fresh = world.feeder.fresh
    plays = {
        delivery.event_key: delivery
        for delivery in world.feeder.acknowledged.values()
        if (delivery.listener_id, delivery.number) in fresh and delivery.listener_id != ERASED
    }
    applied = Counter(event.key for event in naive.learnt)
    numbers = defaultdict(list)
    for key, delivery in plays.items():
        if applied[key] != (0 if delivery.what is What.NEAR else 1):
            yield f"{applied[key]} TIMES: {delivery.what} {delivery.listener_id}#{delivery.number}"
    for event in naive.learnt:
        if event.key in plays:
            numbers[event.listener].append(plays[event.key].number)
    for listener_id, in_order in numbers.items():
        if in_order != sorted(in_order):
            yield f"OUT OF ORDER: {listener_id} {in_order}"


# -- the lists -----------------------------------------------------------------------------------


def _lists(world: World, records: list[LogRecord]) -> Iterator[str]:
    """Redis, the topic and the state agree; the topic has the stable generation's lists alone."""
    topic = _in_topic(world)
    for generation in (FIRST, SECOND)[: 1 + world.has_two_generations]:
        if world.is_parked(generation):
            continue  # its lists are as of its end, or gone
        redis, fold = _in_redis(world, generation), new_fold()
        maker = ListMaker(fold, generation, shard=0, shards=1, shape=ListShape(K))
        for broken in _misranked(fold, maker, records, redis):
            yield f"LISTS: {generation}: {broken}"
        stores = {"redis": redis}
        if generation == world.stable:
            stores["the topic"] = topic
            for each in disagreements(redis, topic, fold.position.order):
                yield f"LISTS: {each.where}: {each.what}"
        changed = last_changed(fold, maker)
        for name, lists in stores.items():
            for each in outdated(lists, changed, fold.offset, name):
                yield f"LISTS: {generation}: {each.where}: {each.what}"
    for listener_id, made_by in _generations_in_topic(world).items():
        if made_by != world.stable:
            yield f"LISTS: the topic has {made_by}'s list of {listener_id}, not {world.stable}'s"


def _misranked(
    fold: Fold, maker: ListMaker, records: list[LogRecord], lists: Lists
) -> Iterator[str]:
    """Folds the log and compares each list with the state's ranking at its `as_of`."""
    by_offset = defaultdict(list)
    for listener_id, found in lists.items():
        by_offset[found.as_of].append((listener_id, found))
    for stop in sorted({*by_offset, len(records) - 1}):
        fold.apply_many(enumerate(records[: stop + 1]))
        for listener_id, found in by_offset.get(stop, ()):
            for each in misranked(listener_id, found, ranked(fold, maker, listener_id)):
                yield f"{each.where}: {each.what}"


def _generations_in_topic(world: World) -> dict[str, str]:
    found = {}
    for listener_id, value in world.broker.lists.items():
        if value is not None:
            _, each = _LISTS.decode(value)  # type: ignore[misc]
            found[listener_id] = each["generation"]
    return found


def _in_redis(world: World, generation: str) -> Lists:
    return {
        listener_id: Published(each.log_epoch, each.as_of, each.event_time, items_hash(each.items))
        for listener_id, each in world.redis.table(generation)._lists.items()
    }


def _in_topic(world: World) -> Lists:
    found = {}
    for listener_id, value in world.broker.lists.items():
        if value is not None:
            _, each = _LISTS.decode(value)  # type: ignore[misc]
            items = [(item["track_id"], item["score"], item["reason"]) for item in each["items"]]
            place = (each["log_epoch"], each["as_of"], each["event_time"])
            found[listener_id] = Published(*place, items_hash(items))
    return found
