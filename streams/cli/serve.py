"""`echotune serve`: the HTTP service in the foreground."""

from typing import Annotated

import typer

from streams.addresses import addresses_of
from streams.cli import console
from streams.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Examples: echotune serve; echotune serve --host 0.0.0.0 --port 8080")(serve)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen at (default: this machine alone).")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65_535, help="Port (default: that of the last time, or a free one)."
        ),
    ] = None,
) -> None:
    """Serves ListenBrainz' API for players, and lists over HTTP, until Ctrl-C or SIGTERM.

    Start as many as you like. Whoever asks needs a token: `echotune tokens create NAME`.
    """
    from streams.log_setup import log_to_stderr
    from streams.serving.http_server import serve as serve_http

    given = {"http_host": host, "http_port": port}
    settings = Settings().model_copy(
        update={name: each for name, each in given.items() if each is not None}
    )
    log_to_stderr(as_json=True)
    serve_http(settings, addresses_of(settings), console.say)
