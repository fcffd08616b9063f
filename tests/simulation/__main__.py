"""Deterministic simulation: the production classes against servers that fail, in virtual time.

    python -m tests.simulation --seed 4711            replays a seed, with its journal
    python -m tests.simulation --seed 4711 --shrink   and its shortest history
    python -m tests.simulation --seeds 10000          tries seeds from 0 on, prints what fails

The production classes run: `Sequencer`, `Pipeline`, `LostRowsDetector`, `begin`,
`BatchConsumer`, `Recommender`, `Fold`, `Publisher`, `TopicWriter`, `StateKeeper` and all beneath
them. Everything around them is simulated: time (`virtual_time`), Kafka with its groups,
producers, consumers and transactions (`broker`, `producing`, `consuming`, `transactions`,
`former`), Redis and the disk (`stores`), the apps that compose workers (`workers`), producers of
events (`feeding`), and the faults and the operator who changes M (`world`). The model counts plays
(`counting`). No thread, no clock and no network is used.
"""

import argparse
import sys

from tests.simulation.shrinking import shrunk
from tests.simulation.world import World, simulated


def show(world: World) -> None:
    """Prints a journal."""
    for at_s, who, what in world.journal:
        print(f"{at_s:8.3f}  {who:18} {what}")
    verdict = "; ".join(world.broken) or f"kept, at rest {world.healed_after_s:.1f} s after healing"
    print(f"seed {world.chance.seed}, {len(world.chance.happened)} events and faults: {verdict}")


def failing(first: int, seeds: int) -> list[int]:
    """Seeds that break a promise; each is printed when it does."""
    found = []
    for seed in range(first, first + seeds):
        world = simulated(seed)
        if world.broken:
            found.append(seed)
            print(f"seed {seed}: {world.broken[0]}", flush=True)
    return found


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="replay one")
    parser.add_argument("--shrink", action="store_true", help="to its shortest history")
    parser.add_argument("--seeds", type=int, default=1_000, help="try so many")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    options = parser.parse_args()
    if options.seed is None:
        found = failing(options.first, options.seeds)
        print(f"{len(found)} of {options.seeds} seeds break a promise")
        return 1 if found else 0
    world = simulated(options.seed)
    if options.shrink:
        world = shrunk(world, lambda what: print(what, file=sys.stderr))
    show(world)
    return 1 if world.broken else 0


if __name__ == "__main__":
    sys.exit(main())
