"""`echotune generations ...`: creates, starts, promotes and rolls back generations."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from streams.addresses import Addresses, addresses_of
from streams.cli import EXIT_NO, console
from streams.cli.generations_promotion import (
    append,
    asked,
    check_valid,
    gate,
    serve,
    set_autopilot,
    share_of,
    show_gate,
    unknown,
)
from streams.cli.generations_room import InLittleMemory, check_room, settings_of
from streams.cli.options import Json
from streams.cli.progress_bar import Show, progress
from streams.settings import Settings
from topics.errors import ServerError, SettingsError

generations_app = typer.Typer(
    help="Models side by side on one log: which ones run, and which one serves whom.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="The generation's name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Gated = Annotated[
    bool, typer.Option("--gated", help="Ask every condition, as ECHOTUNE_GATED=1 always does.")
]
Why = Annotated[str, typer.Option("--why", help="The reason, for the history.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(generations_app, name="generations")


@generations_app.command("list", epilog="Example: echotune generations list --json")
def list_command(
    shows_all: Annotated[bool, typer.Option("--all", help="Also those that are retired.")] = False,
    json: Json = False,
) -> None:
    """Lists generations, with their roles and what is known of their recommenders.

    --json has all of them, in order of creation.
    """
    from streams.cli.generations_view import generations_table, notes_of
    from streams.lifecycle.overview import overview

    with _opened() as (settings, addresses, journal):
        found = asyncio.run(overview(settings, addresses, journal.read()))
    if json:
        console.print_json(found)
    else:
        now_ms = time.time_ns() // 1_000_000
        if found:
            width = console.out.width
            console.out.print(generations_table(found, width, now_ms, shows_retired=shows_all))
        for line in notes_of(found, shows_retired=shows_all):
            console.out.print(line, style="dim", markup=False, soft_wrap=True)


@generations_app.command("show", epilog="Example: echotune generations show second")
def show_command(name: Name, json: Json = False) -> None:
    """Shows one generation with its settings."""
    from streams.lifecycle.overview import overview

    with _opened() as (settings, addresses, journal):
        found = asyncio.run(overview(settings, addresses, journal.read()))
    chosen = next((each for each in found if each["name"] == name), None)
    if chosen is None:
        raise unknown(name)
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
    force: InLittleMemory = False,
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
        check_valid(lifecycle, record)
        if start and not force:
            check_room(settings, addresses, lifecycle, wanted)
        append(journal, lifecycle, record, f"{name} was created", json=json and not start)
        if start:
            _move(journal, settings, name, "STARTED", why, f"{name} was started", json=json)


@generations_app.command("start", epilog="Example: echotune generations start second --why 'back'")
def start_command(
    name: Name,
    why: Why,
    quiet: Annotated[bool, typer.Option("--quiet", help="Learn, and publish nothing.")] = False,
    force: InLittleMemory = False,
    json: Json = False,
) -> None:
    """Starts a generation: its recommenders fold the log, and publish to Redis.

    Refuses if this machine, or container, has less free memory than 1.5 times what its largest
    recommender uses, or than the tables of its model take.
    """
    with _opened() as (settings, addresses, journal):
        lifecycle = journal.read()
        if not force:
            check_room(settings, addresses, lifecycle, settings_of(lifecycle, name))
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
            raise unknown(name)
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
            raise unknown(name)
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
    by_served: Annotated[
        bool,
        typer.Option("--by-served", help="Also compare the listeners of a canary with the others."),
    ] = False,
    json: Json = False,
) -> None:
    """Compares two generations on the same plays: folds the log with both models side by side.

    Verdicts: better, worse, no worse, too early, too few listeners. They are valid however often
    one looks. Identical events favour the generation whose lists were shown, because listeners may
    have played what they saw; --by-served compares listeners instead: the share of plays that came
    from their list, of those whom one served as a canary, and of those whom the other one served.
    The answer about identical events is recorded in the journal for `gate` and `promote`.
    """
    from streams.cli.generations_comparison import (
        Pair,
        compare,
        freshness_of,
        show_comparison,
    )
    from streams.lifecycle.first_start import settings_from

    if a == b:
        raise SettingsError(f"{a} is compared with itself.", "Name two generations.")
    with _opened() as (own, addresses, journal):
        lifecycle = journal.read()
    settings = {
        each: settings_from(lifecycle, Settings(generation=each), prefers="record")
        for each in (a, b)
    }
    history = lifecycle.history if by_served else None
    found = compare(Pair(a, b, settings, margin), addresses.kafka, history)
    found["freshness_ms"] = freshness_of((a, b), own, addresses, lifecycle)
    found["recorded"] = _recorded(found, own)
    if json:
        console.print_json(found)
    else:
        show_comparison(found)


def _recorded(found: dict[str, Any], settings: Settings) -> bool:
    """Writes a comparison to the journal; returns False if this user may not."""
    from streams.lifecycle.first_start import log_id_of
    from streams.lifecycle.journal import operation
    from topics.lifecycle import GenerationsCompared

    names = ("a", "b", "upto_offset", "metric", "paired", "clusters", "difference", "margin")
    fields = {name: found[name] for name in names}
    interval = {end: float(found["interval"][end]) for end in ("low", "high")}
    try:
        with _opened() as (_, addresses, journal):
            record = GenerationsCompared(
                log_id=log_id_of(addresses.kafka),
                verdict=str(found["verdict"]),
                **(fields | interval | operation("a comparison", settings.who)),
            )
            append(journal, journal.read(), record, "", json=False)
    except ServerError as error:
        console.say(f"the comparison was not recorded: {error.message} {error.remedy}")
        return False
    return True


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
            raise unknown(name)
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


@generations_app.command("gate", epilog="Example: echotune generations gate second --json")
def gate_command(name: Name, gated: Gated = False, json: Json = False) -> None:
    """Says whether `promote` would promote a generation, and what is missing; exit code 1 if not.

    `NO` shuts the gate. `?` is not known to be good: `promote` warns of it, and `--gated` asks it.
    """
    with _opened() as (settings, addresses, journal):
        found = gate(settings, addresses, journal.read(), name)
        show_gate(found, asked(settings, gated=gated), json=json)


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
    ten_thousandths = share_of(share)
    with _opened() as opened:
        decided = opened[2].read()
        how: dict[str, Any] = {"json": json, "is_dry": dry_run, "cause": "CANARY"}
        if ten_thousandths:
            how |= {"canary": name, "share": ten_thousandths}
            asks = asked(opened[0], gated=False, force=True)
            serve(opened, decided, name, why, asks=asks, **how)
            return
        if decided.plan.canary != name:
            raise SettingsError(
                f"{name} is no canary.", "`echotune generations list` shows which one is."
            )
        serve(opened, decided, name, why, **how)


@generations_app.command(
    "promote", epilog="Example: echotune generations promote second --why 'better'"
)
def promote_command(
    name: Name,
    why: Why,
    gated: Gated = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although it is worse, or not known to be good.")
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
    how: dict[str, Any]
    with _opened() as opened:
        asks = asked(opened[0], gated=gated, force=force)
        if auto is not None:
            if gated or force or dry_run:
                raise SettingsError(
                    "--auto and --no-auto go with --steps and --dwell alone.",
                    "The autopilot asks every condition at each step.",
                )
            how = {"steps": steps if auto else "", "dwell": dwell, "json": json}
            set_autopilot(opened, name, why, is_armed=auto, **how)
            return
        how = {"json": json, "is_dry": dry_run, "asks": asks}
        serve(opened, opened[2].read(), name, why, cause="PROMOTED", stable=name, **how)


@generations_app.command("rollback", epilog="Example: echotune generations rollback --why 'worse'")
def rollback_command(why: Why, dry_run: DryRun = False, json: Json = False) -> None:
    """Undoes the newest change: ends a canary, or lets the former stable generation serve again.

    It waits for nothing: the former generation's lists are there as long as it is started.
    """
    with _opened() as opened:
        decided = opened[2].read()
        stable = decided.rolled_back_to()
        if stable is None:
            raise SettingsError(
                "No generation served before this one.", "`echotune generations history` shows all."
            )
        how: dict[str, Any] = {"json": json, "is_dry": dry_run, "stable": stable}
        serve(opened, decided, stable, why, cause="ROLLED_BACK", **how)


@generations_app.command(
    "manifest",
    epilog="Example: echotune generations manifest second --image registry/echotune@sha256:...",
)
def manifest_command(
    name: Name,
    image: Annotated[str, typer.Option(help="The container image, best by its digest.")],
    memory: Annotated[str, typer.Option(help="Memory of one recommender.")] = "2Gi",
    storage: Annotated[str, typer.Option(help="Disk of one recommender, for snapshots.")] = "10Gi",
) -> None:
    """Prints the Kubernetes objects of a generation: a StatefulSet with a pod for each shard.

    Pipe it to `kubectl apply -f -`. Addresses of servers with passwords belong into the Secret
    `echotune`, whose keys are further ECHOTUNE_* variables.
    """
    from infra.kubernetes import NAME_MAX, Needs, as_yaml, objects_of

    if len(name) > NAME_MAX:
        raise SettingsError(
            f"Kubernetes takes no generation whose name has more than {NAME_MAX} characters.",
            "Create one like it under a shorter name: echotune generations create ... --like",
        )
    with _opened() as (settings, _, journal):
        generation = journal.read().generations.get(name)
    if generation is None:
        raise unknown(name)
    if not settings.kafka:
        console.say("ECHOTUNE_KAFKA is not set here: put it into the Secret `echotune`")
    shown = {"ECHOTUNE_KAFKA": settings.kafka, "ECHOTUNE_PREFIX": settings.prefix}
    environment = {key: value for key, value in shown.items() if value}
    needs = Needs(image, generation.shards, memory, storage)
    print(as_yaml(objects_of(name, needs, environment)))


@contextmanager
def _opened() -> Iterator[tuple[Settings, Addresses, Any]]:
    """Settings, addresses and the journal; what a server refuses is said in words."""
    from streams.kafka.refusals import refusals_in_words
    from streams.lifecycle.journal import Journal

    settings = Settings()
    addresses = addresses_of(settings)
    with refusals_in_words(addresses.kafka), Journal(addresses.kafka) as journal:
        yield settings, addresses, journal


def _ms_of(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is no time.", "Write 2026-01-31, or 2026-01-31T12:00:00Z."
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000


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
    append(journal, journal.read(), record, says, json=json)
