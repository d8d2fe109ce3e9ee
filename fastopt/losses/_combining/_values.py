"""The losses of several tasks as one: with weights that are given, or by uncertainties that are learnt.

Used through fastopt.losses.  A task is one number here, so that its arithmetic stays in Python.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import number
from fastopt._common.settings import Settings

from .._base import DOMAINS, Array, _array, _refuse, registry

#: what a loss is multiplied by beside exp(−log variance)
_SHARES = {"regression": 0.5, "classification": 1.0}


class MultiTask(Settings):
    """Losses of several tasks as one, each weighted by an uncertainty that is learnt: Σ share·exp(−s)·loss + s/2, s = log σ².

    The share is 1/2 for squared errors and 1 for losses of classes, as the likelihoods have it.  A task that is noisy gets a large s and
    counts less; s/2 keeps it from growing without end.

    Parameters
    ----------
    kinds : sequence of {'regression', 'classification'}
        What each task is.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    A. Kendall, Y. Gal and R. Cipolla (2018), Multi-task learning using uncertainty to weigh losses for scene geometry and semantics, CVPR.

    Examples
    --------
    >>> from fastopt import losses
    >>> both = losses.MultiTask(["regression", "classification"])
    >>> value, (weights, in_s) = both.value_and_gradient([4.0, 1.0], [0.0, 0.0])
    >>> value, weights, in_s
    (3.0, array([0.5, 1. ]), array([-1.5, -0.5]))
    """

    name = "multi_task"
    kinds: tuple[str, ...]

    def __init__(self, kinds: Sequence[str]) -> None:
        chosen = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        if not chosen or any(kind not in _SHARES for kind in chosen):
            raise ValueError(f"kinds must be a sequence of 'regression' and 'classification', got {kinds!r}")
        self._keep({"kinds": chosen})

    def value(self, values: ArrayLike, log_variances: ArrayLike) -> float:
        """The loss of all tasks together.

        Parameters
        ----------
        values : array_like of shape (k,)
            The loss of each task.
        log_variances : array_like of shape (k,)
            s of each task; 0 to begin with.

        Returns
        -------
        float
        """
        return self.value_and_gradient(values, log_variances)[0]

    def gradient(self, values: ArrayLike, log_variances: ArrayLike) -> tuple[Array, Array]:
        """Its derivatives in the losses, by which their own gradients are to be multiplied, and in the log variances.

        Parameters
        ----------
        values, log_variances
            See `value`.

        Returns
        -------
        tuple of two ndarrays of shape (k,)
        """
        return self.value_and_gradient(values, log_variances)[1]

    def value_and_gradient(self, values: ArrayLike, log_variances: ArrayLike) -> tuple[float, tuple[Array, Array]]:
        """Both.

        Parameters
        ----------
        values, log_variances
            See `value`.

        Returns
        -------
        value : float
        gradient : tuple of two ndarrays of shape (k,)
        """
        double = np.dtype(np.float64)
        loss, s = (_array(name, given, double) for name, given in (("values", values), ("log_variances", log_variances)))
        for name, given in (("values", loss), ("log_variances", s)):
            if given.shape != (len(self.kinds),):
                raise ValueError(f"{name} must have shape ({len(self.kinds)},), one for each task, got {given.shape}")
            _refuse(name, given, *DOMAINS["real"])
        weights = np.array([_SHARES[kind] for kind in self.kinds]) * np.exp(-s)
        return float(weights @ loss + s.sum() / 2), (weights, 0.5 - weights * loss)


class WeightedSum(Settings):
    """Several losses as one: Σ weight·loss, of the same predictions or of some for each.

    Parameters
    ----------
    losses : sequence of str or loss
        Names for `losses.get`, or anything here that has `value_and_gradient` and a value that is a number.
    weights : sequence of float, at least 0
        As many.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    Examples
    --------
    >>> from fastopt import losses
    >>> both = losses.WeightedSum(["mse", losses.AbsoluteError()], [1.0, 0.5])
    >>> both.value_and_gradient(([0.0], [2.0]), ([1.0], [4.0]))   # (y, p) of each
    (5.5, (array([4.]), array([0.5])))
    """

    name = "weighted_sum"
    losses: tuple[Settings, ...]
    weights: tuple[float, ...]

    def __init__(self, losses: Sequence[str | Settings], weights: Sequence[float]) -> None:
        terms = tuple(registry.make(each, {}) if isinstance(each, str) else each for each in losses)
        for i, each in enumerate(terms):
            if not hasattr(each, "value_and_gradient"):
                raise TypeError(f"losses[{i}] must be a name or a loss with value_and_gradient, got {each!r}")
        given = tuple(number(f"weights[{i}]", weight, at_least=0) for i, weight in enumerate(weights))
        if not terms or len(given) != len(terms):
            raise ValueError(f"losses and weights must be as many, one or more, got {len(terms)} and {len(given)}")
        self._keep({"losses": terms, "weights": given})

    def value(self, *arguments: Sequence[ArrayLike]) -> float:
        """The loss.

        Parameters
        ----------
        *arguments : sequence
            What each loss takes, (y, p) most often, one sequence for each.

        Returns
        -------
        float
        """
        return self.value_and_gradient(*arguments)[0]

    def gradient(self, *arguments: Sequence[ArrayLike]) -> tuple[Array | tuple[Array, ...], ...]:
        """Its derivatives, those of each loss times its weight.

        Parameters
        ----------
        *arguments
            See `value`.

        Returns
        -------
        tuple
            What each loss gives: an array, or a tuple of them.  Where predictions are the same, the sum is theirs.
        """
        return self.value_and_gradient(*arguments)[1]

    def value_and_gradient(self, *arguments: Sequence[ArrayLike]) -> tuple[float, tuple[Array | tuple[Array, ...], ...]]:
        """Both.

        Parameters
        ----------
        *arguments
            See `value`.

        Returns
        -------
        value : float
        gradient : tuple
        """
        if len(arguments) != len(self.losses):
            raise ValueError(f"arguments must be {len(self.losses)} sequences, one for each loss, got {len(arguments)}")
        total, found = 0.0, []
        for i, (loss, weight, given) in enumerate(zip(self.losses, self.weights, arguments)):
            term: Any = loss   # losses differ in what they take
            value, gradient = term.value_and_gradient(*given)
            if np.ndim(value):
                raise ValueError(f"losses[{i}] must have a value that is a number, got {value.shape} of {loss!r}")
            total += weight * float(value)
            found.append(_times(weight, gradient))
        return total, tuple(found)


def _times(weight: float, gradient: Array | tuple[Array, ...]) -> Array | tuple[Array, ...]:
    if isinstance(gradient, tuple):
        return tuple(np.asarray(part * np.asarray(part).dtype.type(weight)) for part in gradient)
    return np.asarray(gradient * gradient.dtype.type(weight))


MultiTask.__module__ = WeightedSum.__module__ = "fastopt.losses"
