"""Commands that somebody stops: at once, in order, and without a traceback."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys
from streams.cli import commands, main
commands.register = lambda app: os.kill(os.getpid(), int(sys.argv[1]))
main()
"""


@pytest.mark.parametrize("number", [2, 15], ids=["SIGINT", "SIGTERM"])
def test_while_a_command_is_being_loaded_it_can_be_stopped(number: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(number)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, b"")


def test_topics_can_be_stopped_while_kafka_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60.0)
        home = {"ECHOTUNE_HOME": str(tmp_path), "ECHOTUNE_REDIS": "redis://127.0.0.1:1"}
        with subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "topics", "apply"],
            env=os.environ | home | {"ECHOTUNE_KAFKA": f"127.0.0.1:{silent.getsockname()[1]}"},
            stderr=subprocess.PIPE,
        ) as process:
            silent.accept()[0].close()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)  # Kafka's own client would wait for 30 s
    assert (process.returncode, err) == (130, b"")
