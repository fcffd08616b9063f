"""Generations for administrators: side by side, and what serves whom.

A change is made by the command of the terminal, as a process of its own, so that the same gate,
the same journal and the same words decide in both places.
"""

import asyncio
from typing import Any

import orjson
import structlog
from starlette.requests import Request

from streams.lifecycle.journal import Journal
from streams.lifecycle.lifecycle import Lifecycle
from streams.lifecycle.overview import overview
from streams.people.people import Person
from streams.serving.authentication import person_of
from streams.serving.console.child_process import child
from streams.serving.json_values import can_be_kept
from streams.serving.problems import Json, ProblemError
from streams.serving.request_bodies import json_body, object_of
from streams.serving.services import Services
from topics.listening_event import ID_LENGTH_MAX, TEXT_LENGTH_MAX

_log = structlog.get_logger(__name__)
CHANGED_WITHIN_S = 60.0
_COMPARED = ("a", "b", "verdict", "difference", "low", "high", "paired", "upto_offset")
_SHOWN = (
    *("name", "role", "state", "share", "model", "shards", "heard", "as_of", "lag_records"),
    *("gate_open", "freshness_ms", "quality", "baseline", "created_at", "why"),
)


async def generations(request: Request, services: Services) -> Json:
    """All generations and their comparisons, and which one a rollback would return to."""
    await _admin(request, services)
    lifecycle = await asyncio.to_thread(_lifecycle, services.addresses.kafka)
    found = await overview(services.settings, services.addresses, lifecycle)
    return Json(
        {
            "generations": shown_generations(found),
            "comparisons": shown_comparisons(lifecycle),
            "rollback": rollback_to(lifecycle),
        }
    )


def shown_generations(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the page shows of each generation."""
    return [{name: each[name] for name in _SHOWN} for each in found]


def shown_comparisons(lifecycle: Lifecycle) -> list[dict[str, Any]]:
    """The newest comparison of each pair of generations, newest first."""
    newest_first = sorted(lifecycle.comparisons.values(), key=lambda each: -each.at_ms)
    return [
        {name: getattr(each.found, name) for name in _COMPARED} | {"at_ms": each.at_ms}
        for each in newest_first
    ]


def rollback_to(lifecycle: Lifecycle) -> str | None:
    """The generation that would serve everybody after a rollback; None if there is none."""
    plan = lifecycle.plan
    return plan.stable if plan.canary is not None else lifecycle.stable_before()


def _lifecycle(kafka: str) -> Lifecycle:
    with Journal(kafka) as journal:
        return journal.read()


async def promote(request: Request, services: Services) -> Json:
    """Makes a generation the one that serves everybody."""
    person = await _admin(request, services)
    body = object_of(await json_body(request))
    name = _text(body, "name", ID_LENGTH_MAX)
    why = _text(body, "why", TEXT_LENGTH_MAX)
    return await _changed(services, person, ["promote", f"--why={why}", "--json", "--", name])


async def roll_back(request: Request, services: Services) -> Json:
    """Undoes the newest change of what serves whom."""
    person = await _admin(request, services)
    why = _text(object_of(await json_body(request)), "why", TEXT_LENGTH_MAX)
    return await _changed(services, person, ["rollback", f"--why={why}", "--json"])


async def _changed(services: Services, person: Person, arguments: list[str]) -> Json:
    variables = {
        "ECHOTUNE_HOME": str(services.settings.home.resolve()),
        "ECHOTUNE_WHO": f"{person.name} (console)",
    }
    async with child(["streams.cli", "generations", *arguments], variables) as process:
        try:
            out, err = await asyncio.wait_for(process.communicate(), CHANGED_WITHIN_S)
        except TimeoutError:
            raise ProblemError(
                503, "the change was not made in time; look whether it was made"
            ) from None
    if process.returncode:
        _log.warning("a change was refused", arguments=arguments)
        raise ProblemError(409, refusal_of(err.decode(errors="replace")))
    return Json(orjson.loads(out))


def refusal_of(text: str) -> str:
    """Why a command refused, without its mark.

    >>> refusal_of("error: second may not serve listeners.\\n  Wait for it.\\n")
    'second may not serve listeners. Wait for it.'
    """
    return " ".join(text.split()).removeprefix("error: ") or "the change was refused"


async def _admin(request: Request, services: Services) -> Person:
    person = await person_of(request, services.people)
    if not person.is_admin:
        raise ProblemError(403, "this is for administrators alone")
    return person


def _text(body: dict[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    is_text = isinstance(value, str) and value.strip() and len(value) <= most
    if not isinstance(value, str) or not is_text or not can_be_kept(value):
        raise ProblemError(400, f"{name} is not a text of 1 to {most} letters")
    return value.strip()
