"""Asks the model that serves a listener, and waits for its answer, but never long."""

import asyncio
import uuid
from itertools import count

import structlog
from redis.asyncio import Redis

from streams.answering.answers import Answer, answer_of
from streams.answering.channels import Asked, answered_of, answers_channel, questions_channel
from streams.answering.questions import Question
from streams.redis_client import REDIS_UNAVAILABLE

_log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 0.3
"""How long a question waits: a recommender that folds a large chunk answers after it."""
_HEAR_S = 5.0
_RETRY_S = 0.5


class ModelQuestions:
    """Questions of one process to models; all methods run on one event loop."""

    def __init__(
        self, redis: Redis, prefix: str = "", *, answer_within_s: float = ANSWER_WITHIN_S
    ) -> None:
        self._redis = redis
        self._prefix = prefix
        self._answer_within_s = answer_within_s
        self._me = uuid.uuid4().hex
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[bytes | None]] = {}
        self._is_hearing = False

    async def run(self) -> None:
        """Hears answers until it is cancelled; while Redis is away there are none."""
        while True:
            try:
                await self._hear()
            except REDIS_UNAVAILABLE as error:
                if self._is_hearing:
                    _log.warning("answers of models are not heard", error=str(error))
            finally:
                self._is_hearing = False
            await asyncio.sleep(_RETRY_S)

    async def _hear(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as told:
            await told.subscribe(answers_channel(self._me, self._prefix))
            self._is_hearing = True
            while True:
                message = await told.get_message(timeout=_HEAR_S)
                if message is not None:
                    self._answered(message["data"])

    def _answered(self, message: bytes) -> None:
        try:
            answered = answered_of(message)
        except ValueError:
            return  # something else writes to this channel
        waiting = self._waiting.get(answered.number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answered.answer)

    async def ask(self, generation: str, question: Question) -> Answer | None:
        """The answer of a generation; None if nobody is there, is ready, or answers in time.

        Raises what `REDIS_UNAVAILABLE` names.
        """
        if not self._is_hearing:
            return None
        number = next(self._numbers)
        asked = Asked(self._me, number, question.model_dump_json().encode())
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            channel = questions_channel(generation, self._prefix)
            if not await self._redis.publish(channel, asked.to_bytes()):
                return None
            found = await asyncio.wait_for(waiting, self._answer_within_s)
            return None if found is None else answer_of(found)
        except TimeoutError:
            return None
        except (ValueError, TypeError):
            return None  # a newer version or something else answers in another form
        finally:
            del self._waiting[number]
