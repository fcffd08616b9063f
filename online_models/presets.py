"""The models that people choose by name, all of them the blend: two presets and four baselines."""

from typing import Any, ClassVar

from online_models.blend.blend_config import EXPERTS
from online_models.blend.blend_ranker import BlendRanker
from online_models.blend.candidates import features


class _Named(BlendRanker):
    """A blend with a name of its own; `changes` change it further."""

    preset_name: ClassVar[str] = "best"
    fixed: ClassVar[dict[str, Any]] = {}

    def __init__(self, **changes: Any) -> None:
        super().__init__(self.preset_name, **{**self.fixed, **changes})
        self.changes = changes

    def _get_params(self) -> dict[str, Any]:
        return dict(self.changes)


class Best(_Named):
    """Everything, for the best lists.

    >>> model = Best()
    >>> for item in ["so what", "freddie freeloader", "blue in green"] * 2:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=2)]
    ['so what', 'freddie freeloader']
    """

    model_name = "best"


class Fast(_Named):
    """Nearly as good in less than two thirds of the time, and less memory.

    >>> Fast(without=["own"]).config.has("own")
    False
    """

    model_name = "fast"
    preset_name = "fast"


def _only(*experts: str, **changes: Any) -> dict[str, Any]:
    """A blend of these experts and popularity, with weights that stay as they begin."""
    without = tuple(name for name in EXPERTS if name not in experts)
    return {"without": without, "blend_every": 0, **changes}


class PopularityRanker(_Named):
    """The baseline that everybody gets the same list: what is popular now.

    >>> model = PopularityRanker()
    >>> for item in ["so what", "all blues", "all blues"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("john", k=2)]
    ['all blues', 'so what']
    """

    model_name = "popularity"
    fixed = _only(ring=0, start=((features.POPULAR_SHARE, 1.0),))


class OwnRecent(_Named):
    """The baseline of own distinct last plays, newest first, then what is popular.

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
    """The baseline of what others played near the last tracks, then what is popular.

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
    """The baseline of what others played after the same track, then what is popular.

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
