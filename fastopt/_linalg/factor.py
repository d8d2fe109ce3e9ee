"""A Cholesky factor of a Hessian, which singular ones have too.

Used by _solvers.smooth.newton, _solvers.smooth.newton_cg, _solvers.squares.direct and _solvers.paths.steps.  Knows no objective.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg.blas import dsymm
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

#: what is added to the diagonal, relative to it, for the factor to exist: at first, and how it grows
FIRST_DAMPING, GROWTH = 1e-10, 100.0
#: the least square of a pivot that is more than rounding: along less, as where a column is there twice, steps would be noise
LEAST = 16 * float(np.finfo(np.float64).eps)
#: right-hand sides a row from which the inverse is made
MANY = 0.5


class Factor:
    """A Cholesky factor of a Hessian whose columns are scaled to a diagonal of 1, damped where it is singular but for rounding.

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
        self.inverse: np.ndarray[Any, Any] | None = None
        self.damping = 0.0
        while True:
            np.fill_diagonal(hessian, 1 + self.damping)
            # to Fortran the lower triangle is the upper one
            self.factor, info = dpotrf(hessian.T, lower=0, overwrite_a=0, clean=0)
            if info == 0 and float(self.factor.diagonal()[used].min(initial=1.0)) ** 2 >= LEAST or self.damping > 1e8:
                return
            self.damping = max(FIRST_DAMPING, GROWTH * self.damping)

    def solve(self, g: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """H⁻¹·g, of a vector or of the columns of a matrix."""
        if g.ndim > 1 and g.shape[1] >= MANY * len(g):   # a product by BLAS is quicker than triangles
            if self.inverse is None:   # its upper triangle
                self.inverse, _ = dpotri(self.factor, lower=0)
                self.inverse *= self.scale
                self.inverse *= self.scale[:, None]
            return np.asarray(dsymm(1.0, self.inverse, g.T, side=1, lower=0).T)
        x, _ = dpotrs(self.factor, (self.scale * g.T).T, lower=0)
        return np.asarray((self.scale * x.T).T)
