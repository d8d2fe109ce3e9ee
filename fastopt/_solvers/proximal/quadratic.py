"""Penalised quadratics of the weights of some features, by columns of X: epochs of coordinate descent, extrapolated, until they move
nothing any more.

Used by the working sets.  Epochs are those of proximal/columns.pyx; quadratics that are known by their matrix are minimised in
proximal/epochs.pyx.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastopt._methods.conjugate_gradients import ConjugateGradients
from fastopt._solvers.registry import Vector
from fastopt.penalties._regularizer import Regularizer

from .columns import Columns
from .epochs import extrapolated

#: a number for each sample, in the type of X
Array = NDArray[Any]

MAX_EPOCHS = 1000
#: epochs between two extrapolations at most, and numbers that these epochs would read if all weights moved
EPOCHS_BETWEEN, NUMBERS_BETWEEN = 15, 1 << 22
#: epochs that are extrapolated
EXTRAPOLATED = 3
#: batches of epochs in a row that do not lower the value: only rounding is left
IDLE_BATCHES = 3
#: products with the matrix that the minimum over the support may cost
SUPPORT_PRODUCTS = 30


def slopes_of(penalty: Regularizer, u: Vector, g: Vector) -> Vector:
    """Derivatives in weights that are not 0, of what has the gradient g and the penalty, with their signs."""
    each, above = np.empty(u.size), np.empty(u.size)
    size = 2 * penalty.violation(u, g, each)
    penalty.violation(u, g + size, above)
    return np.where(above > size, each, -each)


def conjugate_gradients(product: Callable[[Vector], Vector], r: Vector, diagonal: Vector, tol: float) -> Vector:
    """p with product(p) = r, until no element of the residual exceeds tol or SUPPORT_PRODUCTS products are done; r is changed."""
    diagonal = np.where(diagonal > 0, diagonal, 1.0)
    system = ConjugateGradients(product, r, lambda residual: residual / diagonal, lambda a, b: float(a @ b))
    for _ in range(SUPPORT_PRODUCTS):
        if not system.step() or np.abs(system.residual).max() <= tol:
            break
    return system.x


class Backoff:
    """When to try again what may fail: each failure in a row doubles the wait."""

    def __init__(self) -> None:
        self.failures, self.waited = 0, 0

    def due(self) -> bool:
        """Whether it is time."""
        self.waited += 1
        if self.waited < 1 << min(self.failures, 10):
            return False
        self.waited = 0
        return True


class Derivatives(NamedTuple):
    """Derivatives of the mean loss in the predictions.

    Attributes
    ----------
    first : ndarray of shape (n,)
    second : ndarray of shape (n,), or None
        Times `factor` they are the second derivatives; None: all 1.
    factor : float
    total, slope : float
        Sums of the second and of the first ones.
    """

    first: Array
    second: Array | None
    factor: float
    total: float
    slope: float


@dataclass
class ColumnQuadratic:
    """A penalised quadratic of the weights of some features, by the columns of X.

    Attributes
    ----------
    penalty : Regularizer
        Of these weights.
    columns : Columns
    u : ndarray of shape (m,)
        The weights: at the start, and where `minimize` has brought them.
    at : Derivatives
        Those at the start; the first ones are changed to those at u.
    l2 : float
    h : ndarray of shape (m,), or None
        Sums of the columns by the second derivatives, if there is an intercept.
    shift : float
        With an intercept its slope over its curvature.
    square : ndarray of shape (m,)
        The curvature of each weight.
    backoff : Backoff
        When the minimum over the support is tried.
    """

    penalty: Regularizer
    columns: Columns
    u: Vector
    at: Derivatives
    l2: float
    h: Vector | None
    shift: float
    square: Vector
    backoff: Backoff

    def __post_init__(self) -> None:
        self.s, self.start = self.at.first, self.at.first.copy()
        factor, second = self.at.factor, self.at.second
        self.scale: Any = (1 / factor if second is None
                           else np.divide(1 / factor, second, out=np.zeros_like(second), where=second > 0))

    def minimize(self, tol: float) -> None:
        """Until no step times its curvature exceeds tol."""
        between = max(EXTRAPOLATED, min(EPOCHS_BETWEEN, NUMBERS_BETWEEN // (2 * self.columns.stored + 1)))
        history, idle, best = np.empty((between + 1, self.u.size)), 0, math.inf
        for _ in range(0, MAX_EPOCHS, between):
            if self._epochs(tol, history) < 0:
                return
            if not self._minimize_on_support(tol):
                trial = extrapolated(history[-EXTRAPOLATED - 1:])
                if trial is not None:
                    self._move_if_lower(trial)
            value = self._value(self.u, self.s, self.shift)
            idle = 0 if value < best else idle + 1
            best = min(best, value)
            if idle >= IDLE_BATCHES or not math.isfinite(value):
                return

    def _epochs(self, tol: float, history: Vector) -> int:
        """Epochs, at most a batch, the points before and after each into `history`; negative if they have ended."""
        at = self.at
        done, self.shift = self.columns.descend(self.penalty, self.u, self.s, at.second, at.factor, self.l2, at.total, self.h,
                                                self.shift, self.square, tol, history)
        return done

    def _value(self, u: Vector, s: Array, shift: float) -> float:
        smooth = 0.5 * float(np.sum((s - self.start) * (s + self.start) * self.scale, dtype=np.float64))
        intercept = 0.5 * shift * shift * self.at.total if self.h is not None else 0.0
        return smooth - intercept + self.l2 / 2 * float(u @ u) + self.penalty.value(u)

    def _move_if_lower(self, trial: Vector) -> bool:
        """Go to another point if it is lower."""
        factor, second = self.at.factor, self.at.second
        move = np.zeros_like(self.s)
        self.columns.products(trial - self.u, move)
        move *= factor if second is None else factor * second
        s, shift = self.s + move, self.shift + (0.0 if self.h is None else float(self.h @ (trial - self.u)) / self.at.total)
        lower = self._value(trial, s, shift) < self._value(self.u, self.s, self.shift)
        if lower:
            self.u[:], self.s[:], self.shift = trial, s, shift
        return lower

    def _minimize_on_support(self, tol: float) -> bool:
        """Go to the minimum over the weights that are not 0, or towards it; False if that is not lower, or not tried.

        It is found by conjugate gradients, an iteration of which costs what an epoch costs.  Where the support is half as large as
        the samples its matrix is near singular, and nothing is tried.
        """
        support = np.flatnonzero(self.u)
        if not 0 < 2 * support.size < self.s.size or not self.backoff.due():
            return False
        g = self.columns.slopes(self.s) + self.l2 * self.u
        r = slopes_of(self.penalty, self.u, g if self.h is None else g - self.shift * self.h)[support]
        p = conjugate_gradients(self._hessian_on(support), -r, self.square[support], max(0.3 * tol, 0.3 * float(np.abs(r).max())))
        before = self.u[support]
        trial, crossing = self.u.copy(), before * (before + p) < 0
        trial[support] = np.where(crossing, 0.0, before + p)
        self.penalty.prox(trial, 1e-300, trial)   # within bounds
        if self._move_if_lower(trial):
            self.backoff.failures = 0
            return True
        self.backoff.failures += 1
        if not crossing.any():
            return False
        trial[support] = before + float((-before[crossing] / p[crossing]).min()) * p
        trial[np.abs(trial) <= 1e-12 * np.abs(self.u)] = 0.0
        return self._move_if_lower(trial)

    def _hessian_on(self, support: NDArray[np.intp]) -> Callable[[Vector], Vector]:
        """Products with the Hessian of the weights of these columns, at the best intercept."""
        at, l2, total = self.at, self.l2, self.at.total
        columns = self.columns.take(support)
        part = None if self.h is None else self.h[support]
        weight = at.factor if at.second is None else at.second * at.second.dtype.type(at.factor)

        def product(v: Vector) -> Vector:
            q = np.zeros_like(self.s)
            columns.products(v, q)
            q *= weight
            out = columns.slopes(q) + l2 * v
            return out if part is None else out - part * (float(part @ v) / total)
        return product
