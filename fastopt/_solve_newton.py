"""Solver "newton-cholesky": Newton's method with the whole Hessian, which one pass over X sums up.

Used by _solve.py, through the register, and by _solve_trust, for the Hessian of a part of the rows.  The sums are _hessian.pyx's.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from ._hessian import hessian
from ._solve_smooth import Descent, Steps, descend
from ._solver import Callback, Needs, Solution, Vector, solver

#: parameters at most: the Hessian has their square
MAX_PARAMS = 8192
#: what is added to the diagonal, relative to it, for the factor to exist: at first, and how it grows
FIRST_DAMPING, GROWTH = 1e-10, 100.0


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
        factor = Factor(hessian(descent.objective, descent.w, whole=False))
        if not descent.step(-factor.solve(descent.g)) and not descent.step(-factor.scale ** 2 * descent.g):
            return
        yield


@solver("newton-cholesky", Needs(smooth=True, max_params=MAX_PARAMS))
def newton_cholesky(objective: Any, penalty: None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                    random_state: Any) -> Solution:
    """Newton's method, the Hessian factorised by Cholesky; least squares take one step."""
    return descend("newton-cholesky", _steps, objective, w0, tol, max_iter, callback)
