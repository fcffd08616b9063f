"""The writers' schemas of a topic: fixed ids from `avro/`, all others from a registry where one is.

A registry is asked between chunks, never while one is decoded: the lookup of a `Decoder` knows the
answer or raises `SchemaNotFetchedError`, and `learn` asks for as long as it takes. That an id is
unknown is believed for one chunk only, and only if the registry says so twice: whoever registers a
schema may be a moment ahead of a replica of the registry.
"""

import asyncio
from collections.abc import Collection, Iterable

import structlog

from streams.registry.schema_registry import SchemaRegistry
from topics.codecs import schema_id_of
from topics.errors import RegistryAwayError, SchemaError
from topics.registered_schemas import writer_schema
from topics.schemas import FIXED_IDS_FROM, ReleasedSchema, released

_log = structlog.get_logger(__name__)
ANSWERS_MAX = 4_096
"""Beyond this, and what the chunk at hand needs, the oldest answers are forgotten."""
ASKED_AT_ONCE = 16
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 10.0
UNKNOWN_AGAIN_S = 0.5

Answer = ReleasedSchema | SchemaError


class SchemaNotFetchedError(Exception):
    """The registry has to be asked for a schema first: nothing is known of its record."""


class WriterSchemas:
    """Schemas of writers by id; without a registry, the fixed ones alone."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        self._registry = registry
        self._answers: dict[int, Answer] = {}
        self._unknown: dict[int, SchemaError] = {}
        self.error: str | None = None
        """Why the registry cannot be asked, while somebody waits for it."""

    def lookup(self, schema_id: int) -> ReleasedSchema:
        """The schema with this id; raises `SchemaError`, or `SchemaNotFetchedError`."""
        if _is_fixed(schema_id, self._registry):
            return released(schema_id)
        found = self._answers.get(schema_id) or self._unknown.get(schema_id)
        if found is None:
            raise SchemaNotFetchedError(schema_id)
        if isinstance(found, SchemaError):
            raise found
        return found

    def forget_unknown(self) -> None:
        """Asks again for the ids that were unknown, should they come again."""
        self._unknown = {}

    async def learn(self, values: Iterable[bytes | None]) -> None:
        """Asks the registry for what it takes to read `values`, for as long as it takes."""
        told = {schema_id for value in values if (schema_id := schema_id_of(value)) is not None}
        needed = {each for each in told if each < FIXED_IDS_FROM}
        found = await self._asked(needed - self._answers.keys())
        if again := [each for each, answer in found.items() if answer is None]:
            await asyncio.sleep(UNKNOWN_AGAIN_S)
            found |= await self._asked(again)
        self._unknown = {each: _unknown(each) for each in again if found[each] is None}
        self._answers |= {each: answer for each, answer in found.items() if answer is not None}
        self._forget_all_but(needed)

    def _forget_all_but(self, needed: set[int]) -> None:
        others = [each for each in self._answers if each not in needed]
        for each in others[: max(0, len(self._answers) - ANSWERS_MAX)]:
            del self._answers[each]

    async def _asked(self, ids: Collection[int]) -> dict[int, Answer | None]:
        at_once = asyncio.Semaphore(ASKED_AT_ONCE)

        async def ask(schema_id: int) -> Answer | None:
            async with at_once:
                return await self._ask(schema_id)

        in_order = sorted(ids)
        answers = await asyncio.gather(*map(ask, in_order))
        return dict(zip(in_order, answers, strict=True))

    async def _ask(self, schema_id: int) -> Answer | None:
        pause_s = RETRY_FIRST_S
        while True:
            try:
                found = await asyncio.to_thread(_answer, self._registry, schema_id)
            except RegistryAwayError as error:
                self._is_away(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
            else:
                self._is_back()
                return found

    def _is_away(self, error: RegistryAwayError) -> None:
        if self.error is None:
            _log.warning("the schema registry is away; its events wait", error=error.message)
        self.error = error.message

    def _is_back(self) -> None:
        if self.error is not None:
            _log.info("the schema registry is back")
        self.error = None


class PastSchemas:
    """Schemas for those who read what was written long ago, and wait for no registry.

    Once it was away it is not asked again, nor twice for the same id.
    """

    def __init__(self, registry: SchemaRegistry | None) -> None:
        self._registry = registry
        self._away: RegistryAwayError | None = None
        self._answers: dict[int, Answer] = {}

    def lookup(self, schema_id: int) -> ReleasedSchema:
        """The schema with this id; raises `SchemaError`, or `RegistryAwayError`."""
        if _is_fixed(schema_id, self._registry):
            return released(schema_id)
        if self._away is not None:
            raise RegistryAwayError(self._away.message, self._away.remedy)
        found = self._answers.get(schema_id) or self._ask(schema_id)
        if isinstance(found, SchemaError):
            raise found
        return found

    def _ask(self, schema_id: int) -> Answer:
        if len(self._answers) >= ANSWERS_MAX:
            self._answers.clear()
        try:
            found = _answer(self._registry, schema_id)
        except RegistryAwayError as error:
            self._away = error
            raise
        self._answers[schema_id] = found or _unknown(schema_id)
        return self._answers[schema_id]


def _is_fixed(schema_id: int, registry: SchemaRegistry | None) -> bool:
    """Whether an id is one of `avro/`; raises `SchemaError` where only a registry could know it."""
    if schema_id < FIXED_IDS_FROM and registry is None:
        raise SchemaError(
            f"Schema id {schema_id} is a registry's, and ECHOTUNE_SCHEMA_REGISTRY is not set."
        )
    return schema_id >= FIXED_IDS_FROM


def _answer(registry: SchemaRegistry | None, schema_id: int) -> Answer | None:
    """What the registry says of an id: a schema, or why it is none; None: nothing."""
    assert registry is not None
    try:
        text = registry.schema(schema_id)
        return None if text is None else writer_schema(schema_id, text)
    except SchemaError as error:
        return error


def _unknown(schema_id: int) -> SchemaError:
    return SchemaError(f"Schema id {schema_id} is not in the schema registry.")
