"""Solver "newton-cholesky": Newton's method with the whole Hessian, which one pass over X sums up.

Used by _solvers/auto.py, through the register, and by _solvers.smooth.newton_cg, for the Hessian of a part of the rows.
The sums are objective/_hessian.pyx's.
"""
from __future__ import annotations

import math

import numpy as np

from fastopt._linalg.factor import Factor
from fastopt._methods.linesearch import FAR, first_step
from fastopt._solvers.iterate import Steps, stops
from fastopt._solvers.registry import CONVERGED, STOPPED, Callback, Needs, RandomState, Solution, Vector, solver
from fastopt._solvers.squares.direct import direct
from fastopt.objective import LinearObjective
from fastopt.objective._hessian_softmax import anchored

from .base import Descent, descend
from .subsample import part_of

#: parameters at most: the Hessian has their square
MAX_PARAMS = 8192
#: the share of the gradient at which the run on a part of the rows ends: more precision would be that part's alone
PART_TOL = 1e-3
#: that part has at most one of so many rows, and so many rows for each parameter if there are enough
MIN_STRIDE, ROWS_A_PARAMETER = 4, 32


def _steps(descent: Descent) -> Steps:
    """Newton steps; where rounding of the Hessian leaves no descent, steepest descent in the scaled columns, and where there is no
    curvature, along the gradient."""
    while True:
        factor = Factor(anchored(descent.hessian(), descent.objective))
        direction = -factor.solve(descent.g)
        if descent.away and not descent.far(direction):   # near the minimum it is the curvature itself that makes the best steps
            descent.away = False
            factor = Factor(anchored(descent.hessian(), descent.objective))
            direction = -factor.solve(descent.g)
        if (not descent.step(direction) and not descent.step(-factor.scale ** 2 * descent.g)
                and not descent.step(-descent.g, first_step(descent.g), FAR)):
            return descent.standstill
        yield


def begin(objective: LinearObjective, part: LinearObjective, w0: Vector, tol: float, max_iter: int) -> Vector:
    """Nearly the minimum on a part of the rows, where all rows agree that it is better than w0."""
    # fewer rows leave the weights more uncertain, by 1 over their number: they are held back by as much, but not more than they were
    l2, few = part.l2, 1 / part.n_samples - 1 / objective.n_samples
    part.l2 = l2 + min(few, l2 * few * objective.n_samples)
    enough = max(tol, PART_TOL * float(np.abs(part.gradient(w0)).max()))
    near = descend("newton-cholesky", _steps, part, w0.copy(), enough, max_iter, None, newton=True).w
    part.l2 = l2
    before = objective.value(w0)
    return near if objective.value(near) < before else w0   # whose predictions are kept for the next look


@solver("newton-cholesky", Needs(smooth=True, max_params=MAX_PARAMS, centred=True, relative=True))
def newton_cholesky(objective: LinearObjective, penalty: None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                    random_state: RandomState, relative: bool = False) -> Solution:
    """Newton's method, the Hessian factorised by Cholesky; least squares take one step.

    Where there are many rows it begins at the minimum on a part of them.
    """
    if objective.loss.name == "squared_error" and objective.n_outputs == 1 and max_iter > 0:
        return _squares(objective, tol, callback, relative)
    part = part_of(objective, random_state, MIN_STRIDE, ROWS_A_PARAMETER)
    start = w0 if part is None else begin(objective, part, w0, tol, max_iter)
    return descend("newton-cholesky", _steps, objective, start, tol, max_iter, callback, newton=True)


def _squares(objective: LinearObjective, tol: float, callback: Callback | None, relative: bool) -> Solution:
    """Least squares, by as many steps as take it to rounding."""
    l2, objective.l2 = objective.l2, 0.0
    try:
        found = direct(objective, None, np.array([l2]), tol, relative)
    finally:
        objective.l2 = l2
    w = found.W[:, 0].copy()
    solution = Solution(w, objective.value(w), found.n_iter, float(found.violation[0]), math.nan, found.message == CONVERGED,
                        found.message, "newton-cholesky")
    return solution._replace(message=STOPPED) if found.n_iter and stops(callback, solution) else solution
