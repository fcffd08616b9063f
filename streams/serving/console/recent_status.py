"""How the system is: asked for at most every `STATUS_EVERY_S`, however many pages are open."""

import time
from typing import Any

from starlette.requests import Request

from streams.monitoring.status import system_status
from streams.people.people import Person
from streams.serving.authentication import person_of
from streams.serving.console.shown_status import shown_status
from streams.serving.problems import Json
from streams.serving.services import Services

_MANY_LISTS = 20_000
_COUNT_MANY_EVERY_S = 60.0
"""`_MANY_LISTS` or more are counted at this interval, because counting scans all keys."""


async def status(request: Request, services: Services) -> Json:
    """The status for whoever asks, with the points of the curves so far."""
    person = await person_of(request, services.people)
    now = await recent_status(services, person)
    return Json({**now, "samples": services.console.samples.all()})


async def recent_status(services: Services, person: Person) -> dict[str, Any]:
    """The status for a person, with the newest point of each curve as `sample`."""
    found = await services.console.status.get(lambda: _asked(services))
    return {**shown_status(found, is_admin=person.is_admin), "sample": found["sample"]}


async def _asked(services: Services) -> dict[str, Any]:
    console = services.console
    counted = console.counted_lists(_MANY_LISTS, _COUNT_MANY_EVERY_S)
    found = await system_status(services.settings, services.addresses, lists=counted)
    if counted is None:
        console.note_lists(found["lists"])
    return {**found, "sample": console.samples.add(found, time.time())}
