"""A smooth objective with a penalty, and the point where coordinate descent is: its value, gradient and violations.

Used by the solver "cd", its working sets and its duality gap; knows none of them.
"""
from __future__ import annotations

import math

import numpy as np

from fastopt import penalties
from fastopt._core.threads import resolve_threads
from fastopt._solvers.registry import Vector
from fastopt.objective import LinearObjective
from fastopt.objective._hessian import hessian, second_order
from fastopt.penalties import Penalty

from .samples import SampleLosses


class CompositeObjective:
    """An objective with a penalty, and the point where the run is.

    Attributes
    ----------
    rule, penalty : Penalty, Regularizer
        The penalty; and bound to the features.
    w, g : ndarray of shape (n_params,)
        Coefficients, then the intercept if there is one; the gradient of the objective there.
    value, violation : float
        Objective and penalty at w, and the largest element of the least subgradient.
    each : ndarray of shape (d,)
        The violations of the features.
    quadratic : bool
        Errors are squared: the curvature is the same everywhere.
    with_hessian : bool
        `look` sums up the Hessian of squared errors along with the gradient.
    """

    g: Vector
    value: float
    violation: float

    def __init__(self, objective: LinearObjective, penalty: Penalty | None, w0: Vector) -> None:
        self.objective, self.d = objective, objective.n_features
        self.rule: Penalty = penalties.Box() if penalty is None else penalty
        self.penalty = self.rule.bind(self.d)
        self.samples, self.w = SampleLosses(objective), w0
        self.threads = resolve_threads(objective.n_threads)
        self.quadratic = objective.loss.name == "squared_error"
        feasible = np.empty(self.d)
        self.penalty.prox(w0[:self.d], 1e-300, feasible)   # within bounds
        w0[:self.d] = feasible
        self.each, self.with_hessian = np.empty(self.d), False
        self._hessian: Vector | None = None

    def look(self) -> None:
        """Value, gradient and violations at w: a reading of X."""
        if self.with_hessian and self.quadratic and self._hessian is None:   # all three from the same reading
            smooth, self.g, lower = second_order(self.objective, self.w)
            self._hessian = np.tril(lower) + np.tril(lower, -1).T
        else:
            smooth, self.g = self.objective.value_and_gradient(self.w)
        self.value = smooth + self.penalty.value(self.w[:self.d])
        self.violation = self.penalty.violation(self.w[:self.d], self.g[:self.d], self.each)
        if self.objective.fit_intercept:
            self.violation = max(self.violation, abs(float(self.g[self.d])))

    def hessian(self) -> Vector:
        """The objective's at w; that of squared errors is computed once."""
        if self._hessian is not None:
            return self._hessian
        found = hessian(self.objective, self.w)
        self._hessian = found if self.quadratic else None
        return found

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value) and math.isfinite(self.violation)
