"""`echotune generations ...`: creates, starts, promotes and rolls back generations."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from streams.addresses import Addresses, addresses_of
from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.cli.progress_bar import Show, progress
from streams.settings import Settings
from topics.errors import SettingsError

generations_app = typer.Typer(
    help="Models side by side on one log: which ones run, and which one serves whom.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="The generation's name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the history.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(generations_app, name="generations")


@generations_app.command("list", epilog="Example: echotune generations list --json")
def list_command(json: Json = False) -> None:
    """Lists all generations, with their roles and what is known of their recommenders."""
    from streams.cli.generations_view import generations_table
    from streams.lifecycle.overview import overview

    with _opened() as (settings, addresses, journal):
        found = asyncio.run(overview(settings, addresses, journal.read()))
    if json:
        console.print_json(found)
    else:
        console.out.print(generations_table(found))


@generations_app.command("show", epilog="Example: echotune generations show second")
def show_command(name: Name, json: Json = False) -> None:
    """Shows one generation with its settings."""
    from streams.lifecycle.overview import overview

    with _opened() as (settings, addresses, journal):
        found = asyncio.run(overview(settings, addresses, journal.read()))
    chosen = next((each for each in found if each["name"] == name), None)
    if chosen is None:
        raise _unknown(name)
    console.print_json(chosen)


@generations_app.command("history", epilog="Example: echotune generations history --json")
def history_command(
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what was written until then.")
    ] = None,
    json: Json = False,
) -> None:
    """Lists every record of the journal, who wrote it and why, and whether it was void."""
    from streams.cli.generations_view import entry_as_json

    with _opened() as (_, _, journal):
        history = journal.read().history
    until_ms = None if at is None else _ms_of(at)
    entries = [
        entry_as_json(each) for each in history if until_ms is None or each.at_ms <= until_ms
    ]
    if json:
        console.print_json(entries)
        return
    for each in entries:
        void = f"  VOID: {each['void']}" if each["void"] else ""
        console.out.print(
            f"{each['offset']:6} {each['at']} {each['says']}  ({each['who']}: {each['why']}){void}",
            markup=False,
            soft_wrap=True,
        )


@generations_app.command(
    "create",
    epilog="Example: echotune generations create second --model fast --start --why 'try it'",
)
def create_command(
    name: Name,
    why: Why,
    model: Annotated[str | None, typer.Option(help="As in ECHOTUNE_MODEL.")] = None,
    like: Annotated[str | None, typer.Option(help="Take the settings of this one.")] = None,
    list_length: Annotated[int | None, typer.Option(min=1, max=200)] = None,
    shards: Annotated[int | None, typer.Option(min=1, max=1024)] = None,
    start: Annotated[bool, typer.Option("--start", help="Start it, too.")] = False,
    json: Json = False,
) -> None:
    """Creates a generation. Its settings never change, and its name is never used again."""
    from streams.lifecycle.first_start import created, log_id_of, settings_from
    from streams.lifecycle.journal import operation

    with _opened() as (settings, addresses, journal):
        lifecycle = journal.read()
        base = settings
        if like is not None:
            base = settings_from(lifecycle, Settings(generation=like), prefers="record")
        given = {"model": model, "list_length": list_length, "shards": shards}
        changes = {key: value for key, value in given.items() if value is not None}
        wanted = base.model_copy(update={"generation": name, "shards": 1, **changes})
        record = created(
            name, wanted, log_id_of(addresses.kafka), like=like, **operation(why, settings.who)
        )
        _append(journal, lifecycle, record, f"{name} was created", json=json and not start)
        if start:
            _move(journal, settings, name, "STARTED", why, f"{name} was started", json=json)


@generations_app.command("start", epilog="Example: echotune generations start second --why 'back'")
def start_command(
    name: Name,
    why: Why,
    quiet: Annotated[bool, typer.Option("--quiet", help="Learn, and publish nothing.")] = False,
    json: Json = False,
) -> None:
    """Starts a generation: its recommenders fold the log, and publish to Redis."""
    with _opened() as (settings, _, journal):
        to, says = ("QUIET", "learns, and publishes nothing") if quiet else ("STARTED", "starts")
        _move(journal, settings, name, to, why, f"{name} {says}", json=json)


@generations_app.command("stop", epilog="Example: echotune generations stop second --why 'enough'")
def stop_command(name: Name, why: Why, json: Json = False) -> None:
    """Stops a generation: its recommenders are parked. Its lists stay until they expire."""
    with _opened() as (settings, _, journal):
        _move(journal, settings, name, "STOPPED", why, f"{name} was stopped", json=json)


@generations_app.command(
    "scale", epilog="Example: echotune generations scale second --shards 2 --why 'more listeners'"
)
def scale_command(
    name: Name,
    shards: Annotated[int, typer.Option(min=1, max=1024, help="Number of recommenders.")],
    why: Why,
    json: Json = False,
) -> None:
    """Changes the number of recommenders that share a generation's listeners."""
    with _opened() as (settings, _, journal):
        known = journal.read().generations.get(name)
        if known is None:
            raise _unknown(name)
        says = f"{name} has {shards} shards"
        _move(journal, settings, name, known.state, why, says, json=json, shards=shards)


@generations_app.command("wait", epilog="Example: echotune generations wait second --lag 1s")
def wait_command(
    name: Name,
    lag: Annotated[str, typer.Option(help="How old the oldest unlearnt record may be.")] = "1s",
    within: Annotated[str | None, typer.Option(help="Give up after this time.")] = None,
    json: Json = False,
) -> None:
    """Waits until a generation has caught up with the log and may serve; exit code 1 if never."""
    from streams.lifecycle.catching_up import seconds_of, wait_until_caught_up

    lag_s, within_s = seconds_of(lag), None if within is None else seconds_of(within)
    with _opened() as (settings, addresses, journal), progress(f"{name} catches up") as show:
        generation = journal.read().generations.get(name)
        if generation is None:
            raise _unknown(name)
        found = asyncio.run(
            wait_until_caught_up(
                settings, addresses, name, generation.shards, (lag_s, within_s), show
            )
        )
    if json:
        console.print_json(found)
    elif found["caught_up"]:
        console.say(f"{name} has caught up")
    else:
        console.failure(
            f"{name} has not caught up: {'; '.join(found['waits_for'])}.",
            "See `echotune generations list`, and the log of its recommender.",
        )
    raise typer.Exit(0 if found["caught_up"] else EXIT_NO)


@generations_app.command(
    "compare", epilog="Example: echotune generations compare second first --json"
)
def compare_command(
    a: Annotated[str, typer.Argument(help="The generation that is judged.")],
    b: Annotated[str, typer.Argument(help="The generation that it is compared with.")],
    margin: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="By how much it may be worse.")
    ] = 0.005,
    json: Json = False,
) -> None:
    """Compares two generations on the same plays: folds the log with both models side by side.

    Verdicts: better, worse, no worse, too early, too few listeners. They are valid however often
    one looks. Listeners may have played what they were shown, which favours the generation that
    served them.
    """
    from streams.cli.generations_view import comparison_table, verdict_in_words
    from streams.evaluation.comparison import compared, contest_of_two
    from streams.evaluation.log_pass import run
    from streams.lifecycle.first_start import settings_from

    if a == b:
        raise SettingsError(f"{a} is compared with itself.", "Name two generations.")
    with _opened() as (_, addresses, journal):
        lifecycle = journal.read()
    settings = {
        each: settings_from(lifecycle, Settings(generation=each), prefers="record")
        for each in (a, b)
    }
    console.say("compiling the models if need be ...")
    contest = contest_of_two(settings)
    with progress("comparing") as show:
        fold = run(contest, settings[a], addresses.kafka, lambda n: show(None, f"{n:,} events"))
    found = compared(contest, margin=margin)
    found |= {"from_offset": 0, "upto_offset": fold.offset, "exploratory": False}
    if json:
        console.print_json(found)
        return
    console.out.print(comparison_table(found))
    console.out.print(verdict_in_words(found), soft_wrap=True, markup=False)
    console.out.print(
        "Listeners may have played what they were shown, which favours the generation that "
        "served them.",
        style="dim",
        soft_wrap=True,
    )


@generations_app.command(
    "retire", epilog="Example: echotune generations retire first --why 'second is better'"
)
def retire_command(name: Name, why: Why, json: Json = False) -> None:
    """Deletes what a generation left in Redis and Kafka, for good; it must not serve listeners.

    May be repeated if it was interrupted. Its name is never used again; its history stays.
    """
    from streams.lifecycle.retirement import is_retired

    with _opened() as (settings, addresses, journal):
        if name not in journal.read().generations:
            raise _unknown(name)
        if not is_retired(journal.lifecycle, name):
            _move(journal, settings, name, "RETIRING", why, f"{name} is being retired", json=False)
        with progress(f"retiring {name}") as show:
            steps = asyncio.run(_retired(settings, addresses, journal, name, show))
        if journal.lifecycle.generations[name].state != "RETIRED":
            _move(journal, settings, name, "RETIRED", why, "", json=False)
    if json:
        console.print_json({"state": "RETIRED", "steps": steps})
    else:
        console.say("\n".join(f"{each['step']:10} {each['says']}" for each in steps))
        console.say(f"{name} is retired")


async def _retired(
    settings: Settings, addresses: Addresses, journal: Any, name: str, show: Show
) -> list[dict[str, Any]]:
    from streams.lifecycle.retirement import retire

    steps: dict[str, dict[str, Any]] = {}
    async for each in retire(settings, addresses, journal, name):
        show(None, f"{each.step}: {each.says}")
        steps[each.step] = {"step": each.step, "done": True, "says": each.says}
    return list(steps.values())


@generations_app.command("gate", epilog="Example: echotune generations gate second")
def gate_command(name: Name, json: Json = False) -> None:
    """Says whether a generation may serve listeners; exit code 1 if not."""
    with _opened() as (settings, addresses, journal):
        found = _gate(settings, addresses, journal.read(), name)
    if json:
        console.print_json(
            {
                "open": all(each.ok for each in found),
                "conditions": [each._asdict() for each in found],
            }
        )
    else:
        for each in found:
            console.out.print(
                f"{'ok ' if each.ok else 'NO '} {each.name}: {each.says}", markup=False
            )
    raise typer.Exit(0 if all(each.ok for each in found) else EXIT_NO)


@generations_app.command(
    "canary", epilog="Example: echotune generations canary second 5% --why 'a first look'"
)
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
    ten_thousandths = _share(share)
    with _opened() as opened:
        decided = opened[2].read()
        if ten_thousandths:
            plan: dict[str, Any] = {"canary": name, "share": ten_thousandths}
            _serve(opened, decided, name, why, json=json, cause="CANARY", is_dry=dry_run, **plan)
            return
        if decided.plan.canary != name:
            raise SettingsError(
                f"{name} is no canary.", "`echotune generations list` shows which one is."
            )
        how = {"json": json, "is_checked": False, "is_dry": dry_run}
        _serve(opened, decided, name, why, cause="CANARY", **how)


@generations_app.command(
    "promote", epilog="Example: echotune generations promote second --why 'better'"
)
def promote_command(name: Name, why: Why, dry_run: DryRun = False, json: Json = False) -> None:
    """Makes a generation the stable one, which serves everybody and holds the topic."""
    with _opened() as opened:
        decided = opened[2].read()
        how = {"json": json, "is_dry": dry_run}
        _serve(opened, decided, name, why, cause="PROMOTED", stable=name, **how)


@generations_app.command("rollback", epilog="Example: echotune generations rollback --why 'worse'")
def rollback_command(why: Why, dry_run: DryRun = False, json: Json = False) -> None:
    """Undoes the newest change: ends a canary, or lets the former stable generation serve again.

    It waits for nothing: the former generation's lists are there as long as it is started.
    """
    with _opened() as opened:
        decided = opened[2].read()
        plan: dict[str, Any] = {}
        if decided.plan.canary is not None:
            name = decided.plan.canary
        elif (before := decided.stable_before()) is not None:
            plan["stable"] = name = before
        else:
            raise SettingsError(
                "No generation served before this one.", "`echotune generations history` shows all."
            )
        how = {"json": json, "is_checked": False, "is_dry": dry_run}
        _serve(opened, decided, name, why, cause="ROLLED_BACK", **how, **plan)


@contextmanager
def _opened() -> Iterator[tuple[Settings, Addresses, Any]]:
    """Settings, addresses and the journal; what a server refuses is said in words."""
    from streams.kafka.refusals import refusals_in_words
    from streams.lifecycle.journal import Journal

    settings = Settings()
    addresses = addresses_of(settings)
    with refusals_in_words(addresses.kafka), Journal(addresses.kafka) as journal:
        yield settings, addresses, journal


def _unknown(name: str) -> SettingsError:
    return SettingsError(
        f"There is no generation {name}.", "`echotune generations list` shows all of them."
    )


def _ms_of(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is no time.", "Write 2026-01-31, or 2026-01-31T12:00:00Z."
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000


def _share(text: str) -> int:
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:  # noqa: PLR2004
        raise SettingsError(f"{text} is no share.", "Give a share of 0% to 100%.")
    share = round(percent * 100)
    if not share and percent:
        raise SettingsError(f"{text} is less than one listener in 10,000.", "Give 0.01% or more.")
    return share


def _gate(settings: Settings, addresses: Addresses, lifecycle: Any, name: str) -> list[Any]:
    from streams.lifecycle.overview import statuses_of
    from streams.lifecycle.promotion_gate import conditions

    generation = lifecycle.generations.get(name)
    if generation is None:
        raise _unknown(name)
    statuses, log_end = asyncio.run(statuses_of(settings, addresses, name, generation.shards))
    return conditions(statuses, log_end)


def _serve(
    opened: tuple[Settings, Addresses, Any],
    decided: Any,
    name: str,
    why: str,
    *,
    json: bool,
    cause: str,
    is_checked: bool = True,
    is_dry: bool = False,
    **plan: Any,
) -> None:
    """Changes the plan, unless it is no longer the one that `decided`, a lifecycle, has."""
    from streams.lifecycle.journal import operation
    from streams.lifecycle.overview import set_pointer
    from topics.lifecycle import ServingCause, ServingChanged

    settings, addresses, journal = opened
    gate = _gate(settings, addresses, decided, name) if is_checked else []
    shut = [f"{each.name}: {each.says}" for each in gate if not each.ok]
    if shut:
        console.failure(
            f"{name} may not serve listeners: {'; '.join(shut)}.",
            "Wait for it, or see `echotune generations list`.",
        )
        raise typer.Exit(EXIT_NO)
    fields: dict[str, Any] = {"stable": decided.plan.stable, "expected": decided.plan.version}
    record = ServingChanged(
        cause=ServingCause(cause),
        evidence=orjson.dumps([each._asdict() for each in gate]).decode(),
        **(fields | plan | operation(why, settings.who)),
    )
    if is_dry:
        now, is_set = record, False
        _check_valid(decided, record)
    else:
        _append(journal, decided, record, "", json=False)
        is_set = asyncio.run(set_pointer(settings, addresses, journal))
        now = journal.lifecycle.plan
    result = {
        "valid": True,
        "version": journal.lifecycle.plan.version,
        "stable": now.stable,
        "canary": now.canary,
        "share": now.share,
        "pointer": "set" if is_set else "not set: a dry run" if is_dry else "waits for redis",
    }
    if json:
        console.print_json(result)
    elif is_dry:
        canary = f" and {now.canary} {now.share / 100:g} %" if now.canary else ""
        console.say(f"nothing was changed; {now.stable} would serve all listeners{canary}")
    else:
        share = f", {now.canary} {now.share / 100:g} %" if now.canary else ""
        pointer = "the pointer is set" if is_set else "the pointer is set when Redis answers"
        console.say(f"{now.stable} serves all listeners{share}; {pointer}")


def _move(
    journal: Any,
    settings: Settings,
    name: str,
    to: str,
    why: str,
    says: str,
    *,
    json: bool,
    shards: int = 0,
) -> None:
    from streams.lifecycle.journal import operation
    from topics.lifecycle import GenerationMoved, GenerationState

    said = operation(why, settings.who)
    record = GenerationMoved(name=name, to=GenerationState(to), shards=shards, **said)
    _append(journal, journal.read(), record, says, json=json)


def _append(journal: Any, decided: Any, record: Any, says: str, *, json: bool) -> None:
    """Appends a record, unless it does not follow on the lifecycle that the operator saw.

    Exit code 1 if somebody else was faster.
    """
    _check_valid(decided, record)
    appended = journal.append(lambda _: record)
    if not appended.is_valid:
        faster = appended.faster
        by = f" {faster.record.who} was faster ({faster.record.why})." if faster else ""
        console.failure(f"Nothing was changed: {appended.own.void}.{by}", "Look, and try again.")
        raise typer.Exit(EXIT_NO)
    if json:
        console.print_json({"valid": True, "offset": appended.own.offset})
    elif says:
        console.say(says)


def _check_valid(decided: Any, record: Any) -> None:
    if why_void := decided.why_void(record):
        raise SettingsError(
            f"This cannot be: {why_void}.", "`echotune generations list` shows what is."
        )
