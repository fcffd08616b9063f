"""Where machine code is kept if numba cannot write beside the sources, nor in the user's cache."""

import os
import stat
import tempfile
from functools import cache
from pathlib import Path


@cache
def private_folder() -> str | None:
    """A folder for temporary files that only this user can write; None if there is none.

    It is the same one for all processes of the user, which then compile once. Machine code is
    executed, so a folder that somebody else has put in its place is not used.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"echotune-compiled-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if _is_private(folder):
            return str(folder)
        return tempfile.mkdtemp(prefix="echotune-compiled-")
    except OSError:
        return None


def _is_private(folder: Path) -> bool:
    found = folder.lstat()
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return is_own and stat.S_IMODE(found.st_mode) == stat.S_IRWXU and os.access(folder, os.W_OK)
