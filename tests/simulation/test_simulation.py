"""F21, F2: a thousand histories of faults, each drawn from its seed; none breaks a promise."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from streams.folding.coverage import BatchIgnored, Coverage
from tests.simulation.__main__ import show
from tests.simulation.shrinking import shrunk
from tests.simulation.trying import broken, deaths_at
from tests.simulation.world import World, simulated
from tests.support.crash_points import POINTS
from topics.learning_batch import LearningBatch

SEEDS = 1_000
PIECES = 10
ONCE_BROKEN = (23_129, 60_814)
"""A fenced recommender repaired a Redis without the fence; one that let go shut its successor."""
REPOSITORY = Path(__file__).parent.parent.parent


@contextmanager
def unmeasured() -> Iterator[None]:
    """Measures no coverage, which doubles the time: a hundred seeds run the lines of a thousand."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


@pytest.mark.parametrize("piece", range(PIECES))
def test_no_seed_breaks_a_promise_and_all_come_to_rest(piece: int) -> None:
    size = SEEDS // PIECES
    with unmeasured() if piece else nullcontext():
        assert broken(piece * size, size) == {}


@pytest.mark.parametrize("seed", ONCE_BROKEN)
def test_a_seed_that_broke_a_promise_once_keeps_it(seed: int) -> None:
    assert simulated(seed).broken == []


@pytest.mark.parametrize("point", POINTS)
def test_who_dies_between_two_effects_loses_nothing(point: str) -> None:
    assert deaths_at(point, 1) == 1


def test_a_seed_gives_the_same_history_in_any_process(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "11"]
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )
    show(simulated(11))
    assert capsys.readouterr().out == done.stdout
    assert len(done.stdout.splitlines()) > 50


def journal_of(world: World) -> list[tuple[float, str, str]]:
    """The journal, with times in seconds and three digits."""
    return [(round(at_s, 3), who, what) for at_s, who, what in world.journal]


def test_a_history_without_its_faults_is_that_of_events_alone() -> None:
    world = simulated(11)
    events = frozenset(each for each in world.chance.happened if each.kind == "event")
    assert events < {*world.chance.happened}
    calm = simulated(11, events)
    assert (calm.broken, {*calm.chance.happened}) == ([], events)
    assert journal_of(calm) == journal_of(simulated(11, events))


def test_a_broken_promise_is_shrunk_to_the_little_that_breaks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first_new = Coverage.first_new

    def unmasked(coverage: Coverage, batch: LearningBatch) -> int | BatchIgnored:
        found = first_new(coverage, batch)
        return found if isinstance(found, BatchIgnored) else batch.from_offset

    assert simulated(73).broken == []
    monkeypatch.setattr(Coverage, "first_new", unmasked)
    shortest = shrunk(simulated(73)).chance.happened
    assert [each.kind for each in shortest] == ["event", "kill", "event"]
    assert simulated(73, frozenset(shortest)).broken
