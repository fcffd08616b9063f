"""The application: routes, errors in one form, and the services that live as long as it does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated

import structlog
from fastapi import FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from streams.serving import (
    feedback,
    listenbrainz_absent,
    listenbrainz_read,
    listenbrainz_write,
    lists_api,
    on_demand_api,
    playback_api,
    recording_metadata,
)
from streams.serving.answer_schemas import answers_of
from streams.serving.console import routes as console
from streams.serving.cross_origin import CrossOrigin
from streams.serving.path_rules import PathRules
from streams.serving.problems import Json, ProblemError, problem, unavailable
from streams.serving.rate_limits import LimitedReads
from streams.serving.request_schemas import REQUESTS
from streams.serving.services import Services
from topics.errors import EchoTuneError

_log = structlog.get_logger(__name__)
OpenServices = Callable[[], AbstractAsyncContextManager[Services]]
"""Opens the services for as long as the application runs."""
Endpoint = Callable[[Request, Services], Awaitable[Response]]
PersonEndpoint = Callable[[Request, Services, str], Awaitable[Response]]
Name = Annotated[str, Path(max_length=512)]
_NO_TRACES: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""Addresses of requests have names of listeners, and may have tokens: they leave no process."""

_WRITES: dict[str, Endpoint] = {
    "/1/submit-listens": listenbrainz_write.submit_listens,
    "/1/delete-listen": feedback.delete_listen,
    "/1/feedback/recording-feedback": feedback.recording_feedback,
    "/1/latest-import": feedback.set_latest_import,
    "/1/playing-now/delete": listenbrainz_write.delete_playing_now,
    "/1/metadata/lookup": recording_metadata.metadata_lookups,
    "/1/metadata/recording": recording_metadata.recordings_metadata,
    **console.WRITES,
    "/v1/playback": playback_api.report_playback,
    "/v1/continue": on_demand_api.continue_queue,
}
_READS: dict[str, Endpoint] = {
    "/1/validate-token": listenbrainz_read.validate_token,
    "/1/latest-import": listenbrainz_read.latest_import,
    "/1/metadata/lookup": recording_metadata.metadata_lookup,
    "/1/metadata/recording": recording_metadata.recording_metadata,
    "/1/search/users": listenbrainz_absent.search_users,
    **{
        f"/1/stats/sitewide/{each}": listenbrainz_absent.sitewide_statistics
        for each in listenbrainz_absent.STATISTICS
    },
    "/v1/similar/track": on_demand_api.similar_named_track,
    **console.READS,
}
_READS_OF_ONE: dict[str, PersonEndpoint] = {
    "/v1/listeners/{name}/recommendations": lists_api.recommendations,
    "/1/user/{name}/listens": listenbrainz_read.listens,
    "/1/user/{name}/listen-count": listenbrainz_read.listen_count,
    "/1/user/{name}/playing-now": listenbrainz_read.now_playing,
    "/1/user/{name}/playlists/createdfor": listenbrainz_read.playlists_created_for,
    "/1/feedback/user/{name}/get-feedback": listenbrainz_read.get_feedback,
    "/1/feedback/user/{name}/get-feedback-for-recordings": (
        listenbrainz_read.get_feedback_for_recordings
    ),
    "/1/cf/recommendation/user/{name}/recording": listenbrainz_read.recommendations,
    "/1/playlist/{name}": listenbrainz_read.playlist,
    "/1/user/{name}/playlists": listenbrainz_absent.own_playlists,
    "/1/user/{name}/playlists/collaborator": listenbrainz_absent.own_playlists,
    "/1/user/{name}/playlists/recommendations": listenbrainz_absent.own_playlists,
    "/1/user/{name}/followers": listenbrainz_absent.followers,
    "/1/user/{name}/following": listenbrainz_absent.following,
    "/1/user/{name}/similar-users": listenbrainz_absent.similar_users,
    "/1/{name}/pins": listenbrainz_absent.pins,
    "/1/{name}/pins/current": listenbrainz_absent.current_pin,
    "/1/{name}/pins/following": listenbrainz_absent.pins,
    **{
        f"/1/stats/user/{{name}}/{each}": listenbrainz_absent.statistics
        for each in listenbrainz_absent.STATISTICS
    },
    "/v1/similar/track/{name:path}": on_demand_api.similar_track,
    "/v1/similar/artist/{name:path}": on_demand_api.similar_artist,
    **console.READS_OF_ONE,
}


def http_app(open_services: OpenServices) -> ASGIApp:
    """The application over the services that `open_services` opens."""
    return for_clients(routed(open_services))


def for_clients(app: FastAPI) -> ASGIApp:
    """The application as clients reach it: it mends paths, and pages of other origins may ask it.

    What the application answers to an unexpected error passes by its own middleware.
    """
    return PathRules(CrossOrigin(app))


def routed(open_services: OpenServices) -> FastAPI:
    """The application without what surrounds it: its routes, and their OpenAPI document."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services() as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="EchoTune",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=_NO_TRACES,
    )
    # Routes are tried in their order: what is asked for most often comes first.
    for path, endpoint in _WRITES.items():
        _add(app, path, "POST", _route(endpoint), endpoint.__name__)
    for path, of_one in _READS_OF_ONE.items():
        _add(app, path, "GET", _route_of_one(of_one), of_one.__name__)
    for path, endpoint in _READS.items():
        _add(app, path, "GET", _route(endpoint), endpoint.__name__)
    app.add_middleware(LimitedReads)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(EchoTuneError, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(Exception, _unexpected)
    return app


def _add(
    app: FastAPI, path: str, method: str, route: Callable[..., Awaitable[Response]], name: str
) -> None:
    answers = answers_of(method, path)
    app.add_api_route(
        path,
        route,
        methods=[method],
        status_code=min(code for code in answers if isinstance(code, int)),
        name=name,
        description=route.__doc__ or "",
        response_class=Response,  # in the document, an answer has what `answers_of` says alone
        responses=answers,
        openapi_extra=REQUESTS.get((method, path)),
    )


def _route(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        return await endpoint(request, request.app.state.services)

    route.__doc__ = endpoint.__doc__
    return route


def _route_of_one(endpoint: PersonEndpoint) -> Callable[[Request, Name], Awaitable[Response]]:
    async def route(request: Request, name: Name) -> Response:
        return await endpoint(request, request.app.state.services, name)

    route.__doc__ = endpoint.__doc__
    return route


async def _problem(_: Request, error: Exception) -> Json:
    assert isinstance(error, ProblemError)
    return error.answer()


async def _unavailable(_: Request, error: Exception) -> Json:
    assert isinstance(error, EchoTuneError)
    return unavailable(error.message).answer()


async def _invalid(_: Request, error: Exception) -> Json:
    assert isinstance(error, RequestValidationError)
    wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return problem(400, "; ".join(wrong))


async def _not_found(request: Request, error: Exception) -> Json:
    """What is not routed is always JSON: clients take a page of 200 for a delivery."""
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.scope['path']}: {error.detail}"
    return problem(error.status_code, what, error.headers)


async def _unexpected(_: Request, error: Exception) -> Json:
    _log.error("a request failed unexpectedly", exc_info=error)
    return problem(500, "an unexpected error; it is in the log of the service")
