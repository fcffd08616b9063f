"""A terminal that cannot redraw (TERM=dumb) shows lines, as a file does."""

import asyncio
import io
from collections import deque
from contextlib import nullcontext
from typing import Any, cast

import pytest

from streams.cli import console, progress_bar, recommend, run


class DumbTerminal(io.StringIO):
    """What was written to a terminal."""

    def isatty(self) -> bool:
        return True


class NoRecommenders:
    """No journal to follow."""

    async def follow(self) -> None:
        pass


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> DumbTerminal:
    """Stdout and stderr, a dumb terminal; a progress line is due at once."""
    terminal = DumbTerminal()
    dumb = {"TERM": "dumb"}
    monkeypatch.setattr(console, "out", console._Visible(file=terminal, _environ=dumb))
    monkeypatch.setattr(console, "err", console._Stderr(file=terminal, _environ=dumb))
    monkeypatch.setattr(progress_bar, "LINE_EVERY_S", 0.0)
    return terminal


def test_progress_is_printed_in_lines(shown: DumbTerminal) -> None:
    with progress_bar.progress("importing") as show:
        show(0.5, "300 events")
    assert shown.getvalue() == "importing: 50 %, 300 events\n"


def test_a_run_is_printed_in_lines(shown: DumbTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = []

    async def print_lines(self: Any, observer: Any) -> bool:
        printed.append(observer)
        return True

    monkeypatch.setattr(run, "addresses_of", lambda _: None)
    monkeypatch.setattr(run, "ListReader", lambda *_: nullcontext())
    monkeypatch.setattr(run, "Observer", lambda *_: "the observer")
    monkeypatch.setattr(run._View, "_print", print_lines)
    nothing = cast(Any, None)
    view = run._View(nothing, (nothing, nothing), "EchoTune", deque(), ends=False)
    assert asyncio.run(view.show(cast(Any, NoRecommenders())))
    assert printed == ["the observer"]


def test_a_watched_list_is_printed(shown: DumbTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    async def one_change(_: Any, listener: str, show: Any) -> None:
        show(None, {})
        raise KeyboardInterrupt

    monkeypatch.setattr(recommend, "_watch", one_change)
    with pytest.raises(KeyboardInterrupt):
        recommend.watch("ann")
    assert "no list for ann yet" in shown.getvalue()
