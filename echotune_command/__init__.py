"""The entry point of `echotune`: finds EchoTune's own packages, and can be stopped from then on.

It has a package of its own because names such as `streams` are common: a package of that name in a
folder of PYTHONPATH would be imported in place of EchoTune's. It imports nothing large, so that
Ctrl-C while the command is being loaded is no traceback.
"""

import os
import sys

_INTERRUPTED = 130


def run() -> None:
    """Runs a command of `streams.cli`."""
    try:
        _import_own_packages()
        from streams.cli import run_and_end  # noqa: PLC0415 - loads the libraries

        run_and_end()
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)


def _import_own_packages() -> None:
    """Imports them from beside this one; whatever is imported later is in the usual order."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, own)
    try:
        import infra  # noqa: F401, PLC0415
        import online_models  # noqa: F401, PLC0415
        import streams  # noqa: F401, PLC0415
        import topics  # noqa: F401, PLC0415
    finally:
        sys.path.remove(own)
