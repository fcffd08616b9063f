"""The first model: what follows the last tracks, what the listener plays again, what is popular."""

from online_models.blending import Weights
from online_models.expert_blend import ExpertBlend


class FirstBlend(ExpertBlend):
    """Transitions, own recency and frequency, and popularity with a fixed blend.

    >>> model = FirstBlend()
    >>> for item in ["so what", "freddie freeloader", "blue in green"] * 2:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=2)]
    ['so what', 'freddie freeloader']
    """

    fold_version = 1
    model_name = "first_blend"
    weights = Weights(
        transitions=(2.0, 1.0, 0.6),
        own=(1.5, 0.15, 0.5),
        repeat=-0.4,
        popular=0.13,
        steps=3,
        has_plays=True,
    )
