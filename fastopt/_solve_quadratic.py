"""Penalised quadratics of the weights of some features: epochs of coordinate descent, extrapolated, until it stands still.

Used by _solve_descent.py, and by _path.py for least squares from sums of products.  Epochs are in _descent.pyx.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ._descent import Columns
from ._penalties import Regularizer
from ._quadratic import descend_quadratic
from ._solver import Vector

EPOCHS = 1000   # at most
BATCH = 5       # between extrapolations


class Quadratic:
    """A penalised quadratic of the weights u of some features: epochs of coordinate descent, extrapolated.

    Every few epochs the combination of the last points whose steps cancel best is taken, where it is lower (Anderson's
    extrapolation, as Bertrand and Massias 2021 use it).
    """

    def __init__(self, penalty: Regularizer, u: Vector) -> None:
        self.penalty, self.u, self.start = penalty, u, u.copy()

    def epochs(self, tol: float, history: Vector) -> int:
        """Epochs, at most a batch, the points before and after each into `history`; negative if they have ended."""
        raise NotImplementedError

    def jump(self, trial: Vector) -> None:
        """Go to another point if it is lower."""
        raise NotImplementedError

    def minimize(self, tol: float) -> None:
        """Until no step times its curvature exceeds tol."""
        history = np.empty((BATCH + 1, self.u.size))
        for _ in range(EPOCHS // BATCH):
            if self.epochs(tol, history) < 0:
                return
            steps = np.diff(history, axis=0)
            products = steps @ steps.T
            products[np.diag_indices_from(products)] += 1e-10 * np.trace(products)
            try:
                shares = np.linalg.solve(products, np.ones(BATCH))
            except np.linalg.LinAlgError:   # nothing moves
                continue
            trial = (shares / shares.sum()) @ history[1:]
            if np.isfinite(trial).all():
                self.jump(trial)


class ByMatrix(Quadratic):
    """The quadratic by its matrix."""

    def __init__(self, penalty: Regularizer, u: Vector, g: Vector, H: Vector) -> None:
        super().__init__(penalty, u)
        self.g, self.first, self.H = g, g.copy(), H

    def epochs(self, tol: float, history: Vector) -> int:
        return descend_quadratic(self.penalty, self.H, self.g, self.u, tol, history)

    def value(self, u: Vector, g: Vector) -> float:
        return 0.5 * float((self.first + g) @ (u - self.start)) + self.penalty.value(u)

    def jump(self, trial: Vector) -> None:
        g = self.g + self.H @ (trial - self.u)
        if self.value(trial, g) < self.value(self.u, self.g):
            self.u[:], self.g[:] = trial, g


class ByColumns(Quadratic):
    """The quadratic by the columns of X: s = e + D·X(u − start) is kept, e the first and D the second derivatives."""

    def __init__(self, penalty: Regularizer, columns: Columns, u: Vector, s: Any, D: Any, factor: float, l2: float, total: float,
                 h: Vector | None, shift: float, square: Vector) -> None:
        super().__init__(penalty, u)
        self.columns, self.s, self.e, self.D, self.shift = columns, s, s.copy(), D, shift
        self.rest = factor, l2, total, h
        self.square = square
        self.scale = (1 / factor if D is None else np.divide(1 / factor, D, out=np.zeros_like(D), where=D > 0))

    def epochs(self, tol: float, history: Vector) -> int:
        factor, l2, total, h = self.rest
        done, self.shift = self.columns.descend(self.penalty, self.u, self.s, self.D, factor, l2, total, h, self.shift, self.square,
                                                tol, history)
        return done

    def value(self, u: Vector, s: Any, shift: float) -> float:
        factor, l2, total, h = self.rest
        smooth = 0.5 * float(np.sum((s - self.e) * (s + self.e) * self.scale, dtype=np.float64))
        return smooth - (0.5 * shift * shift * total if h is not None else 0.0) + l2 / 2 * float(u @ u) + self.penalty.value(u)

    def jump(self, trial: Vector) -> None:
        factor, _, total, h = self.rest
        move = np.zeros_like(self.s)
        self.columns.products(trial - self.u, move)
        move *= factor if self.D is None else factor * self.D
        s, shift = self.s + move, self.shift + (0.0 if h is None else float(h @ (trial - self.u)) / total)
        if self.value(trial, s, shift) < self.value(self.u, self.s, self.shift):
            self.u[:], self.s[:], self.shift = trial, s, shift
