"""The losses by name.

Used by objectives and estimators, and on their own.
"""
from __future__ import annotations

from typing import Any, Literal, overload

from fastopt._core.tables import COUPLED_LOSS_NAMES, LOSS_NAMES

from ._base import Loss, registry
from ._classification import *  # noqa: F403
from ._regression import *  # noqa: F403
from ._sequences import CTC, registry as _of_sequences

__all__ = ["CTC", "Loss", "get", "names", *(loss.__name__ for loss in registry.values())]

CTC.__module__ = Loss.__module__ = __name__


@overload
def get(name: Literal["ctc"] | CTC, **params: Any) -> CTC: ...
@overload
def get(name: str | Loss, **params: Any) -> Loss: ...


def get(name: str | Loss | CTC, **params: Any) -> Loss | CTC:
    """The loss of that name.

    Parameters
    ----------
    name : str, Loss or CTC
        One of ``losses.names()``, ``'multinomial'`` or ``'ctc'``; a loss is returned as it is.
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
    if isinstance(name, CTC) or isinstance(name, str) and name in _of_sequences:
        return _of_sequences.make(name, params)
    return registry.make(name, params)


def names(*, couples_outputs: bool = False) -> list[str]:
    """Names of all losses of one prediction; or of those that couple the predictions of a sample.  `CTC`, of sequences, is neither.

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
