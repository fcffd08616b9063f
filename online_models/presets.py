"""The models that can be chosen by name: two presets of the blend, and four baselines.

All of them are configurations of `BlendRanker`; parameters are those of `BlendConfig`.
"""

from typing import Any, ClassVar

from online_models.blend.blend_config import EXPERTS
from online_models.blend.blend_ranker import BlendRanker
from online_models.blend.candidates import features


class _Named(BlendRanker):
    """A blend with a name of its own; `changes` override its configuration."""

    preset_name: ClassVar[str] = "best"
    fixed: ClassVar[dict[str, Any]] = {}

    def __init__(self, **changes: Any) -> None:
        super().__init__(self.preset_name, **{**self.fixed, **changes})
        self.changes = changes

    def _get_params(self) -> dict[str, Any]:
        return dict(self.changes)


class Best(_Named):
    """The blend with all experts and tables: the most accurate preset.

    Parameters: any field of `BlendConfig`. Source: docs/decisions/0007-the-blend.md.

    >>> model = Best()
    >>> for item in ["so what", "freddie freeloader", "blue in green"] * 2:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=2)]
    ['so what', 'freddie freeloader']
    """

    model_name = "best"


class Fast(_Named):
    """The blend without neighbours, with less memory: nearly as accurate, and faster.

    An event takes less than two thirds of the time of `best`.
    Parameters: any field of `BlendConfig`. Source: docs/decisions/0007-the-blend.md.

    >>> Fast(without=["own"]).config.has("own")
    False
    """

    model_name = "fast"
    preset_name = "fast"


def _only(*experts: str, **changes: Any) -> dict[str, Any]:
    """The configuration of a blend of `experts` and popularity, with constant weights."""
    without = tuple(name for name in EXPERTS if name not in experts)
    return {"without": without, "blend_every": 0, **changes}


class PopularityRanker(_Named):
    """The baseline "most popular": every user gets the same list, the popular tracks of now.

    score(track) = n / (n + 10), where n is the number of its plays with exponential decay.

    >>> model = PopularityRanker()
    >>> for item in ["so what", "all blues", "all blues"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("john", k=2)]
    ['all blues', 'so what']
    """

    model_name = "popularity"
    fixed = _only(ring=0, start=((features.POPULAR_SHARE, 1.0),))


class OwnRecent(_Named):
    """The baseline "recently played": the user's own last tracks, newest first, then popular ones.

    score(track) = 6 - ln(k + 2), where k is the number of plays since its last play (0: none).

    >>> model = OwnRecent()
    >>> for item in ["so what", "all blues"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=2)]
    ['all blues', 'so what']
    """

    model_name = "own_recent"
    fixed = _only(
        "own", ring=64, own=64, start=((features.RECENCY, 1.0), (features.POPULAR_SHARE, 1e-6))
    )


class CoOccurrence(_Named):
    """The baseline "item-to-item": tracks that co-occur with the last ones, then popular ones.

    score(track) = ln(.001 + sum of its normalised co-occurrence counts with the last eight plays)
    + 6.91; see `experts.cooccurrence`. Source: Linden, Smith & York 2003.

    >>> model = CoOccurrence()
    >>> for item in ["so what", "all blues", "so what"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=1)]
    ['all blues']
    """

    model_name = "co_occurrence"
    fixed = _only(
        "cooccurrence", ring=16, start=((features.WIDE_RAW, 1.0), (features.POPULAR_SHARE, 1e-6))
    )


class LastTransition(_Named):
    """The baseline "first-order Markov chain": what follows the last track, then popular ones.

    score(track) = ln(.0001 + its share of the transitions from the last track, with two
    pseudo-plays) + 9.21; see `experts.transitions`.

    >>> model = LastTransition()
    >>> for item in ["so what", "all blues", "so what"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=2)]
    ['all blues', 'so what']
    """

    model_name = "last_transition"
    fixed = _only(
        "transitions",
        ring=0,
        steps=1,
        start=((features.T1, 1.0), (features.POPULAR_SHARE, 1e-6)),
    )
