"""The console's paths. `/` alone is the page: clients take any other page for a delivery."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from streams.serving.console import (
    feedback_by_track,
    generations,
    imports,
    listener_views,
    live_events,
    page,
    recent_status,
)
from streams.serving.services import Services

READS: dict[str, Callable[[Request, Services], Awaitable[Response]]] = {
    "/": page.index,
    "/v1/me": listener_views.me,
    "/v1/status": recent_status.status,
    "/v1/events": live_events.events,
    "/v1/generations": generations.generations,
}
WRITES: dict[str, Callable[[Request, Services], Awaitable[Response]]] = {
    "/v1/feedback": feedback_by_track.set_feedback,
    "/v1/dismiss": feedback_by_track.dismiss,
    "/v1/imports": imports.import_file,
    "/v1/generations/promote": generations.promote,
    "/v1/generations/rollback": generations.roll_back,
}
READS_OF_ONE: dict[str, Callable[[Request, Services, str], Awaitable[Response]]] = {
    "/console/{name}": page.asset,
    "/v1/listeners/{name}/history": listener_views.history,
    "/v1/listeners/{name}/clients": listener_views.clients,
    "/v1/listeners/{name}/feedback": feedback_by_track.feedback,
}
