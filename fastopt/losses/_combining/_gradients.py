"""Gradients of several tasks as one: without what in each points against another, or the shortest mean.

Used through fastopt.losses.  Gradients of k tasks are combined by their k² products alone, by BLAS, so that they are read twice, whatever is done;
what is done with those products is a few numbers a task, and stays in Python.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.random import RandomState, generator

from .._base import DOMAINS, Array, _array, _refuse


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
        Σ weight·gradient.
    weights : ndarray of shape (k,)
        Of the sum: all 1 where no gradient points against another.

    Raises
    ------
    TypeError, ValueError
        If there is no gradient, or one has another shape than the first or an element that is not finite.

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
        Σ weight·gradient.
    weights : ndarray of shape (k,)
        Of the mean: at least 0, their sum is 1.

    Raises
    ------
    TypeError, ValueError
        If there is no gradient, or one has another shape than the first or an element that is not finite.

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
