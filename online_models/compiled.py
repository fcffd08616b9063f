"""How every hot function is compiled: once, cached on disk, the same bits on every machine.

No fastmath and no threads, so that a result never hangs on the processor; and no libm beyond
`sqrt`, which IEEE 754 defines to the last bit.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import xxhash

_Function = TypeVar("_Function", bound=Callable[..., Any])


def njit_cached(function: _Function) -> _Function:
    """Compiles `function` at its first call, releasing the GIL, and keeps the machine code.

    Numba's cache looks only at the file of the function itself, though the code of the functions
    it calls is compiled into it; so the stamp of the cache is that of the whole package.
    """
    return _compiled(function)


def njit_inlined(function: _Function) -> _Function:
    """As `njit_cached`, for what is small and called often: its code is copied to each caller.

    A call hands over a named tuple of arrays field by field, a hundred words and more.
    """
    return _compiled(function, forceinline=True)


def njit_spliced(function: _Function) -> _Function:
    """For a step of one or two callers: becomes part of them before anything is compiled.

    A compiled function's callers would optimise it again, and theirs again, level by level.
    """
    return numba.njit(nogil=True, error_model="numpy", inline="always")(function)


def _compiled(function: _Function, **options: bool) -> _Function:
    compiled = numba.njit(
        cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options
    )(function)
    compiled._cache._cache_file._source_stamp = sources_stamp()
    return compiled


@cache
def sources_stamp() -> str:
    """Hash of every source file of this package."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return xxhash.xxh3_128_hexdigest(b"\0".join(source.read_bytes() for source in sources))
