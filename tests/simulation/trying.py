"""Runs simulations for tests: many seeds, or many deaths at one crash point."""

from tests.simulation.chance import Chance
from tests.simulation.crashing import deadly
from tests.simulation.verdict import judge
from tests.simulation.world import World, running, simulated

SEEDS_A_DEATH_MAX = 4
"""Maximum number of seeds per death, because not every seed reaches a crash point."""


def broken(first: int, seeds: int) -> dict[int, str]:
    """Seeds that break a promise, and the promises that they break."""
    worlds = (simulated(seed) for seed in range(first, first + seeds))
    return {each.chance.seed: each.broken[0] for each in worlds if each.broken}


def deaths_at(point: str, times: int) -> int:
    """Runs seeds until processes have died `times` times at `point`; returns the number.

    Each seed has to keep all promises.
    """
    deaths = 0
    for seed in range(SEEDS_A_DEATH_MAX * times):
        if deaths < times:
            deaths += _died_at(point, seed)
    return deaths


def _died_at(point: str, seed: int) -> bool:
    world = World(Chance(seed))
    with running(world), deadly(world, point, 1 + seed % 3) as died:
        world.run()
        judge(world)
    assert world.broken == [], f"seed {seed}, death {point}"
    return bool(died)
