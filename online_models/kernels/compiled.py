"""How every hot function is compiled: once, cached on disk, the same bits on every machine.

No fastmath and no threads, so that a result never hangs on the processor; and no libm beyond
`sqrt`, which IEEE 754 defines to the last bit. Compiled functions allocate nothing: without
numba's runtime no references are counted, which saves a sixth of compilation and some of learning.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import xxhash
from numba.core.caching import IndexDataCacheFile

_OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
_Function = TypeVar("_Function", bound=Callable[..., Any])


def njit_cached(function: _Function) -> _Function:
    """Compiles `function` at its first call, releasing the GIL, and keeps the machine code.

    Numba's cache looks only at the file of the function itself, though the code of the functions
    it calls is compiled into it; so the stamp of the cache is that of the whole package. It is in
    the name of the index too, since an index names classes that another version may not have.
    """
    return _cached(numba.njit(**_OPTIONS)(function))


def njit_inner(function: _Function) -> _Function:
    """As `njit_cached`, for compiled callers alone: what Python would need is not compiled."""
    return _cached(numba.njit(**_OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function))


def njit_inlined(function: _Function) -> _Function:
    """For what is called in one place of compiled code: compiled there and nowhere else."""
    return numba.njit(**_OPTIONS, inline="always")(function)


def constant(value: int) -> int:
    """For a constant that is an argument of compiled functions.

    A function is compiled anew for each literal that it is called with, but not for each of these.
    """
    return np.int64(value)  # type: ignore[return-value]


class _StampedFile(IndexDataCacheFile):  # type: ignore[misc, unused-ignore]
    """Names machine code after what it was compiled from and for.

    Numba numbers it, so that another version of the sources, or another process that starts at the
    same time, may write other code under a number that an index gives away already.
    """

    def save(self, key: Any, data: Any) -> None:
        """Saves the code, then the index that names it."""
        overloads = self._load_index()
        told = xxhash.xxh3_64_hexdigest(f"{self._source_stamp} {key!r}".encode())
        overloads[key] = self._data_name_pattern.format(number=0).replace(".0.", f".{told}.")
        self._save_data(overloads[key], data)
        self._save_index(overloads)


def _cached(compiled: Any) -> Any:
    file, stamp = compiled._cache._cache_file, sources_stamp()
    file.__class__ = _StampedFile
    file._source_stamp = stamp
    file._index_path = f"{file._index_path}-{stamp[:8]}"
    return compiled


@cache
def sources_stamp() -> str:
    """Hash of every source file of `online_models`, in all of its packages."""
    sources = sorted(Path(__file__).parent.parent.rglob("*.py"))
    return xxhash.xxh3_128_hexdigest(b"\0".join(source.read_bytes() for source in sources))
