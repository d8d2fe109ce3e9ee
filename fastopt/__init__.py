"""fastopt: trains linear models from NumPy and SciPy data on the CPU, as fast as the memory delivers the data.

What is imported here needs NumPy only; the modules in _MODULES are imported when they are first used, so that scikit-learn
is loaded by those who use its shells and by nobody else.
"""
from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if not os.path.exists(os.path.join(__path__[0], "_build_info.py")):
    # Python runs in the source folder, which is not built: take the modules of the installed copy
    __path__ = [os.path.join(entry, __name__) for entry in sys.path
                if os.path.exists(os.path.join(entry, __name__, "_build_info.py"))]
    if not __path__:
        raise ImportError("fastopt is neither installed nor built in place: run `pip install .` in its source folder")

from fastopt._core.config import get_include, show_config, warn_unknown_isa
from fastopt._core.tables import available_isas, set_isa
from fastopt._core.threads import get_num_threads, set_num_threads

from ._build_info import VERSION as __version__

_MODULES = ("batching", "exceptions", "linear_model", "losses", "neural_network", "optimizers", "penalties", "schedules")
_FUNCTIONS = {"LinearObjective": "objective", "minimize": "_minimize", "minimize_stochastic": "_minimize.stochastic",
              "scipy_method": "_minimize"}   # where they are

__all__ = ["LinearObjective", "__version__", "available_isas", "batching", "exceptions", "get_include", "get_num_threads",
           "losses", "minimize", "minimize_stochastic", "optimizers", "penalties", "schedules", "scipy_method", "set_isa",
           "set_num_threads", "show_config"]

if TYPE_CHECKING:
    from fastopt import (
        batching as batching,
        exceptions as exceptions,
        linear_model as linear_model,
        losses as losses,
        neural_network as neural_network,
        optimizers as optimizers,
        penalties as penalties,
        schedules as schedules,
    )
    from fastopt._minimize import minimize as minimize, scipy_method as scipy_method
    from fastopt._minimize.stochastic import minimize_stochastic as minimize_stochastic
    from fastopt.objective import LinearObjective as LinearObjective
else:   # hidden from type checkers, which would take any name to be a module
    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return importlib.import_module(f"{__name__}.{name}")
        if name in _FUNCTIONS:
            return getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, *_FUNCTIONS})


warn_unknown_isa()
