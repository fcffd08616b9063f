"""Commands that somebody stops: at once, in order, and without a traceback."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.station import REPOSITORY

PROGRAM = """
import os, signal, sys
from streams.cli import commands, main
commands.register = lambda *_: os.kill(os.getpid(), int(sys.argv[1]))
main()
"""

WITHIN_C = """
import ctypes
from streams.cli import commands, run_and_end

def register(*_):  # as numba and numpy run Python while they are imported
    run, names = ctypes.pythonapi.PyRun_String, {}
    run.restype = ctypes.py_object
    run.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.py_object, ctypes.py_object]
    run(b"import os, time; os.kill(os.getpid(), 15); time.sleep(60)", 257, names, names)

commands.register = register
run_and_end()
"""


@pytest.mark.parametrize("number", [2, 15], ids=["SIGINT", "SIGTERM"])
def test_while_a_command_is_being_loaded_it_can_be_stopped(number: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(number)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, b"")


def test_a_command_that_is_stopped_while_c_code_runs_python_ends_with_the_same_code(
    tmp_path: Path,
) -> None:
    (tmp_path / "within_c.py").write_text(WITHIN_C)
    path = os.pathsep.join([str(REPOSITORY), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-m", "within_c"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        timeout=60,
        check=False,
    )
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
