"""X and y of networks: checked, and rows as the engine takes them.

Used by the base of this room.
"""
from __future__ import annotations

import re
from typing import Any, cast

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator

from fastopt._common.sparse_input import first_not_finite
from fastopt._estimators.data import Takes, check_X_y
from fastopt._estimators.types import Array, Features, Samples, TargetValues


def read(estimator: BaseEstimator, X: Features, y: TargetValues, takes: Takes, reset: bool) -> tuple[Samples, Array]:
    """X and y, checked; a number in X that is not finite is told by its place."""
    if takes.indicators and scipy.sparse.issparse(y):
        y = cast(Any, y).toarray()
    try:
        return check_X_y(estimator, X, y, takes, reset)
    except ValueError as error:
        where = _place(X) if re.match("Input X contains (NaN|infinity)", str(error)) else None
        if where is None:
            raise
        raise ValueError(f"{error}\nThe first of them in X is in row {where[0]}, column {where[1]}.") from error


def _place(X: Any) -> tuple[int, int] | None:
    """Where the first number is that is not finite, if X can be looked at."""
    try:
        return first_not_finite(X if scipy.sparse.issparse(X) else np.atleast_2d(np.asarray(X, dtype=np.float64)))
    except (TypeError, ValueError, OverflowError):
        return None


def rows_for(X: Samples, dtype: Any) -> Samples:
    """X as the engine takes it: rows in one piece, or CSR, of the network's type."""
    if scipy.sparse.issparse(X):
        return X.astype(dtype, copy=False)
    return np.ascontiguousarray(X, dtype=dtype)
