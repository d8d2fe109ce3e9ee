"""Newton steps of an objective with l2, or with l2 and l1, by a Hessian that need not be its own.

Used by _solvers/paths/folds.py.
"""
from __future__ import annotations

from typing import Protocol

import numpy as np

from fastopt import penalties
from fastopt._linalg.factor import Factor
from fastopt._solvers.proximal.epochs import minimize_quadratic
from fastopt._solvers.registry import Vector

#: the share of the violation that the steps of a penalised quadratic leave
EASE = 0.01


class NewtonSteps(Protocol):
    """Steps by one Hessian."""

    def step(self, w: Vector, g: Vector, violation: float) -> Vector:
        """From w, where the gradient of all but l1 is g."""


def steps_of(hessian: Vector, l2: float, l1: float, d: int) -> NewtonSteps:
    """Steps for the penalty l2/2·‖u‖² + l1·‖u‖₁ of the first d weights.

    Parameters
    ----------
    hessian : ndarray of shape (n_params, n_params)
        Read on and below the diagonal.  With l1 there is one output.
    """
    matrix = hessian.copy()
    matrix[np.arange(d), np.arange(d)] += l2
    return DescentSteps(matrix, l1, d) if l1 > 0 else CholeskySteps(matrix)


class CholeskySteps:
    """By a Cholesky factor."""

    def __init__(self, matrix: Vector) -> None:
        self.factor = Factor(matrix)

    def step(self, w: Vector, g: Vector, violation: float) -> Vector:
        return -self.factor.solve(g)


class DescentSteps:
    """By coordinate descent on the quadratic with l1, at the best intercept for each of its points."""

    def __init__(self, matrix: Vector, l1: float, d: int) -> None:
        matrix = np.tril(matrix) + np.tril(matrix, -1).T
        self.pull = matrix[d:, :d] / matrix[d:, d:].ravel()[:, None]   # how the intercept follows the weights, if there is one
        self.matrix = np.ascontiguousarray(matrix[:d, :d] - self.pull.T @ matrix[d:, :d])
        self.corner, self.penalty, self.d = matrix[d:, d:].ravel(), penalties.L1(l1).bind(d), d

    def step(self, w: Vector, g: Vector, violation: float) -> Vector:
        d = self.d
        u, slope = w[:d].copy(), g[:d] - self.pull.T @ g[d:]
        minimize_quadratic(self.penalty, self.matrix, slope, u, EASE * violation)
        move = u - w[:d]
        return np.concatenate([move, -(g[d:] / self.corner + self.pull @ move)])
