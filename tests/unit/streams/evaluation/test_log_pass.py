"""Evaluation of the log: what the live fold counted, beside other models."""

import pytest

from streams.evaluation.contests import Question, contest_of
from streams.evaluation.log_pass import fold_of, stream_figures_of
from streams.evaluation.report import outcome_of, report
from streams.settings import Settings
from tests.support.learning_log import WINDOW, a_batch, a_fold, a_history, an_event, batches, folded
from topics.learning_log import LogRecord


def a_log() -> list[LogRecord]:
    history = a_history(300)
    records: list[LogRecord] = [*batches(history[:200], 7)]
    play = an_event("listener-1", minute=500)
    records.append(
        a_batch(
            play,
            play,
            an_event("listener-2", None, kind="ERASE", minute=600),
            an_event("listener-3", kind="LOVE", minute=601),
            from_offset=200,
        )
    )
    return [*records, a_batch(*history[200:], from_offset=204)]


def test_the_log_is_evaluated_by_the_fold_itself() -> None:
    question = Question(config={"model": "fast"}, name="fast", compared=["own_recent"])
    contest = contest_of(question)
    live = folded(a_fold("fast"), a_log())
    evaluated = folded(fold_of(contest, Settings(duplicate_window=WINDOW)), a_log())
    assert evaluated.digest() == live.digest()
    told = report(contest, outcome_of(contest, 5), question) | stream_figures_of(evaluated, 5)
    expected = live.quality.summary()
    assert {name: told[name] for name in expected} == pytest.approx(expected)
    assert told["digest"] == live.digest()
    assert told["duplicates"] == 1
    assert told["events"] < told["applied"]


def test_an_erasure_is_forgotten_by_every_contestant() -> None:
    contest = contest_of(Question(config={"model": "fast"}, name="fast", baselines=["own_recent"]))
    fold = folded(fold_of(contest, Settings()), batches(a_history(100), 10))
    code = fold.listeners.code("listener-2")
    other = contest.contestants[1].ranker
    nobody = other.recommend("nobody")
    before = other.recommend_many(code + 0 * contest.met()[0][:1], 3)[0]
    fold.apply(
        fold.offset + 1, a_batch(an_event("listener-2", None, kind="ERASE"), from_offset=100)
    )
    after = other.recommend_many(code + 0 * contest.met()[0][:1], 3)[0]
    assert before.tolist() != after.tolist()
    assert [other.items.value(item) for item in after[0]] == [each.item for each in nobody[:3]]
