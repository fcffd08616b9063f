"""How hot functions are compiled with numba: once, cached on disk, with equal bits everywhere.

Without fastmath and threads no result depends on the processor. No function of libm is used
except `sqrt`, which IEEE 754 defines to the last bit. Compiled functions allocate no memory:
without numba's runtime no references are counted, which saves a sixth of the compilation time.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import xxhash
from numba.core.caching import IndexDataCacheFile

from online_models.kernels.cache_folder import private_folder

_OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}
_Function = TypeVar("_Function", bound=Callable[..., Any])


def njit_cached(function: _Function) -> _Function:
    """Compiles `function` at its first call, releasing the GIL, and keeps the machine code.

    Numba's cache checks only the file of the function itself, although the code of the functions
    that it calls is compiled into it. The stamp of the cache is therefore a hash of the whole
    package. The index's file name contains it too, because an index refers to classes that another
    version may not have.
    """
    return _cached(function)


def njit_inner(function: _Function) -> _Function:
    """As `njit_cached`, without wrappers for Python: only compiled code may call `function`."""
    return _cached(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def njit_inlined(function: _Function) -> _Function:
    """For functions that are called in one place of compiled code: they are inlined there."""
    return numba.njit(**_OPTIONS, inline="always")(function)


def constant(value: int) -> int:
    """A constant that is passed to compiled functions.

    Numba compiles a function again for each literal argument, but not for these values.
    """
    return np.int64(value)  # type: ignore[return-value]


class _StampedFile(IndexDataCacheFile):  # type: ignore[misc, unused-ignore]
    """Names files of machine code after a hash of the sources and the signature.

    Numba numbers these files. Another version of the sources, or another process that starts at
    the same time, could then write other code to a number that an index already refers to.
    """

    def save(self, key: Any, data: Any) -> None:
        """Saves the code, then the index that refers to it."""
        overloads = self._load_index()
        name_hash = xxhash.xxh3_64_hexdigest(f"{self._source_stamp} {key!r}".encode())
        overloads[key] = self._data_name_pattern.format(number=0).replace(".0.", f".{name_hash}.")
        self._save_data(overloads[key], data)
        self._save_index(overloads)


def _cached(function: Any, **options: bool) -> Any:
    """The function with its cache; without one where no folder at all can be written."""
    compiled = numba.njit(**_OPTIONS, **options)(function)
    if not _has_cache(compiled):
        return compiled
    file, stamp = compiled._cache._cache_file, sources_stamp()
    file.__class__ = _StampedFile
    file._source_stamp = stamp
    file._index_path = f"{file._index_path}-{stamp[:8]}"
    return compiled


def _has_cache(compiled: Any) -> bool:
    """Gives a function a cache in one of numba's folders, or else in one for temporary files."""
    try:
        compiled.enable_caching()
    except RuntimeError:  # numba can write none of its folders
        if private_folder() in (None, numba.config.CACHE_DIR):
            return False
        numba.config.CACHE_DIR = private_folder()
        return _has_cache(compiled)
    return True


@cache
def sources_stamp() -> str:
    """Hash of every source file of `online_models`, in all of its packages."""
    sources = sorted(Path(__file__).parent.parent.rglob("*.py"))
    return xxhash.xxh3_128_hexdigest(b"\0".join(source.read_bytes() for source in sources))
