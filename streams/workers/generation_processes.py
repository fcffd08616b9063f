"""Decides which recommenders of `echotune run` run: those of all generations that are not parked.

The journal says what is wanted. So a generation that is started on one machine is run there within
a second, and a generation that is stopped ends its recommenders.
"""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from streams.lifecycle.generation_record import SETTINGS_OF_A_GENERATION
from streams.lifecycle.lifecycle import Lifecycle, Role
from streams.settings import Settings
from streams.workers.supervisor import Supervisor

Say = Callable[[str], object]


class Wanted(NamedTuple):
    """The wanted processes, by name with their arguments, and the generations left out."""

    processes: dict[str, list[str]]
    left_out: list[str]


def wanted_recommenders(
    lifecycle: Lifecycle, configured: str, at_most: int, shards: int = 1
) -> Wanted:
    """The recommenders that should run: the plan's first, and `at_most` generations of all.

    Where no generation serves yet, the configured one begins the journal, with `shards` shards.

    >>> [*wanted_recommenders(Lifecycle(), "first", 3, shards=2).processes]
    ['recommender-first-0of2', 'recommender-first-1of2']
    """
    if lifecycle.is_empty:
        return Wanted(_recommenders_of(configured, shards), [])
    roles = {name: lifecycle.role_of(name) for name in lifecycle.generations}
    running = [name for name, role in roles.items() if role is not Role.PARKED]
    running.sort(key=lambda name: not roles[name].is_in_plan)
    processes: dict[str, list[str]] = {}
    for name in running[:at_most]:
        processes |= _recommenders_of(name, lifecycle.generations[name].shards)
    return Wanted(processes, running[at_most:])


def _recommenders_of(generation: str, shards: int) -> dict[str, list[str]]:
    worker = ["worker", "recommender", "--generation", generation, "--shards", str(shards)]
    return {
        f"recommender-{generation}-{shard}of{shards}": [*worker, "--shard", str(shard)]
        for shard in range(shards)
    }


class GenerationProcesses:
    """Starts and ends recommenders until those that run are those that are wanted."""

    def __init__(self, supervisor: Supervisor, settings: Settings, say: Say) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._at_most = settings.run_generations_max
        self._say = say
        self._ours: set[str] = set()
        self._left_out: list[str] = []

    def follow(self, lifecycle: Lifecycle) -> None:
        """Starts what is missing and ends what is no longer wanted; returns at once."""
        wanted = wanted_recommenders(
            lifecycle, self._settings.generation, self._at_most, self._settings.shards
        )
        running = {*self._supervisor.names} & self._ours
        for name in running - wanted.processes.keys():
            self._supervisor.end(name)
        for name in wanted.processes.keys() - running:
            self._supervisor.start(
                name, *wanted.processes[name], environment=_environment(lifecycle)
            )
            self._ours.add(name)
        for name in wanted.left_out:
            if name not in self._left_out:
                self._say(
                    f"{name} is started and does not run: ECHOTUNE_RUN_GENERATIONS_MAX is "
                    f"{self._at_most}"
                )
        self._left_out = wanted.left_out


def _environment(lifecycle: Lifecycle) -> Mapping[str, str]:
    """The variables of this process; without those that a generation's record decides."""
    decided = {f"ECHOTUNE_{name.upper()}" for name in SETTINGS_OF_A_GENERATION}
    if lifecycle.is_empty:  # they are the settings of the generation that is about to be created
        decided = set()
    return {name: value for name, value in os.environ.items() if name not in decided}
