"""The people of an installation in a backup: a file that is written whole, read back and compared.

The log does not have them. The file has digests of tokens, which open nothing, and the tokens of
relays, which do: it can be read by its owner alone, and is as secret as the database.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from streams.archive.whole_files import written_whole
from streams.kafka.log_reader import LogReader
from streams.people.account_documents import (
    COLLECTIONS,
    AccountDocuments,
    Document,
    Documents,
    documents_in,
    extended_json,
)
from topics.errors import ArchiveError

NAME = "accounts.json"
FORMAT = 1
_OWNER_ALONE = 0o600
_T = TypeVar("_T")


class _Accounts(BaseModel):
    """The file: documents as MongoDB's extended JSON, and the log that relays had come to."""

    format: int
    log: str
    sha256: str
    documents: str


class TakenAccounts:
    """The accounts as they are when this is made; `write` puts them into a backup.

    They are taken before the log is copied, so that no relay has come further than the copy, and
    written after it, so that a backup that fails leaves the accounts of the one before.
    """

    def __init__(self, kafka: str, mongo: str, prefix: str) -> None:
        """Raises `ServerError` if MongoDB does not answer."""
        with LogReader(kafka) as log:
            log_id = log.topic_id()
        found = _asked(mongo, prefix, lambda documents: documents.all())
        text = extended_json(found)
        self.counts = _counts(found)
        """How many documents of each kind there are."""
        self._accounts = _Accounts(format=FORMAT, log=log_id, sha256=_sha256(text), documents=text)

    def write(self, folder: Path) -> None:
        """Replaces the file of the backup in `folder`."""
        with written_whole(folder / NAME) as file:
            os.fchmod(file.fileno(), _OWNER_ALONE)
            file.write((self._accounts.model_dump_json(indent=2) + "\n").encode())


def check_accounts(folder: Path) -> None:
    """Raises `ArchiveError` if the accounts of the backup are damaged."""
    _read(folder / NAME)


def restore_accounts(kafka: str, mongo: str, prefix: str, folder: Path) -> dict[str, Any] | None:
    """Adds what the backup has, reads it back, and compares; None if the backup has no accounts.

    What is there stays as it is: `kept` counts the documents that differ from the backup's. Relays
    go on where they were, because the restored log has equal offsets.
    """
    accounts = _read(folder / NAME)
    if accounts is None:
        return None
    with LogReader(kafka) as log:
        documents = _in_this_log(documents_in(accounts.documents), accounts.log, log.topic_id())

    async def restored(here: AccountDocuments) -> tuple[int, dict[str, list[Document]]]:
        return await here.add(documents), await here.all()

    added, found = _asked(mongo, prefix, restored)
    return {**_counts(documents), "added": added, "kept": _differing(documents, found)}


def _differing(documents: Documents, found: Documents) -> int:
    """How many differ; raises `ArchiveError` if one is missing."""
    differing = 0
    for name, wanted in documents.items():
        here = {each["_id"]: each for each in found[name]}
        for each in wanted:
            if each["_id"] not in here:
                raise ArchiveError(f"A document of {name} was not restored.", "Restore again.")
            differing += here[each["_id"]] != each
    return differing


def _in_this_log(documents: Mapping[str, Any], before: str, now: str) -> dict[str, list[Document]]:
    relays = [
        each | {"log": now} if each.get("log") == before else each for each in documents["relays"]
    ]
    return {**{name: documents.get(name, []) for name in COLLECTIONS}, "relays": relays}


def _read(path: Path) -> _Accounts | None:
    try:
        accounts = _Accounts.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror}.", "Bring it back.") from error
    except ValidationError as error:
        raise _damaged(path) from error
    if accounts.format > FORMAT:
        raise ArchiveError(f"{path} was made by a newer version.", "Upgrade EchoTune.")
    if _sha256(accounts.documents) != accounts.sha256:
        raise _damaged(path)
    return accounts


def _damaged(path: Path) -> ArchiveError:
    return ArchiveError(
        f"{path} is not the file that was backed up.",
        "Use another copy of it, or take it away: then the log alone is restored.",
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _counts(documents: Documents) -> dict[str, int]:
    return {name: len(documents[name]) for name in COLLECTIONS}


def _asked(mongo: str, prefix: str, ask: Callable[[AccountDocuments], Awaitable[_T]]) -> _T:
    async def answer() -> _T:
        documents = AccountDocuments(mongo, prefix=prefix)
        try:
            return await ask(documents)
        finally:
            documents.close()

    return asyncio.run(answer())
