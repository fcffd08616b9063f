"""The baseline that a listener's list is what they played last."""

from online_models.blending import Weights
from online_models.expert_blend import ExpertBlend


class OwnRecent(ExpertBlend):
    """Own distinct last plays, newest first, then what is popular.

    >>> model = OwnRecent()
    >>> for item in ["so what", "all blues"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=2)]
    ['all blues', 'so what']
    """

    fold_version = 1
    model_name = "own_recent"
    weights = Weights(own=(0.0, 0.0, 1.0), popular=1e-6, has_plays=True)
