"""Crash points: named places between two effects of a worker at which it can be killed or frozen.

An effect is visible outside of the process: a record, a list, an acknowledged offset, a file. A
point is before or after one. When a point is reached for the n-th time, the process sends itself
SIGKILL: no `finally` block runs, and no buffer is flushed.
"""

import inspect
import os
import signal
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from topics.catalogue import LEARNING_LOG


class Point(NamedTuple):
    """A function by its path, and whether the crash comes before or after it."""

    module: str
    function: str
    is_after: bool
    applies: Callable[..., bool] = lambda *_, **__: True


def _is_batch(*arguments: Any, **_: Any) -> bool:
    return bool(arguments[1] == LEARNING_LOG.name)


def _is_holder(serving: Any) -> bool:
    """Whoever does not hold the topic reads the journal at a takeover, too."""
    return bool(serving.holds_topic)


_SEQUENCE = "streams.agents.sequence"
_THREAD = "streams.kafka.consumer_thread"
_CONSUMER = "streams.kafka.batch_consumer"
_TOPIC = "streams.publishing.topic_writer"
_TRANSACTIONS = "streams.publishing.topic_transactions"
_REDIS = "streams.lists.redis_lists"
_FOLDER = "streams.snapshots.snapshot_folder"

SEQUENCER: dict[str, Point] = {
    "after the source was introduced": Point(
        "streams.sequencing.control_writer", "ControlWriter.write", True
    ),
    "before anything is sent of a chunk": Point(_SEQUENCE, "Sequencer._send", False),
    "between dead letters and their batch": Point(
        "streams.kafka.idempotent_producer", "IdempotentProducer.produce", False, _is_batch
    ),
    "with a chunk on its way": Point(_SEQUENCE, "Sequencer._send", True),
    "between a delivery report and its acknowledgement": Point(
        _CONSUMER, "BatchConsumer.ack", False
    ),
    "between an acknowledgement and its commit": Point(_CONSUMER, "BatchConsumer.ack", True),
    "before offsets are committed": Point(_THREAD, "BatchConsumerThread._commit", False),
    "after offsets were committed": Point(_THREAD, "BatchConsumerThread._commit", True),
    "between the beginning of an epoch and its first fetch": Point(
        _SEQUENCE, "Sequencer.begin", True
    ),
}
RECOMMENDER: dict[str, Point] = {
    "between the state and its first list": Point(
        "streams.snapshots.state_keeper", "StateKeeper.load_or_check", True
    ),
    "between fencing and the gate": Point(_TOPIC, "TopicWriter.open", True),
    "with the gate open and nothing published": Point(
        "streams.publishing.publisher", "Publisher.open_with", True
    ),
    "between learning and publishing": Point("streams.folding.fold", "Fold.apply_many", True),
    "between the topic's queue and redis": Point(_TOPIC, "TopicWriter.offer", True),
    "between two calls of one publication": Point(_REDIS, "RedisLists._call", True),
    "between redis and the topic": Point(_REDIS, "RedisLists.publish", True),
    "within a transaction, before its lists": Point(
        _TRANSACTIONS, "TopicTransactions._produce", False
    ),
    "within a transaction, after its lists": Point(
        _TRANSACTIONS, "TopicTransactions._retried", False
    ),
    "within a transaction, after its offset": Point(
        _TRANSACTIONS, "TopicTransactions._retried", True
    ),
    "after a transaction": Point(_TRANSACTIONS, "TopicTransactions._transact", True),
    "between publishing and the acknowledgement": Point(_CONSUMER, "BatchConsumer.ack", False),
    "after the acknowledgement": Point(_CONSUMER, "BatchConsumer.ack", True),
    "with half a snapshot written": Point(_FOLDER, "packed", False),
    "between a snapshot and what it replaces": Point(_FOLDER, "SnapshotFolder._prune", False),
    "after a snapshot": Point(_FOLDER, "SnapshotFolder.write", True),
    "after a heartbeat": Point(
        "streams.heartbeats.heartbeat_writer", "HeartbeatWriter.write", True
    ),
}
POINTS = SEQUENCER | RECOMMENDER

_COMMANDS = "streams.cli.generations.states"
_PROMOTION = "streams.cli.generations.plan_change"
_KEEPER = "streams.workers.keeper"
_RETIREMENT = "streams.lifecycle.retirement"
_FORMER = "streams.ownership.resharding"
_ROLES = "streams.lifecycle.roles"
_BACKUP = "streams.archive.backup_folder"
_WHOLE = "streams.archive.whole_files"
_RESTORE = "streams.archive.restore"

RETIRING: dict[str, Point] = {
    "before the first step of a retirement": Point(_RETIREMENT, "served_last_at", False),
    "between the end of workers and their fencing": Point(_FORMER, "FormerShards.fence", False),
    "between the fencing of workers and the silence in redis": Point(
        _FORMER, "FormerShards.fence", True
    ),
    "between the silence in redis and the lists": Point(_RETIREMENT, "_silence", True),
    "between the lists and the groups": Point(_RETIREMENT, "_delete_lists", True),
    "between the groups and the snapshots": Point(_RETIREMENT, "_forget_in_kafka", True),
    "between the snapshots and the record": Point(_RETIREMENT, "delete_snapshots", True),
}
"""Points of `generations retire`, between any two of its steps."""
HOLDER: dict[str, Point] = {
    "between knowing the rivals and fencing them": Point(_FORMER, "FormerShards.rivals", True),
    "between fencing the rivals and the journal": Point(
        _ROLES, "ServingOfJournal.has_changed", False, _is_holder
    ),
    "between the journal and the first list": Point(
        _ROLES, "ServingOfJournal.has_changed", True, _is_holder
    ),
}
"""Points of a recommender whose generation becomes the stable one."""
COMMANDS: dict[str, Point] = {
    "between a generation and its start": Point(_COMMANDS, "_move", False),
    "between a record and its reading": Point("streams.lifecycle.journal", "append", True),
    "between a plan and its pointer": Point(_PROMOTION, "_set_pointer", False),
    "after the pointer of a plan": Point(_PROMOTION, "_set_pointer", True),
    "between a decision and its record": Point(_KEEPER, "Keeper._change", False),
    "between a record of the keeper and the pointer": Point(_KEEPER, "set_pointer", False),
    "between a replay and its start": Point("streams.lifecycle.replaying", "_append", True),
    "with a file of a backup written, and not whole": Point(_WHOLE, "_sync", False),
    "between a file of a backup and the manifest": Point(
        _BACKUP, "BackupFolder.replace_manifest", False
    ),
    "between the manifest and what it no longer lists": Point(
        _BACKUP, "BackupFolder.replace_manifest", True
    ),
    "between a topic and its records": Point(_RESTORE, "_Restored.create", True),
    "between two records of a restore": Point(_RESTORE, "_produce", True),
    "between the records and the broker's time": Point(_RESTORE, "_Restored._write", True),
    "between a restored topic and its check": Point(_RESTORE, "_Restored.check_equal", False),
    "with half an export written": Point("streams.archive.export", "_add", True),
}
"""Points of commands, and of the keeper."""
EVERY = POINTS | RETIRING | HOLDER | COMMANDS


def stop_at(name: str, time: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Sets the point `name`: at the `time`-th time there, the process sends itself a signal."""
    point = EVERY[name]
    left = [time]

    def passed(*arguments: Any, **more: Any) -> None:
        if point.applies(*arguments, **more):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), number)

    *path, last = point.function.split(".")
    owner: Any = import_module(point.module)
    for each in path:
        owner = getattr(owner, each)
    setattr(owner, last, wrapped(getattr(owner, last), passed, point.is_after))


def wrapped(call: Any, passed: Callable[..., None], is_after: bool) -> Any:
    """Wraps `call` so that `passed` is called with the same arguments, before or after it."""
    if inspect.isgeneratorfunction(call):
        return _in_the_middle(call, passed)
    if inspect.iscoroutinefunction(call):

        async def awaited(*arguments: Any, **more: Any) -> Any:
            if not is_after:
                passed(*arguments, **more)
            result = await call(*arguments, **more)
            if is_after:
                passed(*arguments, **more)
            return result

        return awaited

    def called(*arguments: Any, **more: Any) -> Any:
        if not is_after:
            passed(*arguments, **more)
        result = call(*arguments, **more)
        if is_after:
            passed(*arguments, **more)
        return result

    return called


def _in_the_middle(generator: Any, passed: Callable[..., None]) -> Any:
    def generated(*arguments: Any, **more: Any) -> Iterator[Any]:
        pieces = [*generator(*arguments, **more)]
        yield from pieces[: len(pieces) // 2]
        passed(*arguments, **more)
        yield from pieces[len(pieces) // 2 :]

    return generated
