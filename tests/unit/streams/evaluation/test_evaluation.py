"""Evaluation from files to figures."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from online_models.base import Columns, Signal
from online_models.evaluation.prequential import Prequential
from online_models.registry import build
from streams.evaluation.contests import (
    Question,
    contest_of,
    freeze_of,
    model_of,
    wanted_baselines,
)
from streams.evaluation.curve import write_curve
from streams.evaluation.known_tracks import introduce, read_catalogue
from streams.evaluation.plays_pass import read_stream, run
from streams.evaluation.report import EvaluationOutcome, outcome_of, report
from streams.sources.columnar.play_reader import read_plays
from tests.support.rankers import rows
from topics.errors import HistoryError, SettingsError

K = 20


def a_table(path: Path, seed: int = 1, n: int = 600, **more: Any) -> Path:
    some = [row for row in rows(seed, n) if row.signal == Signal.LISTEN]
    told = [
        {"user_id": row.user, "track_id": row.item, "timestamp": row.at_ms // 1_000}
        | {name: values[at] for name, values in more.items()}
        for at, row in enumerate(some)
    ]
    pq.write_table(pa.Table.from_pylist(told), path)
    return path


def evaluated(path: Path, **question: Any) -> tuple[EvaluationOutcome, dict[str, Any]]:
    asked = Question(**{"config": {"model": "fast"}, "name": "fast", **question})
    contest = contest_of(asked)
    stream = read_stream([path], None, lambda share, text: None)
    run(contest, stream.plays, lambda share, text: None)
    outcome = outcome_of(contest, asked.min_history, stream.plays.scored)
    told = report(contest, outcome, asked) | stream.figures(asked.min_history)
    return outcome, told | {"digest": contest.contestants[0].ranker.digest()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plays.parquet"


def test_figures_are_those_of_a_model_that_learns_row_by_row(path: Path) -> None:
    _, told = evaluated(a_table(path))
    plays, _ = read_plays([path])
    model, quality = build({"model": "fast"}), Prequential(K, min_history=5)
    for user, item, at_ms in zip(plays.listeners, plays.tracks, plays.at_ms, strict=True):
        users = model.users.encode_many([plays.listener_ids[user]])
        items = model.items.encode_many([plays.track_ids[item]])
        signals, none = np.zeros(1, np.uint8), np.full(1, -1, np.int32)
        ones = np.ones(1, np.float32)
        row = Columns(users, items, none, ones, at_ms[None], signals)
        ranks = model.learn_many(row)
        quality.update(users, ranks, signals)
    assert told["digest"] == model.digest()
    assert {name: told[name] for name in quality.summary()} == pytest.approx(quality.summary())
    assert 0 < told["hits"] < told["scored"] < told["events"]


def test_names_of_json_values_are_stable(path: Path) -> None:
    _, told = evaluated(a_table(path), ks=(5,), compared=["popularity"], baselines=["own_recent"])
    assert set(told) == {
        "model", "config", "events", "scored", "hits", "hr@5", "hr@20", "mrr@5", "mrr@20",
        "interval", "candidate_recall", "coverage", "coverage_lists", "splits", "model_seconds",
        "events_per_second", "baselines", "compared", "frozen_at", "drift", "listeners", "tracks",
        "artists", "scored_by", "columns", "rows", "applied", "duplicates", "exact_repeats", "bad",
        "bad_rows", "ignored", "skipped", "digest",
    }  # fmt: skip
    assert set(told["splits"]) == {"repeats", "new_to_listener", "never_seen"}
    assert set(told["baselines"]) == {"own_recent"}
    assert set(told["compared"]) == {"popularity"}
    assert set(told["compared"]["popularity"]["difference"]) == {
        "hr@5", "hr@20", "mrr@5", "mrr@20", "interval",
    }  # fmt: skip


def test_a_catalogue_lets_tracks_be_hit_that_nobody_has_played(path: Path, tmp_path: Path) -> None:
    """Everybody plays an artist's tracks in turn: each is new once."""
    plays = [
        {"user_id": f"u{at % 2}", "track_id": f"t{at // 2}", "artist_id": f"a{at // 20}"}
        | {"timestamp": 1_600_000_000 + 100 * at}
        for at in range(200)
    ]
    pq.write_table(pa.Table.from_pylist(plays), path)
    catalogue = tmp_path / "catalogue.csv"
    tracks = [f"t{at},a{at // 10}" for at in range(100)]
    catalogue.write_text("\n".join(["track_id,artist_id", *tracks, "t5,other", ",a1"]))
    found = {}
    for known in (None, read_catalogue(catalogue)):
        contest = contest_of(Question({"model": "fast"}, "fast", baselines=["popularity"]))
        stream = read_stream([path], None, lambda share, text: None)
        plays_known = introduce(contest, known, stream.plays) if known else stream.plays
        run(contest, plays_known, lambda share, text: None)
        told = report(contest, outcome_of(contest, 0), Question({}, "fast", ["popularity"]))
        found[known is None] = told["splits"]["never_seen"]["hits"]
        assert told["events"] == 200
    assert found[True] == 0
    assert found[False] > 50


def test_ids_of_a_catalogue_are_read_as_they_are_written(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.csv"
    catalogue.write_text("artist_id,other,track_id\n08,x,007\n,x,3\n9,x,1e3\n")
    assert read_catalogue(catalogue).track_ids == ["007", "1e3"]
    assert read_catalogue(catalogue).artist_ids == ["08", "9"]


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("song,band\nx,y\n")
    with pytest.raises(HistoryError, match="is no catalogue"):
        read_catalogue(wrong)


def test_splits_add_up_to_the_whole(path: Path) -> None:
    _, told = evaluated(a_table(path))
    splits = told["splits"].values()
    assert sum(each["scored"] for each in splits) == told["scored"]
    assert sum(each["hits"] for each in splits) == told["hits"]
    assert sum(each["share"] for each in splits) == pytest.approx(1.0)
    assert told["splits"]["never_seen"]["hits"] == 0
    assert told["hr@20"] <= told["candidate_recall"] <= 1


def test_a_difference_is_that_of_the_figures_on_the_same_events(path: Path) -> None:
    _, told = evaluated(a_table(path), compared=["last_transition", "fast"])
    other = told["compared"]["last_transition"]
    for name in ("hr@20", "mrr@20"):
        assert other["difference"][name] == pytest.approx(told[name] - other[name])
        low, high = other["difference"]["interval"][name]
        assert low < other["difference"][name] < high
    same = told["compared"]["fast-2"]["difference"]
    assert same["interval"] == {"hr@20": [0.0, 0.0], "mrr@20": [0.0, 0.0]}


def test_exactly_the_rows_that_say_so_are_scored(path: Path) -> None:
    n = len([row for row in rows(1, 600) if row.signal == Signal.LISTEN])
    scored = [at % 7 == 0 for at in range(n)]
    outcome, told = evaluated(a_table(path, scored=scored), min_history=400)
    assert told["scored"] == sum(scored)
    assert told["scored_by"] == "column"
    plays, _ = read_plays([path])
    assert outcome.scored.tolist() == (plays.scored.tolist() if plays.scored is not None else [])


def test_exact_repeats_are_learnt_once_unless_the_rows_say_what_is_scored(path: Path) -> None:
    play = {"user_id": 1, "track_id": 2, "timestamp": 1_421_163_674}
    table = [play, play, {**play, "track_id": 3}, play, {**play, "timestamp": 1_421_163_675}]
    pq.write_table(pa.Table.from_pylist(table), path)
    _, told = evaluated(path, min_history=0)
    assert (told["rows"], told["duplicates"], told["events"], told["scored"]) == (5, 2, 3, 3)
    pq.write_table(pa.Table.from_pylist([{**row, "scored": 1} for row in table]), path)
    _, told = evaluated(path, min_history=0)
    assert (told["rows"], told["duplicates"], told["events"], told["scored"]) == (5, 0, 5, 5)
    assert told["exact_repeats"] == 2


@pytest.mark.parametrize("min_history", [0, 5, 10_000])
def test_plays_with_enough_before_them_are_scored(min_history: int, path: Path) -> None:
    outcome, told = evaluated(a_table(path), min_history=min_history)
    seen: dict[int, int] = {}
    expected = []
    for user in outcome.users.tolist():
        expected.append(seen.get(user, 0) >= min_history)
        seen[user] = seen.get(user, 0) + 1
    assert outcome.scored.tolist() == expected
    assert told["scored"] == sum(expected)


def test_freezing_costs_what_was_not_learnt(path: Path) -> None:
    _, learning = evaluated(a_table(path))
    _, frozen = evaluated(path, freeze=freeze_of("100"))
    assert frozen["frozen_at"] == 100
    assert frozen["events"] == learning["events"]
    assert frozen["hr@20"] < learning["hr@20"]
    assert frozen["digest"] != learning["digest"]


def test_a_stream_of_nothing_has_figures_of_nought(path: Path) -> None:
    pq.write_table(pa.table({"user": [], "item": [], "ts": []}), path)
    _, told = evaluated(path)
    assert (told["events"], told["scored"], told["hr@20"], told["coverage"]) == (0, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    "table",
    [
        {"user": [1], "item": [1], "ts": [0]},
        {"user": [1] * 50, "item": [1] * 50, "ts": list(range(50))},
        {"user": list(range(50)), "item": [1] * 50, "ts": [1_421_163_674] * 50},
        {"user": [1] * 50, "item": list(range(2**40, 2**40 + 50)), "ts": list(range(50, 0, -1))},
        {"user": [2**62] * 3, "item": [-5] * 3, "ts": [1.1e9, 1.2e9, 1.4e9]},
    ],
)
def test_odd_streams_are_evaluated(table: dict[str, list[Any]], path: Path) -> None:
    pq.write_table(pa.table(table), path)
    _, told = evaluated(path, min_history=0)
    assert told["events"] == told["scored"] == len(table["ts"])


def test_the_curve_adds_up_to_the_whole(path: Path, tmp_path: Path) -> None:
    outcome, told = evaluated(a_table(path), baselines=["popularity"])
    write_curve(tmp_path / "curve.csv", outcome, 100)
    with (tmp_path / "curve.csv").open() as file:
        found = list(csv.DictReader(file))
    assert sum(int(row["events"]) for row in found) == told["events"]
    assert [int(row["from_event"]) for row in found] == list(range(0, told["events"], 100))
    hits = sum(float(row["hr@20"] or 0) * int(row["scored"]) for row in found)
    assert hits == pytest.approx(told["hits"], abs=0.01)
    assert "popularity mrr@20" in found[0]
    with pytest.raises(SettingsError, match="cannot be written"):
        write_curve(tmp_path / "no" / "curve.csv", outcome, 100)


@pytest.mark.parametrize("name", ["co_occurrence", "river:BiasedMF", "last_transition", "best"])
def test_any_model_may_be_a_baseline(name: str, path: Path) -> None:
    _, told = evaluated(a_table(path, n=200), baselines=[name])
    assert told["baselines"][name]["scored"] == told["scored"]
    assert told["baselines"][name]["hits"] > 0


def test_a_model_that_there_is_not_is_named() -> None:
    with pytest.raises(SettingsError, match="no model 'oracle'"):
        contest_of(Question(config={"model": "fast"}, name="fast", compared=["oracle"]))
    with pytest.raises(SettingsError, match="no ranker 'Oracle'"):
        contest_of(Question(config={"model": "fast"}, name="fast", baselines=["river:Oracle"]))


@pytest.mark.parametrize(
    ("told", "rows", "after_ms"),
    [
        (None, None, None),
        ("0", 0, None),
        ("250000", 250_000, None),
        ("1420070400", None, 1_420_070_400_000),
        ("1420070400000", None, 1_420_070_400_000),
        ("2015-01-01", None, 1_420_070_400_000),
        ("2015-01-01T01:00:00+01:00", None, 1_420_070_400_000),
    ],
)
def test_learning_may_stop_after_events_or_a_time(
    told: str | None, rows: int | None, after_ms: int | None
) -> None:
    assert (freeze_of(told).rows, freeze_of(told).after_ms) == (rows, after_ms)


def test_a_moment_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="neither a number of events nor a time"):
        freeze_of("soon")


def test_the_command_line_changes_a_model(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('model = "best"\nwithout = ["own"]\nring = 64')
    assert model_of(str(file), ["artists"], 2) == (
        "mine without artists blending every 2",
        {"model": "best", "without": ["own", "artists"], "ring": 64, "blend_every": 2},
    )
    assert wanted_baselines(["none"]) == []
    with pytest.raises(SettingsError, match="cannot be read"):
        model_of(str(tmp_path / "no.toml"), [], None)
