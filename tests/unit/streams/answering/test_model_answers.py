"""A question is answered by the model, in the context that it names, and changes nothing."""

from typing import Any

import numpy as np
import pytest

from streams.answering.model_answers import UNRELATED, model_answer
from streams.answering.questions import Kind, Mix, Question, Wishes
from streams.folding.fold import Fold
from tests.support.learning_log import a_fold, a_history, an_event, batches, folded

ALBUM = 6
ALBUMS = ("a", "b", "c", "d")
DAY_MIN = 24 * 60


def played(listener: str, albums: str, *, day: int = 0, hour: int = 12) -> list[Any]:
    """Plays of whole albums, one after the other, each track of the artist of its album."""
    tracks = [f"{album}{place}" for album in albums for place in range(ALBUM)]
    began = day * DAY_MIN + (hour - 22) * 60  # the test data begin at a quarter past 22 o'clock
    return [
        an_event(listener, track, minute=began + 4 * at, artist_id=f"artist-{track[0]}")
        for at, track in enumerate(tracks)
    ]


@pytest.fixture(scope="module")
def fold() -> Fold:
    """Ann knows two albums; others have played all of them, over and over."""
    events = [*played("bob", "abcd", day=1), *played("cleo", "dcba", day=2)]
    events += [*played("bob", "abcd", day=3), *played("ann", "ab", day=4)]
    return folded(a_fold("best"), batches(events, 20))


def asked(fold: Fold, kind: Kind = Kind.NEXT, queue: tuple[str, ...] = (), **more: Any) -> Any:
    question = Question(
        kind=kind,
        listener_id=more.pop("listener_id", "ann"),
        queue=queue,
        artist_id=more.pop("artist_id", ""),
        wishes=Wishes(**more),
    )
    return model_answer(fold, "first", question)


def tracks(*given: Any, **more: Any) -> list[str]:
    return [each.track_id for each in asked(*given, **more).tracks]


@pytest.mark.parametrize("model", ["best", "fast", "popularity", "last_transition", "river"])
@pytest.mark.parametrize("mix", Mix)
def test_no_question_changes_a_byte_of_the_state(model: str, mix: Mix) -> None:
    fold = folded(a_fold(model), batches(a_history(300), 20))
    before, digest = fold.ranker.state(), fold.digest()
    named = ("track-3", "never-played", "track-5")
    for kind in Kind:
        for listener in ("listener-3", "somebody new"):
            asked(fold, kind, named, listener_id=listener, artist_id="artist-2", mix=mix)
            asked(fold, kind, named, listener_id=listener, artist_id="nobody", exclude=named)
    assert fold.digest() == digest
    after = fold.ranker.state()
    assert before.keys() == after.keys()
    for name, array in before.items():
        assert np.array_equal(array, after[name]), name


def test_lists_after_questions_are_those_of_a_model_that_was_never_asked(fold: Fold) -> None:
    quiet, questioned = (folded(a_fold("best"), batches(a_history(200), 20)) for _ in range(2))
    for at in range(40):
        asked(questioned, queue=(f"track-{at}", "track-7"), listener_id=f"listener-{at % 7}")
    for each in (quiet, questioned):
        folded(each, batches(a_history(300)[200:], 20))
    assert quiet.ranker.recommend("listener-3") == questioned.ranker.recommend("listener-3")


def test_without_wishes_the_answer_is_the_listeners_list(fold: Fold) -> None:
    answer = asked(fold, count=20)
    assert [(each.track_id, each.score) for each in answer.tracks] == [
        (each.item, each.score) for each in fold.ranker.recommend("ann", 20)
    ]
    assert (answer.generation, answer.as_of, answer.unknown) == ("first", fold.offset, 0)


@pytest.mark.parametrize("listener", ["ann", "bob", "somebody new"])
def test_what_follows_a_queue_follows_its_last_tracks(fold: Fold, listener: str) -> None:
    assert tracks(fold, queue=("c0", "c1", "c2"), listener_id=listener)[0] == "c3"
    assert tracks(fold, queue=("b2", "b3"), listener_id=listener)[0] == "b4"


def test_tracks_of_the_queue_and_excluded_ones_are_not_given(fold: Fold) -> None:
    queue, exclude = ("c0", "c1", "c2"), ("c3", "a0")
    found = tracks(fold, queue=queue, exclude=exclude, count=100)
    assert found
    assert not {*found} & {*queue, *exclude}


def test_a_queue_of_unknown_tracks_is_counted_and_the_listeners_own_session_goes_on(
    fold: Fold,
) -> None:
    answer = asked(fold, queue=("x", "y"))
    assert answer.unknown == 2
    assert answer.tracks == asked(fold).tracks


def test_owned_says_whether_tracks_were_played(fold: Fold) -> None:
    for owned in (True, False):
        found = tracks(fold, owned=owned, count=100)
        assert found
        assert all((each[0] in "ab") is owned for each in found)


@pytest.mark.parametrize(("share", "new"), [(0.0, 0), (0.3, 3), (0.5, 5), (1.0, 10)])
def test_new_share_is_the_share_of_tracks_that_were_not_played(
    fold: Fold, share: float, new: int
) -> None:
    found = tracks(fold, count=10, new_share=share)
    assert len(found) == 10
    assert sum(each[0] in "cd" for each in found) == new


def test_what_one_kind_lacks_the_other_fills_up(fold: Fold) -> None:
    found = tracks(fold, count=20, new_share=0.0)
    assert len(found) == 20
    assert sum(each[0] in "ab" for each in found) == 2 * ALBUM


def test_an_artist_has_no_more_tracks_than_wished(fold: Fold) -> None:
    found = tracks(fold, count=100, per_artist=2)
    assert all(sum(each[0] == album for each in found) == 2 for album in ALBUMS)


def test_similar_tracks_are_of_the_same_sittings_and_never_the_track_itself(fold: Fold) -> None:
    found = tracks(fold, Kind.SIMILAR_TRACK, ("c2",))
    assert found[0] == "c3"
    assert "c2" not in found
    assert all(each[0] == "c" for each in found[:3])


def test_similar_artists_are_others(fold: Fold) -> None:
    found = tracks(fold, Kind.SIMILAR_ARTIST, artist_id="artist-c", per_artist=2)
    assert found
    assert "c" not in {each[0] for each in found}


def test_nothing_is_like_what_nobody_has_played(fold: Fold) -> None:
    answer = asked(fold, Kind.SIMILAR_TRACK, ("x",))
    assert (answer.tracks, answer.unknown, answer.note) == ([], 1, "")
    assert asked(fold, Kind.SIMILAR_ARTIST, artist_id="nobody").tracks == []


def test_a_model_without_relations_says_that_it_cannot_name_similar_tracks() -> None:
    fold = folded(a_fold("popularity"), batches(a_history(100), 20))
    answer = asked(fold, Kind.SIMILAR_TRACK, ("track-3",))
    assert (answer.tracks, answer.note) == ([], UNRELATED)
    assert tracks(fold, queue=("track-3",), listener_id="listener-1")


@pytest.mark.parametrize(
    "wishes", [{"mix": "rediscover"}, {"exclude": ("c1", "c2"), "owned": True}]
)
def test_a_model_that_knows_similar_tracks_does_not_say_that_it_cannot_if_none_is_as_wished(
    fold: Fold, wishes: dict[str, Any]
) -> None:
    for kind, named in ((Kind.SIMILAR_TRACK, ("c0",)), (Kind.SIMILAR_ARTIST, ())):
        asking = {"artist_id": "artist-c", "listener_id": "somebody new", **wishes}
        answer = asked(fold, kind, named, **asking)
        assert (answer.tracks, answer.unknown, answer.note) == ([], 0, "")


@pytest.mark.parametrize("model", ["river", "popularity", "own_recent", "co_occurrence"])
def test_reference_models_continue_queues_too(model: str) -> None:
    fold = folded(a_fold(model), batches(a_history(300), 20))
    found = tracks(fold, queue=("track-3",), listener_id="listener-3", count=5)
    assert len(found) == 5
    assert "track-3" not in found


def test_hated_tracks_are_in_no_answer(fold: Fold) -> None:
    events = [*played("bob", "abcd"), *played("ann", "ab", day=1)]
    hated = an_event("ann", "c3", minute=3 * DAY_MIN, kind="HATE")
    fold = folded(a_fold("best"), batches([*events, hated], 20))
    assert "c3" not in tracks(fold, queue=("c0", "c1", "c2"), count=100)
    assert tracks(fold, queue=("c0", "c1", "c2"), listener_id="bob")[0] == "c3"


def test_whoever_was_erased_is_answered_as_somebody_new(fold: Fold) -> None:
    events = [*played("bob", "abcd"), *played("ann", "ab", day=1)]
    erased = an_event("ann", None, minute=3 * DAY_MIN, kind="ERASE")
    fold = folded(a_fold("best"), batches([*events, erased], 20))
    assert asked(fold) == asked(fold, listener_id="somebody new")
    assert tracks(fold, owned=True) == []
