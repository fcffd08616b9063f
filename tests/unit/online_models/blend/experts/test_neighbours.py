"""Sessions are kept, found and erased."""

from typing import Any

from online_models.blend.candidates.features import NEAR
from online_models.blend.experts import neighbours
from online_models.blend.experts.neighbours import LENGTH_MAX, POSTINGS, SESSION, SESSION_RING
from tests.support.compiled import called, records

learn, forget = called(neighbours.learn_session), called(neighbours.forget_sessions)
ANN, BOB = 0, 1


class Kept:
    """A ring of eight sessions and the tracks' postings."""

    def __init__(self) -> None:
        self.sessions, self.postings = records(SESSION, 8), records(POSTINGS, 100)
        self.ring, self.current = records(SESSION_RING, 1), [0, 0]

    def play(self, who: int, track: int, *, is_new: bool = False) -> None:
        self.current[who] = learn(
            self.sessions, self.postings[track], self.ring[0], self.current[who], who, track, is_new
        )

    def of(self, who: int) -> list[list[int]]:
        mine: Any = self.sessions[self.sessions["owner"] == who + 1]
        return [each["tracks"][: each["held"]].tolist() for each in mine]


def test_a_session_is_cut_at_a_break_and_when_it_is_long() -> None:
    kept = Kept()
    for track in range(LENGTH_MAX + 1):
        kept.play(ANN, track)
    kept.play(ANN, 50, is_new=True)
    assert kept.of(ANN) == [list(range(LENGTH_MAX)), [LENGTH_MAX], [50]]


def test_a_session_that_the_ring_has_overwritten_is_not_continued() -> None:
    kept = Kept()
    kept.play(ANN, 1)
    for track in range(8):
        kept.play(BOB, track, is_new=True)
    kept.play(ANN, 2)
    assert kept.of(ANN) == [[2]]


def test_a_forgotten_listener_has_no_sessions_and_the_others_keep_theirs() -> None:
    kept = Kept()
    kept.play(ANN, 1)
    kept.play(BOB, 2)
    forget(kept.sessions, ANN)
    assert (kept.of(ANN), kept.of(BOB)) == ([], [[2]])
    assert 1 not in kept.sessions["tracks"]


def test_similar_sessions_propose_what_came_after() -> None:
    from tests.support.rankers import START_MS, Row, a_ranker

    plays = [Row("ann", item, at_ms=START_MS + at * 60_000) for at, item in enumerate("abcde")]
    now = [Row("bob", item, at_ms=START_MS + at * 60_000) for at, item in enumerate("ab")]
    only = {"without": ["transitions", "bigrams", "trigrams", "cooccurrence", "own"]}
    model = a_ranker("best", [*plays, *now], **only, start=[[NEAR, 1.0]], blend_every=0)
    assert model.recommend("bob", 1)[0].reason == "neighbours"
    assert model.recommend("bob", 2)[0].item in "ac"
    model.forget(model.users.code("ann"))
    assert {each.reason for each in model.recommend("bob")} == {"transition"}
