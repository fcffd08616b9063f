"""Shrinks a history that breaks a promise to the shortest one that breaks the same promise.

Delta debugging over events and faults: leave out halves, then quarters, then
single ones, as long as the same kind of promise stays broken.
"""

from collections.abc import Callable, Sequence

from tests.simulation.chance import Fault
from tests.simulation.world import World, simulated

RUNS_MAX = 600


def shrunk(world: World, say: Callable[[str], None] = lambda _: None) -> World:
    """The shortest simulation found that breaks what `world` breaks; `world` if it breaks none."""
    runs = 0
    pieces = 2
    while world.broken and pieces <= 2 * len(world.chance.happened):
        smaller = None
        for kept in _without_one(world.chance.happened, pieces):
            runs += 1
            if runs > RUNS_MAX:
                return world
            tried = simulated(world.chance.seed, frozenset(kept))
            if kind_of(tried) == kind_of(world):
                smaller = tried
                break
        if smaller is None:
            pieces *= 2
        else:
            world, pieces = smaller, max(2, pieces - 1)
            say(f"{len(world.chance.happened)} events and faults")
    return world


def kind_of(world: World) -> str:
    """Which kind of promise is broken first."""
    return world.broken[0].partition(":")[0] if world.broken else ""


def _without_one(happened: Sequence[Fault], pieces: int) -> list[list[Fault]]:
    """Faults and events without one of `pieces` parts, in turn; the last part is tried first."""
    size = max(1, -(-len(happened) // pieces))
    starts = range(0, len(happened), size)
    return [[*happened[:at], *happened[at + size :]] for at in reversed(starts)]
