"""The preset for many events a second."""

from online_models.adaptive_blend import AdaptiveBlend, Preset
from online_models.blend.ranking import Sizes


class FastBlend(AdaptiveBlend):
    """About 1.8 KiB a listener and 0.8 KiB a track.

    >>> model = FastBlend()
    >>> for item in ["so what", "freddie freeloader", "blue in green"] * 2:
    ...     model.learn_one("miles", item)
    >>> [each.item for each in model.recommend("miles", k=1)]
    ['so what']
    """

    fold_version = 1
    model_name = "fast"
    preset = Preset(
        sizes=Sizes(
            survivors=64,
            followers=(32, 32, 0),
            companions=60,
            own=64,
            artists=True,
            blend_every=1,
        ),
        plays_max=128,
        pairs=1 << 17,
        triples=0,
    )
