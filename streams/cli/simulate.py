"""`echotune simulate`: sends generated listeners' events; it is also the load generator."""

from typing import Annotated

import typer

from infra.home import claim_if_possible
from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json
from streams.cli.progress_bar import progress
from streams.producers.event_producer import EventProducer
from streams.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: echotune simulate --rate 1000 --events 100000")(simulate)


def simulate(
    rate: Annotated[float, typer.Option(min=0.0, help="Events per second; 0: no limit.")] = 50.0,
    listeners: Annotated[int, typer.Option(min=1, help="Number of generated listeners.")] = 500,
    seed: Annotated[
        int, typer.Option(help="Another seed generates other listeners and music.")
    ] = 1,
    events: Annotated[
        int | None, typer.Option(min=1, help="End after this number of events.")
    ] = None,
    json: Json = False,
) -> None:
    """Sends the events of GENERATED listeners; the next call continues where this one stopped."""
    from streams.producers.simulated_feed import Position, SimulatedFeed

    settings = Settings()
    claim_if_possible(settings.home)
    feed = SimulatedFeed(settings.home / "simulator", seed=seed, listeners=listeners)
    producer = EventProducer(addresses_of(settings).kafka, console.say)
    began = feed.position.events

    def on_sent(position: Position) -> None:
        sent = position.events - began
        show(sent / events if events else None, f"{position.events:,} generated events")

    with progress("simulating") as show:
        feed.send(producer, rate=rate or None, events=events, on_sent=on_sent)
    sent = feed.position.events - began
    if json:
        console.print_json({"sent": sent, "position": feed.position.events})
    else:
        console.say(f"{sent:,} generated events sent, {feed.position.events:,} in all")
