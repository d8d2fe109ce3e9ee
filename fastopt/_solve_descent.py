"""The solver "cd": coordinate descent on quadratics around the last point (prox-Newton), on all weights or on working sets.

The quadratic of few features comes from the Hessian of the objective.  Of many, those count that break the optimality conditions
most; the set grows until no other does.  Used through the register of _solver.py.  Loops over weights and samples are in
_descent.pyx.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import penalties
from ._descent import stored_values
from ._descent_samples import Samples
from ._solve_gap import duality_gap, gap_tolerance
from ._solve_quadratic import ByColumns, ByMatrix
from ._solver import (CONVERGED, GAP_CLOSED, LIMIT, NOT_FINITE, PRECISION, STOPPED, Callback, Needs, Solution, Vector, loss_name,
                      refuse, solver)
from ._threads import resolve_threads

WHOLE = 256            # up to so many features all are one working set
MOST_WHOLE = 4096      # that a penalty which makes no zeros may have
FIRST = 64             # features of the first working set
GRAM = 2048            # dense columns up to so many are a matrix of products
NEWTON = 10            # quadratics of a working set
EASE = 0.3             # a working set to which features are to come is solved to this share of what is left to do
PATIENCE = 5           # iterations in a row that do not lower the violation


class Problem:
    """An objective with a penalty, and where the run is.

    Attributes
    ----------
    w : ndarray of shape (n_params,)
        Coefficients, then the intercept if there is one.
    threads : int
    """

    def __init__(self, objective: Any, penalty: Any, w0: Vector) -> None:
        self.objective, self.d = objective, objective.n_features
        self.rule = penalties.Box() if penalty is None else penalty
        self.penalty = self.rule.bind(self.d)
        self.samples, self.w = Samples(objective), w0
        self.threads = resolve_threads(objective.n_threads)
        self.constant = loss_name(objective) == "squared_error"   # curvature: one quadratic is exact
        feasible = np.empty(self.d)
        self.penalty.prox(w0[:self.d], 1e-300, feasible)   # within bounds
        w0[:self.d] = feasible
        self.each, self.complete = np.empty(self.d), False
        self.stored = None if self.samples.turned else stored_values(self.samples.X, self.samples.rows)

    def look(self) -> None:
        """Value, gradient and violations at w: a reading of X."""
        smooth, self.g = self.objective.value_and_gradient(self.w)
        self.value = smooth + self.penalty.value(self.w[:self.d])
        self.violation = self.penalty.violation(self.w[:self.d], self.g[:self.d], self.each)
        if self.objective.fit_intercept:
            self.violation = max(self.violation, abs(float(self.g[self.d])))

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value) and math.isfinite(self.violation)

    def first(self) -> int:
        """Features of the first set: more where the penalty lets many in."""
        alpha = self.rule.params.get("alpha", 0.0)
        return FIRST if not alpha > 0 else int(FIRST * min(16.0, math.sqrt(1 + self.violation / alpha)))

    def goal(self, gap_limit: float, tol: float) -> float:
        """To which violation the working set is to be solved: as far as it takes, if no features are missing."""
        if not self.complete:
            return EASE * self.violation
        enough = 0.5 * tol if not gap_limit else 0.3 * gap_limit / max(float(np.abs(self.w[:self.d]).sum()), 1e-300)
        return min(EASE * self.violation, max(enough, 1e-3 * self.violation))

    def working_set(self, before: Any) -> Any:
        """The features to go on with, in ascending order: those before, those that are not 0, and the worst of the others."""
        self.complete = self.d <= WHOLE or not self.rule.sparse
        if self.complete:
            return np.arange(self.d)
        inside = self.w[:self.d] != 0
        if before is not None:
            inside[before] = True
        missing = np.flatnonzero((self.each > 0) & ~inside)
        wanted = max(self.first(), int(np.count_nonzero(self.w[:self.d])))
        self.complete = missing.size <= wanted
        if not self.complete:
            missing = missing[np.argpartition(self.each[missing], missing.size - wanted)[missing.size - wanted:]]
        inside[missing] = True
        groups = self.penalty.groups
        if groups is not None:
            chosen = np.zeros(groups.max() + 1, bool)
            chosen[groups[inside]] = True
            inside = chosen[groups]
        return np.flatnonzero(inside) if inside.any() else np.array([int(np.argmax(self.each))])


class Part:
    """The problem for the weights of a working set: a quadratic around the last point, and a step along what it says."""

    def __init__(self, problem: Problem, numbers: Any) -> None:
        self.problem, self.penalty, self.numbers = problem, problem.penalty.take(numbers), numbers
        self.columns = problem.samples.columns(numbers, problem.stored)
        standard = problem.samples.standard
        self.uncentred = np.zeros(len(numbers))   # what sparse columns are standardized by is left to the intercept
        if standard is not None and self.columns.is_sparse:
            self.uncentred = (standard[0] / standard[1])[numbers]
        elif self.columns.mean is not None:
            self.uncentred = -self.columns.mean.astype(np.float64)
        self.H: Any = None
        self.gram = self.penalty.groups is not None or not self.columns.is_sparse and self.columns.m <= GRAM

    def improve(self, share: float) -> bool:
        """Solve until the violation is this; False if the value cannot be lowered."""
        for _ in range(1 if self.problem.constant else NEWTON):
            left = self._newton(share)
            if left <= share:
                return left >= 0
        return True

    def _newton(self, tol: float) -> float:
        """One quadratic and one step: the violation before it, −1 if there is no step."""
        problem, w, d = self.problem, self.problem.w, self.problem.d
        intercept, l2 = problem.objective.fit_intercept, problem.objective.l2
        e, D, factor, total, slope = self._derivatives()
        g, h, square = self.columns.moments(e, D, factor, problem.threads)
        u = w[self.numbers]
        shift = slope / total if intercept else 0.0
        raw = g + l2 * u                       # the gradient, the intercept where it is
        g = raw - shift * h
        violation = max(self.penalty.violation(u, raw), abs(slope) if intercept else 0.0)
        if violation <= tol:
            return violation
        square += l2 - (h * h / total if intercept else 0.0)
        before, goal = u.copy(), 0.3 * max(tol, 0.0 if problem.constant else 0.1 * violation)
        quadratic = (ByMatrix(self.penalty, u, g, self._hessian(D, factor, total, h, l2)) if self.gram else
                     ByColumns(self.penalty, self.columns, u, e, D, factor, l2, total, h if intercept else None, shift, square))
        quadratic.minimize(goal)
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

    def _hessian(self, D: Any, factor: float, total: float, h: Vector, l2: float) -> Vector:
        if self.H is None or not self.problem.constant:
            self.H = self.columns.gram(D, factor, self.problem.threads)
            if self.problem.objective.fit_intercept:
                self.H -= np.outer(h, h / total)
            self.H[np.diag_indices_from(self.H)] += l2
        return self.H

    def _step(self, delta: Vector, move: float, before: Vector, expected: float) -> bool:
        """Go along the step, as far as the value falls; False if it does not."""
        problem, samples = self.problem, self.problem.samples
        if not expected <= 1e-15 * abs(problem.value):   # else it may be a rounding of zero
            return False
        q = np.full(self.columns.n, move, self.columns.dtype)
        self.columns.products(delta, q)
        step = 1.0
        if not problem.constant:
            step = self._search(q, delta, before, expected)
            if not step:
                return False
        w = problem.w.copy()
        w[self.numbers] = before + step * delta
        if problem.objective.fit_intercept:
            w[problem.d] += step * (move + self.uncentred @ delta)
        samples.move(w, step, q)
        problem.w = w
        return True

    def _search(self, q: Any, delta: Vector, before: Vector, expected: float) -> float:
        """A step that lowers the value, 0 if there is none."""
        samples, l2 = self.problem.samples, self.problem.objective.l2
        squares = [float(before @ before), float(before @ delta), float(delta @ delta)]

        def value(step: float) -> float:
            ridge = squares[0] + step * (2 * squares[1] + step * squares[2])
            return samples.value(step, q) + l2 / 2 * ridge + self.penalty.value(before + step * delta)

        start = value(0.0)
        rounding = 10 * float(np.finfo(self.columns.dtype).eps) * abs(start)
        step = 1.0
        for _ in range(40):
            if value(step) <= start + 1e-4 * step * expected + rounding:
                return step
            step *= 0.5
        return 0.0


@solver("cd", Needs(penalties=None, smooth=True, convex=True, one_output=True))
def coordinate_descent(objective: Any, penalty: Any, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                       random_state: Any = None) -> Solution:
    """Prox-Newton steps by coordinate descent, on working sets of features where there are many."""
    problem = Problem(objective, penalty, w0)
    standard = problem.samples.standard
    if standard is not None and standard[0].any() and problem.samples.X.is_sparse and not objective.fit_intercept:
        refuse("cd", "takes sparse columns with standardize=True only with an intercept", objective, penalty)
    if not problem.rule.sparse and problem.d > MOST_WHOLE:
        refuse("cd", f"takes at most {MOST_WHOLE} features with the penalty {problem.rule.name}, got {problem.d}", objective, penalty)
    n_iter, idle, part, numbers = 0, 0, None, None
    limit, best = gap_tolerance(problem, tol), math.inf
    while True:
        problem.look()
        gap = duality_gap(problem)
        done = gap <= limit if limit > 0 else problem.violation <= tol
        solution = Solution(problem.w, problem.value, n_iter, problem.violation, gap, done, GAP_CLOSED if limit > 0 else CONVERGED, "cd")
        if not problem.finite:
            return solution._replace(converged=False, message=NOT_FINITE)
        if n_iter and callback is not None:
            try:
                callback(solution._replace(w=problem.w.copy(), message=""))
            except StopIteration:
                return solution._replace(message=STOPPED)
        if done or problem.violation == 0:
            return solution._replace(converged=True)
        if n_iter >= max_iter:
            return solution._replace(message=LIMIT)
        chosen = problem.working_set(numbers)
        if part is None or len(chosen) != len(numbers):
            numbers = chosen
            part = Part(problem, numbers)
        idle = 0 if problem.violation < best else idle + 1
        best = min(best, problem.violation)
        if idle > PATIENCE or not part.improve(problem.goal(limit, tol)) and idle:
            return solution._replace(message=PRECISION)
        n_iter += 1
