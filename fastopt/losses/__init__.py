"""The losses by name.

Used by objectives and estimators, and on their own.
"""
from __future__ import annotations

from typing import Any

from fastopt._core.tables import COUPLED_LOSS_NAMES, LOSS_NAMES

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
        One of ``losses.names()``, or ``'multinomial'``; a `Loss` is returned as it is.
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


def names(*, couples_outputs: bool = False) -> list[str]:
    """Names of all losses of one prediction; or of those that couple the predictions of a sample.

    Parameters
    ----------
    couples_outputs : bool, default=False
        Which of them.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.names()[:3]
    ['squared_error', 'absolute_error', 'huber']
    >>> losses.names(couples_outputs=True)
    ['multinomial']
    """
    return list(COUPLED_LOSS_NAMES if couples_outputs else LOSS_NAMES)
