"""Optimizers: update rules that step arrays of parameters in place, one fused pass over memory each.

All of them share `Optimizer`'s interface: ``step(grads)``, ``state_dict()``, ``load_state_dict(state)``, parameter groups.
"""
from __future__ import annotations

from typing import Any

from ._adam import *  # noqa: F403
from ._adaptive import *  # noqa: F403
from ._averaged import *  # noqa: F403
from ._base import Optimizer, registry
from ._gradients import RowSparse
from ._matrix import *  # noqa: F403
from ._param_group import ParamGroup
from ._scaled import *  # noqa: F403
from ._sgd import *  # noqa: F403
from ._sign import *  # noqa: F403

__all__ = ["Optimizer", "ParamGroup", "RowSparse", "get", "names", *(optimizer.__name__ for optimizer in registry.values())]


def names() -> list[str]:
    """Names of the optimizers, for `get`, for ``fastopt.minimize`` and for the estimators.

    Examples
    --------
    >>> from fastopt import optimizers
    >>> "adam" in optimizers.names()
    True
    """
    return sorted(registry)


def get(name: str) -> type[Any]:
    """The class of an optimizer by its name.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    type
        A subclass of `Optimizer`.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> from fastopt import optimizers
    >>> optimizers.get("adam")
    <class 'fastopt.optimizers.Adam'>
    """
    return registry[name]


for _class in (*registry.values(), Optimizer, ParamGroup):
    _class.__module__ = __name__
