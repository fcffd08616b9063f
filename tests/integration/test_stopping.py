"""Workers that are asked to stop, that crash, and that hang while they stop."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.events import an_event
from tests.support.station import REPOSITORY, Station

WAIT_S = 90.0
HANGING = """
import asyncio, signal, sys, threading, types
from streams.workers import faust_app, stopping
from topics.errors import LogError
from streams.cli import app, run_and_end

what = sys.argv[1]
faust_app.STOP_TIMEOUT_S, stopping.EXIT_TIMEOUT_S = 0.2, 1.0

class App:
    crash_reason = LogError("The log has a hole.", "Restore it.") if what == "crash" else None
    def __init__(self):
        self._crashed = asyncio.Event()
        if what == "crash":
            self._crashed.set()
    def finalize(self):
        threading.Thread(target=threading.Event().wait).start()  # Python waits for it at its end
    async def start(self):
        if what == "dead loop":
            print("started", flush=True)
            threading.Event().wait()
        if what == "signal":
            print("started", flush=True)
        await asyncio.Event().wait()
    async def stop(self):
        await asyncio.Event().wait()

class Worker:
    def __init__(self):
        self.app = App()
    async def start(self):
        pass

@app.command()
def hang(_: str):
    from streams.log_setup import log_to_stderr
    log_to_stderr(as_json=True)
    faust_app.run_worker(Worker)

sys.argv[1:] = ["hang", what]
run_and_end()
"""


def begun(what: str, home: Path) -> "subprocess.Popen[str]":
    """A worker whose app never stops, and which has a thread that never ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HANGING, what],
        cwd=REPOSITORY,
        env={**os.environ, "ECHOTUNE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_worker_that_crashed_ends_though_its_app_hangs_and_says_why(tmp_path: Path) -> None:
    with begun("crash", tmp_path) as worker:
        _, said = worker.communicate(timeout=WAIT_S)
    assert worker.returncode == 3
    assert "The log has a hole." in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("what", ["signal", "dead loop"])
def test_a_signal_ends_a_worker_whatever_hangs(
    what: str, number: signal.Signals, tmp_path: Path
) -> None:
    with begun(what, tmp_path) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "started\n"
        worker.send_signal(number)
        _, said = worker.communicate(timeout=WAIT_S)
    assert worker.returncode == 3
    assert "did not stop within" in said or "ended by force" in said


SWALLOWING = """
import time
from streams.workers.stopping import ended_at_once
with ended_at_once(130):
    print("started", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:  # as libraries do while they are imported
            pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_worker_that_is_only_starting_ends_whatever_swallows_exceptions(
    number: signal.Signals,
) -> None:
    command = [sys.executable, "-c", SWALLOWING]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "started\n"
        worker.send_signal(number)
        assert worker.wait(WAIT_S) == 130


WORKING = """
import asyncio
from streams.workers.stopping import until_stopped

async def work():
    print("started", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("ended in order", flush=True)

asyncio.run(until_stopped(work()))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_work_that_is_stopped_by_a_signal_ends_in_order_and_without_an_error(
    number: signal.Signals,
) -> None:
    command = [sys.executable, "-c", WORKING]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "started\n"
        worker.send_signal(number)
        assert worker.stdout.read() == "ended in order\n"
        assert worker.wait(WAIT_S) == 0


@pytest.mark.timeout(300)
def test_sighup_ends_workers_in_order_unless_they_were_started_to_ignore_it(
    station: Station,
) -> None:
    station.up()
    sequencer = station.start("sequencer")
    station.produce([an_event()])
    was = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a child inherits this, as under nohup
    try:
        recommender = station.start("recommender")
    finally:
        signal.signal(signal.SIGHUP, was)
    station.wait_applied(1)
    for worker in (sequencer, recommender):
        worker.process.send_signal(signal.SIGHUP)
    assert sequencer.process.wait(WAIT_S) == 0, sequencer.text()
    station.start("sequencer")
    station.produce([an_event(listener_id="bob")])
    station.wait_applied(2)
    assert recommender.process.poll() is None
    assert recommender.stop() == 0, recommender.text()


LEFT_THREAD = """
import sys, threading
import streams.cli as cli

cli.THREADS_END_S = 0.2
def main():
    threading.Thread(target=threading.Event().wait).start()
    sys.exit({code})
cli.main = main
cli.run_and_end()
"""


@pytest.mark.parametrize(("code", "expected"), [("None", 0), ("0", 0), ("1", 1), ("2", 2)])
def test_a_command_keeps_its_exit_code_though_a_thread_of_a_library_never_ends(
    code: str, expected: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEFT_THREAD.format(code=code)],
        cwd=REPOSITORY,
        timeout=WAIT_S,
        check=False,
    )
    assert ended.returncode == expected
