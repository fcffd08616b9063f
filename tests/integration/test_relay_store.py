"""What becomes of a relay that somebody removes or adds anew while listens are being delivered."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from streams.listens.listen_history import Listen
from streams.relaying.relay import Relay
from streams.relaying.relay_store import RelayStore

RELAY = Relay("ann@lb.example", "ann", "https://lb.example", "old", since=0, added_at=1)
LISTEN = Listen("ann", "k", "t", 0, 0, "m", artist_name="Nina", track_name="Sinnerman")


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[RelayStore]:
    store = RelayStore(mongo_url, prefix=f"test-{uuid.uuid4().hex[:8]}.")
    await store.add(RELAY)
    yield store
    store.close()


async def test_nothing_that_is_set_aside_outlives_a_relay_that_was_removed_meanwhile(
    store: RelayStore,
) -> None:
    await store.forget("ann", until_ms=1)
    await store.set_aside(RELAY, LISTEN, "400: it is refused")
    assert not await store.move(RELAY, replace(RELAY, position=5, refused=1))
    assert await store.refused(RELAY.relay_id) == []


async def test_what_two_set_aside_stays_where_only_one_of_them_has_moved_the_relay(
    store: RelayStore,
) -> None:
    for is_first in (True, False):
        await store.set_aside(RELAY, LISTEN, "400: it is refused")
        assert await store.move(RELAY, replace(RELAY, position=5, refused=1)) is is_first
    assert len(await store.refused(RELAY.relay_id)) == 1


async def test_old_keys_that_are_refused_hold_up_no_new_ones(store: RelayStore) -> None:
    await store.add(replace(RELAY, token="new", added_at=2))
    await store.stop(RELAY, "error 9: the session key is not valid any more")
    assert not await store.move(RELAY, replace(RELAY, waits_until=9_999, said="401"))
    [found] = await store.all()
    assert (found.token, found.is_stopped, found.waits_until, found.said) == ("new", False, 0, "")


async def test_what_old_keys_delivered_is_not_delivered_again(store: RelayStore) -> None:
    await store.add(replace(RELAY, token="new", added_at=2))
    assert await store.move(RELAY, replace(RELAY, position=5, delivered=1))
    [found] = await store.all()
    assert (found.position, found.delivered) == (5, 1)
    await store.stop(found, "error 9")
    assert (await store.all())[0].is_stopped
