"""Several tasks learnt together: their losses as one, and their gradients as one.

Used through fastopt.losses.  Gradients of k tasks are combined by their k² products alone, so that they are read twice, whatever is done.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.random import RandomState, generator
from fastopt._common.settings import Settings

from ._base import DOMAINS, Array, _array, _refuse

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


def _stacked(gradients: Sequence[ArrayLike]) -> tuple[Array, NDArray[np.float64]]:
    """(k, n) gradients of tasks, and their products with one another."""
    arrays = [_array(f"gradients[{i}]", each) for i, each in enumerate(gradients)]
    if not arrays:
        raise ValueError("gradients must hold one of each task, got none")
    for i, each in enumerate(arrays):
        if each.shape != arrays[0].shape:
            raise ValueError(f"gradients must have one shape, got {arrays[0].shape} and, at {i}, {each.shape}")
        _refuse(f"gradients[{i}]", each, *DOMAINS["real"])
    rows = np.stack([each.ravel() for each in arrays])
    return rows, (rows @ rows.T).astype(np.float64)


def _combined(rows: Array, weights: NDArray[np.float64], like: ArrayLike) -> Array:
    return np.asarray((weights.astype(rows.dtype) @ rows).reshape(np.shape(like)))


def pcgrad(gradients: Sequence[ArrayLike], random_state: RandomState = None) -> tuple[Array, NDArray[np.float64]]:
    """Gradients of several tasks as one, without what in each points against another (gradient surgery).

    What a gradient has in the direction against another task's, where there is some, is taken out, task by task in a random order; the sum of
    what is left is returned.

    Parameters
    ----------
    gradients : sequence of k array_like of one shape
        That of each task.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Draws the orders.  None: another one each time.

    Returns
    -------
    gradient : ndarray of that shape
    weights : ndarray of shape (k,)
        How much of each is in it.

    References
    ----------
    T. Yu et al. (2020), Gradient surgery for multi-task learning, NeurIPS.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.pcgrad([[1.0, 0.0], [-1.0, 1.0]], random_state=0)[0]
    array([0.5, 1.5])
    """
    rows, products = _stacked(gradients)
    k, draws = len(rows), generator(random_state)
    weights = np.eye(k)   # row i: what is left of task i, in units of all
    for i in range(k):
        for j in draws.permutation(k):
            against = weights[i] @ products[:, j]
            if j != i and against < 0:   # so the product of j with itself is not 0
                weights[i, j] -= against / products[j, j]
    total = weights.sum(axis=0)
    return _combined(rows, total, gradients[0]), total


def mgda(gradients: Sequence[ArrayLike], max_iter: int = 250, tol: float = 1e-10) -> tuple[Array, NDArray[np.float64]]:
    """The shortest mean of the gradients of several tasks: a step along it makes all of them better, or it is 0.

    Parameters
    ----------
    gradients : sequence of k array_like of one shape
        That of each task.
    max_iter : int, default=250
        Steps of Frank and Wolfe at most.
    tol : float, default=1e-10
        A run ends when a step would shorten the square by less than this share.

    Returns
    -------
    gradient : ndarray of that shape
    weights : ndarray of shape (k,)
        Of the mean: at least 0, their sum is 1.

    References
    ----------
    J.-A. Désidéri (2012), Multiple-gradient descent algorithm for multiobjective optimization, Comptes Rendus Mathématique 350.
    O. Sener and V. Koltun (2018), Multi-task learning as multi-objective optimization, NeurIPS.

    Examples
    --------
    >>> from fastopt import losses
    >>> gradient, weights = losses.mgda([[2.0, 0.0], [0.0, 1.0]])
    >>> gradient, weights
    (array([0.4, 0.8]), array([0.2, 0.8]))
    """
    rows, products = _stacked(gradients)
    weights = np.full(len(rows), 1 / len(rows))
    for _ in range(max_iter):
        slopes = products @ weights
        best, square = int(np.argmin(slopes)), float(weights @ slopes)
        worst = int(np.argmax(np.where(weights > 0, slopes, -np.inf)))
        gap = slopes[worst] - slopes[best]   # weight goes from the worst to the best, as much as shortens most
        if square - slopes[best] <= tol * square or gap <= 0:
            break
        curvature = products[best, best] + products[worst, worst] - 2 * products[best, worst]
        step = min(weights[worst], gap / curvature) if curvature > 0 else weights[worst]
        weights[best] += step
        weights[worst] -= step
    return _combined(rows, weights, gradients[0]), weights
