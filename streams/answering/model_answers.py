"""Answers questions from the state of a fold, in which nothing changes.

Ids are looked up and never encoded, and a queue is put before the listener's plays in the model's
scratch memory alone: the digest of the state is the same before and after. Pure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from online_models.base import Candidates, Ranker
from streams.answering.answers import Answer
from streams.answering.mixes import History, mixed, proposed
from streams.answering.questions import Kind, Question
from streams.answering.wishes import chosen
from streams.folding.fold import Fold
from topics.recommendation_list import RecommendedTrack

QUEUE_READ = 100
"""Number of last tracks of a queue that a model looks at."""
ARTIST_TRACKS_READ = 8
"""Number of an artist's most popular tracks that stand for the artist."""
UNRELATED = "this model does not know which tracks belong together, so that it can name none"
_NOBODY = -1


def model_answer(fold: Fold, generation: str, question: Question) -> Answer:
    """The answer of the fold's model as of now."""
    ranker = fold.ranker
    queue = [ranker.items.code(each) for each in question.queue]
    plays = _context(ranker, question, [code for code in queue if code >= 0])
    tracks, note = _tracks_and_note(ranker, question, plays)
    position = fold.position
    return Answer(*(generation, position.log_epoch, position.offset, tracks), queue.count(-1), note)


def _context(ranker: Ranker, question: Question, queue: list[int]) -> NDArray[np.int32]:
    """The codes of the plays that the question is about, oldest first."""
    if question.kind is Kind.SIMILAR_ARTIST:
        group = ranker.groups.code(question.artist_id)
        return ranker.items_of(group)[:ARTIST_TRACKS_READ][::-1]
    return np.array(queue[-QUEUE_READ:], np.int32)


def _history(ranker: Ranker, user: int) -> History:
    return History(ranker.plays_of(user), ranker.times_of(user))


def _tracks_and_note(
    ranker: Ranker, question: Question, plays: NDArray[np.int32]
) -> tuple[list[RecommendedTrack], str]:
    """The tracks, and why there are none if the model cannot know any, whatever is wished."""
    wishes, is_similar = question.wishes, question.kind is not Kind.NEXT
    if is_similar and not len(plays):
        return [], ""
    listener = ranker.users.code(question.listener_id)
    history = _history(ranker, listener)
    also = proposed(wishes.mix, history, wishes.utc_offset)
    found = ranker.candidates_after(_NOBODY if is_similar else listener, plays, also)
    note = UNRELATED if is_similar and not found.is_related.any() else ""
    return _tracks(ranker, question, found, history), note


def _tracks(
    ranker: Ranker, question: Question, found: Candidates, history: History
) -> list[RecommendedTrack]:
    wishes = question.wishes
    found = found.rows(_is_wanted(ranker, question, found))
    order = mixed(wishes.mix, found, history, wishes.utc_offset)
    places = _places(ranker, found, order.places.tolist(), question, history)
    scores = dict(zip(order.places.tolist(), order.scores.tolist(), strict=True))
    ids = ranker.items.values(found.items[places].tolist())
    reasons = [ranker.reasons[each] for each in found.reasons[places].tolist()]
    return [
        RecommendedTrack(str(each), scores[place], reason)
        for each, place, reason in zip(ids, places, reasons, strict=True)
    ]


def _is_wanted(ranker: Ranker, question: Question, found: Candidates) -> NDArray[np.bool_]:
    """Which candidates may be answered: none that was named, and of similar ones only those."""
    named = [ranker.items.code(each) for each in (*question.queue, *question.wishes.exclude)]
    is_wanted = ~np.isin(found.items, named)
    if question.kind is not Kind.NEXT:
        is_wanted &= found.is_related
    if question.kind is Kind.SIMILAR_ARTIST:
        is_wanted &= ranker.groups_of(found.items) != ranker.groups.code(question.artist_id)
    return np.asarray(is_wanted)


def _places(
    ranker: Ranker, found: Candidates, ranked: Sequence[int], question: Question, history: History
) -> list[int]:
    groups = ranker.groups_of(found.items).tolist()
    is_played = np.isin(found.items, history.tracks).tolist()
    return chosen(
        ranked,
        question.wishes,
        artist_of=lambda place: groups[place] if groups[place] >= 0 else None,
        is_played=is_played.__getitem__,
    )
