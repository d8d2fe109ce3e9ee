"""What all linear estimators have in common, however they learn: parameters, raw predictions, sparse weights.

Used by the bases of those that learn by SGD (linear_model._sgd.base) and of those that a solver finishes (linear_model._solved.base).  Knows neither.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from fastopt._common.rules import Rule
from fastopt._core.tables import Matrix
from fastopt._core.threads import resolve_threads
from fastopt._sgd.per_sample.predict import predict

from .data import check_X
from .sklearn import CallbackSupport


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[dict[str, Any]]:
    """Put all attributes back if anything is raised, Ctrl-C included; not if the dictionary of them was emptied meanwhile."""
    before = dict(vars(estimator))
    try:
        yield before
    except BaseException:
        if before:
            estimator.__dict__.clear()
            estimator.__dict__.update(before)
        raise


class LinearEstimator(CallbackSupport, BaseEstimator):   # type: ignore[misc]
    """Parameters, coef_ and intercept_."""

    _rules: ClassVar[Mapping[str, Rule]]
    coef_: Any
    intercept_: Any

    def _keep(self, arguments: Mapping[str, Any]) -> None:
        """The constructor's arguments as attributes."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _check(self) -> None:
        """Raise for parameters that are not as described."""
        raise NotImplementedError

    def _n_threads(self) -> int:
        jobs = vars(self).get("n_jobs")
        return 1 if jobs is None else resolve_threads(int(jobs), "n_jobs")

    def _named(self, coef: Any, intercept: Any) -> dict[str, Any]:
        """Weights as attributes."""
        return {"coef_": coef, "intercept_": intercept}

    def _intercepts(self) -> Any:
        return np.broadcast_to(getattr(self, "intercept_", 0.0), self.coef_.shape[0] if self.coef_.ndim == 2 else 1)

    def _prediction_intercepts(self) -> Any:
        return self._intercepts()

    def _coef_rows(self) -> Any:
        """(k, d) weights."""
        return np.atleast_2d(self.coef_.toarray() if scipy.sparse.issparse(self.coef_) else self.coef_)

    # ---- the fitted estimator ----

    def sparsify(self) -> Any:
        """Convert `coef_` to a CSR matrix.

        Worth it where l1 left most weights at 0.  Training goes on from it as from an array.

        Returns
        -------
        self
        """
        check_is_fitted(self, msg="Estimator, %(name)s, must be fitted before sparsifying.")
        self.coef_ = scipy.sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Any:
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

    def _raw(self, X: Any) -> Any:
        """(n, k) raw predictions, of the type of X."""
        check_is_fitted(self, "coef_")
        X = check_X(self, X)
        return predict(Matrix(X, checked=True), self._coef_rows(), self._prediction_intercepts(), threads=self._n_threads())
