"""`echotune topics apply|check|adopt|void`: the cluster's topics, the catalogue, and the log."""

import time
from typing import Annotated

import typer
from confluent_kafka.admin import AdminClient

from infra.topic_creation import Difference, apply, compare
from streams.addresses import Addresses, addresses_of
from streams.cli import EXIT_NO, console
from streams.cli.options import Json
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from streams.kafka.log_writer import write_control
from streams.kafka.refusals import refusals_in_words
from streams.kafka.retries import until_elected
from streams.kafka.rights import check_visible
from streams.kafka.topic_facts import bounds_of, describe_topic
from streams.settings import Settings
from topics.catalogue import LEARNING_LOG, LISTENING_EVENTS, catalogue
from topics.control_records import LogEpochStarted, SourceAdded
from topics.errors import TopicError

topics_app = typer.Typer(
    help="Makes the cluster's topics equal to the catalogue.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(topics_app, name="topics")


def apply_topics(
    settings: Settings, addresses: Addresses, *, grow: bool = False
) -> list[Difference]:
    """Creates and alters topics that differ; writes the first record of an empty learning-log.

    The log's epoch is its creation time, so that lists of any later log are newer than those of
    any earlier one. The log may be empty although its topic is not new: this may have died before
    it wrote the record.
    """
    admin, topics = AdminClient(client_settings(addresses.kafka)), catalogue(settings.partitions)
    _compare(settings, addresses)  # before anything is changed
    changes = apply(
        admin,
        topics,
        replication_factor=settings.replication_factor,
        grow=grow,
        prefix=settings.prefix,
    )
    if bounds_of(addresses.kafka, LEARNING_LOG.name, [0])[0].end == 0:
        write_control(addresses.kafka, LogEpochStarted(time.time_ns() // 1_000_000, "log created"))
    return changes


@topics_app.command("apply", epilog="Example: echotune topics apply")
def apply_command(
    check: Annotated[bool, typer.Option("--check", help="Only print what would change.")] = False,
    grow: Annotated[bool, typer.Option(help="Also add partitions to keyed topics.")] = False,
    json: Json = False,
) -> None:
    """Creates missing topics and alters settings that differ. Idempotent."""
    settings = Settings()
    addresses = addresses_of(settings)
    if check:
        _print_and_exit(_compare(settings, addresses), json=json)
    changes = apply_topics(settings, addresses, grow=grow)
    _print(changes, "topics are as in the catalogue", json=json)


@topics_app.command("check", epilog="Example: echotune topics check --json")
def check_command(json: Json = False) -> None:
    """Prints how the cluster differs from the catalogue; exit code 1 if something is to be done."""
    settings = Settings()
    _print_and_exit(_compare(settings, addresses_of(settings)), json=json)


@topics_app.command("adopt", epilog="Example: echotune topics adopt")
def adopt_command(
    topic: Annotated[str, typer.Argument(help="The topic that was recreated.")] = (
        LISTENING_EVENTS.name
    ),
    json: Json = False,
) -> None:
    """Writes to the log that a recreated topic succeeds the earlier topic of the same name."""
    if topic != LISTENING_EVENTS.name:
        raise TopicError(
            f"{topic} is no topic of events: no model learns from it.",
            f"Adopt {LISTENING_EVENTS.name}; the log keeps for ever what is adopted.",
        )
    addresses = addresses_of(Settings())
    described = describe_topic(addresses.kafka, topic)
    offset = write_control(
        addresses.kafka,
        SourceAdded(described.topic_id, prefixed(addresses.kafka, topic), adopted=True),
    )
    result = {"topic": topic, "topic_id": described.topic_id.hex(), "log_offset": offset}
    if json:
        console.print_json(result)
    else:
        console.say(f"{topic} ({result['topic_id']}) adopted at learning-log offset {offset}")


@topics_app.command(
    "void", epilog="Example: echotune topics void learning-log 0 4711 --why 'a console producer'"
)
def void_command(
    topic: Annotated[str, typer.Argument(help="learning-log.")],
    partition: Annotated[int, typer.Argument(min=0, help="0.")],
    offset: Annotated[int, typer.Argument(min=0, help="The record that cannot be read.")],
    why: Annotated[str, typer.Option(help="The reason, which the journal keeps.")],
    to: Annotated[
        int | None, typer.Option(min=0, help="Also what cannot be read up to this offset.")
    ] = None,
    not_newer: Annotated[
        bool, typer.Option("--not-newer", help="No newer EchoTune has written it.")
    ] = False,
    json: Json = False,
) -> None:
    """Declares a damaged record void: every reader passes it from now on, and nothing is deleted.

    The declaration is a record of the journal, with the hash of the record's bytes. Workers that
    are restarted, as `echotune run` and service managers do, go on by themselves. A record that can
    be read is never void. A gap that somebody's transaction left is declared void likewise.
    """
    from streams.lifecycle.voiding import check_is_log, void_records

    check_is_log(topic, partition)
    settings, last = Settings(), offset if to is None else to
    kafka = addresses_of(settings).kafka
    found = void_records(kafka, offset, last, why, who=settings.who, is_not_newer=not_newer)
    spans = [(each.first_offset, each.last_offset, each.sha256) for each in found]
    if json:
        keys = ("first_offset", "last_offset", "sha256")
        console.print_json({"void": [dict(zip(keys, each, strict=True)) for each in spans]})
        return
    for first, last, _ in spans:
        upto = f" to {last}" if last > first else ""
        console.say(f"{topic}/{partition}/{first}{upto} is void from now on")
    if not spans:
        console.say("it is void already: workers pass it when they are started again")


def _compare(settings: Settings, addresses: Addresses) -> list[Difference]:
    admin = AdminClient(client_settings(addresses.kafka))
    with refusals_in_words(addresses.kafka):
        wanted = catalogue(settings.partitions)
        found = until_elected(lambda: compare(admin, wanted, settings.prefix))
    check_visible(addresses.kafka, [each.topic.name for each in found if each.is_missing])
    return found


def _print_and_exit(found: list[Difference], *, json: bool) -> None:
    _print(found, "no difference", json=json)
    raise typer.Exit(EXIT_NO if any(each.is_to_change for each in found) else 0)


def _print(found: list[Difference], otherwise: str, *, json: bool) -> None:
    lines = [line for each in found for line in each.lines()]
    if json:
        console.print_json({"differences": lines})
    else:
        console.out.print("\n".join(lines) or otherwise, markup=False)
