"""The doctor where every server takes connections and says nothing: it ends, and says so."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

PROGRAM = """
import asyncio, sys, time
from streams.cli import main
from streams.doctor import collect

async def hang(*asked):
    await asyncio.to_thread(time.sleep, 600)  # as a look-up of a name may

collect.WITHIN_S = float(sys.argv.pop())
collect._mongo = hang
main()
"""


@pytest.fixture
def silent() -> Iterator[list[socket.socket]]:
    """Three servers that take connections and say nothing."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]


def doctor(home: Path, silent: list[socket.socket], within_s: float) -> "subprocess.Popen[bytes]":
    """Runs it against them, with another bound than it has."""
    kafka, redis, mongo = (f"127.0.0.1:{each.getsockname()[1]}" for each in silent)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "doctor", "--json", str(within_s)],
        env=os.environ
        | {
            "ECHOTUNE_HOME": str(home),
            "ECHOTUNE_KAFKA": kafka,
            "ECHOTUNE_REDIS": f"redis://{redis}",
            "ECHOTUNE_MONGO": f"mongodb://{mongo}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_it_ends_in_time_and_names_what_did_not_answer(
    tmp_path: Path, silent: list[socket.socket]
) -> None:
    with doctor(tmp_path, silent, 0.5) as process:
        out, err = process.communicate(timeout=25)  # Kafka's own clients would wait for 30 s
    assert (process.returncode, err) == (1, b"")
    found = {each["check"]: each for each in orjson.loads(out)["findings"]}
    assert "asked for its topics and did not answer within" in found["kafka"]["says"]
    assert "did not answer within" in found["mongodb"]["says"]
    assert [found[each]["level"] for each in ("redis", "mongodb")] == ["broken", "warning"]


def test_ctrl_c_ends_it_at_once_and_without_a_traceback(
    tmp_path: Path, silent: list[socket.socket]
) -> None:
    silent[0].settimeout(60.0)
    with doctor(tmp_path, silent, 600.0) as process:
        silent[0].accept()[0].close()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"")
