"""Asks the model that serves a listener."""

from streams.answering.answers import Answer
from streams.answering.questions import Question
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_refusals import redis_problem
from streams.serving.problems import unavailable
from streams.serving.services import Services


async def asked_model(services: Services, question: Question) -> Answer | None:
    """The answer of the model that serves the listener, or else of the stable generation's.

    None if neither answers now.
    """
    try:
        for generation in await services.lists.generations(question.listener_id):
            answer = await services.questions.ask(generation, question)
            if answer is not None:
                return answer
    except REDIS_UNAVAILABLE as error:
        raise unavailable(redis_problem(error)) from error
    return None
