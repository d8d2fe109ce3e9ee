"""The penalties by name.

Used by solvers and estimators, and on their own.
"""
from __future__ import annotations

from typing import Any

from ._base import Penalty, registry
from ._concave import *  # noqa: F403
from ._convex import *  # noqa: F403
from ._group import *  # noqa: F403

__all__ = ["Penalty", "get", "names", *(penalty.__name__ for penalty in registry.values())]

Penalty.__module__ = __name__


def get(name: str | Penalty, **params: Any) -> Penalty:
    """The penalty of that name, of the strength and the shape that its parameters say.

    `GeneralizedLinearEstimator` takes a penalty by name or as this returns it.

    Parameters
    ----------
    name : str or Penalty
        One of ``penalties.names()``; a `Penalty` is returned as it is.
    **params
        Parameters of that penalty.

    Returns
    -------
    Penalty

    Raises
    ------
    InvalidParameterError
        If there is none of that name, or it has no such parameters.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.get("l1", alpha=0.1)
    L1(alpha=0.1, positive=False, weights=None)
    """
    return registry.make(name, params)


def names() -> list[str]:
    """Names of all penalties.

    Examples
    --------
    >>> from fastopt import penalties
    >>> sorted(penalties.names())
    ['box', 'elasticnet', 'group_lasso', 'l1', 'l2', 'mcp', 'nonnegative', 'scad']
    """
    return list(registry)
