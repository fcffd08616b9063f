"""The projection of listens goes on where it was, whoever is killed, added or removed meanwhile."""

import asyncio
import pickle
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from streams.listens import log_run, projection
from streams.listens.kept_verdicts import TakenVerdicts
from streams.listens.listen_history import ListenHistory
from streams.listens.listen_projector import ListenProjector
from tests.support.learning_log import BEGAN_MS, WINDOW, a_batch, an_event
from tests.support.projecting import LOG_ID, STEP, MemoryLog, Stores
from tests.support.station import REPOSITORY
from topics.learning_log import encode_log_record

PEOPLE = ("ann", "bob")
PLAYS = 40


def a_log(plays: int = PLAYS) -> list[bytes]:
    """Plays of two people: one each record, every fifth is there again, the tenth is taken back."""
    events = []
    for at in range(plays):
        play = an_event(PEOPLE[at % 2], f"t{at}", 10 * at)
        events.append(play)
        if at % 5 == 0:
            events.append(play)
        if at % 10 == 0:
            events.append(play | {"kind": "RETRACT", "event_id": f"takes {at} back"})
    return [encode_log_record(a_batch(event, from_offset=at)) for at, event in enumerate(events)]


def expected(name: str, plays: int = PLAYS) -> list[str]:
    """The tracks of a person's listens, newest first."""
    return [f"t{at}" for at in range(plays) if PEOPLE[at % 2] == name and at % 10][::-1]


async def tracks(history: ListenHistory, name: str) -> list[str]:
    return [each.track_id for each in await history.listens(name, count=1_000)]


@pytest.fixture
async def stores(mongo_url: str, redis_url: str) -> AsyncIterator[Stores]:
    prefix = f"test-{uuid.uuid4().hex[:8]}."
    stores = Stores(mongo_url, redis_url, prefix, {*PEOPLE})
    yield stores
    await stores.close()


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_run, "RECORDS_A_STEP_MAX", STEP)
    monkeypatch.setattr(projection, "PEOPLE_EVERY_S", 0.05)


@pytest.mark.parametrize(("where", "time"), [("write", 4), ("move", 1), ("move", 5), ("keep", 3)])
async def test_who_is_killed_anywhere_loses_no_listen_and_doubles_none(
    stores: Stores, mongo_url: str, redis_url: str, tmp_path: Path, where: str, time: int
) -> None:
    log = MemoryLog(a_log())
    (tmp_path / "log").write_bytes(pickle.dumps(log.values))
    arguments = (mongo_url, redis_url, stores.prefix, str(tmp_path / "log"), ",".join(PEOPLE))
    module = [sys.executable, "-m", "tests.support.projecting"]
    killed = subprocess.run([*module, *arguments, where, str(time)], cwd=REPOSITORY, check=False)
    assert killed.returncode == -9
    before = await stores.history.position()
    await stores.redis.delete(f"{stores.prefix}echotune:lease:listens")
    async with stores.projecting(log):
        await stores.until(len(log.values) - 1)
    assert {name: await tracks(stores.history, name) for name in PEOPLE} == {
        name: expected(name) for name in PEOPLE
    }
    if before.offset > 0 and where == "move":
        assert min(log.read) > 0  # it has not begun anew
    assert len(log.read) == len({*log.read})


async def test_it_goes_on_from_its_position_and_knows_what_came_before(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "KEPT_EVERY_ROWS", 1)
    play = an_event("ann", "t", 0)
    log = MemoryLog([encode_log_record(a_batch(play))])
    async with stores.projecting(log):
        await stores.until(0)
        while not await stores.kept._files.count_documents({}):
            await asyncio.sleep(0.01)
    again = play | {"event_id": "the same play under another id"}
    log.values.append(encode_log_record(a_batch(again, from_offset=1)))
    log.read.clear()
    async with stores.projecting(log):
        await stores.until(1)
    assert log.read == [1]
    assert await stores.history.count("ann") == 1


async def test_verdicts_of_later_than_the_position_are_not_gone_on_with(stores: Stores) -> None:
    log = MemoryLog(a_log())
    async with stores.projecting(log):
        await stores.until(len(log.values) - 1)
    position = await stores.history.position()
    verdicts, _ = await stores.kept.found(LOG_ID, WINDOW, position.offset)
    await stores.kept.keep(TakenVerdicts.of(verdicts, position.offset + 1), LOG_ID)
    verdicts, offset = await stores.kept.found(LOG_ID, WINDOW, position.offset)
    assert (offset, verdicts.summary()["next"]) == (-1, [])


async def test_who_is_added_gets_the_listens_of_before_and_nobody_waits(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MemoryLog(a_log())
    stores.people = {"ann"}
    async with stores.projecting(log):
        await stores.until(len(log.values) - 1)
        offsets: list[int] = []
        filling, go_on = asyncio.Event(), asyncio.Event()
        write = stores.history.write

        async def slow(changes: Any) -> None:
            if any(each.listener_id == "bob" for each in changes):
                filling.set()
                await go_on.wait()
            await write(changes)

        move = stores.history.move

        async def noted(position: Any) -> None:
            offsets.append(position.offset)
            await move(position)

        monkeypatch.setattr(stores.history, "write", slow)
        monkeypatch.setattr(stores.history, "move", noted)
        stores.people = {*PEOPLE}
        await filling.wait()  # the backfill of bob stands still
        late = an_event("ann", "late", 9_000)
        last = len(log.values)
        log.values.append(encode_log_record(a_batch(late, from_offset=last)))
        while not await stores.history.reaches("ann", last):
            await asyncio.sleep(0.01)
        assert await tracks(stores.history, "ann") == ["late", *expected("ann")]
        assert not await stores.history.reaches("bob", 0)
        go_on.set()
        await stores.until(last)
    assert await tracks(stores.history, "bob") == expected("bob")
    assert offsets == sorted(offsets)


async def test_who_is_removed_and_added_again_has_everything_once(stores: Stores) -> None:
    log = MemoryLog(a_log())
    async with stores.projecting(log):
        await stores.until(len(log.values) - 1)
        await stores.departures.note("bob")  # and is added again before anybody has looked
        while await stores.departures.all():
            await asyncio.sleep(0.01)
        await stores.until(len(log.values) - 1)
        assert await tracks(stores.history, "bob") == expected("bob")
        stores.people = {"ann"}
        while await stores.history.count("bob"):
            await asyncio.sleep(0.01)
    assert (await stores.history.position()).people == {"ann"}
    assert {name for name, _ in stores.forgotten} == {"bob"}
    assert await tracks(stores.history, "ann") == expected("ann")


async def test_nobody_is_forgotten_because_a_service_knows_them_later_than_the_one_before(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MemoryLog(a_log())
    async with stores.projecting(log):
        await stores.until(len(log.values) - 1)
    build, looks = stores.projector, [frozenset({"ann"}), *[frozenset(PEOPLE)] * 2]

    def late(log: MemoryLog) -> ListenProjector:
        projector = build(log)
        looked = projector._stores._replace(
            people=lambda: looks.pop(0) if looks else frozenset(PEOPLE)
        )
        projector._stores = looked
        return projector

    monkeypatch.setattr(stores, "projector", late)
    async with stores.projecting(log):
        while looks:
            stores.check()
            await asyncio.sleep(0.01)
    assert stores.forgotten == []
    assert await tracks(stores.history, "bob") == expected("bob")


async def test_an_erasure_says_until_when_everything_else_goes(stores: Stores) -> None:
    erasing = a_batch(an_event("ann", None, 5, kind="ERASE"), from_offset=len(a_log(1)))
    log = MemoryLog([*a_log(1), encode_log_record(erasing)])
    async with stores.projecting(log):
        await stores.until(len(log.values) - 1)
    assert stores.forgotten == [("ann", BEGAN_MS)]
    assert await stores.history.count("ann") == 0


async def test_a_mark_of_an_import_that_was_made_after_an_erasure_stays(stores: Stores) -> None:
    for noted_at, left in ((BEGAN_MS, 0), (BEGAN_MS + 1, 7)):
        await stores.history.note_import("ann", 7, noted_at)
        await stores.history.forget_import("ann", BEGAN_MS)
        assert await stores.history.latest_import("ann") == left


async def test_what_a_killed_backfill_left_of_nobody_is_deleted(stores: Stores) -> None:
    log = MemoryLog(a_log())
    async with stores.projecting(log):
        await stores.until(len(log.values) - 1)
    position = await stores.history.position()
    await stores.history.move(position._replace(people=frozenset({"ann"})))
    stores.people = {"ann"}
    async with stores.projecting(log):
        while await stores.history.count("bob"):
            await asyncio.sleep(0.01)
    assert await tracks(stores.history, "ann") == expected("ann")
