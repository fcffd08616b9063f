"""Lists on demand: from the question to the answer of the model, while events come in.

Questions are asked as the HTTP service asks them, without HTTP; the peer is a question to an owner
who answers the same bytes at once, from a process of its own: what Redis and the processes cost.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from streams.answering.answers import Answer
from streams.answering.asking import ModelQuestions
from streams.answering.question_door import question_door
from streams.answering.questions import Kind, Question
from streams.lists.redis_lists import list_key
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import start_load
from tests.benchmarks.workload import encoded, events
from tests.support.station import Station, wait_until
from topics.listening_event import ListeningEvent

EVENTS, RATE_PER_S, QUESTIONS, AT_A_TIME = 30_000, 300, 1_000, 8
ECHO = "echo"
_PATIENCE_S = 60.0


def on_demand(kafka_libs: Path, folder: Path, data: Path | None) -> list[Figure]:
    """p50 and p99 of a question, one and several at a time, idle and beside a load."""
    station = Station(folder / "on-demand", kafka_libs, is_hasty=False)
    try:
        some = _learnt(station, data)
        tracks = [each.track_id or "" for each in some[-500:]]
        listener = some[-1].listener_id
        ahead = "ahead of others, " if _ahead_of_others(station) else ""
        idle = asyncio.run(_figures(station, listener, tracks, f"{ahead}idle"))
        more = encoded([*events(data, EVENTS + RATE_PER_S * 60)][EVENTS:])
        load = start_load(station.addresses.kafka, more, folder, per_second=RATE_PER_S)
        busy = asyncio.run(_figures(station, listener, tracks, f"{ahead}at {RATE_PER_S} events/s"))
        load.kill()
        load.wait()
        return idle + busy
    finally:
        station.close()


def _ahead_of_others(station: Station) -> bool:
    """Gives Redis, the recommender and this process real-time priority (SCHED_RR), if it may.

    It is as if each had a processor of its own, whatever else the machine does.
    """
    with Redis.from_url(station.addresses.redis) as redis:
        pids = (int(redis.info("server")["process_id"]), station.workers[1].process.pid, 0)
    try:
        for pid in pids:
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    return True


def _learnt(station: Station, data: Path | None) -> list[ListeningEvent]:
    station.up()
    station.start("sequencer")
    station.start("recommender")
    some = events(data, EVENTS)
    station.produce(some)
    wait_until(station.status, lambda found: found["lag"]["events"] == 0 and found["lists"] > 0)
    return some


async def _figures(station: Station, listener: str, tracks: list[str], how: str) -> list[Figure]:
    redis = AsyncRedis.from_url(station.addresses.redis)
    assert await redis.exists(list_key(station.settings.generation, listener))
    echo = subprocess.Popen([sys.executable, "-m", __name__, station.addresses.redis])
    asking = ModelQuestions(redis)
    hearing = asyncio.create_task(asking.run())
    found = []
    for at_a_time in (1, AT_A_TIME):
        asked = [_question(listener, tracks, at) for at in range(QUESTIONS)]
        took, peer = [
            await _took_ms(asking, generation, asked, at_a_time)
            for generation in (station.settings.generation, ECHO)
        ]
        for percent, goal in ((50, ""), (99, "< 20 ms")):
            name = f"question, {at_a_time} at a time, p{percent}, {how}"
            values = (float(np.percentile(each, percent)) for each in (took, peer))
            value, peer_value = values
            found.append(Figure(name, value, "ms", "answered at once", peer_value, goal))
        unanswered = float(QUESTIONS - len(took))
        found.append(Figure(f"unanswered, {at_a_time} at a time, {how}", unanswered, ""))
    echo.kill()
    echo.wait()
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    await redis.aclose()
    return found


def _question(listener: str, tracks: list[str], at: int) -> Question:
    queue = tuple(tracks[at % 400 : at % 400 + 10])
    return Question(kind=Kind.NEXT, listener_id=listener, queue=queue)


async def _took_ms(
    asking: ModelQuestions, generation: str, asked: list[Question], at_a_time: int
) -> list[float]:
    async with asyncio.timeout(_PATIENCE_S):
        while await asking.ask(generation, asked[0]) is None:
            await asyncio.sleep(0.05)
    took: list[float] = []

    async def some_of(questions: list[Question]) -> None:
        for each in questions:
            began = time.perf_counter()
            if await asking.ask(generation, each) is not None:
                took.append((time.perf_counter() - began) * 1_000)

    await asyncio.gather(*(some_of(asked[at::at_a_time]) for at in range(at_a_time)))
    return took


async def _echo(url: str) -> None:
    """Answers everything at once, until it is killed."""
    tracks = [("00000000-0000-4000-8000-000000000000", 1.0, "transition")] * 25
    answer = Answer(ECHO, 0, 0, tracks)  # type: ignore[arg-type]
    is_so = lambda: True  # noqa: E731
    door = question_door(
        *(AsyncRedis.from_url(url), ECHO, "", lambda _: answer), is_owner=is_so, is_ready=is_so
    )
    await door.run()


if __name__ == "__main__":
    asyncio.run(_echo(sys.argv[1]))
