"""From where on a recommender that has just taken over may publish, by what the log says."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.folding.fold import Fold
from streams.kafka.log_reader import ReadLog
from streams.lists.frontier import Frontier
from streams.publishing.gate import Gate, StoreFrontiers, gate_between, published_later_than


class Opening(NamedTuple):
    """The gate, where the log ended when it was set, and hashes of the records it was set by.

    Of those that are yet to be folded: the log may lose them until then.
    """

    gate: Gate
    log_end: int
    hashes: dict[int, str]


def opening(
    read_log: ReadLog,
    fold: Fold,
    redis: Frontier,
    topic: Frontier,
    former: Sequence[StoreFrontiers] = (),
) -> Opening:
    """The opening between both stores' frontiers, and behind those of `former` shards; blocks.

    Where the log has no record at a frontier, or another one than that which was published, its
    tail was lost: nothing is published again before a log epoch beyond that frontier's.
    """
    with read_log() as reader:
        end = reader.bounds().end
        own = StoreFrontiers(redis, topic)
        told = [each for stores in (own, *published_later_than(own, former)) for each in stores]
        told = [each for each in told if each.as_of >= 0 and each.log_epoch == fold.log_epoch]
        rewritten = [each for each in told if reader.hash_at(each.as_of) != each.record_hash]
    gate = _beyond(rewritten, gate_between(redis, topic, fold.log_epoch, former))
    ahead = [each for each in told if each not in rewritten and each.as_of > fold.offset]
    return Opening(gate, end, {each.as_of: each.record_hash for each in ahead})


def _beyond(rewritten: Iterable[Frontier], gate: Gate) -> Gate:
    epochs = [each.log_epoch for each in rewritten]
    if not epochs:
        return gate
    return Gate(max(gate.opens_at, (max(epochs) + 1, -1)), -1)
