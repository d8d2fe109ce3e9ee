"""The losses by name.

Used by objectives and estimators, and on their own.
"""
from __future__ import annotations

from typing import Any

from fastopt._core.tables import LOSS_NAMES

from ._base import Loss, registry
from ._classification import *  # noqa: F403
from ._regression import *  # noqa: F403

__all__ = ["Loss", "get", "names", *(loss.__name__ for loss in registry.values())]

Loss.__module__ = __name__


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
    >>> losses.get(losses.Hinge())
    Hinge()
    """
    return registry.make(name, params)


def names() -> list[str]:
    """Names of all losses.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.names()[:3]
    ['squared_error', 'absolute_error', 'huber']
    """
    return list(LOSS_NAMES)
