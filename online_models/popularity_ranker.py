"""The baseline that everybody gets the same list: what is popular now."""

from online_models.blending import Weights
from online_models.expert_blend import ExpertBlend


class PopularityRanker(ExpertBlend):
    """Counts plays, which fade by e over 20,000 plays.

    >>> model = PopularityRanker()
    >>> for item in ["so what", "all blues", "all blues"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("john", k=2)]
    ['all blues', 'so what']
    """

    fold_version = 1
    model_name = "popularity"
    weights = Weights(popular=1.0)
