"""Runs `echotune` commands in this process: sooner than in their own, and with measured coverage.

What ends a process (signals, exit codes, threads that hang) is tried with processes of their own.
"""

import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import NoReturn
from unittest import mock

from streams import cli
from streams.cli import console


def run_here(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Runs a command with these variables to its end; returns what a process of its own would."""
    out, err = _text(), _text()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", ["echotune", *arguments]),
        mock.patch("signal.signal"),  # pytest keeps its own handlers
        mock.patch.object(console, "exit_now", _leave),
        mock.patch.object(cli.app, "registered_commands", []),  # `main` adds them each time
        mock.patch.object(cli.app, "registered_groups", []),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess([*arguments], code, _said(out), _said(err))


def _text() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _said(text: io.TextIOWrapper) -> str:
    text.flush()
    buffer = text.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def _leave(code: int) -> NoReturn:
    raise SystemExit(code)
