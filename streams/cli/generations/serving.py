"""`generations gate|canary|promote|rollback`: which generation serves whom."""

from typing import Annotated

import typer

from streams.cli.generations.opened_journal import open_journal
from streams.cli.generations.options import DryRun, Gated, Name, Why
from streams.cli.generations.plan_change import (
    PlanChange,
    asked,
    change_plan,
    gate,
    set_autopilot,
    share_of,
    show_gate,
)
from streams.cli.options import Json
from topics.errors import SettingsError


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("gate", epilog="Example: echotune generations gate second --json")(gate_command)
    app.command(
        "canary", epilog="Example: echotune generations canary second 5% --why 'a first look'"
    )(canary_command)
    app.command("promote", epilog="Example: echotune generations promote second --why 'better'")(
        promote_command
    )
    app.command("rollback", epilog="Example: echotune generations rollback --why 'worse'")(
        rollback_command
    )


def gate_command(name: Name, gated: Gated = False, json: Json = False) -> None:
    """Says whether `promote` would promote a generation, and what is missing; exit code 1 if not.

    `NO` shuts the gate. `?` is not known to be good: `promote` warns of it, and `--gated` asks it.
    """
    with open_journal() as (settings, addresses, journal):
        found = gate(settings, addresses, journal.read(), name)
        show_gate(found, asked(settings, gated=gated), json=json)


def canary_command(
    name: Name,
    share: Annotated[
        str, typer.Argument(help="Its share of the listeners, such as 5%; 0 ends it.")
    ],
    why: Why,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Lets a generation serve a share of the listeners; a larger share only adds listeners."""
    ten_thousandths = share_of(share)
    with open_journal() as opened:
        decided = opened.journal.read()
        if ten_thousandths:
            change = PlanChange("CANARY", name, why, canary=name, share=ten_thousandths)
            asks = asked(opened.settings, gated=False, force=True)
            change_plan(opened, decided, change, json=json, asks=asks, is_dry=dry_run)
            return
        if decided.plan.canary != name:
            raise SettingsError(
                f"{name} is no canary.", "`echotune generations list` shows which one is."
            )
        change = PlanChange("CANARY", name, why)
        change_plan(opened, decided, change, json=json, is_dry=dry_run)


def promote_command(
    name: Name,
    why: Why,
    gated: Gated = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Promote it although a comparison says that it is worse."),
    ] = False,
    auto: Annotated[
        bool | None, typer.Option("--auto/--no-auto", help="Step by step, by the autopilot.")
    ] = None,
    steps: Annotated[
        str, typer.Option(help="The autopilot's shares of the listeners before all of them, in %.")
    ] = "1,10,50",
    dwell: Annotated[str, typer.Option(help="Time between two of its steps.")] = "600s",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Makes a generation the stable one, which serves everybody and holds the topic.

    Refuses a generation that is known to be worse, and warns of what is not known. --auto lets
    `echotune run` (or `worker keeper`) do it in steps, and roll back if it is worse or fails.
    """
    with open_journal() as opened:
        asks = asked(opened.settings, gated=gated, force=force)
        if auto is not None:
            if gated or force or dry_run:
                raise SettingsError(
                    "--auto and --no-auto go with --steps and --dwell alone.",
                    "The autopilot asks every condition at each step.",
                )
            shares = steps if auto else ""
            set_autopilot(opened, name, why, is_armed=auto, steps=shares, dwell=dwell, json=json)
            return
        change = PlanChange("PROMOTED", name, why, stable=name)
        decided = opened.journal.read()
        change_plan(opened, decided, change, json=json, asks=asks, is_dry=dry_run)


def rollback_command(why: Why, dry_run: DryRun = False, json: Json = False) -> None:
    """Undoes the newest change: ends a canary, or lets the former stable generation serve again.

    It waits for nothing: the former generation's lists are there as long as it is started.
    """
    with open_journal() as opened:
        decided = opened.journal.read()
        stable = decided.rolled_back_to()
        if stable is None:
            raise SettingsError(
                "No generation served before this one.", "`echotune generations history` shows all."
            )
        change = PlanChange("ROLLED_BACK", stable, why, stable=stable)
        change_plan(opened, decided, change, json=json, is_dry=dry_run)
