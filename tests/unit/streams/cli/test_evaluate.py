"""`echotune evaluate` and `echotune models`, as people and scripts call them."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from streams.cli import evaluate, models
from topics.errors import EchoTuneError, HistoryError, SettingsError


def run(*args: str) -> Result:
    app = typer.Typer()
    evaluate.add_to(app)
    models.add_to(app)
    done = CliRunner().invoke(app, list(args))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def told(*args: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("evaluate", *args, "--json").stdout)
    return found


@pytest.fixture
def plays(tmp_path: Path) -> str:
    rows = [f"me,{'abc'[at % 3]},{1_600_000_000 + at * 300}" for at in range(60)]
    path = tmp_path / "plays.csv"
    path.write_text("\n".join(["listener,track,listened_at", *rows]))
    return str(path)


def test_scripts_get_one_document_with_the_names_they_know(plays: str) -> None:
    found = told(plays)
    names = ["events", "scored", "hr@20", "mrr@20", "events_per_second", "splits", "digest"]
    assert [name for name in names if name not in found] == []
    assert (found["events"], found["scored"]) == (60, 55)
    assert found["hr@20"] > 0.9
    assert set(found["baselines"]) == {"popularity", "own_recent", "last_transition"}
    assert set(found["seconds"]) == {"reading", "model", "total"}
    assert found["peak_memory_bytes"] > 10_000_000


def test_equal_runs_have_equal_figures_and_digests(plays: str) -> None:
    one, other = told(plays), told(plays)
    for name in ("digest", "hr@20", "mrr@20", "interval", "splits", "candidate_recall", "coverage"):
        assert one[name] == other[name]
    assert one["digest"] != told(plays, "--without", "own")["digest"]


def test_every_option_does_something(plays: str, tmp_path: Path) -> None:
    curve, mine = tmp_path / "curve.csv", tmp_path / "mine.toml"
    mine.write_text('model = "fast"\nring = 16')
    options = ["--config", str(mine), "--without", "tables", "--blend-every", "2"]
    options += ["--freeze-after", "50", "--baseline", "none", "--compare", "best", "-k", "1"]
    found = told(plays, *options, "--min-history", "10", "--curve", str(curve), "--window", "20")
    assert found["model"] == "mine without tables blending every 2"
    assert found["config"] == {
        "model": "fast",
        "ring": 16,
        "without": ["tables"],
        "blend_every": 2,
    }
    assert (found["frozen_at"], found["scored"], found["baselines"]) == (50, 50, {})
    assert "hr@1" in found["compared"]["best"]["difference"]
    assert len(curve.read_text().splitlines()) == 4


def test_people_get_tables(plays: str) -> None:
    printed = run("evaluate", plays, "--preset", "fast").stdout
    for word in ("fast", "own_recent", "HR@20", "new to listener", "55 of 60 plays scored"):
        assert word in printed


@pytest.mark.parametrize(
    ("args", "kind", "said"),
    [
        ([], SettingsError, "either files, or --log"),
        (["{}", "--log"], SettingsError, "either files, or --log"),
        (["{}", "--preset", "oracle"], SettingsError, "no model 'oracle'"),
        (["{}", "--preset", "best", "--config", "x.toml"], SettingsError, "either --preset or"),
        (["{}", "--config", "x.toml"], SettingsError, "x.toml cannot be read"),
        (["{}", "--config", "x.cfg"], SettingsError, "does not end in .toml"),
        (["{}", "--without", "magic"], SettingsError, "no expert 'magic'"),
        (["{}", "--compare", "oracle"], SettingsError, "no model 'oracle'"),
        (["{}", "--freeze-after", "soon"], SettingsError, "neither a number of events nor a time"),
        (["{}", "--curve", "/nowhere/curve.csv"], SettingsError, "cannot be written"),
        (["nothing.csv"], HistoryError, "no file nothing.csv"),
    ],
)
def test_what_cannot_be_is_said_with_a_remedy(
    args: list[str], kind: type[EchoTuneError], said: str, plays: str
) -> None:
    with pytest.raises(kind) as caught:
        run("evaluate", *(each.format(plays) for each in args))
    assert said in caught.value.message
    assert caught.value.remedy


def test_figures_over_no_play_are_said_to_be_none(
    plays: str,
) -> None:
    found = run("evaluate", plays, "--preset", "popularity", "--min-history", "9999")
    assert "no play is scored (min_history 9999)" in found.stderr


def test_a_file_without_a_single_play_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("user,item,ts\nann,x,noon\n")
    with pytest.raises(HistoryError, match="No row is a play"):
        run("evaluate", str(path))


def test_models_are_listed_and_spelt_out(tmp_path: Path) -> None:
    assert run("models").stdout.split() == [
        "best", "co_occurrence", "fast", "last_transition", "own_recent", "popularity",
        "river:CLASS",
    ]  # fmt: skip
    mine = tmp_path / "mine.toml"
    mine.write_text(run("models", "best").stdout)
    assert run("models", str(mine)).stdout == mine.read_text()
    assert json.loads(run("models", "fast", "--json").stdout)["model"] == "fast"
    with pytest.raises(SettingsError, match="no model 'oracle'"):
        run("models", "oracle")
