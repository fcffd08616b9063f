"""The baseline that a listener's list is what others played after the same track."""

from online_models.blending import Weights
from online_models.expert_blend import ExpertBlend


class LastTransition(ExpertBlend):
    """Followers of the last track alone, most frequent first, then what is popular.

    >>> model = LastTransition()
    >>> for item in ["so what", "all blues", "so what"]:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=2)]
    ['all blues', 'so what']
    """

    fold_version = 1
    model_name = "last_transition"
    weights = Weights(transitions=(1.0, 0.0, 0.0), popular=1e-6, steps=1)
