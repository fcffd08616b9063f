"""What a blend is made of: frozen, checked, and written into the model's identity."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from online_models.blend.bucket_tables import TABLES, TABLES_OF_FAST
from online_models.blend.candidates import features
from online_models.blend.experts.cooccurrence import WIDTH
from online_models.blend.listener.play_rings import RING_MAX
from online_models.errors import ModelError

EXPERTS = (
    "transitions",
    "bigrams",
    "trigrams",
    "own",
    "cooccurrence",
    "neighbours",
    "artists",
    "tables",
    "leanings",
)
"""What can be left out; popularity is always there."""


_START = (
    (features.T1, 0.6),
    (features.T2, 0.3),
    (features.T3, 0.15),
    (features.OWN_NEXT, 0.5),
    (features.BIGRAM, 0.6),
    (features.COUNT, 0.3),
    (features.RECENCY, 0.2),
    (features.POPULAR, 0.1),
    (features.WIDE, 0.4),
    (features.SAME_ARTIST, 0.3),
    (features.ARTIST_NEXT, 0.2),
    (features.LOVED, 1.0),
)


@dataclass(frozen=True)
class BlendConfig:
    """Sizes and rates; see `blend.KNOBS` for what they do."""

    steps: int = 3
    grams: int = 1 << 20
    """Contexts of two, and of three, that are kept at most; a power of two."""
    ring: int = RING_MAX
    own: int = 100
    window: int = 10
    wide: int = 80
    older: int = 30
    company: int = 16
    near: int = 60
    survivors: int = 128
    tables: int = TABLES
    rate: float = 0.02
    cell_rate: float = 0.05
    blend_every: int = 1
    without: tuple[str, ...] = ()
    start: tuple[tuple[int, float], ...] = _START
    """Features and the weights they begin with."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.without if name not in EXPERTS]
        if unknown:
            _refuse(f"There is no expert {unknown[0]!r}.", f"Experts are: {', '.join(EXPERTS)}.")
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not least <= value <= most:
                _refuse(f"{name} is {value!r}.", f"Give a number from {least} to {most}.")
        if self.grams & (self.grams - 1):
            _refuse(f"grams is {self.grams}.", "Give a power of two.")

    def has(self, expert: str) -> bool:
        """Whether the expert is not left out."""
        return expert not in self.without


_BOUNDS = {
    "steps": (0, 3),
    "grams": (2, 1 << 26),
    "ring": (0, RING_MAX),
    "own": (0, RING_MAX),
    "window": (0, RING_MAX),
    "wide": (0, 80),
    "older": (0, RING_MAX),
    "company": (0, WIDTH),
    "near": (0, 60),
    "survivors": (1, 256),
    "tables": (0, TABLES),
    "rate": (0, 1),
    "cell_rate": (0, 1),
    "blend_every": (0, 1_000_000),
}


def _refuse(message: str, remedy: str) -> NoReturn:
    raise ModelError(message, remedy)


BEST = BlendConfig()
FAST = BlendConfig(
    ring=256,
    own=64,
    window=8,
    wide=60,
    older=0,
    company=0,
    survivors=64,
    tables=TABLES_OF_FAST,
    without=("neighbours",),
)
PRESETS = {"best": BEST, "fast": FAST}


def configured(preset: str, changes: Mapping[str, Any]) -> BlendConfig:
    """A preset with changes; raises `ModelError` for what there is not.

    What is left out by `changes` is left out besides what the preset leaves out.
    """
    if preset not in PRESETS:
        _refuse(f"There is no preset {preset!r}.", f"Presets are: {', '.join(PRESETS)}.")
    base = PRESETS[preset]
    without = tuple(sorted({*base.without, *changes.get("without", ())}))
    try:
        return replace(base, **{**changes, "without": without})
    except TypeError as error:
        _refuse(f"A blend cannot be built with {dict(changes)}: {error}.", "Leave it out.")
