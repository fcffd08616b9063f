"""The I/O layer (edge) of a simulated process: servers, chance, a journal, and its own death."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.broker import Broker
from tests.simulation.chance import Chance
from tests.simulation.virtual_time import Killed, Process, VirtualLoop

DIES = 0.003
"""Probability that a process dies before or after an effect."""


@dataclass
class Edge:
    """One process's access to everything outside of it."""

    process: Process
    loop: VirtualLoop
    broker: Broker
    chance: Chance
    note: Callable[..., None]
    """Writes a line of the journal: name of the process, what happened."""
    kill: Callable[[Process], None]
    stop: Callable[[BaseException], None]
    """Stops a worker because of an unexpected error."""
    end: Callable[[], None]
    """Ends the process in order, as SIGTERM does."""

    @property
    def name(self) -> str:
        """Name of the process."""
        return self.process.name

    def may_die(self, where: str) -> None:
        """Marks a place before or after an effect, at which the process may die."""
        if not self.process.is_alive:
            raise Killed
        if self.chance.strikes("death", f"{self.name} {where}", DIES):
            self.note(self.name, f"dies {where}")
            self.kill(self.process)
            raise Killed

    def delay(self, what: str) -> float:
        """Delay of the network in seconds; sometimes it is long, also while the broker stalls."""
        place = f"{self.name} {what}"
        seconds = self.chance.between(place, 0.001, 0.02)
        if self.chance.strikes("slowness", place, 0.01):
            seconds = self.chance.between(f"{place}, slow", 0.5, 6.0)
            self.note(self.name, f"{what} takes {seconds:.1f} s")
        return seconds + max(0.0, self.broker.stalled_until_s - self.loop.time())

    def block(self, what: str) -> None:
        """Waits for the network within a step that represents a thread."""
        self.may_die(f"before {what}")
        self.loop.block(self.process, self.delay(what))
        self.may_die(f"after {what}")
