"""The door for questions: whoever owns the log answers them from its state, beside its fold.

It answers on the worker's event loop, between two pieces of the fold, one question at a time. After
each answer the loop is left to the fold for as long as the answer took, and no more than
`WAITING_MAX` questions wait: who comes then hears at once that this process is busy. A process
that is on standby hears nothing, so that who asks knows at once that nobody is there.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from streams.answering.answers import Answer
from streams.answering.channels import Answered, Asked, answers_channel, asked_of, questions_channel
from streams.answering.questions import Question
from streams.redis_client import REDIS_UNAVAILABLE

_log = structlog.get_logger(__name__)

WAITING_MAX = 32
STALE_S = 0.5
"""Whoever asked longer ago than this waits no more."""
_LOOK_S = 0.2
_RETRY_S = 1.0


class QuestionDoor:
    """Answers the questions to one generation; all methods run on the worker's event loop.

    `answer` may be called whenever the event loop is free; it returns None for a listener of
    another shard. `is_owner` says whether this process hears questions, and `is_ready` whether it
    can answer them.
    """

    def __init__(
        self,
        redis: Redis,
        channel: str,
        answer: Callable[[Question], Answer | None],
        *,
        is_owner: Callable[[], bool],
        is_ready: Callable[[], bool],
        prefix: str = "",
    ) -> None:
        self._redis = redis
        self._channel = channel
        self._answer = answer
        self._is_owner = is_owner
        self._is_ready = is_ready
        self._prefix = prefix
        self._waiting: deque[tuple[float, Asked]] = deque()
        self._has_waiting = asyncio.Event()
        self._last_error = ""
        self.answered = 0
        self.refused = 0

    async def run(self) -> None:
        """Hears questions and answers them until it is cancelled; without Redis it tries again."""
        answering = asyncio.create_task(self._answer_waiting())
        try:
            while True:
                await self._hear_while_owner()
                await asyncio.sleep(_LOOK_S)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _hear_while_owner(self) -> None:
        if not self._is_owner():
            return
        try:
            async with self._redis.pubsub(ignore_subscribe_messages=True) as told:
                await told.subscribe(self._channel)
                self._last_error = ""
                while self._is_owner():
                    message = await told.get_message(timeout=_LOOK_S)
                    if message is not None:
                        await self._take(message["data"])
        except REDIS_UNAVAILABLE as error:
            self._log_once(f"{type(error).__name__}: {error}")
            await asyncio.sleep(_RETRY_S)

    def _log_once(self, error: str) -> None:
        if error != self._last_error:
            _log.warning("questions to the model are not heard", error=error)
        self._last_error = error

    async def _take(self, message: bytes) -> None:
        """Lets a question wait for its turn, or says at once that it cannot be answered now."""
        try:
            asked = asked_of(message)
        except ValueError:
            return  # something else writes to this channel
        if self._is_ready() and len(self._waiting) < WAITING_MAX:
            self._waiting.append((time.monotonic(), asked))
            self._has_waiting.set()
        else:
            self.refused += 1
            await self._reply(asked, None)

    async def _answer_waiting(self) -> None:
        while True:
            await self._has_waiting.wait()
            since, asked = self._waiting.popleft()
            if not self._waiting:
                self._has_waiting.clear()
            if time.monotonic() - since <= STALE_S:
                await self._answer_one(asked)

    async def _answer_one(self, asked: Asked) -> None:
        began = time.perf_counter()
        answer, is_mine = self._answer_to(asked.question)
        took_s = time.perf_counter() - began
        if is_mine:
            self.answered += answer is not None
            self.refused += answer is None
            await self._reply(asked, answer)
        await asyncio.sleep(took_s)

    def _answer_to(self, text: bytes) -> tuple[bytes | None, bool]:
        """The answer, and whether this process is to give one."""
        try:
            answer = self._answer(Question.model_validate_json(text))
            return (None, False) if answer is None else (answer.to_json(), True)
        except ValidationError:
            return None, False  # it was written by something else, or by a newer version
        except Exception as error:  # unexpected; the state is as it was, and the fold goes on
            _log.error("a question could not be answered", exc_info=error)
            return None, True

    async def _reply(self, asked: Asked, answer: bytes | None) -> None:
        with suppress(*REDIS_UNAVAILABLE):
            channel = answers_channel(asked.asker, self._prefix)
            await self._redis.publish(channel, Answered(asked.number, answer).to_bytes())

    def status(self) -> dict[str, Any]:
        """JSON values with stable names."""
        return {"answered": self.answered, "refused": self.refused}


def question_door(
    redis: Redis,
    generation: str,
    prefix: str,
    answer: Callable[[Question], Answer | None],
    *,
    is_owner: Callable[[], bool],
    is_ready: Callable[[], bool],
) -> QuestionDoor:
    """The door of a generation."""
    channel = questions_channel(generation, prefix)
    return QuestionDoor(redis, channel, answer, is_owner=is_owner, is_ready=is_ready, prefix=prefix)
