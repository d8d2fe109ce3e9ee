"""Solver "newton-cholesky": Newton's method with the whole Hessian, which one pass over X sums up.

Used by _solve.py, through the register, and by _solve_trust, for the Hessian of a part of the rows.  The sums are _hessian.pyx's.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from ._hessian_softmax import anchored
from ._solve_start import part_of
from ._solve_smooth import Descent, Steps, descend
from ._solver import Callback, Needs, Solution, Vector, loss_name, solver

#: parameters at most: the Hessian has their square
MAX_PARAMS = 8192
#: what is added to the diagonal, relative to it, for the factor to exist: at first, and how it grows
FIRST_DAMPING, GROWTH = 1e-10, 100.0
#: what is left of the gradient at a start from a part of the rows: more precision would be that part's alone
NEAR = 1e-3
#: that part: one of so many rows at least, and so many rows for each parameter where there are
LEAST, ROWS_A_PARAMETER = 4, 32


class Factor:
    """A Cholesky factor of a Hessian whose columns are scaled to a diagonal of 1, damped where it is singular.

    Parameters
    ----------
    hessian : ndarray of shape (n_params, n_params)
        Read on and below the diagonal; overwritten.
    """

    def __init__(self, hessian: np.ndarray[Any, Any]) -> None:
        diagonal = hessian.diagonal()
        size = np.abs(diagonal).max()
        # columns of zeros, and of numbers that vanish beside the others' rounding, keep still
        used = diagonal > 1e-300 + 0 * size
        self.scale = np.where(used, 1 / np.sqrt(np.where(used, diagonal, 1.0)), 0.0)
        hessian *= self.scale
        hessian *= self.scale[:, None]
        damping = 0.0
        while True:
            np.fill_diagonal(hessian, 1 + damping)
            # to Fortran the lower triangle is the upper one
            self.factor, info = dpotrf(hessian.T, lower=0, overwrite_a=0, clean=0)
            if info == 0 or damping > 1e8:
                return
            damping = max(FIRST_DAMPING, GROWTH * damping)

    def solve(self, g: Vector) -> Vector:
        """H⁻¹·g."""
        x, _ = dpotrs(self.factor, self.scale * g, lower=0)
        return np.asarray(x * self.scale)


def _steps(descent: Descent) -> Steps:
    """Newton steps; where rounding of the Hessian leaves no descent, steepest descent in the scaled columns."""
    while True:
        factor = Factor(anchored(descent.hessian(), descent.objective))
        if not descent.step(-factor.solve(descent.g)) and not descent.step(-factor.scale ** 2 * descent.g):
            return
        yield


def begin(objective: Any, part: Any, w0: Vector, tol: float, max_iter: int) -> Vector:
    """Nearly the minimum on a part of the rows, where all rows agree that it is better than w0."""
    # fewer rows leave the weights more uncertain, by 1 over their number: they are held back by as much, but not more than they were
    l2, few = part.l2, 1 / part.n_samples - 1 / objective.n_samples
    part.l2 = l2 + min(few, l2 * few * objective.n_samples)
    enough = max(tol, NEAR * float(np.abs(part.gradient(w0)).max()))
    near = descend("newton-cholesky", _steps, part, w0.copy(), enough, max_iter, None, newton=True).w
    part.l2 = l2
    before = objective.value(w0)
    return near if objective.value(near) < before else w0   # whose predictions are kept for the next look


@solver("newton-cholesky", Needs(smooth=True, max_params=MAX_PARAMS))
def newton_cholesky(objective: Any, penalty: None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                    random_state: Any) -> Solution:
    """Newton's method, the Hessian factorised by Cholesky; least squares take one step.

    Where there are many rows it begins at the minimum on a part of them.
    """
    part = None if loss_name(objective) == "squared_error" else part_of(objective, random_state, LEAST, ROWS_A_PARAMETER)
    start = w0 if part is None else begin(objective, part, w0, tol, max_iter)
    return descend("newton-cholesky", _steps, objective, start, tol, max_iter, callback, newton=True)
