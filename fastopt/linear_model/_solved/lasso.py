"""Least squares with an l1 penalty, alone or with l2: Lasso and ElasticNet.

Used through linear_model.  Their base, `LeastSquares`, is that of LassoCV and ElasticNetCV too.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from fastopt._estimators.data import float_type
from fastopt._estimators.docs import arguments
from fastopt._estimators.sklearn import Events, with_callbacks
from fastopt._estimators.types import (
    Attributes,
    Features,
    PenaltyPair,
    Precompute,
    RandomState,
    Samples,
    SampleWeight,
    SparseMatrix,
    TargetValues,
)
from fastopt._solvers.paths.least_squares import all_sums
from fastopt._solvers.registry import Solution
from fastopt.objective import LinearObjective

from .base import FittedWeights, Task
from .docs import solved
from .outputs import COLUMNS, SolvedRegressor
from .params import CONVENTIONS, ELASTIC, LASSO, penalty_of, relative_to_start

if TYPE_CHECKING:
    from typing import Self

WORDS: dict[str, Any] = {"coef": "(n_features,) or (n_outputs, n_features)", "intercept": "() or (n_outputs,)",
         "n_iter_type": "int or list of int", "n_iter_more": ", of each column of y",
         "gap_type": "float or ndarray of shape (n_outputs,)", "gap": "The duality gap at the end; nan of solvers that compute none.",
         "tol_means": "The duality gap over the mean square of y at which the solver is done; without an l1 part the largest\n"
                      "    element of the gradient, relative to that at w = 0."}


#: numbers of a dense X of which a copy costs less than a solver's overhead
CHEAP_TO_COPY = 1 << 18


class LeastSquares(SolvedRegressor):
    """Base of least squares with l1: the objectives differ in y only, so that small ones share sums of products.

    Subclasses define the strength of the penalty.
    """

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        """Use sums of products where they are faster: X is read once for all columns of y."""
        l2, penalty = self._penalty(float(CONVENTIONS[self._convention](vars(self), 1.0)))
        (n, d), k = X.shape, len(task.targets)
        small = not scipy.sparse.issparse(X) and n * d <= CHEAP_TO_COPY
        if (not (small or k > 1 and d <= max(n, 8 * k)) or penalty is None or penalty.name not in ("l1", "elasticnet")
                or events.wanted or vars(self).get("standardize") or self._solver_name() not in ("auto", "cd")):
            return super()._solve(X, task, events)
        objective = self._objective(X, task, 0, l2, None)
        sums = all_sums(objective, task.targets)
        if sums is None:
            return super()._solve(X, task, events)
        tol = self._tolerance(objective)
        found: list[Solution] = []
        for i in range(k):
            w = self._start(objective, task, i, None) if vars(self).get("warm_start", False) else None   # at 0, and intercepts follow
            found += sums.path([(l2, penalty)], w, tol, self._max_iter(), i)
        w, dtype = np.array([solution.w for solution in found]), float_type(X)
        intercept = w[:, d] if objective.fit_intercept else np.zeros(k)
        return FittedWeights(w[:, :d].astype(dtype), intercept.astype(dtype), found)


@solved(also=("dual_gap_", "sparse_coef_"), **WORDS)
class ElasticNet(LeastSquares):
    """Elastic net: minimum of Σ sᵢ·(yᵢ − xᵢ·w − b)²/(2·Σ sᵢ) + alpha·((1 − ρ)/2·‖w‖² + ρ·‖w‖₁), by coordinate descent and others.

    Parameters, attributes and the optimum are those of `sklearn.linear_model.ElasticNet`.

    [parameters]

    [attributes]

    References
    ----------
    H. Zou and T. Hastie (2005), Regularization and variable selection via the elastic net, Journal of the Royal Statistical
    Society B 67.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import ElasticNet
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> model = ElasticNet(alpha=0.1, l1_ratio=0.9).fit(X, X @ [2.0, 0.0, 0.0, -1.0, 0.0])
    >>> np.flatnonzero(model.coef_).tolist()
    [0, 3]
    """

    _rules = ELASTIC
    _convention = "mean"
    _solver_in_warnings = "descent"
    _takes = COLUMNS

    def __init__(self, alpha: float = 1.0, *, l1_ratio: float = 0.5, fit_intercept: bool = True, precompute: Precompute = False,
                 max_iter: int | None = 1000, copy_X: bool = True, tol: float = 1e-4, warm_start: bool = False,
                 positive: bool = False, random_state: RandomState = None, selection: str = "cyclic", solver: str = "auto",
                 n_jobs: int | None = None, standardize: bool = False) -> None:
        self._keep(locals())

    @with_callbacks
    @arguments
    def fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None, check_input: bool = True) -> Self:
        """Learn from data.

        [arguments]
        check_input : bool, default=True
            Accepted for scikit-learn's sake: input is always checked.

        [self]

        [raises]
        """
        return self._fit(X, y, sample_weight)

    @property
    def sparse_coef_(self) -> SparseMatrix:
        """`coef_` as a CSR matrix."""
        return scipy.sparse.csr_matrix(self.coef_)

    # ---- hooks of the base ----

    def _share(self) -> float:
        return float(self.l1_ratio)

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(strength, self._share(), bool(self.positive))

    def _tolerance(self, objective: LinearObjective) -> float:
        return float(self.tol) if self._share() > 0 and self.alpha > 0 else relative_to_start(float(self.tol), objective)

    def _attributes(self, found: FittedWeights) -> Attributes:
        n_iter, gaps = [s.n_iter for s in found.solutions], np.array([s.gap for s in found.solutions])
        single = len(n_iter) == 1
        return {**super()._attributes(found), "n_iter_": n_iter[0] if single else n_iter,
                "dual_gap_": float(gaps[0]) if single else gaps}


@solved(also=("dual_gap_", "sparse_coef_"), **WORDS)
class Lasso(ElasticNet):
    """Lasso: minimum of Σ sᵢ·(yᵢ − xᵢ·w − b)²/(2·Σ sᵢ) + alpha·‖w‖₁, by coordinate descent and other methods.

    Parameters, attributes and the optimum are those of `sklearn.linear_model.Lasso`.

    [parameters]

    [attributes]

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, Journal of the Royal Statistical Society B 58.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import Lasso
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> model = Lasso(alpha=0.1).fit(X, X @ [2.0, 0.0, 0.0, -1.0, 0.0])
    >>> np.flatnonzero(model.coef_).tolist()
    [0, 3]
    """

    _rules = LASSO

    def __init__(self, alpha: float = 1.0, *, fit_intercept: bool = True, precompute: Precompute = False, copy_X: bool = True,
                 max_iter: int | None = 1000, tol: float = 1e-4, warm_start: bool = False, positive: bool = False,
                 random_state: RandomState = None, selection: str = "cyclic", solver: str = "auto", n_jobs: int | None = None,
                 standardize: bool = False) -> None:
        self._keep(locals())

    def _share(self) -> float:
        return 1.0
