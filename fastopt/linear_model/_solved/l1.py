"""What estimators of least squares with l1 have in common: targets, and small problems, that share sums of products.

Used by linear_model._solved.lasso and linear_model._solved.cv, as a base.  Knows how strong the penalty is from who derives from it.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from fastopt._solvers.paths.least_squares import all_sums
from fastopt._solvers.registry import Solution
from fastopt.linear_model._shared.data import float_type
from fastopt.linear_model._shared.sklearn import Events

from .base import Found, Task
from .outputs import SolvedRegressor
from .params import CONVENTIONS

SMALL = 1 << 18   # numbers of a dense X of which a copy costs less than a solver's overhead


class LeastSquares(SolvedRegressor):
    """Columns of y whose objectives differ in y alone."""

    def _solve(self, X: Any, task: Task, events: Events) -> Found:
        """By sums of products where they pay: X is read once for all columns of y."""
        l2, penalty = self._penalty(float(CONVENTIONS[self._convention](vars(self), 1.0)))
        (n, d), k = X.shape, len(task.targets)
        small = not scipy.sparse.issparse(X) and n * d <= SMALL
        if (not (small or k > 1 and d <= max(n, 8 * k)) or penalty is None or penalty.name not in ("l1", "elasticnet")
                or events.wanted or vars(self).get("standardize") or self._solver_name() not in ("auto", "cd")):
            return super()._solve(X, task, events)
        objective = self._objective(X, task, 0, l2, None)
        sums = all_sums(objective, task.targets)
        if sums is None:
            return super()._solve(X, task, events)
        tol = self._tolerance(objective)
        found: list[Solution] = []
        begins = vars(self).get("warm_start", False)   # else at 0, and intercepts follow
        for i in range(k):
            w = self._start(objective, task, i, None) if begins else None
            found += sums.path([(l2, penalty)], w, tol, self._max_iter(), i)
        w, dtype = np.array([solution.w for solution in found]), float_type(X)
        intercept = w[:, d] if objective.fit_intercept else np.zeros(k)
        return Found(w[:, :d].astype(dtype), intercept.astype(dtype), found)
