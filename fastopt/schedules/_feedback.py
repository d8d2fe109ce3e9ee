"""The schedules that are driven by what happens in training: a metric, or the loss with its gradient.

Used through fastopt.schedules.  Their rate is a state that `update` changes, whatever the step; what schedules share is in
schedules/_base.py.
"""
from __future__ import annotations

import math

import numpy as np

from fastopt._common.checks import choice, integer, number

from . import _curves
from ._base import Rates, Schedule


class _Driven(Schedule):
    """A rate that is part of the state."""

    @property
    def current_lr(self) -> float:
        """The rate now."""
        return self._state["lr"]

    def _rate(self, t: int) -> float:
        return self._state["lr"]

    def _rates(self, t: int, n: int) -> Rates:
        return np.full(n, self._state["lr"])

    def _set(self, **state: float) -> None:
        self.__dict__["_state"] = {**self._state, **state}


class ReduceOnPlateau(_Driven):
    """Reduce the rate when a metric has stopped getting better: lr ← max(factor·lr, min_lr).

    That is done when the metric was not better than its best value in more than `patience` updates.  Better means, with
    mode 'min', below best·(1 − threshold) or, with threshold_mode 'abs', below best − threshold; with mode 'max', above
    best·(1 + threshold) or best + threshold.  PyTorch's ``ReduceLROnPlateau``, to the step.

    Parameters
    ----------
    lr : float, at least 0
        The first rate.
    mode : {'min', 'max'}, default='min'
        Whether a lower or a higher metric is better.
    factor : float between 0 and 1, default=0.1
        What a reduction multiplies the rate by.
    patience : int, at least 0, default=10
        How many updates in a row may bring nothing.
    threshold : float, at least 0, default=0.0001
        How much better a metric must be to count.
    threshold_mode : {'rel', 'abs'}, default='rel'
        Whether the threshold is a share of the best metric, or a difference from it.
    cooldown : int, at least 0, default=0
        Updates after a reduction in which nothing is counted.
    min_lr : float, at least 0, default=0.0
        The lowest rate.
    eps : float, at least 0, default=1e-08
        A smaller difference of rates is no reduction.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.ReduceOnPlateau(0.5, patience=1)
    >>> [s.update(loss) for loss in (3.0, 2.0, 2.0, 2.0, 1.0)]
    [0.5, 0.5, 0.5, 0.05, 0.05]
    >>> s(1000)
    0.05
    """

    name = "reduce_on_plateau"
    driven_by = "metric"
    lr: float
    mode: str
    factor: float
    patience: int
    threshold: float
    threshold_mode: str
    cooldown: int
    min_lr: float
    eps: float

    def __init__(self, lr: float, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
                 threshold_mode: str = "rel", cooldown: int = 0, min_lr: float = 0.0, eps: float = 1e-8) -> None:
        rate = number("lr", lr, at_least=0)
        params = {"lr": rate, "mode": choice("mode", mode, "min", "max"), "factor": number("factor", factor, above=0, below=1),
                  "patience": integer("patience", patience, 0), "threshold": number("threshold", threshold, at_least=0),
                  "threshold_mode": choice("threshold_mode", threshold_mode, "rel", "abs"),
                  "cooldown": integer("cooldown", cooldown, 0), "min_lr": number("min_lr", min_lr, at_least=0),
                  "eps": number("eps", eps, at_least=0)}
        best = math.inf if mode == "min" else -math.inf
        self._keep(params, {"lr": rate, "best": best, "num_bad": 0, "cooldown_left": 0})

    def update(self, metric: float) -> float:
        """Take note of the metric, reduce the rate where it is due.

        Parameters
        ----------
        metric : float, not nan
            What was measured, once an epoch as a rule.

        Returns
        -------
        float
            The rate from now on.
        """
        metric = number("metric", metric, at_least=-math.inf, at_most=math.inf)
        state = self._state
        lr, cooling = state["lr"], state["cooldown_left"]
        better = self._is_better(metric)
        bad = 0 if better or cooling else state["num_bad"] + 1
        cooling = max(cooling - 1, 0)
        if bad > self.patience:
            reduced = max(lr * self.factor, self.min_lr)
            lr, cooling, bad = reduced if lr - reduced > self.eps else lr, self.cooldown, 0
        self._set(lr=lr, best=metric if better else state["best"], num_bad=bad, cooldown_left=cooling)
        return lr

    def _is_better(self, metric: float) -> bool:
        best, sign = self._state["best"], 1 if self.mode == "max" else -1
        bar = best
        if math.isfinite(best):
            bar = best * (1 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return metric > bar if self.mode == "max" else metric < bar


class PolyakStep(_Driven):
    """Polyak's step size from the loss: lr = min((value − f_star)/(c·‖gradient‖²), max_lr).

    With the loss and the gradient of a mini-batch it is the stochastic Polyak step size, SPS_max.

    Parameters
    ----------
    f_star : float, default=0.0
        The lowest value that the loss can have: 0 for a model that can fit its samples and for losses that reach 0.
    max_lr : float above 0, default=1.0
        The highest rate, and that before the first update.
    c : float above 0, default=1.0
        Smaller steps; 1 in Polyak's, 1/2 in Loizou's for strongly convex losses.

    References
    ----------
    B. T. Polyak (1987), Introduction to optimization, section 5.3.
    N. Loizou, S. Vaswani, I. Laradji and S. Lacoste-Julien (2021), Stochastic Polyak step-size for SGD: an adaptive
    learning rate for fast convergence, AISTATS, arXiv:2002.10542.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.PolyakStep(max_lr=10.0)
    >>> s.update(value=2.0, gradient_norm_squared=8.0)
    0.25
    >>> s(7)
    0.25
    """

    name = "polyak"
    driven_by = "value"
    f_star: float
    max_lr: float
    c: float

    def __init__(self, f_star: float = 0.0, max_lr: float = 1.0, c: float = 1.0) -> None:
        params = {"f_star": number("f_star", f_star), "max_lr": number("max_lr", max_lr, above=0), "c": number("c", c, above=0)}
        self._keep(params, {"lr": params["max_lr"]})

    def update(self, value: float, gradient_norm_squared: float) -> float:
        """Compute the rate of the step that is due.

        Parameters
        ----------
        value : float, at least f_star
            The loss where the gradient was taken.
        gradient_norm_squared : float, at least 0
            The sum of the squares of the gradient.

        Returns
        -------
        float
            The rate until the next update.
        """
        value = number("value", value, at_least=self.f_star, below=math.inf)
        square = number("gradient_norm_squared", gradient_norm_squared, at_least=0)
        lr = _curves.polyak_rate(self.f_star, self.max_lr, self.c, value, square)
        self._set(lr=lr)
        return lr
