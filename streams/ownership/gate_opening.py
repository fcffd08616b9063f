"""Derives the gate of a new owner from both publish frontiers and the records of the log."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.folding.fold import Fold
from streams.kafka.log_reader import ReadLog
from streams.lists.frontier import Frontier
from streams.publishing.gate import Gate, StoreFrontiers, gate_between, published_later_than


class Opening(NamedTuple):
    """The gate, and the facts about the log that it was derived from."""

    gate: Gate
    log_end: int
    """The log's end at that time."""
    hashes: dict[int, str]
    """Log offset → hash of a published record that is not folded yet, which the log may lose."""


NO_OPENING = Opening(Gate((-1, -1), -1), log_end=0, hashes={})
"""Of an owner that publishes nothing."""


def gate_opening(
    read_log: ReadLog,
    fold: Fold,
    redis: Frontier,
    topic: Frontier,
    former: Sequence[StoreFrontiers] = (),
) -> Opening:
    """The opening for the frontiers of both stores and of `former` shards; blocks.

    A recommender that has published nothing, and succeeds nobody, publishes only when it has
    reached the present end of the log: half-learnt lists would serve nobody.

    If the record at a frontier is missing in the log, or is not the published one, the log has lost
    its tail. Nothing is then published before a log epoch later than that frontier's.
    """
    with read_log() as reader:
        start, end = reader.bounds()
        own = StoreFrontiers(redis, topic)
        stores = [own, *published_later_than(own, former)]
        frontiers = [
            each
            for store in stores
            for each in store
            if each.as_of >= 0 and each.log_epoch == fold.log_epoch
        ]
        kept = [each for each in frontiers if each.as_of >= start]  # deleted ones are not lost
        rewritten = [each for each in kept if reader.hash_at(each.as_of) != each.record_hash]
    is_fresh = all(each.as_of < 0 for store in [own, *former] for each in store)
    gate = _gate_in_later_epoch(rewritten, gate_between(redis, topic, fold.log_epoch, former))
    ahead = [each for each in frontiers if each not in rewritten and each.as_of > fold.offset]
    gate = gate._replace(opens_from=end - 1) if is_fresh else gate
    return Opening(gate, end, {each.as_of: each.record_hash for each in ahead})


def _gate_in_later_epoch(rewritten: Iterable[Frontier], gate: Gate) -> Gate:
    epochs = [each.log_epoch for each in rewritten]
    if not epochs:
        return gate
    return Gate(max(gate.opens_at, (max(epochs) + 1, -1)), -1)
