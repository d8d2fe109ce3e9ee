"""The solver "fista": proximal gradient steps with acceleration, restarts and backtracking, for any smooth loss and any penalty.

The loop is that of minimize's method "proximal".  Used through the register of _solvers/registry.py.
"""
from __future__ import annotations

import math

import numpy as np

from fastopt import penalties
from fastopt._methods.fista import Prox, fista
from fastopt._methods.function import Objective
from fastopt._methods.run import Run
from fastopt._solvers.iterate import Steps, iterate
from fastopt._solvers.registry import CONVERGED, NOT_FINITE, PRECISION, Callback, Needs, RandomState, Solution, Vector, solver
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty


class _ProximalDescent:
    """Where a run is."""

    def __init__(self, objective: LinearObjective, penalty: Penalty | None, w0: Vector) -> None:
        rule: Penalty = penalties.Box() if penalty is None else penalty
        self.penalty = rule.bind(objective.n_features, objective.n_outputs)
        self.m = self.penalty.n
        self.penalty.prox(w0[:self.m], 1e-300, w0[:self.m])   # within bounds
        self.run = Run(Objective(objective.value_and_gradient, (), True, None, {}), w0)
        prox = Prox(self.run, self.penalty)
        self.run.penalty = prox.value
        self.finite = self.run.start()
        self._steps = fista(self.run, prox, {"accelerate": True, "restart": True})

    def steps(self) -> Steps:
        """Those of FISTA, and why there are no more."""
        yield from self._steps
        return PRECISION

    def violation(self) -> float:
        point = self.run.point
        largest = self.penalty.violation(point.x[:self.m], point.g[:self.m])
        return max(largest, float(np.abs(point.g[self.m:]).max(initial=0.0)))


@solver("fista", Needs(penalties=None, smooth=True, centred=True, gradients_alone=True))
def proximal_gradient(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                      random_state: RandomState = None) -> Solution:
    """FISTA with backtracking and restarts; a reading of X for a trial, and one for the point behind it."""
    descent = _ProximalDescent(objective, penalty, w0)

    def look(n_iter: int) -> Solution:
        violation, point = descent.violation(), descent.run.point
        end = NOT_FINITE if not descent.finite else CONVERGED if violation <= tol else ""
        return Solution(point.x, point.f, n_iter, violation, math.nan, end == CONVERGED, end, "fista")

    return iterate(descent.steps(), look, max_iter, callback)
