"""The solver "fista": proximal gradient steps with acceleration, restarts and backtracking, for any smooth loss and any penalty.

The loop is that of minimize's method "proximal".  Used through the register of _solvers/registry.py.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastopt import penalties
from fastopt._methods.fista import Prox, fista
from fastopt._methods.function import Objective
from fastopt._methods.run import Run
from fastopt._solvers.registry import CONVERGED, LIMIT, NOT_FINITE, PRECISION, STOPPED, Callback, Needs, Solution, Vector, solver


class _Descent:
    """Where a run is."""

    def __init__(self, objective: Any, penalty: Any, w0: Vector) -> None:
        rule = penalties.Box() if penalty is None else penalty
        self.penalty = rule.bind(objective.n_features, objective.n_outputs)
        self.m = self.penalty.n
        self.penalty.prox(w0[:self.m], 1e-300, w0[:self.m])   # within bounds
        self.run = Run(Objective(objective.value_and_gradient, (), True, None, {}), w0)
        prox = Prox(self.run, self.penalty)
        self.run.penalty = prox.value
        self.finite = self.run.start()
        self.steps = fista(self.run, prox, {"accelerate": True, "restart": True})

    def violation(self) -> float:
        point = self.run.point
        largest = self.penalty.violation(point.x[:self.m], point.g[:self.m])
        return max(largest, float(np.abs(point.g[self.m:]).max(initial=0.0)))


@solver("fista", Needs(penalties=None, smooth=True, centred=True))
def proximal_gradient(objective: Any, penalty: Any, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                      random_state: Any = None) -> Solution:
    """FISTA with backtracking and restarts; a reading of X for a trial, and one for the point behind it."""
    descent, n_iter = _Descent(objective, penalty, w0), 0
    while True:
        violation, point = descent.violation(), descent.run.point
        done = violation <= tol
        solution = Solution(point.x, point.f, n_iter, violation, math.nan, done, CONVERGED, "fista")
        if not descent.finite:
            return solution._replace(converged=False, message=NOT_FINITE)
        if n_iter and callback is not None:
            try:
                callback(solution._replace(w=point.x.copy(), message=""))
            except StopIteration:
                return solution._replace(message=STOPPED)
        if done or n_iter >= max_iter:
            return solution if done else solution._replace(message=LIMIT)
        try:
            next(descent.steps)
        except StopIteration:
            return solution._replace(message=PRECISION)
        n_iter += 1
