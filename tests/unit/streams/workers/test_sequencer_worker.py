"""Sequencers are told apart wherever they run."""

import os
import socket

from streams.workers.sequencer_worker import new_sequencer_id


def test_sequencers_of_one_hostname_and_one_pid_are_two() -> None:
    first, second = new_sequencer_id(), new_sequencer_id()
    assert first != second
    assert first.startswith(f"{socket.gethostname()}-{os.getpid()}-")
