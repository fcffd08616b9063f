"""What a blend is made of: frozen, checked, and written into the model's identity."""

from dataclasses import dataclass

from online_models.errors import ModelError
from online_models.plays import BLOCK, RING_MAX

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


@dataclass(frozen=True)
class BlendConfig:
    """Sizes and rates; see `blending.Knobs` for what they do."""

    steps: int = 3
    grams: int = 1 << 18
    """Contexts of two, and of three, that are kept at most; a power of two."""
    ring: int = 256
    own: int = 100
    window: int = 10
    wide: int = 80
    near: int = 60
    survivors: int = 128
    tables: int = 15
    rate: float = 0.02
    cell_rate: float = 0.05
    blend_every: int = 1
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.without if name not in EXPERTS]
        if unknown:
            raise ModelError(
                f"There is no expert {unknown[0]!r}.", f"Experts are: {', '.join(EXPERTS)}."
            )
        self._check("blend_every", 0, 1_000_000)
        self._check("grams", 2, 1 << 26)
        self._check("ring", BLOCK, RING_MAX)

    def _check(self, name: str, least: int, most: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or not least <= value <= most:
            raise ModelError(
                f"{name} is {value!r}.", f"Give a whole number from {least} to {most}."
            )

    def has(self, expert: str) -> bool:
        """Whether the expert is not left out."""
        return expert not in self.without


PRESETS = {
    "best": BlendConfig(),
    "fast": BlendConfig(
        ring=128, own=64, window=8, wide=60, survivors=64, tables=10, without=("neighbours",)
    ),
}
