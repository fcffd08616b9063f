"""A home that an earlier version wrote goes on with this one: same log, same events, same promises.

That version folded otherwise (`FOLD_VERSION`), so its snapshot is set aside, and the log is folded
from its start.
"""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.snapshots.loading import Fit
from tests.support.runs import Home
from tests.support.station import wait_until

MADE_BEFORE = Path(__file__).parent.parent / "data" / "home_before_rooms.tar.xz"
SNAPSHOT = "00000000000000000482.snapshot"
APPLIED = 531
"""What the version that made the home had learnt at the end of its log."""
LISTENER = "ada-before-1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The home of the version before, in which the present version runs."""
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(MADE_BEFORE) as archive:
        archive.extractall(folder, filter="data")
    home = Home(folder)
    started = home.run("up")
    assert started.returncode == 0, started.stderr
    home.begin("worker", "sequencer")
    home.begin("worker", "recommender")
    yield home
    home.close()


def logged(home: Home, event: str) -> list[dict[str, object]]:
    """The log lines of its workers that are named `event`."""
    lines = [line for line in home.output.read_text().splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line["event"] == event]


def test_a_snapshot_of_the_version_before_is_set_aside_and_its_log_is_folded_again(
    home: Home,
) -> None:
    home.wait_applied(APPLIED - 1)
    [aside] = logged(home, "snapshot set aside")
    assert (aside["snapshot"], aside["why"]) == (SNAPSHOT, Fit.OTHER_VERSION.value)
    [ready] = logged(home, "state ready")
    assert ready["offset"] == -1
    verdict = json.loads(home.run("verify", "--json").stdout)
    assert (verdict["equal"], verdict["events"]) == (True, APPLIED)
    assert verdict["live"] == verdict["replay"]


def test_new_events_are_learnt_once_each_and_every_promise_is_kept(home: Home) -> None:
    titles = ("Sinnerman", "Feeling Good", "Sinnerman")
    for title in titles:
        sent = home.run("send", "--listener", LISTENER, "--artist", "Nina Simone", "--title", title)
        assert sent.returncode == 0, sent.stderr
    assert home.wait_applied(APPLIED + len(titles) - 1) == APPLIED + len(titles)
    wait_until(lambda: list_of(home, LISTENER)["fallback"], lambda is_fallback: not is_fallback)
    verdict = json.loads(home.run("verify", "--deep", "--json").stdout)
    broken = [each for each in verdict["promises"] if each["broken"]]
    assert (verdict["kept"], broken) == (True, [])


def list_of(home: Home, listener_id: str) -> dict[str, object]:
    """What `echotune recommend` says."""
    return dict(json.loads(home.run("recommend", listener_id, "--json").stdout))
