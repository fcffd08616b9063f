"""The live view of a running EchoTune: a panel in a terminal, plain lines elsewhere."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.cli.list_view import list_table
from streams.cli.untrusted_text import in_one_line
from streams.monitoring.observer import LiveView

TRACKS_SHOWN = 10


def panel(view: LiveView, title: str, news: list[str]) -> RenderableType:
    """Figures, one listener's list, and the newest messages."""
    figures = Table.grid(padding=(0, 3))
    for row in _figures(view):
        figures.add_row(
            *(Text(cell, style="bold" if at % 2 else "dim") for at, cell in enumerate(row))
        )
    shown: list[RenderableType] = [figures, Text("")]
    if view.spotlight is not None:
        plays = f", who plays {view.playing}" if view.playing else ""
        shown.append(
            Text(in_one_line(f"next for {view.spotlight}{plays}"), style="italic", no_wrap=True)
        )
        shown.append(list_table(None, view.stored, view.names, k=TRACKS_SHOWN))
    else:
        shown.append(Text("the first list appears after the first play", "dim"))
    shown += [Text(""), *(Text(in_one_line(each), style="dim", no_wrap=True) for each in news)]
    return Panel(
        Group(*shown), title=title, subtitle="Ctrl-C stops everything; the next run continues"
    )


def _figures(view: LiveView) -> list[tuple[str, ...]]:
    status = view.status
    lag, fresh = status["lag"], status["freshness_ms"]
    return [
        ("events learnt", _count(status["applied"]), "events/s", _count(view.events_per_s)),
        ("lists in Redis", _count(status["lists"]), "events waiting", _count(lag["events"])),
        ("fresh after, p50", _ms(fresh.get("p50")), "p99", _ms(fresh.get("p99"))),
        ("hit rate @20", _share(view.quality("quality")), "popularity's", _baseline(view)),
        ("players, HTTP", status["http"] or "–"),
    ]


def line(view: LiveView) -> str:
    """The same figures in one line, for logs."""
    status = view.status
    fresh = status["freshness_ms"]
    first = view.stored.items[:1] if view.stored else []
    names = "".join(f"  {view.spotlight} → {view.names[item.track_id]}" for item in first)
    return in_one_line(
        f"applied {_count(status['applied'])}  {_count(view.events_per_s)}/s"
        f"  lists {_count(status['lists'])}  waiting {_count(status['lag']['events'])}"
        f"  fresh p50 {_ms(fresh.get('p50'))} p99 {_ms(fresh.get('p99'))}"
        f"  hit rate {_share(view.quality('quality'))} (popularity {_baseline(view)})"
        f"  http {status['http'] or '–'}{names}"
    )


def _baseline(view: LiveView) -> str:
    return _share(view.quality("baseline"))


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
