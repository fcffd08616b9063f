"""Takes a file of listening history from the page, imports it, and says how far that is.

The file is the body of the request, as it is. The answer is a stream of the lines of
`import_process`; if the page is closed, the import ends, and the same file goes on with the rest.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse

from streams.serving.authentication import person_of
from streams.serving.console.child_process import child
from streams.serving.problems import ProblemError, unavailable
from streams.serving.services import Services

_log = structlog.get_logger(__name__)
UPLOAD_BYTES_MAX = 512 * 1024 * 1024
UPLOAD_PART_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.5
_NAME_BYTES_MAX = 200
"""File systems take 255 at most."""
_PROCESS = "streams.serving.console.import_process"


async def import_file(request: Request, services: Services) -> StreamingResponse:
    """Imports the body for the person who asks; one import at a time of a person."""
    person = await person_of(request, services.people)
    if person.name in services.console.importing:
        raise ProblemError(409, "another import of yours is running; wait for its end")
    services.console.importing.add(person.name)
    folder = Path(tempfile.mkdtemp(prefix="echotune-upload-"))
    try:
        path = folder / safe_name(request.query_params.get("name", ""))
        await _received(request, path)
    except BaseException:
        _forget(services, person.name, folder)
        raise
    lines = _imported(services, person.name, path)
    return StreamingResponse(
        lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"}
    )


def _forget(services: Services, name: str, folder: Path) -> None:
    services.console.importing.discard(name)
    shutil.rmtree(folder, ignore_errors=True)


def safe_name(name: str) -> str:
    """A file name without anything that leads elsewhere; its ending stays.

    >>> safe_name("../../etc/my data.zip"), safe_name("..")
    ('my data.zip', 'history')
    >>> len(safe_name("\N{MATHEMATICAL BOLD CAPITAL A}" * 300 + ".csv").encode())
    200
    """
    letters = re.sub(r"[^\w .()-]", "_", name.replace("\\", "/").rpartition("/")[2])
    ending = letters.encode()[-_NAME_BYTES_MAX:].decode(errors="ignore")
    return ending.strip(". ") or "history"


async def _received(request: Request, path: Path) -> None:
    """Writes the body to a file, within bounds of size and time."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > UPLOAD_BYTES_MAX:
        raise _too_large()
    try:
        with path.open("wb") as file:
            await _copied(request, file)
    except OSError as error:
        raise unavailable(f"the file cannot be kept: {error.strerror}") from error
    except ClientDisconnect:
        raise ProblemError(400, "the file ended early") from None
    if not path.stat().st_size:
        raise ProblemError(400, "the file is empty")


async def _copied(request: Request, file: IO[bytes]) -> None:
    parts, received = aiter(request.stream()), 0
    while True:
        try:
            part = await asyncio.wait_for(anext(parts), UPLOAD_PART_WITHIN_S)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ProblemError(408, "the file did not arrive in time") from None
        received += len(part)
        if received > UPLOAD_BYTES_MAX:
            raise _too_large()
        await asyncio.to_thread(file.write, part)


def _too_large() -> ProblemError:
    megabytes = UPLOAD_BYTES_MAX >> 20
    return ProblemError(
        413, f"the file is larger than {megabytes} MiB; use `echotune import` where EchoTune runs"
    )


@contextmanager
def _kept(services: Services, name: str, folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        _forget(services, name, folder)


async def _imported(services: Services, name: str, path: Path) -> AsyncIterator[bytes]:
    """The lines of the import; it ends when the service does."""
    variables = {"ECHOTUNE_HOME": str(services.settings.home.resolve())}
    with _kept(services, name, path.parent):
        async with child([_PROCESS, str(path), name], variables) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            said = asyncio.create_task(process.stderr.read())
            async for line in _lines(process.stdout, services.console.streams.is_ending):
                yield line
            if services.console.streams.is_ending():
                yield _error("the service ends; import the file again to go on")
            elif await process.wait():
                _log.error("an import failed", stderr=(await said).decode(errors="replace"))
                yield _error("the import failed; the log of the service says why")
            said.cancel()


async def _lines(
    stdout: asyncio.StreamReader, is_ending: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """The lines until their end, or until the service ends."""
    reading = asyncio.create_task(stdout.readline())
    try:
        while not is_ending():
            done, _ = await asyncio.wait({reading}, timeout=_LOOK_EVERY_S)
            if done and not reading.result():
                return
            if done:
                yield reading.result()
                reading = asyncio.create_task(stdout.readline())
    finally:
        reading.cancel()


def _error(text: str) -> bytes:
    return orjson.dumps({"error": text}) + b"\n"
