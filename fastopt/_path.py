"""Solutions for many strengths of a penalty, each from the one before, and for many folds of the samples.

Used by the estimators that choose a strength.  Least squares with few features are solved from sums of products: those of all rows
are read once, those to learn from are all without those of the fold.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _solve_descent, _solve_proximal  # noqa: F401   # they register themselves
from ._descent_samples import Samples
from ._solve_descent import EASE, ByMatrix
from ._solve_gap import shrinkage
from ._solver import CONVERGED, GAP_CLOSED, LIMIT, Solution, Vector, find, loss_name

FEATURES = 2048    # that sums of products are worth
ROUNDS = 100       # of a quadratic, until its gap is closed


def solve_path(objective: Any, penalty: Any, alphas: Sequence[float], *, solver: str = "cd", tol: float = 1e-4, max_iter: int = 1000,
               w0: Any = None, random_state: Any = None) -> list[Solution]:
    """The solutions for each strength, from the strongest on, each starting at the one before.

    Parameters
    ----------
    objective : LinearObjective
    penalty : Penalty
        Its alpha is replaced.
    alphas : sequence of float
    solver : str, "cd" or any other that takes the penalty
    tol, max_iter, random_state
        Of the solver, for each strength.
    w0 : ndarray of shape (n_params,), optional
        Where the first starts.

    Returns
    -------
    list of Solution
        In the order of `alphas`.
    """
    run = find(solver, objective, penalty)
    w = np.zeros(objective.n_params) if w0 is None else np.array(w0, dtype=np.float64)
    kept: dict[str, Any] = {"kept": {}} if solver == "cd" else {}
    found: dict[int, Solution] = {}
    for i in np.argsort(alphas)[::-1]:
        solution = run(objective, penalty.with_alpha(float(alphas[i])), w.copy(), tol=tol, max_iter=max_iter, callback=None,
                       random_state=random_state, **kept)
        found[int(i)], w = solution, solution.w
    return [found[i] for i in range(len(alphas))]


def solve_folds(objective: Any, penalty: Any, alphas: Sequence[float], folds: Sequence[Any], *, solver: str = "cd", tol: float = 1e-4,
                max_iter: int = 1000, random_state: Any = None) -> list[list[Solution]]:
    """`solve_path` for each fold, on the rows that are not in it.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows.
    penalty, alphas, solver, tol, max_iter, random_state
        As in `solve_path`.
    folds : sequence of arrays of int
        The rows that each fold leaves out.

    Returns
    -------
    list of list of Solution
        By fold, then by strength.
    """
    few = objective.n_features <= min(FEATURES, objective.n_samples)
    if solver == "cd" and few and loss_name(objective) == "squared_error" and objective.n_outputs == 1 and not objective.l2:
        every = np.arange(objective.n_samples, dtype=np.int32)
        sums = [Sums.of(objective, np.asarray(fold, dtype=np.int32)) for fold in folds]
        apart = len(np.unique(np.concatenate(folds))) == objective.n_samples == sum(map(len, folds))
        total = sum(sums[1:], sums[0]) if apart else Sums.of(objective, every)
        return [(total - part).path(penalty, alphas, tol) for part in sums]
    result = []
    for fold in folds:
        rest = np.ones(objective.n_samples, bool)
        rest[fold] = False
        learnt = objective.rows(np.flatnonzero(rest).astype(np.int32))
        result.append(solve_path(learnt, penalty, alphas, solver=solver, tol=tol, max_iter=max_iter, random_state=random_state))
    return result


class Sums:
    """Sums over samples of products of [x, 1, y] with themselves, weighted.

    Attributes
    ----------
    H : ndarray of shape (d, d)
    g, h : ndarray of shape (d,)
        Of x·y, and of x.
    y : ndarray of shape (3,)
        Of 1, y and y².
    """

    def __init__(self, H: Vector, g: Vector, h: Vector, y: Vector, intercept: bool) -> None:
        self.H, self.g, self.h, self.y, self.intercept = H, g, h, y, intercept

    @classmethod
    def of(cls, objective: Any, rows: Any) -> Sums:
        """Of some rows of an objective, whose columns are copied."""
        part = objective.rows(rows)
        samples = Samples(part)
        y, weight = samples.targets, samples.weight
        share = np.full(y.size, 1 / y.size, y.dtype) if weight is None else weight
        columns = samples.columns(np.arange(part.n_features, dtype=np.int32))
        H = columns.gram(share, 1.0)
        g, h, _ = columns.moments(np.ascontiguousarray(share * y), share, 1.0)
        wide = y.astype(np.float64)
        moments = np.array([1.0, share @ wide, share @ (wide * wide)])
        size = samples.total
        return cls(size * H, size * g, size * h, size * moments, objective.fit_intercept)

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.H + other.H, self.g + other.g, self.h + other.h, self.y + other.y, self.intercept)

    def __sub__(self, other: Sums) -> Sums:
        return Sums(self.H - other.H, self.g - other.g, self.h - other.h, self.y - other.y, self.intercept)

    def path(self, penalty: Any, alphas: Sequence[float], tol: float) -> list[Solution]:
        """Least squares for each strength."""
        size, mean, square = self.y[0], self.y[1] / self.y[0], self.y[2] / self.y[0]
        H, g, h = self.H / size, self.g / size, self.h / size
        if self.intercept:
            H, g, square = H - np.outer(h, h), g - h * mean, square - mean * mean
        w, found = np.zeros(len(g)), {}
        for i in np.argsort(alphas)[::-1]:
            rule = penalty.with_alpha(float(alphas[i]))
            value, violation, gap, rounds, done = _least_squares(H, g, square, rule, w, tol)
            whole = np.append(w, mean - h @ w) if self.intercept else w.copy()
            message = (GAP_CLOSED if gap == gap else CONVERGED) if done else LIMIT
            found[int(i)] = Solution(whole, value, rounds, violation, gap, done, message, "cd")
        return [found[i] for i in range(len(alphas))]


class _Rule:
    """A penalty as ByMatrix wants a part to have it."""

    def __init__(self, penalty: Any, d: int) -> None:
        self.penalty = penalty.bind(d)


def _least_squares(H: Vector, g: Vector, square: float, rule: Any, w: Vector, tol: float) -> tuple[float, float, float, int, bool]:
    """½ wᵀHw − g·w + square/2 + penalty from w on, which changes: value, violation, gap, rounds, whether it is solved."""
    part = _Rule(rule, len(w))
    by_gap = rule.name in ("l1", "elasticnet")
    for rounds in range(ROUNDS):
        slope = H @ w - g
        violation = part.penalty.violation(w, slope)
        fit = float(w @ slope) - float(g @ w) + square     # the mean of squared residuals
        value = 0.5 * fit + part.penalty.value(w)
        gap = value + _dual(rule, w, slope, fit, float(g @ w) - square) if by_gap else math.nan
        if violation == 0 or (gap <= tol * square if by_gap else violation <= tol):
            return value, violation, gap, rounds, True
        ByMatrix(part, w, slope, H).minimize(0.1 * violation if by_gap else max(EASE * tol, 0.1 * violation))
    return value, violation, gap, ROUNDS, False


def _dual(rule: Any, w: Vector, slope: Vector, fit: float, cross: float) -> float:
    """Minus the dual value, with residuals r shrunk to be feasible: fit is mean(r²), cross mean(r·y)."""
    strength = rule.params["alpha"] * (1.0 if rule.params["weights"] is None else np.asarray(rule.params["weights"]))
    ratio = rule.params.get("l1_ratio", 1.0)
    ridge = strength * (1 - ratio)
    c = shrinkage(rule, slope + ridge * w, strength * ratio)
    return c * c * 0.5 * (fit + float((ridge * w) @ w)) + c * cross
