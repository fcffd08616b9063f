"""Shows generations, their history and comparisons in a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from streams.cli.untrusted_text import in_one_line
from streams.lifecycle.lifecycle import Entry
from streams.lifecycle.promotion_gate import Condition

_ROLE_STYLES = {"stable": "bold green", "canary": "yellow", "parked": "dim"}


def generations_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """All generations, one a row."""
    table = Table(box=None)
    for name in ("generation", "role", "model"):
        table.add_column(name)
    for name in ("heard", "behind", "p99", "hit rate", "baseline"):
        table.add_column(name, justify="right")
    table.add_column("created")
    for each in found:
        role = each["role"] + (f" {each['share'] / 100:g} %" if each["share"] else "")
        role += ", autopilot" if each["autopilot"] else ""
        p99 = each["freshness_ms"].get("p99")
        table.add_row(
            in_one_line(each["name"]),
            Text(role, style=_ROLE_STYLES.get(each["role"], "")),
            in_one_line(str(each["model"])),
            f"{each['heard']} of {each['shards']}",
            "-" if each["lag_records"] is None else f"{each['lag_records']:,}",
            "-" if p99 is None else f"{p99:,.0f} ms",
            _rate(each["quality"]),
            _rate(each["baseline"]),
            _time(each["created_at"]),
        )
    return table


def gate_lines(conditions: Sequence[Condition], shut: Sequence[Condition]) -> list[str]:
    """The conditions of a gate, one a line, and whether it is open."""
    marks = {True: "ok", False: "? "}
    lines = [
        f"{'NO' if each in shut else marks[each.ok]}  {each.name}: {each.says}"
        for each in conditions
    ]
    is_doubtful = any(not each.ok for each in conditions)
    if shut:
        return [*lines, "the gate is shut"]
    return [*lines, "the gate is open" + (", and `promote` warns" if is_doubtful else "")]


def comparison_table(found: Mapping[str, Any]) -> Table:
    """A comparison: all scored plays, and those of each novelty."""
    table = Table(box=None)
    for name in ("plays", "paired", found["a"], found["b"], "difference", "95 % interval"):
        table.add_column(name, justify="left" if name == "plays" else "right")
    splits = {name.replace("_", " "): each for name, each in found["splits"].items()}
    for name, each in {"all": found, **splits}.items():
        interval = each["interval"]
        table.add_row(
            name,
            f"{each['paired']:,}",
            f"{100 * each['a_mean']:.2f} %",
            f"{100 * each['b_mean']:.2f} %",
            f"{100 * each['difference']:+.2f} %",
            f"{100 * interval['low']:+.2f} to {100 * interval['high']:+.2f} %",
        )
    return table


def served_table(found: Mapping[str, Any]) -> Table:
    """Whom each generation served while one was a canary, and on whose lists their plays were."""
    a, b = found["a"], found["b"]
    table = Table(box=None)
    for name in ("served by", "listeners", "plays", f"on the list of {a}", f"on the list of {b}"):
        table.add_column(name, justify="left" if name == "served by" else "right")
    for name, each in found["by_served"]["listeners_of"].items():
        shares = (f"{100 * each['on_list_of'][other]:.2f} %" for other in (a, b))
        counts = (f"{each['listeners']:,}", f"{each['plays']:,}")
        table.add_row(in_one_line(name), *counts, *shares)
    return table


def verdict_in_words(found: Mapping[str, Any]) -> str:
    """The verdict of a comparison as a sentence."""
    a, b = found["a"], found["b"]
    match str(found["verdict"]):
        case "too early":
            more = found["plays_to_go"]
            wait = f"; about {more:,} plays to go" if more else ""
            return f"It is too early to say which of {a} and {b} is better{wait}."
        case "too few listeners":
            return (
                f"Too few listeners to say which of {a} and {b} is better: the figures are true of "
                "these plays only."
            )
        case "no worse":
            return f"{a} is not worse than {b} by more than {100 * found['margin']:g} %."
        case verdict:
            return f"{a} is {verdict} than {b}."


def entry_as_json(entry: Entry) -> dict[str, Any]:
    """A record of the journal as JSON values, and what it says in words."""
    fields: dict[str, Any] = {
        key: value.hex() if isinstance(value, bytes) else value
        for key, value in asdict(entry.record).items()
    }
    kind = type(entry.record).__name__
    said = {"kind": kind, "says": _in_words(kind, fields), "void": entry.void}
    return {"offset": entry.offset, "at": _time(entry.at_ms), **said, **fields}


def _in_words(kind: str, fields: Mapping[str, Any]) -> str:
    if kind == "GenerationCreated":
        return f"created {fields['name']}"
    if kind == "GenerationMoved":
        shards = f" with {fields['shards']} shards" if fields["shards"] else ""
        return f"{fields['name']} is {str(fields['to']).lower()}{shards}"
    if kind == "AutopilotSet":
        return f"the autopilot of {fields['name']} is {'' if fields['is_armed'] else 'dis'}armed"
    if kind == "GenerationsCompared":
        return f"compared {fields['a']} with {fields['b']}: {fields['verdict']}"
    if kind == "RecordsVoided":
        return f"{voided_place(fields)} is void"
    canary = f", {fields['canary']} {fields['share'] / 100:g} %" if fields["canary"] else ""
    return f"{fields['stable']} serves all listeners{canary}"


def voided_place(fields: Mapping[str, Any]) -> str:
    """Topic, partition, and the offset or offsets of a `RecordsVoided`."""
    first, last = fields["first_offset"], fields["last_offset"]
    upto = f" to {last}" if last > first else ""
    return f"{fields['topic']}/{fields['partition']}/{first}{upto}"


def _rate(quality: Mapping[str, Any]) -> str:
    return f"{100 * quality['hr@20']:.1f} %" if quality.get("scored") else "-"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
