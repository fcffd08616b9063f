"""ListenBrainz' API, the part that takes listens."""

import asyncio
from typing import Any

from starlette.requests import Request

from streams.people.people import Person
from streams.producers.acknowledged_producer import Record, event_record
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_refusals import redis_problem
from streams.serving.authentication import person_of
from streams.serving.client_stamps import stamp_of
from streams.serving.dead_listens import letter_of
from streams.serving.listen_events import event_of, msid_of, playing_now_of, source_of
from streams.serving.listenbrainz_json import playing_now_json
from streams.serving.playing_now import forget_playing_now, playing_now, remember_playing_now
from streams.serving.problems import Json, ProblemError, unavailable
from streams.serving.request_bodies import json_body, object_of
from streams.serving.services import Services, now_ms
from streams.serving.skip_settler import note_playing_now
from streams.serving.submissions import (
    Listen,
    ListenType,
    Submission,
    SubmissionError,
    submission_of,
)
from topics.errors import ServerError

_READ_AT_ONCE_MAX = 50
"""Number of listens that take about a millisecond to read."""


async def submit_listens(request: Request, services: Services) -> Json:
    """Takes listens; `ok` says that the broker has all of them."""
    person = await person_of(request, services.people)
    body = await json_body(request, is_lenient=True)
    try:
        if _is_large(body):
            submission, records = await asyncio.to_thread(_submitted, body, person, request)
        else:
            submission, records = _submitted(body, person, request)
    except SubmissionError as error:
        raise ProblemError(400, str(error)) from None
    await produced(services, records)
    if submission.listen_type is ListenType.PLAYING_NOW and submission.listens:
        playing = submission.listens[0]
        await remember_playing_now(services, person.name, playing_now_json(person.name, playing))
        user_agent = request.headers.get("user-agent", "")
        await note_playing_now(services, person.name, playing, user_agent)
    return Json(_accepted(submission, request))


async def delete_playing_now(request: Request, services: Services) -> Json:
    """Notes that nothing plays any more; a `client` speaks only for what it said itself."""
    person = await person_of(request, services.people)
    has_body = request.headers.get("content-length", "0") != "0"
    client = object_of(await json_body(request)).get("client") if has_body else None
    try:
        playing = await playing_now(services, person.name)
    except REDIS_UNAVAILABLE as error:
        raise unavailable(redis_problem(error)) from error
    said_by = playing["track_metadata"]["additional_info"] if playing else {}
    if playing and client in (None, said_by.get("submission_client")):
        await forget_playing_now(services, person.name, playing)
    return Json({"status": "ok"})


def _is_large(body: Any) -> bool:
    """Whether a body has so many listens that others would wait: a thread reads it then."""
    payload = body.get("payload") if isinstance(body, dict) else None
    return isinstance(payload, list) and len(payload) > _READ_AT_ONCE_MAX


def _submitted(body: Any, person: Person, request: Request) -> tuple[Submission, list[Record]]:
    """What a body submits, and its records; raises `SubmissionError` if it is no submission."""
    submission = submission_of(body, now_ms())
    records = [
        *(_record(person, each, submission.listen_type, request) for each in submission.listens),
        *(letter_of(person.name, each) for each in submission.bad),
    ]
    return submission, records


def _accepted(submission: Submission, request: Request) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": "ok"}
    if request.query_params.get("return_msid", "").lower() == "true" and submission.listens:
        answer["recording_msid"] = msid_of(submission.listens[0])
    if submission.bad:
        answer["rejected"] = [each.why for each in submission.bad]
    return answer


def _record(person: Person, listen: Listen, listen_type: ListenType, request: Request) -> Record:
    user_agent = request.headers.get("user-agent", "")
    source = source_of(listen, user_agent)
    if listen_type is ListenType.PLAYING_NOW:
        return event_record(playing_now_of(person.name, listen, source, now_ms()))
    stamp = stamp_of(listen.client, listen.player, user_agent, request.app.state.services.stamps)
    return event_record(event_of(person.name, listen, source, stamp), listen.additional_info)


async def produced(services: Services, records: list[Record]) -> None:
    """Returns when the broker has all records; raises a `ProblemError` 503 otherwise."""
    try:
        await services.producer.produce(records)
    except ServerError as error:
        raise unavailable(error.message) from error
