"""What a simulated process has in its hands: servers, chance, a journal, and its own death."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.broker import Broker
from tests.simulation.chance import Chance
from tests.simulation.virtual_time import Killed, Process, VirtualLoop

DIES = 0.003
"""How often a process dies before or after an effect."""


@dataclass
class Edge:
    """One process's way to everything outside of it."""

    process: Process
    loop: VirtualLoop
    broker: Broker
    chance: Chance
    note: Callable[..., None]
    """Writes a line of the journal: who, what."""
    kill: Callable[[Process], None]
    stop: Callable[[BaseException], None]
    """A worker stops: it met what it did not understand."""

    @property
    def name(self) -> str:
        """The process's."""
        return self.process.name

    def may_die(self, where: str) -> None:
        """A place before or after an effect, at which the process may die."""
        if not self.process.is_alive:
            raise Killed
        if self.chance.strikes("death", f"{self.name} {where}", DIES):
            self.note(self.name, f"dies {where}")
            self.kill(self.process)
            raise Killed

    def delay(self, what: str) -> float:
        """How long the network takes, seconds; at times much longer, and while a broker stalls."""
        place = f"{self.name} {what}"
        seconds = self.chance.between(place, 0.001, 0.02)
        if self.chance.strikes("slowness", place, 0.01):
            seconds = self.chance.between(f"{place}, slow", 0.5, 6.0)
            self.note(self.name, f"{what} takes {seconds:.1f} s")
        return seconds + max(0.0, self.broker.stalled_until_s - self.loop.time())

    def block(self, what: str) -> None:
        """Waits for the network within what stands for a thread."""
        self.may_die(f"before {what}")
        self.loop.block(self.process, self.delay(what))
        self.may_die(f"after {what}")
