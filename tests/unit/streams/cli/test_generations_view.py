"""`generations list`: whoever serves comes first, whole names, whatever the width."""

import io
from typing import Any

import pytest
from rich.console import Console

from streams.cli.generations.view import (
    WIDE,
    comparison_table,
    generations_table,
    notes_of,
    side_by_side,
)

NOW_MS = 3_600_000
LONG_NAME = "a-name-that-is-much-longer-than-its-column"


def a_generation(name: str, role: str = "started", **changes: Any) -> dict[str, Any]:
    quality = {"scored": 900, "hr@20": 0.355}
    return {
        "name": name,
        "role": role,
        "state": "STARTED",
        "share": None,
        "model": "popularity",
        "heard": 1,
        "shards": 1,
        "lag_records": 3,
        "freshness_ms": {"p99": 349.0},
        "quality": quality,
        "baseline": quality | {"hr@20": 0.109},
        "autopilot": None,
        "created_at": NOW_MS - 240_000,
        "why": "does it pay?",
        **changes,
    }


def lines(width: int, *found: dict[str, Any], shows_retired: bool = False) -> list[str]:
    out = Console(width=width, file=io.StringIO())
    out.print(generations_table(found, width, NOW_MS, shows_retired=shows_retired))
    out.print("\n".join(notes_of(found, shows_retired=shows_retired)))
    assert isinstance(out.file, io.StringIO)
    return [line.rstrip() for line in out.file.getvalue().splitlines()]


def test_whoever_serves_comes_first_then_who_is_started() -> None:
    stopped = a_generation("old", "parked", state="STOPPED", heard=0, lag_records=None)
    found = lines(80, stopped, a_generation("first"), a_generation("second", "stable"))
    assert [line.split()[:2] for line in found[1:4]] == [
        ["second", "stable"],
        ["first", "started"],
        ["old", "stopped"],
    ]


@pytest.mark.parametrize("width", [80, WIDE, 200])
def test_a_long_name_is_shown_whole_and_nothing_is_cut_off(width: int) -> None:
    canary = a_generation(LONG_NAME, "canary", share=1_250, lag_records=123_456)
    found = lines(width, canary)
    assert all(len(line) <= width for line in found)
    begins = [line.split()[0] for line in found[1:] if line]
    assert "".join(begins).startswith(LONG_NAME)
    for each in ("canary 12.5 %", "popularity", "123,456", "349 ms", "35.5 %", "4 min"):
        assert any(each in line for line in found), each
    assert any("does it pay?" in line for line in found) is (width >= WIDE)
    assert "…" not in "".join(found)


def test_retired_ones_are_counted_and_shown_if_somebody_asks() -> None:
    gone = [a_generation(f"gone-{at}", "parked", state="RETIRED") for at in range(30)]
    found = lines(80, a_generation("first", "stable"), *gone)
    assert "30 retired: --all shows them" in found
    assert len(found) < 6
    assert len(lines(80, *gone, shows_retired=True)) > 30


def test_an_armed_autopilot_and_the_baseline_are_named_below() -> None:
    found = lines(80, a_generation("first", "stable"), a_generation("second", autopilot={}))
    assert any("of popular tracks 10.9 %" in line for line in found)
    assert not any("armed" in line for line in found)
    armed = {"steps": [100], "dwell_s": 600}
    found = lines(80, a_generation("first", "stable"), a_generation("second", autopilot=armed))
    assert "the autopilot is armed: second" in found


def test_a_journal_without_a_generation_says_how_the_first_one_comes() -> None:
    assert "There is no generation yet" in " ".join(lines(80))


def test_a_kind_of_play_that_nobody_made_has_no_figures() -> None:
    """A household may have played nothing for the first time."""
    interval = {"low": -1.0, "high": 1.0}
    none = {"paired": 0, "a_mean": 0.0, "b_mean": 0.0, "difference": 0.0, "interval": interval}
    found = {"a": "second", "b": "first", **none, "paired": 3, "splits": {"new_to_listener": none}}
    out = Console(width=100, file=io.StringIO())
    out.print(comparison_table(found))
    assert isinstance(out.file, io.StringIO)
    (line,) = [each for each in out.file.getvalue().splitlines() if "new to listener" in each]
    assert line.split() == ["new", "to", "listener", "0", "-", "-", "-", "-"]


def test_a_comparison_says_coverage_and_freshness_of_both_or_that_one_is_not_heard() -> None:
    found = {"a": "second", "b": "first", "coverage": {"a": 0.125, "b": 0.5}}
    said = side_by_side(found | {"freshness_ms": {"a": None, "b": 24.3}})
    assert said == (
        "second beside first: catalogue coverage 12.5 % and 50.0 %, "
        "freshness (p99) unknown and 24 ms."
    )
