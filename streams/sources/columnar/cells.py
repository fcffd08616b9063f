"""Converts whole columns: times, lengths, flags and ids become numbers.

A column is an Arrow array or a list. If an array cannot be converted as a whole, its values are
converted one by one, so that a malformed value affects no other value.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from online_models.base import AT_MS_MAX
from streams.sources.formats.cell_values import is_storable, length_ms_of, number_of, text_of
from streams.sources.formats.parquet_table import texts_of_bytes
from streams.sources.formats.times import (
    FOURTEEN_DIGITS,
    LATEST_MS,
    TIME_SCALES,
    LocalTime,
    TimeUnit,
    time_ms_of,
)
from topics.listening_event import EARLIEST_LISTENED_AT_MS, PLAY_LENGTH_MAX_MS, TEXT_LENGTH_MAX

Cells = Any
"""A `pyarrow.Array`, or a list of values as JSON has them."""

UNKNOWN = -1
"""Represents a missing time, length or id."""
BROKEN = -2
"""Represents a text that no event may contain."""
_WORDS = {"1": True, "true": True, "t": True, "yes": True, "y": True}
_WORDS |= {"0": False, "false": False, "f": False, "no": False, "n": False}


def plain(cells: Cells) -> Cells:
    """Decodes a dictionary and converts dates, decimals and bytes to types that are handled."""
    if not isinstance(cells, pa.Array):
        return cells
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_date(cells.type):
        return cells.cast(pa.timestamp("ms"))
    if pa.types.is_decimal(cells.type):
        return cells.cast(pa.float64())
    if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        return texts_of_bytes(cells)
    if _is_text(cells) and not _is_utf8(cells):
        return texts_of_bytes(cells.cast(pa.large_binary()))
    return cells.to_pylist() if pa.types.is_nested(cells.type) else cells


def list_of(cells: Cells) -> list[Any]:
    """All values as Python objects."""
    return list(cells.to_pylist()) if isinstance(cells, pa.Array) else cells


def first_of(cells: Cells, n: int) -> list[Any]:
    """The first `n` values as Python objects; timestamps in ms."""
    values = cells[:n]
    if isinstance(values, pa.Array):
        return list((_in_ms(values) if _is_timestamp(values) else values).to_pylist())
    return list(values)


def is_timestamp(cells: Cells) -> bool:
    """Whether the column has an Arrow timestamp type."""
    return isinstance(cells, pa.Array) and _is_timestamp(cells)


def _is_timestamp(cells: pa.Array) -> bool:
    return bool(pa.types.is_timestamp(cells.type))


def _is_text(cells: pa.Array) -> bool:
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def _is_utf8(cells: pa.Array) -> bool:
    try:
        cells.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _in_ms(cells: pa.Array) -> pa.Array:
    return cells.cast(pa.timestamp("ms", cells.type.tz), safe=False).cast(pa.int64())


def times_ms(cells: Cells, unit: TimeUnit, zones: Cells | None = None) -> NDArray[np.int64]:
    """Times in ms since 1970; `UNKNOWN` if not a time from 1970 to 2106; int64[n].

    `zones` are the time zones of those that name none.
    """
    if zones is not None:
        cells = _beside_zones(cells, zones)
    if is_timestamp(cells):
        return _whole(_numbers(_in_ms(cells)), 1.0, AT_MS_MAX)
    numbers = None if _has_exponents(cells) else _numbers(cells)
    if numbers is not None and not unit.has_digits_of_dates:
        return _in_best_unit(numbers, unit.scale)
    iso_ms = _iso_ms(cells) if numbers is None else None
    return _one_by_one(cells, lambda value: time_ms_of(value, unit)) if iso_ms is None else iso_ms


def _beside_zones(cells: Cells, zones: Cells) -> Cells:
    """The times with their zones in one cell; a column that has a zone by itself stays as it is."""
    if is_timestamp(cells):
        if cells.type.tz is not None:
            return cells
        cells = cells.cast(pa.timestamp("ms"), safe=False)
    try:
        times = list_of(cells)
    except OverflowError:  # days beyond the years of Python
        return cells
    return [LocalTime(*each) for each in zip(times, list_of(zones), strict=True)]


def _has_exponents(cells: Cells) -> bool:
    """Whether a text may be a number with an exponent, which may have lost digits."""
    if not isinstance(cells, pa.Array) or not _is_text(cells):
        return False
    return bool(pc.any(pc.match_substring_regex(cells, r"^\s*'?\d[.,\d]*[eE]")).as_py())


def _in_best_unit(numbers: NDArray[np.float64], scale: float) -> NDArray[np.int64]:
    """As `time_ms_of`: what is no plausible time in the column's unit is read in another one."""
    scales = [scale, *TIME_SCALES]
    with np.errstate(over="ignore", invalid="ignore"):
        fits = [(numbers * each >= EARLIEST_LISTENED_AT_MS) & (numbers * each <= LATEST_MS)
                for each in scales]  # fmt: skip
    factors = np.select(fits, scales, scale)
    at_ms = _whole(numbers, factors, AT_MS_MAX)
    for row in np.flatnonzero(numbers >= FOURTEEN_DIGITS).tolist():
        if not any(fit[row] for fit in fits):
            at_ms[row] = _ms_or_unknown(numbers[row], time_ms_of)
    return at_ms


def _iso_ms(cells: Cells) -> NDArray[np.int64] | None:
    if isinstance(cells, pa.Array) and _is_text(cells):
        for zone in (None, "UTC"):
            try:
                ms = cells.cast(pa.timestamp("ms", zone)).cast(pa.int64())
            except pa.ArrowInvalid:
                continue
            return _whole(_numbers(ms), 1.0, AT_MS_MAX)
    return None


def _one_by_one(cells: Cells, ms_of: Callable[[Any], int]) -> NDArray[np.int64]:
    return np.array([_ms_or_unknown(value, ms_of) for value in list_of(cells)], np.int64)


def _ms_or_unknown(value: Any, ms_of: Callable[[Any], int]) -> int:
    try:
        ms = ms_of(value)
    except ValueError:
        return UNKNOWN
    return ms if 0 <= ms <= AT_MS_MAX else UNKNOWN


def lengths_ms(cells: Cells, scale: float) -> NDArray[np.int32]:
    """Lengths in ms; `UNKNOWN` if missing, negative or too long; int32[n]."""
    numbers = _numbers(cells)
    if numbers is None:
        found = [length_ms_of(value, scale) for value in list_of(cells)]
        return np.array([UNKNOWN if each is None else each for each in found], np.int32)
    return _whole(numbers, scale, PLAY_LENGTH_MAX_MS).astype(np.int32)


def _numbers(cells: Cells) -> NDArray[np.float64] | None:
    """float64[n], with NaN for null; None if any value is no number."""
    if not isinstance(cells, pa.Array):
        return _numbers_of_list(cells)
    if not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
        if pa.types.is_null(cells.type):
            return np.full(len(cells), np.nan)
        if not _is_text(cells):
            return None
    try:
        cells = cells.cast(pa.float64(), safe=False)
    except pa.ArrowInvalid:
        return None
    return np.asarray(pc.fill_null(cells, float("nan")).to_numpy(zero_copy_only=False))


def _numbers_of_list(cells: list[Any]) -> NDArray[np.float64] | None:
    kinds = set(map(type, cells))
    if not kinds <= {int, float, type(None)}:
        return None
    try:
        return np.array([np.nan if each is None else each for each in cells], np.float64)
    except OverflowError:
        return None


def _whole(numbers: Any, scale: Any, most: int) -> NDArray[np.int64]:
    with np.errstate(over="ignore"):  # infinite is unknown, too
        scaled = np.rint(numbers * scale)
    is_known = (scaled >= 0) & (scaled <= most)
    return np.where(is_known, scaled, UNKNOWN).astype(np.int64)


def flags(cells: Cells) -> NDArray[np.bool_]:
    """Yes or no as bool[n]; empty is no. Raises `ValueError` for any other word."""
    codes = TextCodes()
    at = codes.encode(as_text_of_bool(cells))
    meanings = [_meaning(text) for text in codes.texts]
    if (at == BROKEN).any():
        raise ValueError("is neither yes nor no: a text that cannot be read")
    return np.array([*meanings, False], np.bool_)[at]


def as_text_of_bool(cells: Cells) -> Cells:
    """Flags as 1 and 0; other cells as they are."""
    if isinstance(cells, pa.Array):
        return cells.cast(pa.int8()) if pa.types.is_boolean(cells.type) else cells
    return [int(each) if isinstance(each, bool) else each for each in cells]


def _meaning(text: str) -> bool:
    number = number_of(text)
    if number is not None:
        return number != 0
    if text.lower() not in _WORDS:
        raise ValueError(f"is neither yes nor no: {text[:40]!r}")
    return _WORDS[text.lower()]


class TextCodes:
    """Codes 0, 1, 2, ... of texts and whole numbers; equal texts have one code in all columns.

    >>> codes = TextCodes()
    >>> codes.encode(["a", 4, None, "4", 4.0, " a "]).tolist(), codes.texts
    ([0, 1, -1, 1, 1, 0], ['a', '4'])
    """

    def __init__(
        self, length_max: int = TEXT_LENGTH_MAX, reserved: frozenset[str] = frozenset()
    ) -> None:
        """Texts of more than `length_max` letters, and those that are `reserved`, are `BROKEN`."""
        self.texts: list[str] = []
        self._length_max, self._reserved = length_max, reserved
        self._of_text: dict[str, int] = {}
        self._of_number: dict[int, int] = {}

    def encode(self, cells: Cells) -> NDArray[np.int32]:
        """Codes of a column, `UNKNOWN` if empty; int32[n]."""
        if not isinstance(cells, pa.Array):
            return np.array([self.code(each) for each in cells], np.int32)
        if pa.types.is_floating(cells.type):  # in Arrow, no NaN equals another
            return np.array([self.code(each) for each in cells.to_pylist()], np.int32)
        try:
            encoded = cells.dictionary_encode()
        except pa.ArrowNotImplementedError:  # types that no id has
            return np.full(len(cells), UNKNOWN, np.int32)
        codes = [self.code(each) for each in encoded.dictionary.to_pylist()]
        at = np.asarray(pc.fill_null(encoded.indices, UNKNOWN).to_numpy(zero_copy_only=False))
        return np.array([*codes, UNKNOWN], np.int32)[at]

    def code(self, value: Any) -> int:
        """Code of one value, created if need be; `UNKNOWN` if empty or no id, or `BROKEN`."""
        if type(value) is int:
            known = self._of_number.get(value)
            if known is None:
                known = self._of_number[value] = self._code_of_text(str(value))
            return known
        text = text_of(value)
        if text is None:
            return UNKNOWN
        return self._code_of_text(text) if self._is_allowed(text) else BROKEN

    def code_of_id(self, text: str) -> int:
        """Code of an id as it is, even if it is a word for nothing; `BROKEN` if it cannot be one.

        >>> TextCodes().code("none"), TextCodes().code_of_id("none")
        (-1, 0)
        """
        return self._code_of_text(text) if self._is_allowed(text) else BROKEN

    def _is_allowed(self, text: str) -> bool:
        return len(text) <= self._length_max and text not in self._reserved and is_storable(text)

    def _code_of_text(self, text: str) -> int:
        known = self._of_text.get(text)
        if known is None:
            known = self._of_text[text] = len(self.texts)
            self.texts.append(text)
        return known
