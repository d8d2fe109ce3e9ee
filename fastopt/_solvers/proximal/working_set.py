"""Steps of coordinate descent: a penalised quadratic around the last point, of the weights of a working set or of all, and a search
along the line to its minimum.

Used by the solver "cd", which chooses the working sets.  Quadratics are minimised by proximal/quadratic.py and proximal/epochs.pyx.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._methods.linesearch import backtrack
from fastopt._solvers.registry import Vector

from .columns import Columns, stored_values
from .composite import CompositeObjective
from .epochs import minimize_quadratic
from .gram import gram
from .quadratic import Backoff, ColumnQuadratic, Derivatives

Array = NDArray[Any]
#: numbers of features, or their places among others
Indices = NDArray[np.integer[Any]]

#: dense columns up to which the products of all with each other are summed
MAX_GRAM_COLUMNS = 2048
#: quadratics of a working set
NEWTON_STEPS = 10
#: the share of the violation to which a working set is solved while features are missing
EASE = 0.3
#: sparse columns that are copied along with each missing one, in the same reading of X
COPIED_AHEAD = 3
#: the least gain of a step, relative to the value, that is more than rounding of zero
LEAST_GAIN = 1e-15
#: the least curvature that a sample counts with, as a share of the largest
LEAST_CURVATURE = 1e-6


class ColumnCache:
    """The columns of X that working sets have used so far; copies, unless columns can be read in place."""

    def __init__(self, problem: CompositeObjective) -> None:
        self.problem = problem
        self.columns: Columns | None = None
        self.place = np.full(problem.d, -1)
        self.stored: Array | None = None

    def take(self, numbers: Indices) -> Columns:
        """These columns."""
        missing = numbers[self.place[numbers] < 0]
        if missing.size:
            self._fetch(missing)
        assert self.columns is not None
        return self.columns.take(self.place[numbers])

    def _fetch(self, missing: Indices) -> None:
        """Add missing columns; of sparse X also some that are likely to be next, as the cost is in finding columns among others."""
        problem, samples = self.problem, self.problem.samples
        if samples.X.is_sparse and not samples.transposed:
            if self.stored is None:
                self.stored = stored_values(samples.X, samples.rows)
            assert self.stored is not None
            slopes, roots = np.abs(problem.g[:problem.d]), np.sqrt(self.stored)   # the slope of a long column will change more
            rest = np.where(self.place < 0, slopes / max(slopes.max(), 1e-300) + roots / max(roots.max(), 1.0), 0.0)
            rest[missing] = 0.0
            more = min(COPIED_AHEAD * len(missing), int(np.count_nonzero(rest)))
            if more:
                missing = np.concatenate([missing, np.argpartition(rest, problem.d - more)[problem.d - more:]])
        fresh = samples.columns(missing.astype(np.int32), self.stored)
        if fresh.lies:
            missing = np.arange(problem.d, dtype=np.int32)
            fresh = samples.columns(missing)
        before = 0 if self.columns is None else self.columns.m
        self.columns = fresh if self.columns is None else self.columns.joined(fresh)
        self.place[missing] = np.arange(before, before + len(missing))


class WorkingSet:
    """The problem of the weights of some features: a quadratic around the last point, and a step towards its minimum.

    Parameters
    ----------
    problem : CompositeObjective
    numbers : ndarray of int
        Of the features.
    cache : ColumnCache
    backoff : Backoff
        That of the quadratics' minimum over the support.
    before : WorkingSet, optional
        The last one, whose products of columns are used again.
    """

    def __init__(self, problem: CompositeObjective, numbers: Indices, cache: ColumnCache, backoff: Backoff, before: WorkingSet | None = None) -> None:
        self.problem, self.penalty, self.numbers = problem, problem.penalty.take(numbers), numbers
        self.columns, self.backoff = cache.take(numbers), backoff
        standard = problem.samples.standard
        self.uncentred = np.zeros(len(numbers))   # what sparse columns are standardized by is left to the intercept
        if standard is not None and self.columns.is_sparse:
            self.uncentred = (standard[0] / standard[1])[numbers]
        elif self.columns.mean is not None:
            self.uncentred = -self.columns.mean.astype(np.float64)
        self.products = None if before is None else before._products_of(numbers)
        wide = 8 * self.columns.m > self.columns.n * self.columns.dtype.itemsize   # a row of products is longer than a column
        self.gram = self.penalty.groups is not None or not (self.columns.is_sparse or wide or self.columns.m > MAX_GRAM_COLUMNS)

    def _products_of(self, numbers: Indices) -> Vector | None:
        """The known products of these columns, of which those of this working set come first."""
        if self.products is None or not self.problem.quadratic:
            return None
        place = np.full(self.problem.d, -1)
        place[self.numbers] = np.arange(len(self.numbers))
        kept = place[numbers[:len(self.numbers)]]
        kept = kept[(kept >= 0) & (kept < len(self.products))]
        return self.products if len(kept) == len(self.products) else np.asarray(self.products[np.ix_(kept, kept)])

    def improve(self, goal: float) -> bool:
        """Solve until the violation is this; False if the value cannot be lowered."""
        for done in range(1 if self.problem.quadratic else NEWTON_STEPS):
            left = self._newton(goal, not done)
            if left <= goal:
                return left >= 0
        return True

    def _newton(self, tol: float, first: bool) -> float:
        """One quadratic and one step: the violation before it, −1 if there is no step."""
        problem, u, at = self.problem, self.problem.w[self.numbers], self._derivatives()
        intercept, l2 = problem.objective.fit_intercept, problem.objective.l2
        matrix = self._hessian(at) if self.gram and problem.quadratic and not intercept else None
        if matrix is None:
            g, h, square = self.columns.moments(at.first, at.second, at.factor, problem.threads)
        else:
            g, h, square = self.columns.slopes(at.first, problem.threads), np.zeros(len(u)), np.zeros(0)
        shift = at.slope / at.total if intercept else 0.0
        raw = g + l2 * u                       # the gradient, the intercept where it is
        g = raw - shift * h
        violation = float(max(self.penalty.violation(u, raw), abs(at.slope) if intercept else 0.0))
        if violation <= tol:
            if not first or violation == 0:
                return violation
            tol = EASE * violation             # without their means columns may violate less than with them
        before, goal = u.copy(), 0.3 * max(tol, 0.0 if problem.quadratic else 0.1 * violation)
        if self.gram:
            minimize_quadratic(self.penalty, self._hessian(at, h) if matrix is None else matrix, g, u, goal)
        else:
            square += l2 - (h * h / at.total if intercept else 0.0)
            ColumnQuadratic(self.penalty, self.columns, u, at, l2, h if intercept else None, shift, square, self.backoff).minimize(goal)
        delta = u - before
        move = -(at.slope + float(h @ delta)) / at.total if intercept else 0.0
        expected = float(raw @ delta) + at.slope * move + self.penalty.value(u) - self.penalty.value(before)
        return violation if self._step(delta, move, before, expected) else -1.0

    def _derivatives(self) -> Derivatives:
        """At the problem's point; small curvatures are raised, so that no step is without bound."""
        samples = self.problem.samples
        if self.problem.quadratic:
            first, _, slope = samples.at(self.problem.w, False)
            weight = samples.weight
            return Derivatives(first, weight, 1.0 / len(first) if weight is None else 1.0, 1.0, slope)
        first, second, slope = samples.at(self.problem.w, True)
        assert second is not None
        top = float(second.max())
        second = np.maximum(second, top * LEAST_CURVATURE) if top > 0 else np.full_like(second, 1 / len(first))
        return Derivatives(first, second, 1.0, float(second.sum(dtype=np.float64)), slope)

    def _hessian(self, at: Derivatives, h: Vector | None = None) -> Vector:
        """With an intercept, of which h are the products with the columns, at its best for all weights."""
        quadratic, l2 = self.problem.quadratic, self.problem.objective.l2
        H = self.products
        if not quadratic or H is None or len(H) < self.columns.m:
            H = self.products = gram(self.columns, at.second, at.factor, self.problem.threads, H if quadratic else None)
        if h is not None and self.problem.objective.fit_intercept:
            H = H - np.outer(h, h / at.total)
        if l2 and quadratic:
            H = H.copy() if H is self.products else H
        if l2:
            H[np.diag_indices_from(H)] += l2
        return H

    def _step(self, delta: Vector, move: float, before: Vector, expected: float) -> bool:
        """Go along the step, as far as the value falls; False if it does not."""
        problem, samples = self.problem, self.problem.samples
        if not expected <= LEAST_GAIN * abs(problem.value):
            return False
        q = np.full(self.columns.n, move, self.columns.dtype)
        self.columns.products(delta, q)
        step = 1.0
        if not problem.quadratic:
            squares, l2 = [float(before @ before), float(before @ delta), float(delta @ delta)], problem.objective.l2

            def value(step: float) -> float:
                ridge = squares[0] + step * (2 * squares[1] + step * squares[2])
                return float(samples.value(step, q) + l2 / 2 * ridge + self.penalty.value(before + step * delta))
            step = backtrack(value, expected, float(np.finfo(self.columns.dtype).eps))
            if not step:
                return False
        w = problem.w.copy()
        w[self.numbers] = before + step * delta
        if problem.objective.fit_intercept:
            w[problem.d] += step * (move + self.uncentred @ delta)
        samples.move(w, step, q)
        problem.w = w
        return True


class FullProblem:
    """The problem of all weights, where they are few: the Hessian of the objective, summed in a reading of X as it lies."""

    def __init__(self, problem: CompositeObjective) -> None:
        self.problem = problem
        self._constant: tuple[Vector, Vector, float] | None = None   # of squared errors

    def _centred(self) -> tuple[Vector, Vector, float] | None:
        """The Hessian at the best intercept for all weights, its row of the intercept, and the curvature of that; None where a column's
        mean has cost too many digits."""
        problem, d = self.problem, self.problem.d
        if self._constant is not None:
            return self._constant
        whole = problem.hessian()
        if not problem.objective.fit_intercept:
            return np.ascontiguousarray(whole[:d, :d]), np.zeros(d), 0.0
        h, total = whole[d, :d].copy(), float(whole[d, d])
        if not total > 0:
            return None
        H = np.multiply.outer(h, h / -total)
        H += whole[:d, :d]
        if not (H.diagonal() >= self._least(whole.diagonal()[:d])).all():
            return None
        self._constant = (H, h, total) if problem.quadratic else None
        return H, h, total

    def improve(self, goal: float) -> bool:
        """One quadratic and one step; False if the value cannot be lowered."""
        problem, d = self.problem, self.problem.d
        found = self._centred()
        if found is None:
            return False
        H, h, total = found
        raw, slope, move = problem.g[:d], 0.0, 0.0
        before = problem.w[:d].copy()
        u = before.copy()
        if problem.objective.fit_intercept:
            slope = float(problem.g[d])
        g = raw - slope / total * h if total else raw.copy()
        minimize_quadratic(problem.penalty, H, g, u, 0.3 * max(goal, 0.0 if problem.quadratic else 0.1 * problem.violation))
        delta = u - before
        if problem.objective.fit_intercept:
            move = -(slope + float(h @ delta)) / total
        expected = float(raw @ delta) + slope * move + problem.penalty.value(u) - problem.penalty.value(before)
        if not expected <= LEAST_GAIN * abs(problem.value):
            return False
        line = problem.objective.line(problem.w, np.append(delta, move) if problem.objective.fit_intercept else delta)
        step = backtrack(lambda step: line(step)[0] + problem.penalty.value(before + step * delta), expected,
                         float(np.finfo(problem.objective.dtype).eps))
        if not step:
            return False
        w = line.accept(step)
        w[:d] = before + step * delta
        problem.w = w
        return True

    def _least(self, diagonal: Vector) -> Vector:
        """Curvatures below which a column's mean has cost too many digits."""
        return np.asarray(np.sqrt(np.finfo(self.problem.objective.dtype).eps) * 0.1 * diagonal)
