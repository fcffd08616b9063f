"""A full disk is named by its folder, before any server runs."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.daemon import Daemon
from infra.embedded_servers import EmbeddedServers
from infra.redis_server import RedisServer
from topics.errors import ServerError


def test_a_server_that_cannot_write_names_the_home_folder_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object) -> Daemon:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(RedisServer, "start", start)
    with pytest.raises(ServerError, match="No space left on device") as raised:
        EmbeddedServers(tmp_path, want=["redis"]).up()
    assert str(tmp_path) in raised.value.message
    assert "free disk space" in raised.value.remedy


def test_a_full_standard_output_is_an_error_in_one_line() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "topics", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == (
        "error: No space left on device: the standard output, or a file of the home folder.\n"
        "  Free disk space, or set ECHOTUNE_HOME to a folder on another disk.\n"
    )


def test_a_reader_that_has_seen_enough_ends_a_command_without_a_word() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "topics", "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
