"""Conjugate gradients for a system of equations whose matrix is known by its products: one step at a time.

Used by the solvers whose steps are such systems, each of which says when it is exact enough.  Knows no objective.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from .function import Array

Numbers = TypeVar("Numbers", float, Array)


class ConjugateGradients(Generic[Numbers]):
    """H·x = r from x = 0 on, of a vector; or of the rows of a matrix, each of which takes steps of its own.

    Parameters
    ----------
    product : callable
        H times a direction.
    residual : ndarray
        r; it is changed.
    precondition : callable
        An approximation of H⁻¹, symmetric and positive definite, times a residual: a new array.
    inner : callable
        The inner product of two vectors, a float; of the rows of two matrices, of shape (k, 1).

    Attributes
    ----------
    x, residual, direction : ndarray
        The solution so far, what it leaves of r, and the next direction.
    square : float or ndarray of shape (k, 1)
        residual·precondition(residual).
    length, gain : float or ndarray of shape (k, 1)
        How far along its direction the last step went, and twice what it lowered the quadratic ½·x·H·x − r·x by.
    turn : float or ndarray of shape (k, 1)
        The share of the last direction in the next one.
    """

    length: Numbers
    gain: Numbers
    turn: Numbers

    def __init__(self, product: Callable[[Array], Array], residual: Array, precondition: Callable[[Array], Array],
                 inner: Callable[[Array, Array], Numbers]) -> None:
        self.product, self.precondition = product, precondition
        self.inner: Callable[[Array, Array], Numbers] = inner
        self.x, self.residual = np.zeros_like(residual), residual
        self.direction = precondition(residual)
        self.square: Numbers = inner(residual, self.direction)

    def step(self) -> bool:
        """One step, by one product with H; False, and no step, if the curvature along the direction of a vector is not positive.
        A row along whose direction it is not stays where it is."""
        product = self.product(self.direction)
        curvature = self.inner(self.direction, product)
        if isinstance(curvature, float) and not curvature > 0:
            return False
        self.length = _over(self.square, curvature)
        self.gain = self.length * self.square
        self.x += self.length * self.direction
        self.residual -= self.length * product
        scaled = self.precondition(self.residual)
        before, self.square = self.square, self.inner(self.residual, scaled)
        self.turn = _over(self.square, before)
        self.direction *= self.turn
        self.direction += scaled
        return True


def _over(a: Numbers, b: Numbers) -> Numbers:
    """a/b, 0 where b is not positive."""
    if isinstance(b, float):
        return a / b if b > 0 else 0.0
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)
