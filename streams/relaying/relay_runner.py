"""Delivers what relays let pass, as long as it holds the lease.

Each relay has a task of its own, so that none waits for another one's service. Two runners at
once, because one was frozen, send the same listens; the position never goes back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog
from redis.asyncio import Redis

from streams.listens.listen_history import NOTHING, Listen, ListenHistory
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_lease import RedisLease
from streams.relaying.lastfm_target import LastFmTarget
from streams.relaying.listenbrainz_target import ListenBrainzTarget
from streams.relaying.relay import LASTFM, LISTENBRAINZ, RECENT_MAX, Relay, guard_of
from streams.relaying.relay_answers import DENIED_S, Answer, Verdict
from streams.relaying.relay_store import RelayStore
from streams.relaying.service_client import ServiceClient
from topics.errors import EchoTuneError

_log = structlog.get_logger(__name__)
LEASE = "relays"
BATCH = 50
EVERY_S = 0.5
REFUSED_IN_A_ROW_MAX = 10
"""So many refusals without a delivery are the service's fault, not the listens'."""
_STATUS_EVERY_S = 2.0
_UNEXPECTED_S = 5.0

Report = Callable[[list[dict[str, object]]], Awaitable[None]]
"""Takes the status of all relays."""


class RelayRunner:
    """Runs all relays of an installation until it is cancelled."""

    def __init__(
        self,
        redis: Redis,
        store: RelayStore,
        history: ListenHistory,
        report: Report,
        prefix: str = "",
    ) -> None:
        self._tell = report
        self._store = store
        self._history = history
        self._client = ServiceClient()
        self._targets: dict[str, ListenBrainzTarget | LastFmTarget] = {
            LISTENBRAINZ: ListenBrainzTarget(self._client),
            LASTFM: LastFmTarget(self._client),
        }
        self._lease = RedisLease(redis, LEASE, prefix)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._status_at = 0.0
        self._said = ""

    async def run(self) -> None:
        """Starts a task for each relay that has something to do, again and again."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(EVERY_S)
        finally:
            await self._stop()

    async def _look(self) -> None:
        try:
            if not await self._lease.holds():
                await self._stop()
                return
            # What is read while a task runs may be older than what the task writes at its end.
            busy = {name for name, task in self._running.items() if not task.done()}
            relays = await self._store.all()
            for relay in relays:
                if relay.relay_id not in busy:
                    self._start(relay)
            await self._report(relays)
            self._said = ""
        except (EchoTuneError, *REDIS_UNAVAILABLE) as error:
            if self._said != str(error):
                self._said = str(error)
                _log.warning("relays wait for a server", error=self._said)

    def _start(self, relay: Relay) -> None:
        if relay.is_paused or relay.is_stopped or relay.waits_until > _now_ms():
            return
        self._running[relay.relay_id] = asyncio.create_task(self._deliver(relay))

    async def _stop(self) -> None:
        tasks, self._running = list(self._running.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, relay: Relay) -> None:
        """Delivers one page of the history; what cannot be written is delivered again."""
        try:
            relay = await self._in_this_log(relay)
            page = await self._history.following(
                relay.person, relay.position, since_ms=relay.since, count=BATCH
            )
            if not page:
                return
            chosen = [each for each in page if relay.passes(each)]
            moved = await self._deliver_parts(relay, chosen)
            if moved is not None and moved.position < page[-1].log_position:
                await self._moved(moved, replace(moved, position=page[-1].log_position))
        except EchoTuneError as error:
            _log.warning("a relay waits for a server", relay=relay.label, error=str(error))
        except Exception:  # the other relays go on
            _log.exception("a relay failed unexpectedly", relay=relay.label)
            await asyncio.sleep(_UNEXPECTED_S)

    async def _in_this_log(self, relay: Relay) -> Relay:
        """The relay at its place in the log that the history is of.

        In another log places differ. So it begins anew, and leaves out what it remembers; the
        service knows the rest by itself.
        """
        log = (await self._history.position()).log
        if log in (relay.log, NOTHING.log):
            return relay
        position = replace(relay, log=log, position=-1)
        return await self._moved(relay, position) or relay

    async def _deliver_parts(self, relay: Relay, listens: Sequence[Listen]) -> Relay | None:
        """Delivers listens in their order; None if the rest has to wait.

        Where the service refuses a part, its halves are tried, down to the listen at fault.
        """
        parts, in_a_row = [listens] if listens else [], 0
        current: Relay | None = relay
        while parts and current is not None:
            part = parts.pop(0)
            answer = await self._targets[current.kind].submit(current, part)
            if answer.verdict is Verdict.REFUSED and len(part) > 1:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
                continue
            in_a_row = in_a_row + 1 if answer.verdict is Verdict.REFUSED else 0
            if in_a_row > REFUSED_IN_A_ROW_MAX:
                answer = Answer(Verdict.WAIT, DENIED_S, f"everything is refused: {answer.why}")
            current = await self._after(current, part, answer)
        return current

    async def _after(self, relay: Relay, part: Sequence[Listen], answer: Answer) -> Relay | None:
        """The relay after an answer; None if it waits, or has been moved by another one."""
        if answer.verdict is Verdict.STOP:
            _log.warning("a relay has stopped", relay=relay.label, why=answer.why)
            await self._store.stop(relay, answer.why)
            return None
        if answer.verdict is Verdict.WAIT:
            done = part[: answer.done]
            current = await self._delivered(relay, done, answer) if done else relay
            if current is not None:
                await self._waits(current, answer)
            return None
        if answer.verdict is Verdict.REFUSED:
            await self._store.set_aside(relay, part[0], answer.why)
            moved = replace(relay, position=part[-1].log_position, failures=0, said="")
            return await self._moved(relay, replace(moved, refused=relay.refused + 1))
        moved_on = await self._delivered(relay, part, answer)
        return None if answer.wait_s else moved_on

    async def _waits(self, relay: Relay, answer: Answer) -> None:
        _log.info("a relay waits", relay=relay.label, why=answer.why, s=answer.wait_s)
        failed = replace(relay, failures=relay.failures + 1, said=answer.why)
        await self._moved(relay, replace(failed, waits_until=_waits_until(answer)))

    async def _delivered(
        self, relay: Relay, part: Sequence[Listen], answer: Answer
    ) -> Relay | None:
        """The relay after listens that the service has, but for those that it ignores."""
        for at, why in answer.ignored:
            await self._store.set_aside(relay, part[at], why)
        delivered = replace(
            relay,
            position=part[-1].log_position,
            failures=0,
            said="",
            recent=(*relay.recent, *map(guard_of, part))[-RECENT_MAX:],
            delivered=relay.delivered + len(part) - len(answer.ignored),
            refused=relay.refused + len(answer.ignored),
            waits_until=_waits_until(answer),
        )
        return await self._moved(relay, delivered)

    async def _moved(self, relay: Relay, moved: Relay) -> Relay | None:
        return moved if await self._store.move(relay, moved) else None

    async def _report(self, relays: Sequence[Relay]) -> None:
        """Says how far each relay is behind."""
        if time.monotonic() < self._status_at:
            return
        self._status_at = time.monotonic() + _STATUS_EVERY_S
        await self._tell([await relay_status(self._history, each) for each in relays])

    async def release(self) -> None:
        """Gives the lease up, and closes the connections to services."""
        await self._lease.release()
        await self._client.close()


async def relay_status(history: ListenHistory, relay: Relay) -> dict[str, object]:
    """What may be known of a relay by everybody who runs EchoTune: everything but its token.

    Listens that the relay does not let pass count as waiting until it has come to them.
    """
    waiting = await history.count_following(relay.person, relay.position, since_ms=relay.since)
    oldest = await history.following(relay.person, relay.position, since_ms=relay.since, count=1)
    return {
        "relay": relay.relay_id,
        "person": relay.person,
        "kind": relay.kind,
        "url": relay.url,
        "state": _state(relay),
        "lag": waiting,
        "lag_s": max(0, _now_ms() - oldest[0].recorded_at) // 1_000 if oldest else 0,
        "delivered": relay.delivered,
        "refused": relay.refused,
        "why": relay.said or None,
        "only": [*relay.only],
        "without": [*relay.without],
    }


def _state(relay: Relay) -> str:
    if relay.is_paused or relay.is_stopped:
        return "paused" if relay.is_paused else "stopped"
    return "waits" if relay.waits_until > _now_ms() else "runs"


def _waits_until(answer: Answer) -> int:
    return _now_ms() + round(answer.wait_s * 1_000) if answer.wait_s else 0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
