"""Questions and answers in a real Redis: the owner's door, and who asks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.answering.answers import Answer
from streams.answering.asking import ModelQuestions
from streams.answering.channels import questions_channel
from streams.answering.question_door import WAITING_MAX, QuestionDoor, question_door
from streams.answering.questions import Kind, Question
from topics.recommendation_list import RecommendedTrack

PREFIX = "test-questions."
ANSWER = Answer("first", 0, 7, [RecommendedTrack("t1", 1.5, "own")])
ANN = Question(kind=Kind.NEXT, listener_id="ann")
PATIENCE_S = 20.0


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


class Owner:
    """A process that owns the log; both can be changed while it runs."""

    def __init__(self) -> None:
        self.is_owner = True
        self.is_ready = True
        self.answers: Callable[[Question], Answer | None] = lambda _: ANSWER

    def answer(self, question: Question) -> Answer | None:
        return self.answers(question)

    def door(self, redis: Redis, generation: str = "first") -> QuestionDoor:
        return question_door(
            redis,
            generation,
            PREFIX,
            self.answer,
            is_owner=lambda: self.is_owner,
            is_ready=lambda: self.is_ready,
        )


@asynccontextmanager
async def running(*parts: QuestionDoor | ModelQuestions) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def heard_by(redis: Redis, owners: int, generation: str = "first") -> None:
    """Waits until so many owners hear questions."""
    async with asyncio.timeout(PATIENCE_S):
        channel = questions_channel(generation, PREFIX)
        while (await redis.pubsub_numsub(channel))[0][1] != owners:
            await asyncio.sleep(0.01)


async def answered(asking: ModelQuestions) -> Answer:
    async with asyncio.timeout(PATIENCE_S):
        while (found := await asking.ask("first", ANN)) is None:
            await asyncio.sleep(0.01)
    return found


async def test_the_owner_answers_and_redis_keeps_nothing_of_it(redis: Redis) -> None:
    asking = ModelQuestions(redis, PREFIX)
    async with running(Owner().door(redis), asking):
        assert await answered(asking) == ANSWER
        assert [key async for key in redis.scan_iter(match=f"{PREFIX}*")] == []


async def test_who_asks_while_nobody_is_there_knows_it_at_once(redis: Redis) -> None:
    asking, owner = ModelQuestions(redis, PREFIX, answer_within_s=PATIENCE_S), Owner()
    async with running(owner.door(redis), asking):
        await answered(asking)
        owner.is_owner = False  # on standby now
        await heard_by(redis, 0)
        began = time.monotonic()
        assert await asking.ask("first", ANN) is None
        assert time.monotonic() - began < PATIENCE_S / 4
        owner.is_owner = True
        assert await answered(asking) == ANSWER


async def test_an_owner_that_is_not_ready_says_so_at_once(redis: Redis) -> None:
    asking, owner = ModelQuestions(redis, PREFIX, answer_within_s=PATIENCE_S), Owner()
    async with running(owner.door(redis), asking):
        await answered(asking)
        owner.is_ready = False
        began = time.monotonic()
        assert await asking.ask("first", ANN) is None
        assert time.monotonic() - began < PATIENCE_S / 4


async def test_a_shard_leaves_the_listeners_of_others_to_them(redis: Redis) -> None:
    asking, one, other = ModelQuestions(redis, PREFIX), Owner(), Owner()
    one.answers = lambda _: None
    async with running(one.door(redis), other.door(redis), asking):
        await heard_by(redis, 2)
        assert await answered(asking) == ANSWER


async def test_generations_hear_their_own_questions_alone(redis: Redis) -> None:
    asking, other = ModelQuestions(redis, PREFIX), Owner()
    async with running(Owner().door(redis), other.door(redis, "second"), asking):
        await answered(asking)
        await heard_by(redis, 1, "second")
        other.answers = lambda _: ANSWER._replace(generation="second")
        second = await asking.ask("second", ANN)
        assert second is not None
        assert second.generation == "second"


async def test_a_question_that_cannot_be_answered_is_refused_and_the_next_one_is_not(
    redis: Redis,
) -> None:
    asking, owner = ModelQuestions(redis, PREFIX, answer_within_s=PATIENCE_S), Owner()

    def fail(_: Question) -> Answer | None:
        raise IndexError("a mistake")

    async with running(owner.door(redis), asking):
        await answered(asking)
        owner.answers = fail
        assert await asking.ask("first", ANN) is None
        owner.answers = lambda _: ANSWER
        assert await asking.ask("first", ANN) == ANSWER


@pytest.mark.parametrize(
    "text", [b"{}", b"[1]", b"no JSON", b'["first", 0, 7, [[1]], 0, "", 1, 2]']
)
async def test_an_answer_in_another_form_is_none(redis: Redis, text: bytes) -> None:
    asking, owner = ModelQuestions(redis, PREFIX, answer_within_s=PATIENCE_S), Owner()
    async with running(owner.door(redis), asking):
        await answered(asking)
        another: Any = SimpleNamespace(to_json=lambda: text)
        owner.answers = lambda _: another
        assert await asking.ask("first", ANN) is None


async def test_what_is_no_question_is_passed_over(redis: Redis) -> None:
    asking = ModelQuestions(redis, PREFIX)
    async with running(Owner().door(redis), asking):
        await answered(asking)
        for text in (b"", b"hello", b"x 1 {}", b"a" * 32 + b" 1 {}", b"a" * 32 + b" one {}"):
            await redis.publish(questions_channel("first", PREFIX), text)
        assert await asking.ask("first", ANN) == ANSWER


async def test_more_questions_than_may_wait_are_refused_and_the_others_are_answered(
    redis: Redis,
) -> None:
    asking = ModelQuestions(redis, PREFIX, answer_within_s=PATIENCE_S)
    owner = Owner()
    door = owner.door(redis)

    def slow(_: Question) -> Answer:
        time.sleep(0.005)
        return ANSWER

    owner.answers = slow
    async with running(door, asking):
        await answered(asking)
        before = door.answered
        found = await asyncio.gather(*(asking.ask("first", ANN) for _ in range(3 * WAITING_MAX)))
        refused = found.count(None)
        assert refused == door.refused > 0
        assert len(found) - refused == door.answered - before >= WAITING_MAX
