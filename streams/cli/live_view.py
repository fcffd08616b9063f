"""How a running EchoTune looks: a panel that redraws in a terminal, plain lines elsewhere."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.cli.list_view import list_table
from streams.monitoring.observer import Glance

TRACKS_SHOWN = 10


def panel(glance: Glance, title: str, news: list[str]) -> RenderableType:
    """All of it: figures, one listener's list, and what was said lately."""
    figures = Table.grid(padding=(0, 3))
    for row in _figures(glance):
        figures.add_row(
            *(Text(cell, style="bold" if at % 2 else "dim") for at, cell in enumerate(row))
        )
    shown: list[RenderableType] = [figures, Text("")]
    if glance.spotlight is not None:
        plays = f", who plays {glance.playing}" if glance.playing else ""
        shown.append(Text(f"next for {glance.spotlight}{plays}", style="italic", no_wrap=True))
        shown.append(list_table(None, glance.stored, glance.names, k=TRACKS_SHOWN))
    else:
        shown.append(Text("the first list appears as soon as somebody has played something", "dim"))
    shown += [Text(""), *(Text(each, style="dim", no_wrap=True) for each in news)]
    return Panel(
        Group(*shown), title=title, subtitle="Ctrl-C stops everything; the next run goes on"
    )


def _figures(glance: Glance) -> list[tuple[str, ...]]:
    status = glance.status
    lag, fresh = status["lag"], status["freshness_ms"]
    return [
        ("events learnt", _count(status["applied"]), "events/s", _count(glance.events_per_s)),
        ("lists in Redis", _count(status["lists"]), "events waiting", _count(lag["events"])),
        ("fresh after, p50", _ms(fresh.get("p50")), "p99", _ms(fresh.get("p99"))),
        ("hit rate @20", _share(glance.quality("quality")), "popularity's", _baseline(glance)),
    ]


def line(glance: Glance) -> str:
    """The same in one line, for logs."""
    status = glance.status
    fresh = status["freshness_ms"]
    first = glance.stored.items[:1] if glance.stored else []
    names = "".join(f"  {glance.spotlight} → {glance.names[item.track_id]}" for item in first)
    return (
        f"applied {_count(status['applied'])}  {_count(glance.events_per_s)}/s"
        f"  lists {_count(status['lists'])}  waiting {_count(status['lag']['events'])}"
        f"  fresh p50 {_ms(fresh.get('p50'))} p99 {_ms(fresh.get('p99'))}"
        f"  hit rate {_share(glance.quality('quality'))} (popularity {_baseline(glance)}){names}"
    )


def _baseline(glance: Glance) -> str:
    return _share(glance.quality("baseline"))


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
