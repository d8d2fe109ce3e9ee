"""X as the closed forms of least squares read it: blocks in double, without their means, for products with many vectors by BLAS.

Used by _solve_squares and _solve_conjugate; knows neither.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ._columns import Reader

Array = NDArray[np.float64]

#: numbers of a block of X that is brought to double
BLOCK = 1 << 18


class Columns:
    """X without what the objective counts it without, for products with several vectors at once.

    Parameters
    ----------
    objective : LinearObjective
        Of one output.
    """

    def __init__(self, objective: Any) -> None:
        self.objective, self.d, self.n = objective, objective.n_features, objective.n_samples
        self.X = objective.X.arrays if not objective.X.is_sparse else _csr(objective)
        self.mean = np.zeros(self.d) if objective.columns is None else objective.columns[0]
        self.scale = np.ones(self.d) if objective.columns is None else objective.columns[1]
        self.plain = objective.columns is None
        weight = np.ones(self.n) if objective.weight is None else objective.weight.reshape(self.n, -1)[:, 0].astype(np.float64)
        self.root = np.sqrt(weight / objective.total)     # of each row's share

    def rows(self, i: int, dtype: Any = np.float64) -> tuple[slice, Any]:
        """Rows from the i-th on, in this type."""
        some = slice(i, min(self.n, i + max(256, 4 * BLOCK // self.d)))
        x = self.X[some] if self.objective.rows_ is None else self.X[self.objective.rows_[some]]
        if self.plain:
            return some, x.astype(dtype, copy=False)
        x = x - self.mean
        x /= self.scale
        return some, x.astype(dtype, copy=False)

    def turned(self, Z: Array) -> Array:
        """(d, k): Xᵀ·Z."""
        if scipy.sparse.issparse(self.X):
            return np.asarray((self.X.T @ Z - np.outer(self.mean, Z.sum(axis=0))) / self.scale[:, None])
        out = np.zeros((self.d, Z.shape[1]))
        for i in range(0, self.n, max(256, 4 * BLOCK // self.d)):
            some, x = self.rows(i, Z.dtype)
            out += x.T @ Z[some]
        return out

    def squares(self) -> Array:
        """(d,) mean squares of the columns."""
        if self.objective.X.is_sparse:
            found = self._stored_squares()
            found = np.maximum(found - self.mean ** 2, 4 * np.finfo(np.float64).eps * found)
            return np.asarray(found / self.scale ** 2)
        out = np.zeros(self.d)
        for i in range(0, self.n, max(256, 4 * BLOCK // self.d)):
            some, x = self.rows(i)
            out += np.einsum("ij,ij,i->j", x, x, self.root[some] ** 2)
        return out

    def _stored_squares(self) -> Array:
        """Of sparse columns as they are."""
        share = self.root ** 2
        if not self.objective.turned and self.objective.rows_ is None:
            found = np.zeros((3, self.d))
            Reader(self.objective.X, share).learn(np.zeros(self.d), *found, 0.0, False)
            return np.asarray(found[2])
        X = scipy.sparse.csc_array(self.X)
        values, rows = X.data[:X.indptr[-1]].astype(np.float64), X.indices[:X.indptr[-1]]
        return np.bincount(np.repeat(np.arange(self.d), np.diff(X.indptr)), values ** 2 * share[rows], self.d)

    def products(self) -> Array:
        """(n, n) products of the rows, each times the root of its share: dense X alone."""
        K, rows, width = np.zeros((self.n, self.n)), self.objective.rows_, max(256, 4 * BLOCK // self.n)
        for i in range(0, self.d, width):
            some = slice(i, i + width)
            x = self.X[:, some] if rows is None else self.X[:, some][rows]
            x = x.astype(np.float64, copy=False)
            x = x if self.plain else (x - self.mean[some]) / self.scale[some]
            K += x @ x.T
        K *= self.root
        K *= self.root[:, None]
        return K


def _csr(objective: Any) -> Any:
    if objective.turned:
        return objective._csc
    data, indices, indptr = objective.X.arrays
    X = scipy.sparse.csr_array((data, indices, indptr), shape=(objective.X.n, objective.X.d))
    return X if objective.rows_ is None else X[objective.rows_]


def by_rows(objective: Any) -> bool:
    """Whether the products of rows are the smaller matrix."""
    return bool(not objective.X.is_sparse and objective.n_samples < objective.n_features)


def unknowns(objective: Any) -> int:
    """Rows of the matrix that is factorised for an output."""
    return int(objective.n_samples if by_rows(objective) else objective.n_features + objective.fit_intercept)
