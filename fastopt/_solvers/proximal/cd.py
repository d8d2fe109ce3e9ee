"""The solver "cd": coordinate descent on quadratics around the last point (prox-Newton), on all weights or on working sets.

The quadratic of few features comes from the Hessian of the objective.  Of many features, those count that break the optimality
conditions most; the set grows until no other does.  Used through the register.  The point is proximal/composite.py's, the steps are
proximal/working_set.py's.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._solvers.iterate import Steps, iterate
from fastopt._solvers.registry import (
    CONVERGED,
    GAP_CLOSED,
    NOT_FINITE,
    PRECISION,
    Callback,
    Needs,
    RandomState,
    Solution,
    Vector,
    refuse,
    solver,
)
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty

from .composite import CompositeObjective
from .gap import duality_gap, gap_tolerance
from .quadratic import Backoff
from .working_set import EASE, ColumnCache, FullProblem, WorkingSet

#: features up to which all are one working set; or of dense squared errors, if the first working set would have half of them
MAX_FULL, MAX_FULL_SQUARES = 256, 1024
#: features up to which a penalty that makes no zeros is taken
MAX_FULL_NOT_SPARSE = 4096
#: features of the first working set, and up to which all features of dense squared errors are one
FIRST_SET = 64
#: features of a working set, for one that is not 0, at which the idle ones leave it
IDLE_FACTOR = 2
#: iterations in a row that do not lower the violation
PATIENCE = 5


class WorkingSets:
    """The choice of the features to go on with, and when they are solved for.

    Attributes
    ----------
    complete : bool
        No feature outside the working set breaks the optimality conditions.
    full : bool
        All features are one set.
    """

    def __init__(self, problem: CompositeObjective) -> None:
        self.problem, self.complete = problem, False
        self.cache, self.backoff = ColumnCache(problem), Backoff()
        d, sparse = problem.d, problem.rule.sparse
        single, dense = problem.penalty.groups is None, not problem.samples.X.is_sparse
        wide = sparse and d > max(32, problem.objective.n_samples)   # sums of products are more than the columns
        self.max_full = FIRST_SET if problem.quadratic and sparse and single and dense else MAX_FULL
        self.full = d <= self.max_full and single and not problem.samples.transposed and not wide
        self.may_be_full = (problem.quadratic and self.max_full < d <= min(MAX_FULL_SQUARES, problem.objective.n_samples)
                            and single and dense)
        problem.with_hessian = self.full

    def goal(self, gap_limit: float, tol: float) -> float:
        """To which violation the working set is to be solved: as far as it takes, if no features are missing."""
        problem = self.problem
        if not self.complete:
            return EASE * problem.violation
        enough = 0.5 * tol if not gap_limit else 0.3 * gap_limit / max(float(np.abs(problem.w[:problem.d]).sum()), 1e-300)
        return min(EASE * problem.violation, max(enough, 1e-3 * problem.violation))

    def following(self, before: WorkingSet | FullProblem | None) -> WorkingSet | FullProblem:
        """The problem of the weights to go on with."""
        if self.full:
            self.complete = True
            return before or FullProblem(self.problem)
        last = before if isinstance(before, WorkingSet) else None
        chosen = self._features(None if last is None else last.numbers)
        if before is None and self.may_be_full and 2 * len(chosen) > self.problem.d:
            self.full = self.complete = self.problem.with_hessian = True
            return FullProblem(self.problem)
        if last is not None and np.array_equal(chosen, last.numbers):
            return last
        return WorkingSet(self.problem, chosen, self.cache, self.backoff, last)

    def give_up_full(self) -> None:
        """The Hessian of all features has lost too many digits: go on by columns."""
        self.full = self.problem.with_hessian = False

    def _first_size(self) -> int:
        """Features of the first set: more where the penalty lets many in."""
        alpha = self.problem.rule.params.get("alpha", 0.0)
        return FIRST_SET if not alpha > 0 else int(FIRST_SET * min(16.0, math.sqrt(1 + self.problem.violation / alpha)))

    def _features(self, before: NDArray[Any] | None) -> NDArray[Any]:
        """The features to go on with: those before, then those that are not 0 and the worst of the others."""
        problem, d, each = self.problem, self.problem.d, self.problem.each
        self.complete = d <= self.max_full or not problem.rule.sparse
        if self.complete:
            return np.arange(d)
        inside = problem.w[:d] != 0
        if before is not None:
            before = before if len(before) <= IDLE_FACTOR * np.count_nonzero(inside) else before[inside[before] | (each[before] > 0)]
            inside[before] = True
        missing = np.flatnonzero((each > 0) & ~inside)
        wanted = max(self._first_size(), int(np.count_nonzero(problem.w[:d])))
        self.complete = missing.size <= wanted
        if not self.complete:
            missing = missing[np.argpartition(each[missing], missing.size - wanted)[missing.size - wanted:]]
        inside[missing] = True
        groups = problem.penalty.groups
        if groups is not None:
            chosen = np.zeros(groups.max() + 1, bool)
            chosen[groups[inside]] = True
            inside = chosen[groups]
        if before is None:
            return np.flatnonzero(inside) if inside.any() else np.array([int(np.argmax(each))])
        inside[before] = False
        return np.concatenate([before, np.flatnonzero(inside)])


@solver("cd", Needs(penalties=None, smooth=True, convex=True, one_output=True, sparse_centred=False))
def coordinate_descent(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
                       callback: Callback | None, random_state: RandomState = None) -> Solution:
    """Prox-Newton steps by coordinate descent, on working sets of features where there are many."""
    problem = CompositeObjective(objective, penalty, w0)
    if not problem.rule.sparse and problem.d > MAX_FULL_NOT_SPARSE:
        refuse("cd", f"takes at most {MAX_FULL_NOT_SPARSE} features with the penalty {problem.rule.name}, got {problem.d}", objective,
               penalty)
    sets, limit = WorkingSets(problem), gap_tolerance(problem, tol)

    def look(n_iter: int) -> Solution:
        problem.look()
        gap = duality_gap(problem)
        done = gap <= limit if limit > 0 else problem.violation <= tol
        done = problem.finite and (done or problem.violation == 0)
        end = NOT_FINITE if not problem.finite else "" if not done else GAP_CLOSED if limit > 0 else CONVERGED
        return Solution(problem.w, problem.value, n_iter, problem.violation, gap, done, end, "cd")

    return iterate(_steps(sets, limit, tol), look, max_iter, callback)


def _steps(sets: WorkingSets, limit: float, tol: float) -> Steps:
    """One working set after the other, each until its goal is reached."""
    problem, idle, best = sets.problem, 0, math.inf
    current: WorkingSet | FullProblem | None = None
    while True:
        current = sets.following(current)
        idle = 0 if problem.violation < best else idle + 1
        best = min(best, problem.violation)
        moved = current.improve(sets.goal(limit, tol))
        if not moved and isinstance(current, FullProblem):
            sets.give_up_full()
            moved = True
        if idle > PATIENCE or not moved and idle:
            return PRECISION
        yield
