"""Least squares with l1, alone or with l2, finished by a solver.

Used through linear_model.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from fastopt.linear_model._shared.docs import arguments
from fastopt.linear_model._shared.sklearn import with_callbacks
from fastopt.objective import LinearObjective

from .base import Found
from .docs import solved
from .l1 import LeastSquares
from .params import ELASTIC, LASSO, penalty_of
from .ridge import relative

if TYPE_CHECKING:
    from typing import Self

WORDS = {"coef": "(n_features,) or (n_outputs, n_features)", "intercept": "() or (n_outputs,)",
         "n_iter_type": "int or list of int", "n_iter_more": ", of each column of y",
         "tol_means": "The duality gap over the mean square of y at which the solver is done; without an l1 part the largest\n"
                      "    element of the gradient, relative to that at w = 0."}


@solved(**WORDS)
class ElasticNet(LeastSquares):
    """Elastic net: minimum of Σ sᵢ·(yᵢ − xᵢ·w − b)²/(2·Σ sᵢ) + alpha·((1 − ρ)/2·‖w‖² + ρ·‖w‖₁), by coordinate descent and others.

    Parameters, attributes and the optimum are those of `sklearn.linear_model.ElasticNet`.

    Parameters
    ----------
    [parameters]

    Attributes
    ----------
    [attributes]
    dual_gap_ : float or ndarray of shape (n_outputs,)
        The duality gap at the end; nan of solvers that compute none.
    sparse_coef_ : CSR matrix
        `coef_` without its zeros.

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
    _only = "descent"
    _columns = True

    def __init__(self, alpha: float = 1.0, *, l1_ratio: float = 0.5, fit_intercept: bool = True, precompute: Any = False,
                 max_iter: int | None = 1000, copy_X: bool = True, tol: float = 1e-4, warm_start: bool = False,
                 positive: bool = False, random_state: Any = None, selection: str = "cyclic", solver: str = "auto",
                 n_jobs: int | None = None, standardize: bool = False) -> None:
        self._keep(locals())

    @with_callbacks
    @arguments
    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Self:
        """Learn from data.

        Parameters
        ----------
        [arguments]
        check_input : bool, default=True
            Accepted for scikit-learn's sake: input is always checked.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or an argument is not as described; the message names it.
        """
        return self._fit(X, y, sample_weight)

    @property
    def sparse_coef_(self) -> Any:
        """`coef_` as a CSR matrix."""
        return scipy.sparse.csr_matrix(self.coef_)

    # ---- what the base asks ----

    def _share(self) -> float:
        return float(self.l1_ratio)

    def _penalty(self, strength: float) -> tuple[float, Any]:
        return penalty_of(strength, self._share(), bool(self.positive))

    def _tolerance(self, objective: LinearObjective) -> float:
        return float(self.tol) if self._share() > 0 and self.alpha > 0 else relative(float(self.tol), objective)

    def _attributes(self, found: Found) -> dict[str, Any]:
        n_iter, gaps = [s.n_iter for s in found.solutions], np.array([s.gap for s in found.solutions])
        single = len(n_iter) == 1
        return {**super()._attributes(found), "n_iter_": n_iter[0] if single else n_iter,
                "dual_gap_": float(gaps[0]) if single else gaps}


@solved(**WORDS)
class Lasso(ElasticNet):
    """Lasso: minimum of Σ sᵢ·(yᵢ − xᵢ·w − b)²/(2·Σ sᵢ) + alpha·‖w‖₁, by coordinate descent and other methods.

    Parameters, attributes and the optimum are those of `sklearn.linear_model.Lasso`.

    Parameters
    ----------
    [parameters]

    Attributes
    ----------
    [attributes]
    dual_gap_ : float or ndarray of shape (n_outputs,)
        The duality gap at the end; nan of solvers that compute none.
    sparse_coef_ : CSR matrix
        `coef_` without its zeros.

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

    def __init__(self, alpha: float = 1.0, *, fit_intercept: bool = True, precompute: Any = False, copy_X: bool = True,
                 max_iter: int | None = 1000, tol: float = 1e-4, warm_start: bool = False, positive: bool = False,
                 random_state: Any = None, selection: str = "cyclic", solver: str = "auto", n_jobs: int | None = None,
                 standardize: bool = False) -> None:
        self._keep(locals())

    def _share(self) -> float:
        return 1.0
