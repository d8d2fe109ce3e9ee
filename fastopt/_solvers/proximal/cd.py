"""The solver "cd": coordinate descent on quadratics around the last point (prox-Newton), on all weights or on working sets.

The quadratic of few features comes from the Hessian of the objective.  Of many, those count that break the optimality conditions
most; the set grows until no other does.  Used through the register of _solvers/registry.py.  Loops over weights and samples are in
_solvers/proximal/columns.pyx.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastopt import penalties
from fastopt._core.threads import resolve_threads
from fastopt._solvers.registry import (
    CONVERGED,
    GAP_CLOSED,
    LIMIT,
    NOT_FINITE,
    PRECISION,
    STOPPED,
    Callback,
    Needs,
    Solution,
    Vector,
    loss_name,
    refuse,
    solver,
)
from fastopt.objective._hessian import hessian, second_order

from .gap import duality_gap, gap_tolerance
from .quadratic import Leaps
from .samples import Samples
from .working_set import EASE, Part, Pool, Whole

WHOLE = 256            # up to so many features all are one working set,
SQUARES = 1024         # or of dense squared errors, of which the first working set would have half: few may be all that count
MOST_WHOLE = 4096      # that a penalty which makes no zeros may have
FIRST = 64             # features of the first working set
KEEP = 2               # features of a working set, for one that is not 0, at which the idle ones leave it
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
        self.pool, self.leaps = Pool(self), Leaps()
        self.squares: Any = None   # the Hessian of squared errors, where all features are a set
        wide = self.rule.sparse and self.d > max(32, self.objective.n_samples)   # sums of products are more than the columns
        choosy = self.constant and self.rule.sparse and self.penalty.groups is None and not self.samples.X.is_sparse
        self.few = FIRST if choosy else WHOLE
        self.whole = self.d <= self.few and self.penalty.groups is None and not self.samples.transposed and not wide

    def look(self) -> None:
        """Value, gradient and violations at w: a reading of X."""
        if self.whole and self.constant and self.squares is None:   # all three from the same reading
            smooth, self.g, lower = second_order(self.objective, self.w)
            self.squares = np.tril(lower) + np.tril(lower, -1).T
        else:
            smooth, self.g = self.objective.value_and_gradient(self.w)
        self.value = smooth + self.penalty.value(self.w[:self.d])
        self.violation = self.penalty.violation(self.w[:self.d], self.g[:self.d], self.each)
        if self.objective.fit_intercept:
            self.violation = max(self.violation, abs(float(self.g[self.d])))

    def hessian(self) -> Any:
        """The objective's at w; squared errors have one, which is kept."""
        if self.squares is not None:
            return self.squares
        found = hessian(self.objective, self.w)
        self.squares = found if self.constant else None
        return found

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

    def part(self, before: Part | Whole | None) -> Part | Whole:
        """The problem of the weights to go on with."""
        if self.whole:
            self.complete = True
            return before or Whole(self)
        numbers = before.numbers if isinstance(before, Part) else None
        chosen = self.working_set(numbers)
        if (self.constant and self.few < self.d <= min(SQUARES, self.objective.n_samples) and 2 * len(chosen) > self.d
                and self.penalty.groups is None
                and not self.samples.X.is_sparse and before is None):
            self.whole = self.complete = True
            return Whole(self)
        if isinstance(before, Part) and np.array_equal(chosen, before.numbers):
            return before
        return Part(self, chosen, before if isinstance(before, Part) else None)

    def working_set(self, before: Any) -> Any:
        """The features to go on with: those before, then those that are not 0 and the worst of the others."""
        self.complete = self.d <= self.few or not self.rule.sparse
        if self.complete:
            return np.arange(self.d)
        inside = self.w[:self.d] != 0
        if before is not None:
            before = before if len(before) <= KEEP * np.count_nonzero(inside) else before[inside[before] | (self.each[before] > 0)]
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
        if before is None:
            return np.flatnonzero(inside) if inside.any() else np.array([int(np.argmax(self.each))])
        inside[before] = False
        return np.concatenate([before, np.flatnonzero(inside)])


@solver("cd", Needs(penalties=None, smooth=True, convex=True, one_output=True, sparse_centred=False))
def coordinate_descent(objective: Any, penalty: Any, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                       random_state: Any = None) -> Solution:
    """Prox-Newton steps by coordinate descent, on working sets of features where there are many."""
    problem = Problem(objective, penalty, w0)
    if not problem.rule.sparse and problem.d > MOST_WHOLE:
        refuse("cd", f"takes at most {MOST_WHOLE} features with the penalty {problem.rule.name}, got {problem.d}", objective, penalty)
    n_iter, idle, part = 0, 0, None
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
        part = problem.part(part)
        idle = 0 if problem.violation < best else idle + 1
        best = min(best, problem.violation)
        moved = part.improve(problem.goal(limit, tol))
        if not moved and isinstance(part, Whole):
            problem.whole, moved = False, True
        if idle > PATIENCE or not moved and idle:
            return solution._replace(message=PRECISION)
        n_iter += 1
