"""People and tokens in MongoDB: one document each, and one that counts the changes."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from streams.mongo_client import ANSWER_TIMEOUT_S, DATABASE, mongo_answers, mongo_client
from streams.people.people import Person, Token, checked_name, digest_of, new_token
from topics.errors import EchoTuneError

LABEL_LENGTH_MAX = 200
GRACE_MAX_MS = 30 * 24 * 3_600_000
_REMEDY = "Run `echotune up`, or set ECHOTUNE_MONGO to one that does."
_VERSION = "people"
_ID_BYTES = 6

Document = dict[str, Any]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class MongoPeople:
    """The store of people and tokens; `prefix` begins the names of its collections.

    Calls have timeouts, raise `ServerError` if MongoDB is down, and `EchoTuneError` for people and
    tokens that do not exist. What a call changes is complete before the version rises.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "",
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self._client = mongo_client(url, answer_timeout_s)
        database = self._client[DATABASE]
        self._people = database[f"{prefix}people"]
        self._tokens = database[f"{prefix}tokens"]
        self._versions = database[f"{prefix}people-version"]
        self._now_ms = now_ms

    # -- people --------------------------------------------------------------------------------

    async def add(self, name: str, *, is_admin: bool = False, public_reads: bool = False) -> Person:
        """Adds a person, who has no token yet; raises `EchoTuneError` if there is one already."""
        person = Person(checked_name(name), is_admin, public_reads, self._now_ms())
        with mongo_answers(_REMEDY):
            if not await self._has(name):
                # A token that was created just when its person was removed has to stay refused.
                await self._tokens.delete_many({"person": name})
            try:
                await self._people.insert_one(_person_document(person))
            except DuplicateKeyError:
                raise EchoTuneError(
                    f"There is a person {name} already.",
                    f"`echotune people set {name}` changes what they may.",
                ) from None
            await self._changed()
        return person

    async def set(
        self, name: str, *, is_admin: bool | None = None, public_reads: bool | None = None
    ) -> Person:
        """Changes what is not None, and returns the person."""
        given = {"is_admin": is_admin, "public_reads": public_reads}
        changes = {key: value for key, value in given.items() if value is not None}
        if not changes:
            raise EchoTuneError(
                "Nothing would change.", "Give --public-reads or --admin, or the --no- of one."
            )
        with mongo_answers(_REMEDY):
            document = await self._people.find_one_and_update(
                {"_id": name}, {"$set": changes}, return_document=ReturnDocument.AFTER
            )
            if document is None:
                raise unknown_person(name)
            await self._changed()
        return _person(document)

    async def remove(self, name: str) -> int:
        """Removes a person, revokes their tokens, and returns how many they were."""
        with mongo_answers(_REMEDY):
            removed = await self._people.delete_one({"_id": name})
            revoked = await self._tokens.delete_many({"person": name})
            await self._changed()
        if not removed.deleted_count:
            raise unknown_person(name)
        return int(revoked.deleted_count)

    async def people(self) -> list[Person]:
        """All people, by name."""
        with mongo_answers(_REMEDY):
            return [_person(each) async for each in self._people.find().sort("_id", 1)]

    async def _has(self, name: str) -> bool:
        return await self._people.find_one({"_id": name}) is not None

    # -- tokens --------------------------------------------------------------------------------

    async def create_token(self, name: str, label: str = "") -> tuple[str, Token]:
        """Creates a token of a person; returns it, which is stored nowhere, and what is stored."""
        _check_label(label)
        with mongo_answers(_REMEDY):
            if not await self._has(name):
                raise unknown_person(name)
            created = await self._created(name, label)
            await self._changed()
        return created

    async def rotate(self, token_id: str, grace_ms: int) -> tuple[str, Token]:
        """Creates a token of the same person and label; the old one ends after the grace time."""
        _check_grace(grace_ms)
        with mongo_answers(_REMEDY):
            document = await self._tokens.find_one({"_id": token_id})
            if document is None:
                raise _unknown_token(token_id)
            old = _token(document)
            token, stored = await self._created(old.person, old.label)
            ends = {"$set": {"expires_at": self._now_ms() + grace_ms}}
            ended = await self._tokens.update_one({"_id": token_id, "expires_at": None}, ends)
            if not ended.matched_count:  # it was rotated or revoked, perhaps just now
                await self._tokens.delete_one({"_id": stored.token_id})
                raise _ended_token(token_id)
            await self._changed()
        return token, stored

    async def revoke(self, token_id: str) -> Token:
        """Deletes a token, and returns what was stored of it."""
        with mongo_answers(_REMEDY):
            document = await self._tokens.find_one_and_delete({"_id": token_id})
            if document is None:
                raise _unknown_token(token_id)
            await self._changed()
        return _token(document)

    async def tokens(self, name: str | None = None) -> list[Token]:
        """All tokens, or those of one person, by person and age."""
        chosen = {} if name is None else {"person": name}
        with mongo_answers(_REMEDY):
            cursor = self._tokens.find(chosen).sort([("person", 1), ("created_at", 1)])
            found = [_token(each) async for each in cursor]
            if name is not None and not found and not await self._has(name):
                raise unknown_person(name)
        return found

    async def note_used(self, used: Mapping[str, int]) -> None:
        """Stores when tokens were last used, ms by their ids; an earlier time changes nothing."""
        updates = [
            UpdateOne({"_id": token_id}, {"$max": {"last_used_at": at_ms}})
            for token_id, at_ms in used.items()
        ]
        with mongo_answers(_REMEDY):
            if updates:
                await self._tokens.bulk_write(updates, ordered=False)

    async def _created(self, name: str, label: str) -> tuple[str, Token]:
        await self._tokens.delete_many({"expires_at": {"$lte": self._now_ms()}})
        token = new_token()
        stored = Token(secrets.token_hex(_ID_BYTES), digest_of(token), name, label, self._now_ms())
        await self._tokens.insert_one(_token_document(stored))
        return token, stored

    # -- changes -------------------------------------------------------------------------------

    async def version(self) -> int:
        """A number that each change of people or tokens raises; uses of tokens do not."""
        with mongo_answers(_REMEDY):
            document = await self._versions.find_one({"_id": _VERSION})
        return int(document["number"]) if document else 0

    async def _changed(self) -> None:
        await self._versions.update_one({"_id": _VERSION}, {"$inc": {"number": 1}}, upsert=True)

    async def close(self) -> None:
        """Closes all connections."""
        self._client.close()


def unknown_person(name: str) -> EchoTuneError:
    """The error that says that there is no such person."""
    return EchoTuneError(
        f"There is no person {name}.",
        "`echotune people list` shows all of them, and `echotune people add NAME` adds one.",
    )


def _unknown_token(token_id: str) -> EchoTuneError:
    return EchoTuneError(
        f"There is no token with the id {token_id}.",
        "`echotune tokens list` shows the ids; the token itself is none.",
    )


def _ended_token(token_id: str) -> EchoTuneError:
    return EchoTuneError(
        f"The token {token_id} was rotated or revoked before.",
        "Rotate the token that replaced it; `echotune tokens list` shows it.",
    )


def _check_grace(grace_ms: int) -> None:
    if not 0 <= grace_ms <= GRACE_MAX_MS:
        raise EchoTuneError(
            "A rotated token works for at most 30 days more.", "Give a shorter time, such as 24h."
        )


def _check_label(label: str) -> None:
    if len(label) > LABEL_LENGTH_MAX or not label.isprintable():
        raise EchoTuneError(
            f"A label is one line of at most {LABEL_LENGTH_MAX} characters.",
            "Name the player that will have the token, such as --name phone.",
        )


def _person_document(person: Person) -> Document:
    document = asdict(person)
    return {"_id": document.pop("name"), **document}


def _person(document: Document) -> Person:
    return Person(
        document["_id"], document["is_admin"], document["public_reads"], document["created_at"]
    )


def _token_document(token: Token) -> Document:
    document = asdict(token)
    return {"_id": document.pop("token_id"), **document}


def _token(document: Document) -> Token:
    names = (each.name for each in fields(Token) if each.name != "token_id")
    return Token(document["_id"], **{name: document[name] for name in names})
