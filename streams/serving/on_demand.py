"""Has a list made on demand, by the model that serves the listener.

While its process is away or busy, the list in Redis is filtered instead, where that is an answer;
where it is none, the request is to come again.
"""

from contextlib import suppress
from typing import Any

from starlette.requests import Request

from streams.answering.answers import Answer
from streams.answering.questions import Kind, Mix, Question, Wishes
from streams.answering.wishes import chosen
from streams.people.people import Person
from streams.serving.listenbrainz_read import served_list, track_names
from streams.serving.model_asking import asked_model
from streams.serving.problems import ProblemError, unavailable
from streams.serving.services import Services
from streams.serving.stated_wishes import WishesError, wishes_of_query
from streams.serving.track_json import tracks_json
from streams.tracks.track_catalogue import Track
from topics.errors import ServerError
from topics.identity import normalised
from topics.recommendation_list import RecommendedTrack

_OF_LISTS = (Mix.NOW, Mix.NEW)
"""Mixes for which a filtered list is an answer."""


def wishes_in_query(request: Request) -> Wishes:
    """The wishes that the parameters of a request state."""
    try:
        return wishes_of_query(request.query_params.multi_items())
    except WishesError as error:
        raise ProblemError(400, str(error)) from None


async def answered(services: Services, person: Person, question: Question) -> dict[str, Any]:
    """What is answered: the tracks, who made the list, and as of which place in the log."""
    answer, tracks = await asked_model(services, question), None
    if answer is None:
        answer, tracks = await _filtered(services, person, question)
    names = tracks
    if names is None:
        names = {}
        with suppress(ProblemError):  # a list without names is better than none
            names = await track_names(services, [each.track_id for each in answer.tracks])
    return {
        "listener": person.name,
        "generation": answer.generation,
        "as_of": answer.as_of,
        "log_epoch": answer.log_epoch,
        "answered_by": "model" if tracks is None else "list",
        "mix": question.wishes.mix,
        "unknown": answer.unknown,
        "note": answer.note,
        "tracks": tracks_json(answer.tracks, names),
    }


async def _filtered(
    services: Services, person: Person, question: Question
) -> tuple[Answer, dict[str, Track]]:
    """The list in Redis, as far as it is as wished; and the names of its tracks."""
    is_list = question.kind is Kind.NEXT and question.wishes.mix in _OF_LISTS
    stored = await served_list(services, person) if is_list else None
    if stored is None:
        raise unavailable("the model is away, starting or busy")
    named = {*question.queue, *question.wishes.exclude}
    items = [each for each in stored.items if each.track_id not in named]
    ids = [each.track_id for each in items]
    tracks = await track_names(services, ids) if question.wishes.per_artist else {}
    kept = _chosen(items, question.wishes, await _heard(services, person, question, ids), tracks)
    with suppress(ProblemError):
        tracks = tracks or await track_names(services, [each.track_id for each in kept])
    return Answer(stored.generation, stored.log_epoch, stored.as_of, kept), tracks


async def _heard(
    services: Services, person: Person, question: Question, ids: list[str]
) -> set[str]:
    wishes = question.wishes
    if wishes.owned is None and wishes.new_share is None and wishes.mix is not Mix.NEW:
        return set()
    try:
        return await services.history.heard(person.name, ids)
    except ServerError as error:
        raise unavailable(error.message) from error


def _chosen(
    items: list[RecommendedTrack], wishes: Wishes, heard: set[str], tracks: dict[str, Track]
) -> list[RecommendedTrack]:
    def artist_of(item: RecommendedTrack) -> str | None:
        track = tracks.get(item.track_id)
        return normalised(track.artist_name) if track and track.artist_name else None

    if wishes.mix is Mix.NEW:
        wishes = wishes.model_copy(update={"owned": False})
    return chosen(items, wishes, artist_of=artist_of, is_played=lambda item: item.track_id in heard)
