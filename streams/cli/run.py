"""`echotune run`: runs everything on one machine, with events and a live view, until Ctrl-C."""

import asyncio
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live

from streams.addresses import addresses_of
from streams.cli import EXIT_ERROR, console
from streams.cli.import_history import check_listener
from streams.cli.live_view import line, panel
from streams.cli.servers import embedded_servers, start_servers
from streams.monitoring.list_reader import ListReader
from streams.monitoring.observer import LiveView, Observer
from streams.settings import Settings
from streams.sources.files import size_of
from streams.sources.history.history import look_at
from streams.workers.server_watch import ServerWatch
from streams.workers.supervisor import Supervisor
from topics.errors import EchoTuneError

if TYPE_CHECKING:
    from streams.lifecycle.journal import Journal
    from streams.workers.generation_processes import GenerationProcesses
    from streams.workers.keeper import Keeper

FEED = "feed"
HTTP = "http"
GENERATED_LISTENERS = "200"
"""Number of generated listeners; few enough that the viewer sees the same ones again."""
_REDRAW_EVERY_S = 0.5
_LINE_EVERY_S = 2.0
_NEWS_SHOWN = 4
_FOLLOW_EVERY_S = 0.5


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog='Example: echotune run "my_spotify_data.zip" --listener me')(run)


def run(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Listening history; without, generated listeners.")
    ] = None,
    listener: Annotated[
        str | None, typer.Option(help="The listener, if the files do not contain one.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Generated events a second.")] = 50.0,
    exit_when_done: Annotated[
        bool, typer.Option("--exit-when-done", help="End when the history is learnt.")
    ] = False,
) -> None:
    """Starts servers and workers, sends them events, and shows a live view until Ctrl-C.

    The next run continues where this one stopped.
    """
    settings = Settings()
    if files:  # raises before anything is started
        size_of(files)
        check_listener(listener)
        look_at(files, listener)
    news: deque[str] = deque(maxlen=_NEWS_SHOWN)
    watch = ServerWatch(embedded_servers(settings), news.append)
    with Supervisor(settings.home, news.append) as supervisor:
        _take_one_signal()
        try:
            start_servers(settings)
            watch.begin()
            with _following_the_journal(supervisor, settings, news) as recommenders:
                has_mongo = bool(addresses_of(settings).mongo)
                _start_processes(supervisor, files or [], listener, rate, has_mongo=has_mongo)
                title = _title(is_generated=not files)
                view = _View(settings, (supervisor, watch), title, news, ends=exit_when_done)
                is_good = asyncio.run(view.show(recommenders))
            if not is_good:
                console.say("\n".join(supervisor.last_lines(FEED, _NEWS_SHOWN)))
        except KeyboardInterrupt:
            is_good = True
        finally:
            _ignore_signals()
            console.say("stopping ...")
            supervisor.stop()
            watch.stop()
            _stop_servers(settings)
    raise typer.Exit(0 if is_good else EXIT_ERROR)


def _title(*, is_generated: bool) -> str:
    whose = "GENERATED listeners (no real people)" if is_generated else "your listening history"
    return f"EchoTune · {whose}"


class _Recommenders:
    """The recommenders of all generations that the journal starts, and the keeper."""

    def __init__(
        self,
        processes: "GenerationProcesses",
        keeper: "Keeper",
        journal: "Journal",
        say: Callable[[str], object],
    ) -> None:
        self._processes = processes
        self._keeper = keeper
        self._journal = journal
        self._say = say

    async def follow(self) -> None:
        """Follows the journal for ever."""
        await asyncio.gather(self._follow(), self._keeper.run())

    async def _follow(self) -> None:
        said = ""
        while True:
            try:
                self._processes.follow(await asyncio.to_thread(self._journal.read))
                said = ""
            except (EchoTuneError, OSError) as error:  # what runs goes on
                if said != str(error):
                    said = str(error)
                    self._say(f"generations are not followed: {said}")
            await asyncio.sleep(_FOLLOW_EVERY_S)


@contextmanager
def _following_the_journal(
    supervisor: Supervisor, settings: Settings, news: deque[str]
) -> "Iterator[_Recommenders]":
    """Refuses settings that the generation does not have, before any worker does."""
    from streams.lifecycle.generation_record import settings_from
    from streams.lifecycle.journal import Journal
    from streams.workers.generation_processes import GenerationProcesses
    from streams.workers.keeper import Keeper

    addresses = addresses_of(settings)
    with Journal(addresses.kafka) as journal:
        lifecycle = journal.read()
        if not lifecycle.is_empty:
            is_named = "generation" in settings.model_fields_set
            name = settings.generation if is_named else lifecycle.plan.stable
            settings_from(lifecycle, settings.model_copy(update={"generation": name}))
        processes = GenerationProcesses(supervisor, settings, news.append)
        keeper = Keeper(settings, addresses, journal, news.append)
        yield _Recommenders(processes, keeper, journal, news.append)


def _take_one_signal() -> None:
    """Lets the first signal interrupt, and no later one: `make` and its terminal send two."""

    def interrupt(*_: object) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` and background jobs want it
            signal.signal(number, interrupt)


def _ignore_signals() -> None:
    """Ignores further signals: stopping is bounded, and an interruption would leave orphans.

    A function ignores them, because Python complains of a signal that arrived just before SIG_IGN.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)


def _start_processes(
    supervisor: Supervisor,
    files: list[Path],
    listener: str | None,
    rate: float,
    *,
    has_mongo: bool,
) -> None:
    supervisor.start("sequencer", "worker", "sequencer")
    if has_mongo:
        supervisor.start(HTTP, "serve")
    if files:
        whose = ["--listener", listener] if listener else []
        supervisor.start(FEED, "import", *map(str, files), *whose, is_lasting=False)
    else:
        supervisor.start(FEED, "simulate", "--rate", str(rate), "--listeners", GENERATED_LISTENERS)


def _stop_servers(settings: Settings) -> None:
    servers = embedded_servers(settings)
    if servers.wanted:
        servers.down(console.say)


class _View:
    """The view of a run; it decides when the run ends."""

    def __init__(
        self,
        settings: Settings,
        processes: tuple[Supervisor, ServerWatch],
        title: str,
        news: deque[str],
        *,
        ends: bool,
    ) -> None:
        self._settings = settings
        self._supervisor, self._watch = processes
        self._title = title
        self._ends = ends
        self._news = news

    async def show(self, recommenders: "_Recommenders") -> bool:
        """Shows the run until it is done; returns False if the feed has failed."""
        addresses = addresses_of(self._settings)
        async with ListReader(self._settings, addresses) as reader:
            observer = Observer(self._settings, addresses, reader)
            watch = self._redraw if console.out.can_redraw else self._print
            following = asyncio.create_task(recommenders.follow())
            try:
                return await watch(observer)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    async def _redraw(self, observer: Observer) -> bool:
        with Live(console=console.out, auto_refresh=False, screen=False) as live:
            while True:
                view = await self._observed(observer)
                news = [*view.status["problems"], *self._news, *self._feed_lines()]
                live.update(panel(view, self._title, news), refresh=True)
                if self._is_done(view):
                    return self._supervisor.exit_code(FEED) == 0
                await asyncio.sleep(_REDRAW_EVERY_S)

    async def _print(self, observer: Observer) -> bool:
        console.out.print(self._title)
        printed: list[str] = []
        while True:
            view = await self._observed(observer)
            console.out.print(line(view), soft_wrap=True, markup=False)
            if (last := [*view.status["problems"], *self._feed_lines()]) != printed:
                self._news.extend(last)
                printed = last
            while self._news:
                console.out.print(self._news.popleft(), soft_wrap=True, markup=False)
            if self._is_done(view):
                return self._supervisor.exit_code(FEED) == 0
            await asyncio.sleep(_LINE_EVERY_S)

    def _feed_lines(self) -> list[str]:
        """The last line of the feed; its last ones, with what it left out, if it has ended."""
        is_ended = self._supervisor.exit_code(FEED) is not None
        count = _NEWS_SHOWN if is_ended else 1
        return [f"{FEED}: {each}" for each in self._supervisor.last_lines(FEED, count)]

    async def _observed(self, observer: Observer) -> LiveView:
        self._watch.restart_ended()
        self._supervisor.restart_ended()
        return await observer.current_view()

    def _is_done(self, view: LiveView) -> bool:
        if not self._ends or self._supervisor.exit_code(FEED) is None:
            return False
        is_idle = view.status["lag"] == {"events": 0, "log_records": 0}
        return self._supervisor.exit_code(FEED) != 0 or is_idle
