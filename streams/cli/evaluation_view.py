"""Prints an evaluation as tables."""

from typing import Any

from rich.table import Table

from streams.cli import console


def print_report(result: dict[str, Any]) -> None:
    """Prints tables of all models, and of the splits of the first one."""
    console.out.print(_models(result))
    console.out.print(_splits(result["splits"]))
    for line in _lines(result):
        console.out.print(line, soft_wrap=True)


def _models(result: dict[str, Any]) -> Table:
    figures = [name for name in result["interval"] if name in result]
    table = _table("model", *(name.upper() for name in figures), "HR@20 ahead by")
    table.add_row(result["model"], *(_with_interval(result, name) for name in figures), "")
    for name, other in (result["baselines"] | result["compared"]).items():
        values = (_with_interval(other, each) for each in figures)
        table.add_row(name, *values, _with_interval(other["difference"], "hr@20"))
    return table


def _splits(splits: dict[str, Any]) -> Table:
    table = _table("plays", "share", "HR@20", "MRR@20")
    for name, figures in splits.items():
        share, hit_rate, mrr = figures["share"], figures["hr@20"], figures["mrr@20"]
        table.add_row(name.replace("_", " "), f"{share:.1%}", f"{hit_rate:.4f}", f"{mrr:.4f}")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _with_interval(figures: dict[str, Any], name: str) -> str:
    low, high = figures["interval"][name]
    return f"{figures[name]:.4f} ± {(high - low) / 2:.4f}"


def _lines(result: dict[str, Any]) -> list[str]:
    recall, coverage = result["candidate_recall"], result["coverage"]
    rows = {name: result[name] for name in ("bad", "ignored", "duplicates") if result.get(name)}
    left_out = [f"left out, rows: {rows}"] if rows else []
    frozen = result["frozen_at"]
    return [
        f"{result['scored']:,} of {result['events']:,} plays scored ({result['scored_by']})",
        f"among the candidates {recall:.1%}; {coverage:.1%} of the tracks were on a list",
        *left_out,
        *(_drift(alarm) for alarm in result["drift"]),
        *([f"learning stopped before event {frozen:,}"] if frozen is not None else []),
        f"{result['events_per_second']:,} events/s by the model alone, "
        f"{result['seconds']['total']:,.1f} s in all, "
        f"{result['peak_memory_bytes'] / 2**20:,.0f} MiB at most",
    ]


def _drift(alarm: dict[str, Any]) -> str:
    fell = f"HR@20 fell from {alarm['before']:.3f} to {alarm['after']:.3f}"
    return f"drift: {fell} about event {alarm['since_event']:,}, noticed at {alarm['event']:,}"
