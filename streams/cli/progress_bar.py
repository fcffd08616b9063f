"""Progress of long work: a bar in a terminal that can redraw it, lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from streams.cli import console

LINE_EVERY_S = 5.0

Show = Callable[[float | None, str], object]
"""Is called with the finished share (None: unknown) and a text for the user."""


@contextmanager
def progress(title: str) -> Iterator[Show]:
    """Shows the progress of the work `title` on stderr."""
    if not console.err.can_redraw:
        yield _lines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console.err, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def show(share: float | None, text: str) -> None:
            total = None if share is None else 1.0
            bar.update(task, completed=share or 0.0, total=total, description=f"{title}: {text}")

        yield show


def _lines(title: str) -> Show:
    printed_at = time.monotonic()

    def show(share: float | None, text: str) -> None:
        nonlocal printed_at
        if time.monotonic() - printed_at >= LINE_EVERY_S:
            printed_at = time.monotonic()
            done = "" if share is None else f" {100 * share:.0f} %,"
            console.say(f"{title}:{done} {text}")

    return show
