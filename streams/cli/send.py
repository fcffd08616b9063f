"""`echotune send`: sends one event."""

import time
import uuid
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import ValidationError

from streams.addresses import addresses_of
from streams.cli import console
from streams.cli.options import Json, check_utf_8
from streams.producers.event_producer import AcknowledgedAt, EventProducer
from streams.sequencing.validation import accept
from streams.settings import Settings
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder, encode
from topics.errors import EchoTuneError
from topics.identity import artist_id_of, track_id_of
from topics.listening_event import EventKind, ListeningEvent


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog='Example: echotune send --listener ann --artist "Nina" --title "Sinnerman"')(
        send
    )


def send(
    listener: Annotated[str, typer.Option(help="Id of the listener.")],
    title: Annotated[
        str | None, typer.Option(help="Title of the track; none for an ERASE.")
    ] = None,
    artist: Annotated[
        str | None, typer.Option(help="Name of the artist; none for an ERASE.")
    ] = None,
    release: Annotated[str | None, typer.Option(help="Name of the release.")] = None,
    kind: Annotated[EventKind, typer.Option(help="What happened.")] = EventKind.LISTEN,
    listened_at: Annotated[
        int | None, typer.Option(help="Start of the play, ms since 1970; default now.")
    ] = None,
    ms_played: Annotated[int | None, typer.Option(help="How long it was played, ms.")] = None,
    duration_ms: Annotated[int | None, typer.Option(help="Length of the track, ms.")] = None,
    json: Json = False,
) -> None:
    """Sends one event and prints the partition and offset at which the broker stored it."""
    settings = Settings()
    now_ms = time.time_ns() // 1_000_000
    check_utf_8(listener, title, artist, release)
    try:
        event = ListeningEvent(
            event_id=str(uuid.uuid4()),
            listener_id=listener,
            kind=kind,
            source="echotune-send",
            track_id=track_id_of(artist, title),
            artist_id=artist_id_of(artist) if artist else None,
            artist_name=artist,
            track_name=title,
            release_name=release,
            listened_at=now_ms if listened_at is None else listened_at,
            ms_played=ms_played,
            duration_ms=duration_ms,
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise EchoTuneError(
            f"This is no event: {where}: {first['msg']}.",
            "`echotune send --help` lists what an event may have.",
        ) from error
    _check(event, now_ms)
    place = sent(settings, event)
    if json:
        console.print_json(
            {"event_id": event.event_id, "track_id": event.track_id, **_as_json(place)}
        )
    else:
        console.say(f"sent {event.event_id} to partition {place.partition} at {place.offset}")


def _check(event: ListeningEvent, now_ms: int) -> None:
    """Raises `EchoTuneError` if the sequencer would reject the event; uses its rules."""
    record = _Unsent(0, now_ms, None, encode("ListeningEvent", vars(event)))
    for _, rejected in accept([record], Decoder(LISTENING_EVENTS.contracts)).rejected:
        remedy = "Give both --artist and --title." if event.track_id is None else ""
        raise EchoTuneError(f"This is no event: {rejected.detail}.", remedy)
    if not event.listener_id.strip():
        raise EchoTuneError("This is no event: its listener is blank.", "Give --listener a name.")


@dataclass
class _Unsent:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def sent(settings: Settings, event: ListeningEvent) -> AcknowledgedAt:
    """Sends `event` and waits for the broker."""
    producer = EventProducer(addresses_of(settings).kafka, console.say)
    places: list[AcknowledgedAt] = []
    producer.send(event, places.append)
    producer.flush()
    return places[0]


def _as_json(place: AcknowledgedAt) -> dict[str, int]:
    return {"partition": place.partition, "offset": place.offset}
