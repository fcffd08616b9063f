"""Which commands there are: each lives in a module of its own and is named here once.

A command imports what is slow to import when it runs, so that the others begin at once.
"""

from importlib import import_module

import typer

MODULES = (
    "run",
    "servers",
    "status",
    "topics",
    "schemas",
    "worker",
    "import_history",
    "simulate",
    "send",
    "recommend",
    "deadletters",
    "verify",
    "doctor",
    "evaluate",
    "models",
)


def register(app: typer.Typer) -> None:
    """Adds every command to `app`."""
    for name in MODULES:
        import_module(f"streams.cli.{name}").add_to(app)
