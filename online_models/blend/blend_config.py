"""`BlendConfig`: the parameters of the blend; they are part of the model's identity."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from online_models.blend.bucket_tables import TABLES, TABLES_OF_FAST
from online_models.blend.candidates import features
from online_models.blend.experts.cooccurrence import WIDTH
from online_models.blend.listener.explicit_feedback import DISMISSED_S
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
"""Parts of the blend that can be left out; popularity cannot."""


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
    """Parameters of a `BlendRanker`; raises `ModelError` if one is out of its bounds.

    >>> BlendConfig(without=("own",)).has("own")
    False
    """

    steps: int = 3
    """Number of last tracks whose followers are proposed; 0 turns transitions off."""
    grams: int = 1 << 20
    """Maximum number of n-gram contexts, per order (two and three); a power of two."""
    ring: int = RING_MAX
    """Number of plays that are kept per listener."""
    own: int = 100
    """Number of the listener's last plays that are proposed."""
    window: int = 10
    """Number of earlier plays with which a play is paired; 0 turns co-occurrence off."""
    wide: int = 80
    """Number of candidates by co-occurrence with the last plays."""
    older: int = 30
    """Number of last plays whose co-occurrence is a feature, beyond the last eight."""
    company: int = 16
    """Number of a candidate's strongest co-occurrences that are compared with the last plays."""
    near: int = 60
    """Number of candidates from similar sessions; 0 turns session neighbours off."""
    survivors: int = 128
    """Number of candidates that are selected by the linear score."""
    tables: int = TABLES
    """Number of bucket tables."""
    rate: float = 0.02
    """Learning rate of the weights (AdaGrad)."""
    cell_rate: float = 0.05
    """Learning rate of the bucket tables' cells (AdaGrad)."""
    blend_every: int = 1
    """A weight update follows every n-th play; 0: never."""
    skipped_s: int = 0
    """How long, in seconds, a SKIP (weak evidence) keeps a track away; 0: it changes nothing."""
    without: tuple[str, ...] = ()
    """Names in `EXPERTS` that are left out."""
    start: tuple[tuple[int, float], ...] = _START
    """Initial weights, as pairs (feature, weight); features that are not named begin at 0."""

    def __post_init__(self) -> None:
        """Checks experts and bounds."""
        unknown = [name for name in self.without if name not in EXPERTS]
        if unknown:
            _raise(f"There is no expert {unknown[0]!r}.", f"Experts are: {', '.join(EXPERTS)}.")
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not least <= value <= most:
                _raise(f"{name} is {value!r}.", f"Give a number from {least} to {most}.")
        if self.grams & (self.grams - 1):
            _raise(f"grams is {self.grams}.", "Give a power of two.")

    def has(self, expert: str) -> bool:
        """Whether `expert` is used."""
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
    "skipped_s": (0, DISMISSED_S),
}


def _raise(message: str, remedy: str) -> NoReturn:
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
    """The configuration of `preset` with `changes`; raises `ModelError` for unknown names.

    `without` of `changes` is added to that of the preset; other values replace the preset's.
    """
    if preset not in PRESETS:
        _raise(f"There is no preset {preset!r}.", f"Presets are: {', '.join(PRESETS)}.")
    base = PRESETS[preset]
    without = tuple(sorted({*base.without, *changes.get("without", ())}))
    try:
        return replace(base, **{**changes, "without": without})
    except TypeError as error:
        _raise(f"A blend cannot be built with {dict(changes)}: {error}.", "Leave it out.")
