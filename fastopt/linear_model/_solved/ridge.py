"""Ridge: least squares with an l2 penalty.

Used through linear_model.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._estimators.data import float_type
from fastopt._estimators.sklearn import Events
from fastopt._estimators.types import Array, Attributes, PenaltyPair, RandomState, RowWeights, Samples
from fastopt._solvers.registry import lacking, registry
from fastopt.exceptions import InvalidParameterError

from .base import FittedWeights, Task
from .docs import solved
from .outputs import COLUMNS, SolvedRegressor
from .params import ALIASES, RIDGE, choose, least_squares, penalty_of


@solved(coef="(n_features,) or (n_outputs, n_features)", intercept="() or (n_outputs,)", alpha_more="; or one a column of y",
        n_iter_type="ndarray of shape (n_outputs,)",
        tol_means="The largest element of the gradient, relative to that at w = 0 and the best intercept, at which the fit is done.",
        solver_more="scikit-learn's 'svd' and 'cholesky' mean 'newton-cholesky', 'lsqr' and 'sparse_cg' mean 'newton-cg'.")
class Ridge(SolvedRegressor):
    """Ridge regression: minimum of Σ sᵢ·(yᵢ − xᵢ·w − b)² + alpha·‖w‖².

    Parameters, attributes and the optimum are those of `sklearn.linear_model.Ridge`.

    [parameters]

    [attributes]
    solver_ : str
        The solver that was used.

    References
    ----------
    A. E. Hoerl and R. W. Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems, Technometrics 12.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import Ridge
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> Ridge(alpha=1e-9).fit(X, [2.0, 1.0, 3.0]).coef_.round(6)
    array([1., 2.])
    """

    _rules = RIDGE
    _convention = "sum"
    _takes = COLUMNS

    def __init__(self, alpha: float | ArrayLike = 1.0, *, fit_intercept: bool = True, copy_X: bool = True, max_iter: int | None = None,
                 tol: float = 1e-4, solver: str = "auto", positive: bool = False, random_state: RandomState = None,
                 n_jobs: int | None = None, standardize: bool = False) -> None:
        self._keep(locals())

    # ---- hooks of the base ----

    def _check(self) -> None:
        super()._check()
        if self.positive and self.solver in ALIASES:
            raise InvalidParameterError(f"solver={self.solver!r} does not support positive fitting. Please set the solver to 'auto' "
                                        "or 'lbfgs', or set `positive=False`")

    def _task(self, X: Samples, y: Array, weight: RowWeights) -> Task:
        task = super()._task(X, y, weight)
        if np.size(self.alpha) not in (1, len(task.targets)):
            raise ValueError(f"alpha: Number of targets and number of penalties do not correspond: {np.size(self.alpha)} != "
                             f"{len(task.targets)}")
        return task

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        """Solve for several columns of y at once, with one factorisation or one reading of X, where a least-squares solver can."""
        if task.matrix is None or self.positive or events.wanted:
            return super()._solve(X, task, events)
        objective = self._objective(X, task, 0, 0.0, None)
        name = choose(objective, None, float(self.tol)) if self.solver == "auto" else self._solver_name()
        if name not in ("newton-cholesky", "newton-cg") or lacking(registry[name].needs, objective, None):
            return super()._solve(X, task, events)
        total = float(objective.total)
        strengths = np.broadcast_to(np.asarray(self.alpha, dtype=np.float64) / total, (len(task.targets),))
        W, solution = least_squares(objective, task.matrix, strengths, name, float(self.tol), self._max_iter())
        d, given = objective.n_features, objective.centred()
        coef = W[:d].T if given.scale_ is None or (given.scale_ == 1).all() else W[:d].T / given.scale_
        coef = coef.astype(float_type(X), copy=False)   # in Fortran order, as scikit-learn's
        intercept = W[d] if self.fit_intercept else np.zeros(len(coef))
        if given.mean_ is not None:
            intercept = intercept - coef.astype(np.float64, copy=False) @ given.mean_
        return FittedWeights(coef, intercept.astype(coef.dtype), [solution])

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(strength, 0.0, bool(self.positive))

    def _solver_name(self) -> str:
        return "auto" if self.positive and self.solver == "lbfgs" else super()._solver_name()

    def _relative(self) -> bool:
        return True

    def _attributes(self, found: FittedWeights) -> Attributes:
        n_iter = np.array([solution.n_iter for solution in found.solutions], dtype=np.int32)
        return {**super()._attributes(found), "n_iter_": n_iter if len(n_iter) == len(found.coef) else n_iter.repeat(len(found.coef)),
                "solver_": self.solver if self.solver in ALIASES else found.solutions[0].solver}
