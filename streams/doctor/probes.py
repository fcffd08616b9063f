"""Looks at several servers side by side, none of which may take longer than all are given.

Whoever hangs is left behind: what it said before counts, and what it was asked last is named.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any


class Probe:
    """What one server says, as it says it."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        """Fields of the facts."""
        self.asked = "anything"
        """What it was asked last."""
        self.away: object = None
        """Why it is, if it is."""
        self.is_over = False
        self.failure: BaseException | None = None


Asking = Callable[[Probe], None]


def looked(asking: Mapping[str, Asking], within_s: float) -> dict[str, Probe]:
    """Asks every server in a thread of its own; returns when all are done or time is over.

    What one of them raises is raised here.
    """
    looks = {server: Probe() for server in asking}
    threads = [
        threading.Thread(target=_look, args=(asking[server], look), name=server, daemon=True)
        for server, look in looks.items()
    ]
    ends_at = time.monotonic() + within_s
    for each in threads:
        each.start()
    for each in threads:
        each.join(max(0.0, ends_at - time.monotonic()))
    return {server: _ended(look, within_s) for server, look in looks.items()}


def _look(ask: Asking, look: Probe) -> None:
    try:
        ask(look)
    except BaseException as error:
        look.failure = error
    look.is_over = True


def _ended(look: Probe, within_s: float) -> Probe:
    """What is known now; what is said later is too late."""
    now = Probe()
    now.is_over, now.asked, now.away = look.is_over, look.asked, look.away
    now.found = dict(look.found)
    if look.failure is not None:
        raise look.failure
    if not now.is_over:
        now.away = f"it was asked for {now.asked} and did not answer within {within_s:.0f} s"
    return now
