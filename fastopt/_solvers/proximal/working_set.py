"""Steps of coordinate descent: a penalised quadratic around the last point, of the weights of a working set or of all, and a search
along the line to its minimum.

Used by _solvers/proximal/cd.py, which says where a run is.  The quadratics are minimised by _solvers/proximal/quadratic.py.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastopt._solvers.registry import Vector

from .columns import stored_values
from .epochs import minimize_quadratic
from .gram import gram
from .quadratic import ByColumns

GRAM = 2048            # dense columns up to so many are a matrix of products
NEWTON = 10            # quadratics of a working set
EASE = 0.3             # a working set to which features are to come is solved to this share of what is left to do
RESERVE = 3            # sparse columns that are copied beside one that is wanted, while X is read for it


def search(value: Callable[[float], float], expected: float, eps: float) -> float:
    """A step that lowers the value, 0 if there is none."""
    start = value(0.0)
    rounding = 10 * eps * abs(start)
    step = 1.0
    for _ in range(40):
        if value(step) <= start + 1e-4 * step * expected + rounding:
            return step
        step *= 0.5
    return 0.0


class Pool:
    """The columns of X that working sets have wanted so far, copied where they cannot be read as they lie."""

    def __init__(self, problem: Any) -> None:
        self.problem, self.columns = problem, None
        self.place = np.full(problem.d, -1)
        self.stored: Any = None

    def take(self, numbers: Any) -> Any:
        """These columns."""
        missing = numbers[self.place[numbers] < 0]
        if missing.size:
            self._fetch(missing)
        assert self.columns is not None
        return self.columns.take(self.place[numbers])

    def _fetch(self, missing: Any) -> None:
        """Columns that are missing, and of sparse ones those that may be next: finding them among the others is what costs."""
        problem, samples = self.problem, self.problem.samples
        if samples.X.is_sparse and not samples.transposed:
            if self.stored is None:
                self.stored = stored_values(samples.X, samples.rows)
            slopes, roots = np.abs(problem.g[:problem.d]), np.sqrt(self.stored)   # a slope will move the more the longer its column
            rest = np.where(self.place < 0, slopes / max(slopes.max(), 1e-300) + roots / max(roots.max(), 1.0), 0.0)
            rest[missing] = 0.0
            more = min(RESERVE * len(missing), int(np.count_nonzero(rest)))
            if more:
                missing = np.concatenate([missing, np.argpartition(rest, problem.d - more)[problem.d - more:]])
        fresh = samples.columns(missing.astype(np.int32), self.stored)
        if fresh.lies:
            missing = np.arange(problem.d, dtype=np.int32)
            fresh = samples.columns(missing)
        before = 0 if self.columns is None else self.columns.m
        self.columns = fresh if self.columns is None else self.columns.joined(fresh)
        self.place[missing] = np.arange(before, before + len(missing))


class Part:
    """The problem for the weights of a working set: a quadratic around the last point, and a step along what it says."""

    def __init__(self, problem: Any, numbers: Any, before: Part | None = None) -> None:
        self.problem, self.penalty, self.numbers = problem, problem.penalty.take(numbers), numbers
        self.columns = problem.pool.take(numbers)
        standard = problem.samples.standard
        self.uncentred = np.zeros(len(numbers))   # what sparse columns are standardized by is left to the intercept
        if standard is not None and self.columns.is_sparse:
            self.uncentred = (standard[0] / standard[1])[numbers]
        elif self.columns.mean is not None:
            self.uncentred = -self.columns.mean.astype(np.float64)
        self.products: Any = None if before is None else before._products_of(numbers)
        wide = 8 * self.columns.m > self.columns.n * self.columns.dtype.itemsize   # a row of products is longer than a column
        self.gram = self.penalty.groups is not None or not (self.columns.is_sparse or wide or self.columns.m > GRAM)

    def _products_of(self, numbers: Any) -> Any:
        """What is known of the products of these columns, of which those of this part come first."""
        if self.products is None or not self.problem.constant:
            return None
        place = np.full(self.problem.d, -1)
        place[self.numbers] = np.arange(len(self.numbers))
        kept = place[numbers[:len(self.numbers)]]
        kept = kept[(kept >= 0) & (kept < len(self.products))]
        return self.products if len(kept) == len(self.products) else self.products[np.ix_(kept, kept)]

    def improve(self, share: float) -> bool:
        """Solve until the violation is this; False if the value cannot be lowered."""
        for done in range(1 if self.problem.constant else NEWTON):
            left = self._newton(share, not done)
            if left <= share:
                return left >= 0
        return True

    def _newton(self, tol: float, first: bool) -> float:
        """One quadratic and one step: the violation before it, −1 if there is no step."""
        problem, w = self.problem, self.problem.w
        intercept, l2 = problem.objective.fit_intercept, problem.objective.l2
        e, D, factor, total, slope = self._derivatives()
        u = w[self.numbers]
        matrix = self._hessian(D, factor, total, l2) if self.gram and problem.constant and not intercept else None
        if matrix is None:
            g, h, square = self.columns.moments(e, D, factor, problem.threads)
        else:
            g, h, square = self.columns.slopes(e, problem.threads), np.zeros(len(u)), None
        shift = slope / total if intercept else 0.0
        raw = g + l2 * u                       # the gradient, the intercept where it is
        g = raw - shift * h
        violation = float(max(self.penalty.violation(u, raw), abs(slope) if intercept else 0.0))
        if violation <= tol:
            if not first or violation == 0:
                return violation
            tol = EASE * violation             # without their means columns may violate less than with them
        before, goal = u.copy(), 0.3 * max(tol, 0.0 if problem.constant else 0.1 * violation)
        if self.gram:
            matrix = self._hessian(D, factor, total, l2, h) if matrix is None else matrix
            minimize_quadratic(self.penalty, matrix, g, u, goal)
        else:
            square += l2 - (h * h / total if intercept else 0.0)
            ByColumns(self.penalty, self.columns, u, e, D, factor, l2, total, h if intercept else None, shift, square, problem.leaps).minimize(goal)
        delta = u - before
        move = -(slope + float(h @ delta)) / total if intercept else 0.0
        expected = float(raw @ delta) + slope * move + self.penalty.value(u) - self.penalty.value(before)
        return violation if self._step(delta, move, before, expected) else -1.0

    def _derivatives(self) -> tuple[Any, Any, float, float, float]:
        """First and second derivatives of the samples, what the second are multiplied by, their sum, and the sum of the first."""
        samples = self.problem.samples
        if self.problem.constant:
            e, _, slope = samples.at(self.problem.w, False)
            weight = samples.weight
            return e, weight, 1.0 / len(e) if weight is None else 1.0, 1.0, slope
        e, D, slope = samples.at(self.problem.w, True)
        assert D is not None
        top = float(D.max())
        D = np.maximum(D, top * 1e-6) if top > 0 else np.full_like(D, 1 / len(e))
        return e, D, 1.0, float(D.sum(dtype=np.float64)), slope

    def _hessian(self, D: Any, factor: float, total: float, l2: float, h: Vector | None = None) -> Vector:
        """With an intercept, of which h are the products with the columns, at its best for all weights."""
        constant = self.problem.constant
        if not constant or self.products is None or len(self.products) < self.columns.m:
            self.products = gram(self.columns, D, factor, self.problem.threads, self.products if constant else None)
        H = self.products
        if h is not None and self.problem.objective.fit_intercept:
            H = H - np.outer(h, h / total)
        if l2 and constant:
            H = H.copy() if H is self.products else H
        if l2:
            H[np.diag_indices_from(H)] += l2
        return np.asarray(H)

    def _step(self, delta: Vector, move: float, before: Vector, expected: float) -> bool:
        """Go along the step, as far as the value falls; False if it does not."""
        problem, samples = self.problem, self.problem.samples
        if not expected <= 1e-15 * abs(problem.value):   # else it may be a rounding of zero
            return False
        q = np.full(self.columns.n, move, self.columns.dtype)
        self.columns.products(delta, q)
        step = 1.0
        if not problem.constant:
            squares, l2 = [float(before @ before), float(before @ delta), float(delta @ delta)], problem.objective.l2

            def value(step: float) -> float:
                ridge = squares[0] + step * (2 * squares[1] + step * squares[2])
                return float(samples.value(step, q) + l2 / 2 * ridge + self.penalty.value(before + step * delta))
            step = search(value, expected, float(np.finfo(self.columns.dtype).eps))
            if not step:
                return False
        w = problem.w.copy()
        w[self.numbers] = before + step * delta
        if problem.objective.fit_intercept:
            w[problem.d] += step * (move + self.uncentred @ delta)
        samples.move(w, step, q)
        problem.w = w
        return True


class Whole:
    """The problem for all weights, where they are few: the Hessian of the objective, summed in a reading of X as it lies."""

    def __init__(self, problem: Any) -> None:
        self.problem = problem
        self.kept: tuple[Vector, Vector, float] | None = None   # what squared errors have but once

    def _centred(self) -> tuple[Vector, Vector, float] | None:
        """The Hessian at the best intercept for all weights, its row of the intercept, and the curvature of that; None where a column's
        mean has cost too many digits."""
        problem, d = self.problem, self.problem.d
        if self.kept is not None:
            return self.kept
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
        self.kept = (H, h, total) if problem.constant else None
        return H, h, total

    def improve(self, share: float) -> bool:
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
        goal = 0.3 * max(share, 0.0 if problem.constant else 0.1 * problem.violation)
        minimize_quadratic(problem.penalty, H, g, u, goal)
        delta = u - before
        if problem.objective.fit_intercept:
            move = -(slope + float(h @ delta)) / total
        expected = float(raw @ delta) + slope * move + problem.penalty.value(u) - problem.penalty.value(before)
        if not expected <= 1e-15 * abs(problem.value):
            return False
        line = problem.objective.line(problem.w, np.append(delta, move) if problem.objective.fit_intercept else delta)
        step = search(lambda step: line(step)[0] + problem.penalty.value(before + step * delta), expected,
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
