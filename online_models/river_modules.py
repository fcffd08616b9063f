"""Imports single modules of River without the packages that they are in.

`river.drift` and `river.reco` import SciPy and, where it is there, scikit-learn, which nothing here
uses. Every process with a model would start 0.8 s later and need 70 MB more.
"""

import importlib.util
import sys
from importlib.machinery import PathFinder
from types import ModuleType


def river_module(name: str) -> ModuleType:
    """The module with this full name; the same one that its package has if it is imported, too.

    >>> river_module("river.reco.base").Ranker.__name__
    'Ranker'
    """
    if name not in sys.modules:
        river, *packages, _ = name.split(".")
        spec = PathFinder.find_spec(name, ["/".join([each, *packages]) for each in _folders(river)])
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _folders(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []
