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

WIDE = 120
"""From so many columns on, the reasons are shown, too."""
_NAME_MIN = 12
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_RETIRED = "RETIRED"
_ROLES_IN_ORDER = ("stable", "canary", "started", "quiet", "parked")
_ROLE_STYLES = {"stable": "bold green", "canary": "yellow", "parked": "dim"}


def generations_table(
    found: Sequence[Mapping[str, Any]], width: int, now_ms: int, *, shows_retired: bool = False
) -> Table:
    """All generations, one a row, in as many columns as fit: whoever serves comes first."""
    is_wide = width >= WIDE
    shown = [each for each in found if shows_retired or each["state"] != _RETIRED]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("generation", overflow="fold", min_width=_NAME_MIN)
    table.add_column("role", no_wrap=True)
    table.add_column("model", overflow="fold")
    for name in ("heard", "behind", "p99", "hr@20", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    if is_wide:
        table.add_column("why", overflow="fold")
    for each in sorted(shown, key=lambda each: _ROLES_IN_ORDER.index(each["role"])):
        table.add_row(*_row(each, now_ms), *([in_one_line(each["why"])] if is_wide else []))
    return table


def _row(each: Mapping[str, Any], now_ms: int) -> list[str | Text]:
    role = each["state"].lower() if each["role"] == "parked" else each["role"]
    role += f" {each['share'] / 100:g} %" if each["share"] else ""
    is_heard, p99 = each["lag_records"] is not None, each["freshness_ms"].get("p99")
    style = _ROLE_STYLES.get(each["role"], "")
    is_missing = each["role"] != "parked" and each["heard"] < each["shards"]
    heard = f"{each['heard']} of {each['shards']}"
    return [
        Text(in_one_line(each["name"]), style=style),
        Text(role, style=style),
        in_one_line(str(each["model"])),
        Text(heard, style="bold red" if is_missing else style),
        f"{each['lag_records']:,}" if is_heard else "-",
        "-" if p99 is None else _short_duration(p99 / 1_000),
        _rate(each["quality"]),
        _short_duration((now_ms - each["created_at"]) / 1_000),
    ]


def notes_of(found: Sequence[Mapping[str, Any]], *, shows_retired: bool = False) -> list[str]:
    """Lines below the table: what a column means, whose autopilot is armed, what is not shown."""
    if not found:
        return ["There is no generation yet: the first recommender that starts makes one."]
    rates = [_rate(each["baseline"]) for each in found if each["role"] == "stable"]
    armed = [in_one_line(each["name"]) for each in found if each["autopilot"]]
    retired = sum(each["state"] == _RETIRED for each in found)
    lines = []
    if rates and rates[0] != "-":
        lines.append(
            f"hr@20: plays that were on the list just before; of popular tracks {rates[0]}"
        )
    if armed:
        lines.append(f"the autopilot is armed: {', '.join(armed)}")
    if retired and not shows_retired:
        lines.append(f"{retired} retired: --all shows them")
    return lines


def _short_duration(seconds: float) -> str:
    """At most six characters.

    >>> [_short_duration(each) for each in (0.349, 12.34, 240, 7_300, 86_400 * 40)]
    ['349 ms', '12.3 s', '4 min', '2.0 h', '40 d']
    """
    if seconds < 1:
        return f"{1_000 * seconds:.0f} ms"
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h" if seconds < _DAY_S else f"{seconds / _DAY_S:,.0f} d"


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
        if not each["paired"]:
            table.add_row(name, "0", *("-" for _ in range(4)))
            continue
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


def side_by_side(found: Mapping[str, Any]) -> str:
    """What two generations differ in besides their hits: catalogue coverage and freshness."""
    coverage = (f"{100 * found['coverage'][end]:.1f} %" for end in "ab")
    known = (found["freshness_ms"][end] for end in "ab")
    freshness = ("unknown" if each is None else f"{each:,.0f} ms" for each in known)
    return (
        f"{found['a']} beside {found['b']}: catalogue coverage {' and '.join(coverage)}, "
        f"freshness (p99) {' and '.join(freshness)}."
    )


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
