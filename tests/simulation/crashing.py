"""The named crash points of `tests.support.crash_points`, for simulated processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from tests.simulation.virtual_time import PROCESS, Killed
from tests.simulation.world import World
from tests.support.crash_points import POINTS, Point, wrapped
from topics.catalogue import LEARNING_LOG

_CONSUMING = "tests.simulation.consuming"
_STORES = "tests.simulation.stores"


def _is_batch(*arguments: Any, **_: Any) -> bool:
    return bool(arguments[1] == LEARNING_LOG.name)


TWINS: dict[str, Point] = {
    "between dead letters and their batch": Point(
        "tests.simulation.producing", "SimulatedProducer.produce", False, _is_batch
    ),
    "before offsets are committed": Point(_CONSUMING, "SimulatedConsumer._commit", False),
    "after offsets were committed": Point(_CONSUMING, "SimulatedConsumer._commit", True),
    "between two calls of one publication": Point(_STORES, "RemoteLists._call", True),
    "between redis and the topic": Point(_STORES, "RemoteLists.publish", True),
    "with half a snapshot written": Point("streams.snapshots.snapshot_format", "packed", False),
    "between a snapshot and what it replaces": Point(_STORES, "SimulatedSnapshots._prune", False),
    "after a snapshot": Point(_STORES, "SimulatedSnapshots.write", True),
    "after a heartbeat": Point("tests.simulation.workers", "Heartbeats.write", True),
}
"""Points in classes that the simulation replaces: the same places in the twins."""


@contextmanager
def deadly(world: World, name: str, time: int) -> Iterator[list[str]]:
    """Kills the process that reaches point `name` for the `time`-th time; yields its name."""
    point = TWINS.get(name) or POINTS[name]
    left, died = [time], []

    def passed(*arguments: Any, **more: Any) -> None:
        process = PROCESS.get()
        if process is None or not process.is_alive or not point.applies(*arguments, **more):
            return
        left[0] -= 1
        if left[0] == 0:
            died.append(process.name)
            world.note(process.name, f"dies {name}")
            world.kill(next(each for each in world.slots if each.process is process))
            raise Killed

    *path, last = point.function.split(".")
    owner: Any = import_module(point.module)
    for each in path:
        owner = getattr(owner, each)
    original = getattr(owner, last)
    setattr(owner, last, wrapped(original, passed, point.is_after))
    try:
        yield died
    finally:
        setattr(owner, last, original)
