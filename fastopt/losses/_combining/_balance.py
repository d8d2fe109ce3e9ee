"""Weights of tasks that keep the norms of their gradients in balance.

Used through fastopt.losses.  A task is two numbers a step here, so that its arithmetic stays in Python.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import integer, number
from fastopt._common.settings import Stateful

from .._base import DOMAINS, Array, _array, _refuse

#: no weight falls below: a task that does not count learns nothing, and could not come back
_LEAST = 1e-3


class GradNorm(Stateful):
    """Weights of the losses of several tasks, moved step by step until all of them learn at similar rates.

    The gradient of task i counts weight·norm; it should be as large as their mean, times r^alpha, r how much more than the others of its first loss
    it has still to learn.  A step goes lr·norm along the sign of what it is too large or too small by; then weights are scaled to add up to the
    number of tasks.

    Parameters
    ----------
    tasks : int, at least 1
        How many there are.
    alpha : float, at least 0, default=1.5
        How much tasks that lag behind are pushed; 0: all gradients are to be of one size.
    lr : float above 0, default=0.025
        Learning rate of the weights, for gradients of norms of about 1.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    Z. Chen, V. Badrinarayanan, C.-Y. Lee and A. Rabinovich (2018), GradNorm: gradient normalization for adaptive loss balancing in deep multitask
    networks, ICML.

    Examples
    --------
    >>> from fastopt import losses
    >>> balance = losses.GradNorm(2, lr=0.1)
    >>> balance.step(values=[1.0, 1.0], gradient_norms=[3.0, 1.0]).round(4)
    array([0.7778, 1.2222])
    >>> balance.weights.round(4)
    array([0.7778, 1.2222])
    """

    name = "grad_norm"
    tasks: int
    alpha: float
    lr: float

    def __init__(self, tasks: int, alpha: float = 1.5, lr: float = 0.025) -> None:
        tasks = integer("tasks", tasks, 1, 1 << 20)
        self._keep({"tasks": tasks, "alpha": number("alpha", alpha, at_least=0), "lr": number("lr", lr, above=0)},
                   {**{f"weight_{i}": 1.0 for i in range(tasks)}, **{f"first_{i}": 0.0 for i in range(tasks)}})

    @property
    def weights(self) -> NDArray[np.float64]:
        """Those of the tasks now, (tasks,): what their losses, or gradients, are multiplied by."""
        return np.array([self._state[f"weight_{i}"] for i in range(self.tasks)])

    def step(self, values: ArrayLike, gradient_norms: ArrayLike) -> NDArray[np.float64]:
        """Move the weights once.

        Parameters
        ----------
        values : array_like of shape (tasks,)
            The loss of each task, above 0; those of the first call are what later ones are compared with.
        gradient_norms : array_like of shape (tasks,)
            The norm of the gradient of each loss, without its weight, in the parameters that tasks share, or in the last layer of them.

        Returns
        -------
        ndarray of shape (tasks,)
            `weights`, as they are now.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong shape or an element outside its domain; the weights stay as they were.
        """
        loss, norms = self._given("values", values, "positive"), self._given("gradient_norms", gradient_norms, "nonnegative")
        first = np.array([self._state[f"first_{i}"] or loss[i] for i in range(self.tasks)])
        behind = loss / first
        size = self.weights * norms
        target = size.mean() * (behind / behind.mean()) ** self.alpha
        weights = np.maximum(self.weights - self.lr * norms * np.sign(size - target), _LEAST)
        weights *= self.tasks / weights.sum()
        for i in range(self.tasks):
            self._state[f"weight_{i}"], self._state[f"first_{i}"] = float(weights[i]), float(first[i])
        return self.weights

    def _given(self, name: str, value: ArrayLike, domain: str) -> Array:
        found = _array(name, value, np.dtype(np.float64))
        if found.shape != (self.tasks,):
            raise ValueError(f"{name} must have shape ({self.tasks},), one for each task, got {found.shape}")
        _refuse(name, found, *DOMAINS[domain])
        return found


GradNorm.__module__ = "fastopt.losses"
