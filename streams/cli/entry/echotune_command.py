"""The entry point of `echotune`: finds EchoTune's own packages, and can be stopped from then on.

It is a module with a name of its own, because names such as `streams` are common: a package of
that name in a folder of PYTHONPATH would be imported in place of EchoTune's. It imports nothing
large, so that Ctrl-C while the command is being loaded is no traceback.
"""

import os
import sys

_INTERRUPTED = 130


def run() -> None:
    """Runs a command of `streams.cli`."""
    try:
        _import_own_packages()
        from streams.cli import run_and_end

        run_and_end()
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)


def _import_own_packages() -> None:
    """Imports them from where this module belongs; whatever is imported later is as usual."""
    own = _home_of_packages()
    sys.path.insert(0, own)
    try:
        import infra  # noqa: F401
        import online_models  # noqa: F401
        import streams  # noqa: F401
        import topics  # noqa: F401
    finally:
        sys.path.remove(own)
    if others := os.environ.get("PYTHONPATH"):  # which processes of ours read, too
        os.environ["PYTHONPATH"] = os.pathsep.join([own, others])


def _home_of_packages() -> str:
    """The folder of the packages: this module's own once installed, three above in a checkout."""
    folder = os.path.dirname(os.path.abspath(__file__))
    if os.path.isdir(os.path.join(folder, "streams")):
        return folder
    return os.path.abspath(os.path.join(folder, *[os.pardir] * 3))
