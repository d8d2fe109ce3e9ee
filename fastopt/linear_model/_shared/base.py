"""The base of all linear estimators: parameters, checks of X and y, raw predictions, sparse weights.

Used by the bases of the SGD estimators (linear_model._sgd.base) and of the solver-based ones (linear_model._solved.base).  It
must know neither.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from fastopt._common.rules import Rule
from fastopt._estimators.data import Takes, check_X, check_X_y
from fastopt._estimators.sklearn import CallbackSupport
from fastopt._estimators.types import Array, Attributes, Features, Samples, TargetValues

if TYPE_CHECKING:
    from typing import Self


class LinearEstimator(CallbackSupport, BaseEstimator):
    """Base of all linear estimators."""

    _rules: ClassVar[Mapping[str, Rule]]
    _takes: ClassVar[Takes] = Takes()
    coef_: Any        # users may put others in their place
    intercept_: Any

    def _keep(self, arguments: Mapping[str, Any]) -> None:
        """Store the constructor's arguments as attributes."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _check(self) -> None:
        """Raise for invalid parameters."""
        raise NotImplementedError

    def _read(self, X: Features, y: TargetValues | None, reset: bool = True, look: bool = True) -> tuple[Samples, Array]:
        """X and y, checked; unless `reset`, X must have the features of the earlier fit.  Without `look` its numbers may be any."""
        return check_X_y(self, X, y, self._takes, reset, look)

    def _named(self, coef: Array, intercept: Array) -> Attributes:
        """The fitted attributes that hold weights."""
        return {"coef_": coef, "intercept_": intercept}

    # ---- where a fit starts ----

    def _warm(self) -> bool:
        """Whether `fit` starts at the weights of an earlier fit."""
        known = vars(self)
        return "coef_" in known and bool(known.get("warm_start", False))

    def _refuse_other_shape(self, coef: Array, k: int, d: int, hint: str = "; fit without warm_start") -> None:
        """Raise if the weights of the earlier fit are not of shape (k, d)."""
        if coef.shape != (k, d):
            raise ValueError(f"the weights learnt before have shape {coef.shape}, which does not match dataset: X and y need "
                             f"{(k, d)}{hint}")

    # ---- the fitted estimator ----

    def _intercepts(self) -> Array:
        return np.broadcast_to(getattr(self, "intercept_", 0.0), self.coef_.shape[0] if self.coef_.ndim == 2 else 1)

    def _prediction_intercepts(self) -> Array:
        return self._intercepts()

    def _coef_rows(self) -> Array:
        """(k, d) weights."""
        return np.atleast_2d(self.coef_.toarray() if scipy.sparse.issparse(self.coef_) else self.coef_)

    def sparsify(self) -> Self:
        """Convert `coef_` to a CSR matrix.

        Worth it where l1 left most weights at 0.  Training goes on from it as from an array.

        Returns
        -------
        self
        """
        check_is_fitted(self, msg="Estimator, %(name)s, must be fitted before sparsifying.")
        self.coef_ = scipy.sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Convert `coef_` back to an array.

        Returns
        -------
        self
        """
        check_is_fitted(self, msg="Estimator, %(name)s, must be fitted before densifying.")
        if scipy.sparse.issparse(self.coef_):
            self.coef_ = self._named(self.coef_.toarray(), np.zeros(1))["coef_"]
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _raw(self, X: Features) -> Array:
        """(n, k) raw predictions, of the type of X."""
        check_is_fitted(self, "coef_")
        return self._products(check_X(self, X, wide=self._takes.wide))

    def _products(self, X: Samples) -> Array:
        """(n, k) raw predictions of X, which has been checked."""
        raise NotImplementedError
