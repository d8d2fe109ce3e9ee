"""The batch-size strategies by name.

Used by whatever trains on mini-batches, and on their own: ``strategy.size(t)`` is the number of samples of step t.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastopt._common.checks import integer
from fastopt._common.rules import refuse
from fastopt._common.settings import restored
from fastopt.exceptions import InvalidParameterError

from ._noise import NoiseScale
from ._sizes import Batching, Fixed, Growing, RandomSize, Scheduled, registry

__all__ = ["Batching", "Fixed", "Growing", "NoiseScale", "RandomSize", "Scheduled", "as_batching", "from_state_dict", "get",
           "names"]

Batching.__module__ = __name__


def names() -> list[str]:
    """Names of all strategies.

    Examples
    --------
    >>> from fastopt import batching
    >>> batching.names()
    ['fixed', 'random', 'growing', 'scheduled', 'noise_scale']
    """
    return list(registry)


def get(name: str | Batching, **params: Any) -> Batching:
    """The strategy of that name.

    Parameters
    ----------
    name : str or Batching
        One of ``batching.names()``; a `Batching` is returned as it is.
        Numbers of samples are for `as_batching`.
    **params
        Parameters of that strategy.

    Examples
    --------
    >>> from fastopt import batching
    >>> batching.get("random", low=16, high=64)
    RandomSize(low=16, high=64, seed=0)
    """
    return registry.make(name, params)


def as_batching(batch_size: int | Batching, name: str = "batch_size") -> Batching:
    """A number of samples, or a strategy, as a strategy.

    Parameters
    ----------
    batch_size : int or Batching
        An int is `Fixed`; a strategy is returned as it is.
    name : str, default='batch_size'
        What the argument is called in errors.

    Returns
    -------
    Batching

    Raises
    ------
    InvalidParameterError
        If it is neither, or below 1.

    Examples
    --------
    >>> from fastopt import batching
    >>> batching.as_batching(64)
    Fixed(size=64)
    """
    if isinstance(batch_size, Batching):
        return batch_size
    try:
        return Fixed(integer(name, batch_size, 1))
    except InvalidParameterError:
        refuse(name, "an integer at least 1 or a strategy of fastopt.batching", batch_size)


def from_state_dict(state: Mapping[str, Any]) -> Batching:
    """The strategy that a state was taken from.

    Parameters
    ----------
    state : dict
        What ``state_dict`` of a strategy returned.

    Examples
    --------
    >>> from fastopt import batching
    >>> batching.from_state_dict(batching.Fixed(64).state_dict())
    Fixed(size=64)
    """
    return restored(registry, state)
