"""Shows a list as a table in a terminal."""

import time

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from streams.cli.untrusted_text import in_one_line
from streams.lists.list_store import StoredList
from streams.lists.reasons import REASONS

TRACK_WIDTH_MIN = 12


_ANY_WIDTH = 100_000


class ListTable(Table):
    """A table that is as narrow as its text, and in which only tracks are ever shortened."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wanted = Measurement.get(console, options.update(max_width=_ANY_WIDTH), self).maximum
        self.expand = wanted > options.max_width  # then tracks get what the other columns leave
        yield from super().__rich_console__(console, options)


def list_table(
    title: str | None,
    stored: StoredList | None,
    names: dict[str, str],
    *,
    k: int,
    explain: bool = False,
) -> ListTable:
    """The first `k` tracks of a list by name; with `explain`, why each is there."""
    title_text = None if title is None else Text(in_one_line(title))
    table = ListTable(title=title_text, title_justify="left", box=None)
    table.add_column("#", justify="right", style="dim")
    table.add_column("track", overflow="ellipsis", no_wrap=True, ratio=1, min_width=TRACK_WIDTH_MIN)
    table.add_column("score", justify="right")
    table.add_column("why" if explain else "", style="dim")
    for place, item in enumerate((stored.items if stored else [])[:k], start=1):
        why = f"{item.reason}: {REASONS.get(item.reason, '')}" if explain else item.reason
        track, reason = Text(in_one_line(names[item.track_id])), Text(in_one_line(why))
        table.add_row(str(place), track, f"{item.score:.3f}", reason)
    return table


def age_ms(stored: StoredList) -> int:
    """How long the list has been visible, in ms."""
    return max(0, time.time_ns() // 1_000_000 - stored.published_at)
