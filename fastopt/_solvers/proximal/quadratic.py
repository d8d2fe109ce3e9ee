"""Penalised quadratics of the weights of some features, by columns of X: epochs of coordinate descent, extrapolated, until it stands still.

Used by _solvers/proximal/working_set.py.  Epochs are in _solvers/proximal/columns.pyx; those that are known by their matrix are minimised
in _solvers/proximal/epochs.pyx.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastopt._solvers.registry import Vector
from fastopt.penalties._regularizer import Regularizer

from .columns import Columns
from .epochs import extrapolated

EPOCHS = 1000   # at most
MOST = 15       # between extrapolations, whose overhead is that of many epochs of few weights,
WORK = 1 << 22  # and numbers that they would read if all weights moved
STEPS = 3       # epochs that are extrapolated
IDLE = 3        # batches of epochs in a row that do not lower the value: rounding is all that is left
LEAP = 30       # products of conjugate gradients


def slopes_of(penalty: Regularizer, u: Vector, g: Vector) -> Vector:
    """Derivatives in weights that are not 0, of what has the gradient g and the penalty, with their signs."""
    each, above = np.empty(u.size), np.empty(u.size)
    size = 2 * penalty.violation(u, g, each)
    penalty.violation(u, g + size, above)
    return np.where(above > size, each, -each)


def conjugate_gradients(product: Callable[[Vector], Vector], r: Vector, diagonal: Vector, tol: float) -> Vector:
    """p with product(p) = r, until no element of the residual exceeds tol or LEAP products are done."""
    p, diagonal = np.zeros_like(r), np.where(diagonal > 0, diagonal, 1.0)
    z = r / diagonal
    q, square = z, float(r @ z)
    for _ in range(LEAP):
        Hq = product(q)
        curvature = float(q @ Hq)
        if not curvature > 0:
            break
        step = square / curvature
        p, r = p + step * q, r - step * Hq
        if np.abs(r).max() <= tol:
            break
        z = r / diagonal
        before, square = square, float(r @ z)
        q = z + square / before * q
    return p


class Leaps:
    """When to leap again: the sooner the fewer failed in a row."""

    def __init__(self) -> None:
        self.failures, self.waited = 0, 0

    def due(self) -> bool:
        """Whether it is time."""
        self.waited += 1
        if self.waited < 1 << min(self.failures, 10):
            return False
        self.waited = 0
        return True


class ByColumns:
    """A penalised quadratic of the weights u of some features, by the columns of X: s = e + D·X(u − start) is kept, e the first and
    D the second derivatives.  Epochs of coordinate descent, with leaps, or extrapolated."""

    def __init__(self, penalty: Regularizer, columns: Columns, u: Vector, s: Any, D: Any, factor: float, l2: float, total: float,
                 h: Vector | None, shift: float, square: Vector, leaps: Leaps) -> None:
        self.penalty, self.u = penalty, u
        self.columns, self.s, self.e, self.D, self.shift = columns, s, s.copy(), D, shift
        self.rest = factor, l2, total, h
        self.square, self.leaps, self.cost = square, leaps, 2 * columns.stored + 1
        self.scale = (1 / factor if D is None else np.divide(1 / factor, D, out=np.zeros_like(D), where=D > 0))

    def minimize(self, tol: float) -> None:
        """Until no step times its curvature exceeds tol."""
        between = max(STEPS, min(MOST, WORK // max(1, self.cost)))
        history, idle, best = np.empty((between + 1, self.u.size)), 0, math.inf
        for _ in range(0, EPOCHS, between):
            if self.epochs(tol, history) < 0:
                return
            if not self.leap(tol):
                trial = extrapolated(history[-STEPS - 1:])
                if trial is not None:
                    self.jump(trial)
            value = self.value(self.u, self.s, self.shift)
            idle = 0 if value < best else idle + 1
            best = min(best, value)
            if idle >= IDLE or not math.isfinite(value):
                return

    def epochs(self, tol: float, history: Vector) -> int:
        """Epochs, at most a batch, the points before and after each into `history`; negative if they have ended."""
        factor, l2, total, h = self.rest
        done, self.shift = self.columns.descend(self.penalty, self.u, self.s, self.D, factor, l2, total, h, self.shift, self.square,
                                                tol, history)
        return done

    def value(self, u: Vector, s: Any, shift: float) -> float:
        factor, l2, total, h = self.rest
        smooth = 0.5 * float(np.sum((s - self.e) * (s + self.e) * self.scale, dtype=np.float64))
        return smooth - (0.5 * shift * shift * total if h is not None else 0.0) + l2 / 2 * float(u @ u) + self.penalty.value(u)

    def jump(self, trial: Vector) -> bool:
        """Go to another point if it is lower."""
        factor, _, total, h = self.rest
        move = np.zeros_like(self.s)
        self.columns.products(trial - self.u, move)
        move *= factor if self.D is None else factor * self.D
        s, shift = self.s + move, self.shift + (0.0 if h is None else float(h @ (trial - self.u)) / total)
        lower = self.value(trial, s, shift) < self.value(self.u, self.s, self.shift)
        if lower:
            self.u[:], self.s[:], self.shift = trial, s, shift
        return lower

    def leap(self, tol: float) -> bool:
        """Go to the minimum over the weights that are not 0, or towards it; False if that is not lower, or not tried.

        By conjugate gradients, an iteration of which costs what an epoch costs; not where their matrix is near singular.
        """
        support = np.flatnonzero(self.u)
        if not 0 < 2 * support.size < self.s.size or not self.leaps.due():
            return False
        _, l2, _, h = self.rest
        g = self.columns.slopes(self.s) + l2 * self.u
        r = slopes_of(self.penalty, self.u, g if h is None else g - self.shift * h)[support]
        p = conjugate_gradients(self._curvature(support), -r, self.square[support], max(0.3 * tol, 0.3 * float(np.abs(r).max())))
        before = self.u[support]
        trial, crossing = self.u.copy(), before * (before + p) < 0
        trial[support] = np.where(crossing, 0.0, before + p)
        self.penalty.prox(trial, 1e-300, trial)   # within bounds
        if self.jump(trial):
            self.leaps.failures = 0
            return True
        self.leaps.failures += 1
        if not crossing.any():
            return False
        trial[support] = before + float((-before[crossing] / p[crossing]).min()) * p
        trial[np.abs(trial) <= 1e-12 * np.abs(self.u)] = 0.0
        return self.jump(trial)

    def _curvature(self, support: Any) -> Callable[[Vector], Vector]:
        """Products with the matrix of the weights of these columns."""
        factor, l2, total, h = self.rest
        columns = self.columns.take(support)
        part = None if h is None else h[support]
        weight = factor if self.D is None else self.D * self.D.dtype.type(factor)

        def product(v: Vector) -> Vector:
            q = np.zeros_like(self.s)
            columns.products(v, q)
            q *= weight
            out = columns.slopes(q) + l2 * v
            return out if part is None else out - part * (float(part @ v) / total)
        return product
