"""What tests ask of simulations: many seeds, or many deaths at one point."""

from tests.simulation.chance import Chance
from tests.simulation.crashing import deadly
from tests.simulation.verdict import judge
from tests.simulation.world import World, running, simulated

SEEDS_A_DEATH_MAX = 4
"""A point that is not passed in one seed is in another."""

OPEN = frozenset({5798, 7185, 7360, 8646, 9116})
"""Seeds whose findings are not mended yet (docs/reliability.md); whoever mends one takes it out."""


def broken(first: int, seeds: int) -> dict[int, str]:
    """Seeds that break a promise, and which; without those that are known to."""
    worlds = (simulated(seed) for seed in range(first, first + seeds) if seed not in OPEN)
    return {each.chance.seed: each.broken[0] for each in worlds if each.broken}


def deaths_at(point: str, times: int) -> int:
    """Runs seeds until a process has died at `point` so often; how often it did at last.

    Each has to keep all promises.
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
