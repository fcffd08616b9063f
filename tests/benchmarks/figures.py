"""Results of a benchmark: figures beside those of a peer in the same run."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured value, and a peer's in the same run; `goal` is the required ratio or value."""

    what: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        """Value / peer's value."""
        return self.value / self.peer_value if self.peer_value else None


def show(figures: list[Figure], seconds: float) -> None:
    """Prints a table."""
    table = Table(title=f"{os.cpu_count()} cores, {platform.machine()}, {seconds:.0f} s in all")
    for name in ("what", "value", "peer in the same run", "its value", "ratio", "goal"):
        table.add_column(name, justify="right" if "value" in name or name == "ratio" else "left")
    for each in figures:
        table.add_row(
            each.what,
            _written(each.value, each.unit),
            each.peer,
            "" if each.peer_value is None else _written(each.peer_value, each.unit),
            "" if each.ratio is None else f"{each.ratio:.2f}",
            each.goal,
        )
    Console(width=150).print(table)


def _written(value: float, unit: str) -> str:
    """Values below 1 with four digits, others with one."""
    return f"{value:.4f} {unit}" if abs(value) < 1 else f"{value:,.1f} {unit}"


def save(figures: list[Figure], path: Path) -> None:
    """Writes the figures as JSON."""
    path.write_text(
        json.dumps([asdict(each) | {"ratio": each.ratio} for each in figures], indent=1)
    )
