"""Shows a list as a table in a terminal."""

import time

from rich.table import Table
from rich.text import Text

from streams.lists.list_store import StoredList

REASONS = {
    "transition": "often follows what was played last",
    "ngram": "followed the same few tracks before",
    "own": "the listener plays it again and again",
    "cooccurrence": "is played by others in the same sittings",
    "neighbours": "is played in sittings like this one",
    "artist": "an artist the listener is with",
    "popular": "popular now",
}
"""Expert → explanation for a listener."""


def list_table(
    title: str | None,
    stored: StoredList | None,
    names: dict[str, str],
    *,
    k: int,
    explain: bool = False,
) -> Table:
    """The first `k` tracks of a list by name; with `explain`, why each is there."""
    title_text = None if title is None else Text(title)
    table = Table(title=title_text, title_justify="left", expand=False, box=None)
    table.add_column("#", justify="right", style="dim")
    table.add_column("track", overflow="ellipsis", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("why" if explain else "", style="dim")
    for place, item in enumerate((stored.items if stored else [])[:k], start=1):
        why = f"{item.reason}: {REASONS.get(item.reason, '')}" if explain else item.reason
        table.add_row(str(place), Text(names[item.track_id]), f"{item.score:.3f}", why)
    return table


def age_ms(stored: StoredList) -> int:
    """How long the list has been visible, in ms."""
    return max(0, time.time_ns() // 1_000_000 - stored.published_at)
