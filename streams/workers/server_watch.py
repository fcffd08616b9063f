"""Watches the embedded servers of a run, and starts those again that have ended.

A start waits for the server, Kafka's for seconds: each is made in a thread of its own.
"""

import time
from collections.abc import Callable
from threading import Thread

from infra.embedded_servers import EmbeddedServers
from streams.workers.backoff import Backoff
from topics.errors import ServerError

_POLL_S = 0.1

Say = Callable[[str], None]


class ServerWatch:
    """The servers that ran at the beginning; one that never started is not missed."""

    def __init__(
        self, servers: EmbeddedServers, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._servers = servers
        self._say = say
        self._clock = clock
        self._starts: dict[str, Thread] = {}
        self._backoffs: dict[str, Backoff] = {}

    def begin(self) -> None:
        """Notes which servers run."""
        running = self._servers.running().items()
        self._backoffs = {name: Backoff(self._clock()) for name, runs in running if runs}

    def restart_ended(self) -> None:
        """Starts ended servers again, with exponential backoff; call it regularly."""
        running = self._servers.running() if self._backoffs else {}
        for name in self._backoffs:
            if not running[name] and not self._is_starting(name):
                self._restart_when_due(name)

    def _is_starting(self, name: str) -> bool:
        return name in self._starts and self._starts[name].is_alive()

    def _restart_when_due(self, name: str) -> None:
        now, backoff = self._clock(), self._backoffs[name]
        if backoff.is_news(now):
            self._say(f"{name} ended; see {self._servers.log_of(name)}; starting it again")
        elif backoff.is_over(now):
            backoff.note_start(now)
            self._starts[name] = Thread(target=self._start, args=(name,), name=name, daemon=True)
            self._starts[name].start()

    def _start(self, name: str) -> None:
        try:
            self._servers.start(name, self._say)
        except (ServerError, OSError) as error:
            self._say(f"{name} cannot be started: {str(error).splitlines()[0]}")

    def stop(self) -> None:
        """Abandons starts, so that the servers can be stopped without waiting for them."""
        for name, start in self._starts.items():
            while start.is_alive():
                self._servers.stop(name)
                start.join(_POLL_S)
