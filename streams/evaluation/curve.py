"""Figures over time (a learning curve): CSV, one row per window of events."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import EVALUATED_K
from online_models.evaluation.intervals import hits, reciprocals
from streams.evaluation.report import EvaluationOutcome
from topics.errors import SettingsError

HR, MRR = f"hr@{EVALUATED_K}", f"mrr@{EVALUATED_K}"


def write_curve(path: Path, outcome: EvaluationOutcome, window: int) -> None:
    """Writes the curve; a window without scored plays has empty cells."""
    try:
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(_header(outcome))
            rows.writerows(_row(outcome, at, window) for at in range(0, len(outcome.users), window))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror}.", "Name another file with --curve."
        ) from error


def _header(outcome: EvaluationOutcome) -> list[str]:
    _, *others = outcome.places
    of_others = [f"{name} {figure}" for name in others for figure in (HR, MRR)]
    return ["from_event", "events", "from", "until", "scored", HR, MRR, *of_others]


def _row(outcome: EvaluationOutcome, start: int, window: int) -> list[Any]:
    rows = slice(start, start + window)
    at_ms, scored = outcome.at_ms[rows], outcome.scored[rows]
    cells: list[Any] = [start, len(at_ms), _iso(at_ms.min()), _iso(at_ms.max()), int(scored.sum())]
    for places in outcome.places.values():
        cells += _figures(places[rows][scored])
    return cells


def _figures(places: NDArray[np.int8]) -> list[str]:
    if not len(places):
        return ["", ""]
    return [f"{of(places, EVALUATED_K).mean():.6f}" for of in (hits, reciprocals)]


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(int(ms) / 1_000, UTC).isoformat(timespec="seconds")
