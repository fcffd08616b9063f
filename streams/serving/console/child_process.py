"""Runs a part of EchoTune as a process of its own, so that its work never holds up the service."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

STOPPED_WITHIN_S = 2.0
LINE_BYTES_MAX = 1 << 20


@asynccontextmanager
async def child(
    arguments: Sequence[str], variables: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m ARGUMENTS` with more environment variables; it does not outlive the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **variables},
        limit=LINE_BYTES_MAX,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), STOPPED_WITHIN_S)
        with suppress(ProcessLookupError):
            process.kill()
