"""The preset for the best lists."""

from online_models.adaptive_blend import AdaptiveBlend, Preset
from online_models.blend.ranking import Sizes


class BestBlend(AdaptiveBlend):
    """Ranks more candidates to the end than `FastBlend`, and remembers what follows three tracks.

    >>> model = BestBlend()
    >>> for item in ["so what", "freddie freeloader", "blue in green"] * 2:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=1)]
    ['so what']
    """

    fold_version = 1
    model_name = "best"
    preset = Preset(
        sizes=Sizes(
            survivors=128,
            followers=(32, 32, 32),
            companions=80,
            own=100,
            artists=True,
            blend_every=1,
        ),
        plays_max=256,
        pairs=1 << 18,
        triples=1 << 18,
    )
