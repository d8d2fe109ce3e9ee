"""Least squares for many strengths of a penalty, many folds of the samples and many targets, from sums of products that are read once:
those of the rows to learn from are those of all rows without those of the fold.

Used by the estimators that choose a strength, and by those that have several targets.
"""
from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.blas import dger

from . import penalties
from ._descent import Columns
from ._descent_gram import gram
from ._descent_samples import Samples
from ._solve_gap import shrinkage
from ._quadratic import minimize_quadratic
from ._solve_quadratic import times
from ._solve_working_set import EASE
from ._solver import CONVERGED, GAP_CLOSED, LIMIT, NOT_FINITE, PRECISION, Solution, Vector, loss_name
from ._threads import resolve_threads

FEATURES = 2048    # that sums of products are worth,
WIDE = 1024        # and where there are fewer samples
SAMPLES = 4096     # whose columns are copied at a time, at least
MANY = 128         # of which a step takes those alone that move
PATIENCE = 5       # rounds in a row that do not lower the gap
FREE = penalties.Box()   # no penalty
NAMES = ("H", "g", "h", "y")   # of what is summed


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
    if not _pays(objective, FEATURES if objective.n_features < objective.n_samples else WIDE):
        return None
    centre = _centre(objective)
    parts = [Sums.of(objective, np.asarray(fold), centre) for fold in folds]
    apart = np.array_equal(np.sort(np.concatenate(folds)), np.arange(objective.n_samples))
    total = Sums.total(parts) if apart else Sums.of(objective, np.arange(objective.n_samples), centre)
    found = [total.without(part) for part in parts]
    return found if all(sums.precise(objective.dtype) for sums in found) else None


def all_sums(objective: Any, targets: Any = None) -> Sums | None:
    """The same of all rows, and of several targets.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows, and one target.
    targets : sequence of k arrays of shape (n,), optional
        Instead of the objective's.
    """
    most = FEATURES if targets is not None or objective.n_features <= objective.n_samples else WIDE
    found = Sums.of(objective, None, _centre(objective), targets) if _pays(objective, most) else None
    return None if found is None or not found.precise(objective.dtype) else found


def _pays(objective: Any, most: int) -> bool:
    """Whether sums are possible, and are expected to pay for so many features."""
    return bool(loss_name(objective) == "squared_error" and objective.n_outputs == 1 and objective.n_features <= most
                and Samples(objective).standard is None)


def _centre(objective: Any) -> Vector:
    """What x had best stand without: the means of dense columns where there is an intercept."""
    samples = Samples(objective)
    if not objective.fit_intercept or samples.X.is_sparse:
        return np.zeros(objective.n_features)
    return np.asarray(samples.column_means())


class Sums:
    """Sums over samples of products of [x, 1, y] with themselves, weighted; y may be several targets.

    Attributes
    ----------
    centre, middle : ndarray of shape (d,) and (k,)
        What x and y stand without, so that products do not lose the digits that the means of dense columns and of y have.
    H : ndarray of shape (d, d)
    g : ndarray of shape (k, d)
        Of x·y.
    h : ndarray of shape (d,)
        Of x.
    y : ndarray of shape (3, k)
        Of 1, y and y².
    """

    H: Vector
    g: Vector
    h: Vector
    y: Vector

    def __init__(self, centre: Vector, middle: Vector, intercept: bool) -> None:
        self.centre, self.middle, self.intercept = centre, middle, intercept
        self._means: Means | None = None
        self._last: Strength | None = None

    @classmethod
    def of(cls, objective: Any, rows: Any, centre: Vector, targets: Any = None) -> Sums:
        """Of some rows of an objective, or of all, whose columns are copied, some rows at a time."""
        chosen = np.arange(objective.n_samples, dtype=np.int32) if rows is None else rows
        targets = [Samples(objective).targets] if targets is None else targets
        middle = np.array([y.mean(dtype=np.float64) if objective.fit_intercept else 0.0 for y in targets])
        found, size = cls(centre, middle, objective.fit_intercept), max(SAMPLES, 4 * objective.n_features)
        for start in range(0, len(chosen), size):
            found._add(objective if rows is None and size >= len(chosen) else objective.rows(chosen[start:start + size]),
                       [y[chosen[start:start + size]] for y in targets])
        return found

    def _add(self, part: Any, targets: Any) -> None:
        samples, d = Samples(part), part.n_features
        dtype, total = part.dtype, samples.total
        columns = Columns(samples.X, np.arange(d, dtype=np.int32), samples.rows, turned=samples.turned,
                          standard=(self.centre, np.ones(d)) if self.centre.any() else None)
        share = np.full(len(targets[0]), 1 / total, dtype) if samples.weight is None else samples.weight
        wide = [np.asarray(y, dtype=np.float64) - middle for y, middle in zip(targets, self.middle)]
        g = np.array([columns.slopes((share * y).astype(dtype)) for y in wide])
        _, h, _ = columns.moments(None, share, 1.0)
        moments = np.array([np.ones(len(wide)), [share @ y for y in wide], [share @ (y * y) for y in wide]])
        threads = resolve_threads(part.n_threads)
        for name, value in (("H", gram(columns, share, 1.0, threads)), ("g", g), ("h", h), ("y", moments)):
            value *= total
            setattr(self, name, value + vars(self)[name] if name in vars(self) else value)

    @classmethod
    def total(cls, parts: Sequence[Sums]) -> Sums:
        """The sums of all parts, which stay."""
        found = cls(parts[0].centre, parts[0].middle, parts[0].intercept)
        for name in NAMES:
            value = getattr(parts[0], name).copy()
            for part in parts[1:]:
                value += getattr(part, name)
            setattr(found, name, value)
        return found

    def without(self, part: Sums) -> Sums:
        """These sums without those of a part, whose memory they take."""
        for name in NAMES:
            own = getattr(part, name)
            np.subtract(getattr(self, name), own, out=own)
        part._means = None
        return part

    def means(self) -> Means:
        """Over the weights, and without the means of x and y where there is an intercept."""
        if self._means is None:
            size = self.y[0, 0]
            H, g, h, y, square = self.H / size, self.g / size, self.h / size, self.y[1] / size, self.y[2] / size
            if self.intercept:
                dger(-1.0, h, h, a=H.T, overwrite_a=1)   # in place
                g, square = g - np.multiply.outer(y, h), square - y * y
            finite = all(bool(np.isfinite(values).all()) for values in (H, g, square, self.middle, self.centre))
            self._means = Means(H, g, h, y, square, finite)
        return self._means

    def precise(self, dtype: Any) -> bool:
        """Whether columns lie so near to 0 that their means do not cost too many digits of sums in this type."""
        least = np.sqrt(np.finfo(dtype).eps) * self.H.diagonal() / self.y[0, 0]
        return not bool((self.means().H.diagonal() < least).any())

    def _bound(self, l2: float, rule: Any) -> Strength:
        """What several targets share."""
        if self._last is None or self._last.rule is not rule or self._last.l2 != l2:
            self._last = Strength(rule, l2, len(self.h))
        return self._last

    def path(self, strengths: Iterable[tuple[float, Any]], w: Any = None, tol: float = 1e-4, max_iter: int = 1000,
             target: int = 0) -> Iterator[Solution]:
        """Least squares for one (l2, penalty) after the other, each started at the one before.

        Parameters
        ----------
        strengths : iterable of (float, Penalty or None)
        w : ndarray of shape (n_params,), optional
            Where to start.
        tol : float
            Of the duality gap over the mean square of y, or of the violation where there is no gap.
        max_iter : int
            Rounds for each, at most.
        target : int
            Which one.

        Yields
        ------
        Solution
        """
        means = self.means()
        u = np.zeros(len(self.h)) if w is None or not means.finite else np.array(w[:len(self.h)], dtype=np.float64)
        walk, middle = Walk(means, target, u), float(self.middle[target] + means.y[target])
        for l2, penalty in strengths:
            value, violation, gap, rounds, message = (
                walk.solve(self._bound(l2, FREE if penalty is None else penalty), tol, max_iter) if means.finite
                else (math.nan, math.nan, math.nan, 0, NOT_FINITE))
            found = np.empty(len(u) + self.intercept)
            found[:len(u)] = u
            if self.intercept:
                found[-1] = middle - (means.h + self.centre) @ u if means.finite else 0.0
            yield Solution(found, value, rounds, violation, gap, message in (GAP_CLOSED, CONVERGED), message, "cd")


class Means(NamedTuple):
    """What `Sums` are over their weights, H, g and square without the means of x and y where there is an intercept."""

    H: Vector
    g: Vector
    h: Vector
    y: Vector
    square: Vector
    finite: bool


class Walk:
    """½ wᵀHw − g·w + square/2 + l2/2·‖w‖² + penalty for one (l2, penalty) after the other, from w on, which changes."""

    def __init__(self, means: Means, target: int, w: Vector) -> None:
        self.H, self.g, self.square, self.w = means.H, means.g[target], float(means.square[target]), w
        self.ridged: tuple[float, Vector] = 0.0, means.H
        self.slope, self.each = times(self.H, w) - self.g, np.empty_like(w)

    def solve(self, strength: Strength, tol: float, max_iter: int) -> tuple[float, float, float, int, str]:
        """Value, violation, gap, rounds, and why they ended."""
        w, penalty, l2, dual = self.w, strength.penalty, strength.l2, strength.dual
        rounds, idle, best, goal = 0, 0, math.inf, tol if dual is None else tol * self.square
        while True:
            pull = float(self.g @ w)
            fit, cross = float(w @ self.slope) + self.square - pull, pull - self.square   # mean(r²), mean(r·y)
            slope = self.slope + l2 * w if l2 else self.slope
            violation = penalty.violation(w, slope, self.each)
            value = 0.5 * (fit + l2 * float(w @ w) if l2 else fit) + penalty.value(w)
            gap = math.nan if dual is None else value + dual(w, slope, fit, cross)
            measure = violation if dual is None else gap
            if violation == 0 or measure <= goal:
                return value, violation, gap, rounds, CONVERGED if dual is None else GAP_CLOSED
            idle = 0 if measure < best else idle + 1
            best = min(best, measure)
            if rounds >= max_iter or idle > PATIENCE:
                return value, violation, gap, rounds, PRECISION if idle > PATIENCE else LIMIT
            enough = EASE * tol if dual is None else 0.3 * goal / max(float(np.abs(w).sum()), 1e-300)
            self._step(l2, penalty, slope, max(min(EASE * violation, enough), 1e-3 * violation))
            rounds += 1

    def _step(self, l2: float, penalty: Any, slope: Vector, tol: float) -> None:
        """The quadratic of all weights, or where they are many of those that are not 0 or violate the conditions."""
        m = len(self.w)
        some = ((self.w != 0) | (self.each > 0)).nonzero()[0] if m >= MANY and penalty.groups is None else None
        if some is None or 2 * some.size > m:
            if self.ridged[0] != l2:
                self.ridged = l2, self.H + l2 * np.eye(m) if l2 else self.H
            minimize_quadratic(penalty, self.ridged[1], slope.copy(), self.w, tol)
            self.slope = times(self.H, self.w) - self.g
            return
        rows, u = self.H.take(some, axis=0), self.w[some]
        part = rows.take(some, axis=1)
        if l2:
            part.ravel()[::some.size + 1] += l2
        minimize_quadratic(penalty.take(some), part, slope[some], u, tol)
        self.w[some] = u
        self.slope = u @ rows - self.g   # all others are 0


class Strength:
    """A penalty of d weights beside l2, and the dual value that goes with it, if there is one."""

    def __init__(self, rule: Any, l2: float, d: int) -> None:
        self.rule, self.l2, self.penalty = rule, l2, rule.bind(d)
        self.dual = Dual(rule, l2) if rule.name in ("l1", "elasticnet") else None


class Dual:
    """Minus the dual value of l1, with residuals shrunk to be feasible."""

    def __init__(self, rule: Any, l2: float) -> None:
        params = rule.params
        strength = params["alpha"] * (1.0 if params["weights"] is None else np.asarray(params["weights"]))
        ratio = params.get("l1_ratio", 1.0)
        self.rule, self.ridge, self.limit = rule, strength * (1 - ratio), strength * ratio
        self.whole = self.ridge + l2
        self.ridged = ratio < 1 or l2 > 0

    def __call__(self, w: Vector, slope: Vector, fit: float, cross: float) -> float:
        if not self.ridged:
            c = shrinkage(self.rule, slope, self.limit)
            return c * c * 0.5 * fit + c * cross
        c = shrinkage(self.rule, slope + self.ridge * w, self.limit)
        return c * c * 0.5 * (fit + float((self.whole * w) @ w)) + c * cross
