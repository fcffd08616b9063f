"""EchoTune's own API: what players report of their playback."""

from starlette.requests import Request

from streams.producers.acknowledged_producer import event_record
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_refusals import redis_problem
from streams.serving.authentication import person_of
from streams.serving.listen_events import playing_now_of
from streams.serving.listenbrainz_json import playing_now_json
from streams.serving.listenbrainz_write import produced
from streams.serving.playback import PlaybackState, Report
from streams.serving.playback_events import source_of_player
from streams.serving.playback_reports import listen_of, report_of
from streams.serving.playback_store import PlaybackStore, Player
from streams.serving.playing_now import forget_playing_now, remember_playing_now
from streams.serving.problems import Json, ProblemError, unavailable
from streams.serving.request_bodies import json_body
from streams.serving.services import Services, now_ms
from streams.serving.submissions import SubmissionError

_IS_OVER = (PlaybackState.STOPPED, PlaybackState.EXPIRED)


async def report_playback(request: Request, services: Services) -> Json:
    """Takes a report of a player; the play that it belongs to is learnt once it has ended."""
    person = await person_of(request, services.people)
    now = now_ms()
    try:
        name, report = report_of(await json_body(request), now)
    except SubmissionError as error:
        raise ProblemError(400, str(error)) from None
    if not report.client:
        report = report._replace(client=request.headers.get("user-agent", "").partition("/")[0])
    await _kept(services, Player(person.name, name), report, now)
    await _shown(services, person.name, report)
    return Json({"status": "ok"})


async def _kept(services: Services, player: Player, report: Report, now: int) -> None:
    try:
        store = PlaybackStore(services.redis, services.settings.prefix)
        is_kept = await store.add(player, report, now)
    except REDIS_UNAVAILABLE as error:
        raise unavailable(redis_problem(error)) from error
    if not is_kept:
        raise ProblemError(413, "this player has reported too much of plays that have not ended")


async def _shown(services: Services, name: str, report: Report) -> None:
    """Shows what plays now; a start is also an event, as ListenBrainz' `playing_now` is."""
    listen = listen_of(report)
    if report.state in _IS_OVER:
        await forget_playing_now(services, name, playing_now_json(name, listen))
        return
    if report.state is PlaybackState.STARTING:
        event = playing_now_of(name, listen, source_of_player(report.client), report.at)
        await produced(services, [event_record(event)])
    if report.state is not PlaybackState.PAUSED:
        await remember_playing_now(services, name, playing_now_json(name, listen))
