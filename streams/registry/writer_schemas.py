"""The writers' schemas of a topic: fixed ids from `avro/`, others from a registry if one is set.

The registry is queried between chunks, never while a chunk is decoded: the lookup of a `Decoder`
returns a cached schema or raises `SchemaNotFetchedError`, and `fetch` then retries without a limit.
The response that an id is unknown counts for one chunk only, and only if the registry repeats it: a
replica of the registry may lag behind a producer that has just registered its schema.
"""

import asyncio
from collections.abc import Collection, Iterable
from typing import Protocol

import structlog

from streams.registry.schema_registry import SchemaRegistry
from topics.codecs import Headers, SchemaRef, schema_ref_of
from topics.errors import RegistryUnavailableError, SchemaError
from topics.registered_schemas import writer_schema
from topics.schemas import FIXED_IDS_FROM, ReleasedSchema, released

_log = structlog.get_logger(__name__)
ANSWERS_MAX = 4_096
"""Maximum number of cached answers, apart from those that the current chunk needs."""
REQUESTS_AT_ONCE = 16
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 10.0
UNKNOWN_AGAIN_S = 0.5

Answer = ReleasedSchema | SchemaError


class FramedRecord(Protocol):
    """The parts of a record that name its schema."""

    @property
    def value(self) -> bytes | None:
        """Value."""
        ...

    @property
    def headers(self) -> Headers:
        """Headers."""
        ...


class SchemaNotFetchedError(Exception):
    """A schema has to be fetched first; the record may be valid or not."""


class WriterSchemas:
    """Schemas of writers by id; without a registry only the fixed ones."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        self._registry = registry
        self._answers: dict[SchemaRef, Answer] = {}
        self._unknown: dict[SchemaRef, SchemaError] = {}
        self.error: str | None = None
        """Why the registry is unavailable, while a chunk waits for it."""

    def lookup(self, schema_id: SchemaRef) -> ReleasedSchema:
        """The schema with this id; raises `SchemaError`, or `SchemaNotFetchedError`."""
        if _needs_no(self._registry, schema_id):
            return released(schema_id)
        found = self._answers.get(schema_id) or self._unknown.get(schema_id)
        if found is None:
            raise SchemaNotFetchedError(schema_id)
        if isinstance(found, SchemaError):
            raise found
        return found

    def forget_unknown(self) -> None:
        """Drops the unknown ids: they are fetched again if they come again."""
        self._unknown = {}

    async def fetch(self, records: Iterable[FramedRecord]) -> None:
        """Fetches the schemas that are needed to decode `records`; retries without a limit."""
        found_in = {schema_ref_of(each.value, each.headers) for each in records}
        needed = {each for each in found_in if each is not None and not is_fixed(each)}
        found = await self._fetched(needed - self._answers.keys())
        if again := [each for each, answer in found.items() if answer is None]:
            await asyncio.sleep(UNKNOWN_AGAIN_S)
            found |= await self._fetched(again)
        self._unknown = {each: _unknown(each) for each in again if found[each] is None}
        self._answers |= {each: answer for each, answer in found.items() if answer is not None}
        self._drop_oldest_except(needed)

    def _drop_oldest_except(self, needed: set[SchemaRef]) -> None:
        others = [each for each in self._answers if each not in needed]
        for each in others[: max(0, len(self._answers) - ANSWERS_MAX)]:
            del self._answers[each]

    async def _fetched(self, ids: Collection[SchemaRef]) -> dict[SchemaRef, Answer | None]:
        limit = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def fetch_one(schema_id: SchemaRef) -> Answer | None:
            async with limit:
                return await self._fetch_one(schema_id)

        in_order = sorted(ids, key=str)
        answers = await asyncio.gather(*map(fetch_one, in_order))
        return dict(zip(in_order, answers, strict=True))

    async def _fetch_one(self, schema_id: SchemaRef) -> Answer | None:
        pause_s = RETRY_FIRST_S
        while True:
            try:
                found = await asyncio.to_thread(_answer, self._registry, schema_id)
            except RegistryUnavailableError as error:
                self._note_unavailable(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
            else:
                self._note_available()
                return found

    def _note_unavailable(self, error: RegistryUnavailableError) -> None:
        if self.error is None:
            _log.warning("the schema registry is unavailable; its events wait", error=error.message)
        self.error = error.message

    def _note_available(self) -> None:
        if self.error is not None:
            _log.info("the schema registry is available again")
        self.error = None


class ArchivedSchemas:
    """Schemas for readers of archived records, which do not wait for a registry.

    After a failure the registry is not queried again. Each id is queried once.
    """

    def __init__(self, registry: SchemaRegistry | None) -> None:
        self._registry = registry
        self._unavailable: RegistryUnavailableError | None = None
        self._answers: dict[SchemaRef, Answer] = {}

    def lookup(self, schema_id: SchemaRef) -> ReleasedSchema:
        """The schema with this id; raises `SchemaError`, or `RegistryUnavailableError`."""
        if _needs_no(self._registry, schema_id):
            return released(schema_id)
        if self._unavailable is not None:
            raise RegistryUnavailableError(self._unavailable.message, self._unavailable.remedy)
        found = self._answers.get(schema_id) or self._fetch_one(schema_id)
        if isinstance(found, SchemaError):
            raise found
        return found

    def _fetch_one(self, schema_id: SchemaRef) -> Answer:
        if len(self._answers) >= ANSWERS_MAX:
            self._answers.clear()
        try:
            found = _answer(self._registry, schema_id)
        except RegistryUnavailableError as error:
            self._unavailable = error
            raise
        self._answers[schema_id] = found or _unknown(schema_id)
        return self._answers[schema_id]


def is_fixed(schema_id: SchemaRef) -> bool:
    """Whether a schema is named by an id of `avro/`."""
    return isinstance(schema_id, int) and schema_id >= FIXED_IDS_FROM


def _needs_no(registry: SchemaRegistry | None, schema_id: SchemaRef) -> bool:
    """Whether an id is one of `avro/`; raises `SchemaError` if it needs a missing registry."""
    if registry is None and not is_fixed(schema_id):
        raise SchemaError(
            f"Schema id {schema_id} is a registry's, and ECHOTUNE_SCHEMA_REGISTRY is not set."
        )
    return is_fixed(schema_id)


def _answer(registry: SchemaRegistry | None, schema_id: SchemaRef) -> Answer | None:
    """The registry's schema for an id, or why it is unusable; None if the id is unknown."""
    assert registry is not None
    try:
        found = registry.schema(schema_id)
        return None if found is None else writer_schema(schema_id, *found)
    except SchemaError as error:
        return error


def _unknown(schema_id: SchemaRef) -> SchemaError:
    return SchemaError(f"Schema id {schema_id} is not in the schema registry.")
