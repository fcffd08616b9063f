"""Waits until a generation has caught up with the learning-log and may serve listeners."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

from streams.addresses import Addresses
from streams.kafka.log_reader import LogReader
from streams.lifecycle.overview import statuses_of
from streams.lifecycle.promotion_gate import conditions
from streams.settings import Settings
from topics.errors import SettingsError

_POLL_S = 0.5
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}

Show = Callable[[float | None, str], object]


def seconds_of(text: str) -> float:
    """A duration in seconds; raises `SettingsError`.

    >>> seconds_of("1s"), seconds_of("250ms"), seconds_of("10m"), seconds_of("2.5")
    (1.0, 0.25, 600.0, 2.5)
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)?", text.strip())
    if match is None:
        raise SettingsError(f"{text!r} is no duration.", "Write 1s, 250ms, 10m or 2h.")
    return float(match[1]) * _UNITS[match[2] or "s"]


async def wait_until_caught_up(
    settings: Settings,
    addresses: Addresses,
    name: str,
    shards: int,
    limits: tuple[float, float | None],
    show: Show,
) -> dict[str, Any]:
    """Waits until all shards are at most `limits[0]` seconds behind and their gates are open.

    Gives up after `limits[1]` seconds, unless that is None. Returns JSON values.
    """
    lag_s, within_s = limits
    began = time.monotonic()
    while True:
        asked_s = time.monotonic() - began  # before the reading, which may be slow
        statuses, log_end = await statuses_of(settings, addresses, name, shards)
        as_of = min(int(each.get("as_of", -1)) for each in statuses)
        behind_s = await asyncio.to_thread(_seconds_behind, addresses.kafka, as_of)
        unmet = [each.says for each in conditions(statuses, log_end) if not each.ok]
        if behind_s > lag_s:
            unmet.append(f"{behind_s:.1f} s behind")
        seconds = time.monotonic() - began
        if any(each.get("heard_ms", 0) > 1_000 * asked_s for each in statuses):
            unmet.append("not heard since the wait began")  # it may be the process before
        if not unmet or (within_s is not None and seconds >= within_s):
            return {
                "generation": name,
                "caught_up": not unmet,
                "as_of": as_of,
                "lag_records": log_end - 1 - as_of,
                "lag_s": round(behind_s, 3),
                "waits_for": unmet,
                "seconds": round(seconds, 3),
            }
        show(max(as_of + 1, 0) / max(log_end, 1), f"at record {as_of:,} of {log_end - 1:,}")
        await asyncio.sleep(_POLL_S)


def _seconds_behind(kafka: str, as_of: int) -> float:
    """Age of the first log record after `as_of`; 0 if there is none."""
    with LogReader(kafka) as log:
        appended_ms = log.appended_at(as_of + 1)
    return 0.0 if appended_ms is None else max(0.0, time.time() - appended_ms / 1_000)
