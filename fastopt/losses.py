"""The losses by name.

Used by objectives and estimators, and on their own.
"""
from __future__ import annotations

import difflib
import inspect
from typing import Any

from ._core import LOSS_NAMES
from ._loss import Loss, registry
from ._loss_classification import *  # noqa: F403
from ._loss_regression import *  # noqa: F403

__all__ = ["Loss", "get", "names", *(loss.__name__ for loss in registry.values())]


def get(name: str | Loss, **params: Any) -> Loss:
    """The loss of that name.

    Parameters
    ----------
    name : str or Loss
        One of ``losses.names()``; a `Loss` is returned as it is.
    **params
        Parameters of that loss.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.get("huber", delta=2.0)
    Huber(delta=2.0)
    """
    if isinstance(name, Loss) and not params:
        return name
    if not isinstance(name, str):
        raise TypeError(f"name must be a string or, without parameters, a Loss; got {name!r}")
    if name not in registry:
        near = difflib.get_close_matches(name, registry, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"they are {', '.join(names())}"
        raise ValueError(f"there is no loss {name!r}: {hint}")
    loss = registry[name]
    known = inspect.signature(loss).parameters
    for key in params.keys() - known.keys():
        raise TypeError(f"{name} takes {', '.join(known) or 'no parameters'}, got {key}")
    return loss(**params)


def names() -> list[str]:
    """Names of all losses.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.names()[:3]
    ['squared_error', 'absolute_error', 'huber']
    """
    return list(LOSS_NAMES)
