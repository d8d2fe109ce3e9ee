"""Least squares for many strengths of a penalty and many folds of the samples, from sums of products that are read once: those of the
rows to learn from are those of all rows without those of the fold.

Used by the estimators that choose a strength.
"""
from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from . import penalties
from ._descent import Columns
from ._descent_gram import gram
from ._descent_samples import Samples
from ._solve_working_set import EASE
from ._solve_gap import shrinkage
from ._solve_quadratic import ByMatrix
from ._solver import CONVERGED, GAP_CLOSED, LIMIT, Solution, Vector, loss_name

FEATURES = 2048    # that sums of products are worth
ROUNDS = 100       # of a quadratic, until its gap is closed


def fold_sums(objective: Any, folds: Sequence[Any]) -> list[Sums] | None:
    """What `Sums.path` needs of the rows that are not in a fold, for each fold; None where that does not pay, or is not possible.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows.
    folds : sequence of arrays of int
        The rows that each fold leaves out.

    Returns
    -------
    list of Sums, or None
    """
    centre = _centre(objective, min(objective.n_samples - len(fold) for fold in folds))
    if centre is None:
        return None
    parts = [Sums.of(objective, np.asarray(fold), centre) for fold in folds]
    apart = np.array_equal(np.sort(np.concatenate(folds)), np.arange(objective.n_samples))
    total = sum(parts[1:], parts[0]) if apart else Sums.of(objective, np.arange(objective.n_samples), centre)
    return [total - part for part in parts]


def all_sums(objective: Any) -> Sums | None:
    """The same of all rows."""
    centre = _centre(objective, objective.n_samples)
    return None if centre is None else Sums.of(objective, np.arange(objective.n_samples), centre)


def _centre(objective: Any, n: int) -> Vector | None:
    """What x and y had best stand without, or None where sums over n rows do not pay or are not possible."""
    if loss_name(objective) != "squared_error" or objective.n_outputs > 1 or objective.n_features > min(FEATURES, n):
        return None
    samples, centre = Samples(objective), np.zeros(objective.n_features + 1)
    if samples.standard is not None:
        return None
    if objective.fit_intercept:
        centre[-1] = samples.targets.mean(dtype=np.float64)
        centre[:-1] = 0 if samples.X.is_sparse else samples.column_means()
    return centre


class Sums:
    """Sums over samples of products of [x, 1, y] with themselves, weighted.

    Attributes
    ----------
    centre : ndarray of shape (d + 1,)
        What x and y stand without, so that products do not lose the digits that the means of dense columns and of y have.
    H : ndarray of shape (d, d)
    g, h : ndarray of shape (d,)
        Of x·y, and of x.
    y : ndarray of shape (3,)
        Of 1, y and y².
    """

    def __init__(self, H: Vector, g: Vector, h: Vector, y: Vector, centre: Vector, intercept: bool) -> None:
        self.H, self.g, self.h, self.y, self.centre, self.intercept = H, g, h, y, centre, intercept

    @classmethod
    def of(cls, objective: Any, rows: Any, centre: Vector) -> Sums:
        """Of some rows of an objective, whose columns are copied."""
        part = objective.rows(rows)
        samples = Samples(part)
        y, weight = samples.targets - samples.targets.dtype.type(centre[-1]), samples.weight
        share = np.full(y.size, 1 / y.size, y.dtype) if weight is None else weight
        columns = Columns(samples.X, np.arange(part.n_features, dtype=np.int32), samples.rows, turned=samples.turned,
                          standard=(centre[:-1], np.ones(part.n_features)) if centre[:-1].any() else None)
        H = gram(columns, share, 1.0)
        g, h, _ = columns.moments(np.ascontiguousarray(share * y), share, 1.0)
        wide = y.astype(np.float64)
        moments = np.array([1.0, share @ wide, share @ (wide * wide)])
        size = samples.total
        return cls(size * H, size * g, size * h, size * moments, centre, objective.fit_intercept)

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.H + other.H, self.g + other.g, self.h + other.h, self.y + other.y, self.centre, self.intercept)

    def __sub__(self, other: Sums) -> Sums:
        return Sums(self.H - other.H, self.g - other.g, self.h - other.h, self.y - other.y, self.centre, self.intercept)

    def path(self, strengths: Iterable[tuple[float, Any]], w: Any = None, tol: float = 1e-4) -> Iterator[Solution]:
        """Least squares for one (l2, penalty) after the other, each started at the one before.

        Parameters
        ----------
        strengths : iterable of (float, Penalty or None)
        w : ndarray of shape (n_params,), optional
            Where to start.
        tol : float
            Of the duality gap over the mean square of y, or of the violation where there is no gap.

        Yields
        ------
        Solution
        """
        size, mean, square = self.y[0], self.y[1] / self.y[0], self.y[2] / self.y[0]
        H, g, h = self.H / size, self.g / size, self.h / size
        if self.intercept:
            H, g, square = H - np.outer(h, h), g - h * mean, square - mean * mean
        u = np.zeros(len(g)) if w is None else np.array(w[:len(g)], dtype=np.float64)
        for l2, penalty in strengths:
            rule = penalties.Box() if penalty is None else penalty
            value, violation, gap, rounds, done = _least_squares(H, g, square, l2, rule, u, tol)
            message = (GAP_CLOSED if gap == gap else CONVERGED) if done else LIMIT
            w = np.append(u, self.centre[-1] + mean - (h + self.centre[:-1]) @ u) if self.intercept else u.copy()
            yield Solution(w, value, rounds, violation, gap, done, message, "cd")


def _least_squares(H: Vector, g: Vector, square: float, l2: float, rule: Any, w: Vector,
                   tol: float) -> tuple[float, float, float, int, bool]:
    """½ wᵀHw − g·w + square/2 + l2/2·‖w‖² + penalty from w on, which changes: value, violation, gap, rounds, whether it is solved."""
    bound, by_gap, ridged = rule.bind(len(w)), rule.name in ("l1", "elasticnet"), H + l2 * np.eye(len(w))
    for rounds in range(ROUNDS):
        slope = H @ w - g
        fit, cross = float(w @ slope) - float(g @ w) + square, float(g @ w) - square   # of residuals r: mean(r²), mean(r·y)
        slope += l2 * w
        violation = bound.violation(w, slope)
        value = 0.5 * (fit + l2 * float(w @ w)) + bound.value(w)
        gap = value + _dual(rule, l2, w, slope, fit, cross) if by_gap else math.nan
        if violation == 0 or (gap <= tol * square if by_gap else violation <= tol):
            return value, violation, gap, rounds, True
        ByMatrix(bound, w, slope, ridged).minimize(0.1 * violation if by_gap else max(EASE * tol, 0.1 * violation))
    return value, violation, gap, ROUNDS, False


def _dual(rule: Any, l2: float, w: Vector, slope: Vector, fit: float, cross: float) -> float:
    """Minus the dual value, with residuals shrunk to be feasible."""
    strength = rule.params["alpha"] * (1.0 if rule.params["weights"] is None else np.asarray(rule.params["weights"]))
    ratio = rule.params.get("l1_ratio", 1.0)
    ridge = strength * (1 - ratio)
    c = shrinkage(rule, slope + ridge * w, strength * ratio)
    return c * c * 0.5 * (fit + float(((l2 + ridge) * w) @ w)) + c * cross
