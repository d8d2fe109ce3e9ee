"""X as the closed forms of least squares read it: blocks in double, without their means, for products with many vectors by BLAS.

Used by the solvers that look at the sizes of columns; knows none of them.
"""
from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike, NDArray

from fastopt._samples.statistics import Reader
from fastopt.objective import LinearObjective

Array = NDArray[np.float64]

#: numbers of a block of X that is brought to double
BLOCK_SIZE = 1 << 18


class DesignMatrix:
    """X without what the objective counts it without, for products with several vectors at once.

    Parameters
    ----------
    objective : LinearObjective
        Of one output.
    """

    def __init__(self, objective: LinearObjective) -> None:
        self.objective, self.d, self.n = objective, objective.n_features, objective.n_samples
        self.sparse, self.plain = objective.X.is_sparse, objective.columns is None
        statistics: tuple[Array, Array] = (np.zeros(self.d), np.ones(self.d)) if objective.columns is None else objective.columns
        self.mean, self.scale = statistics
        self.scaled = not self.plain and bool((self.scale != 1).any())
        weight = np.ones(self.n) if objective.weight is None else objective.weight.reshape(self.n, -1)[:, 0].astype(np.float64)
        self.root = np.sqrt(weight / objective.total)     # of each row's share
        self.height = max(256, 4 * BLOCK_SIZE // self.d)        # rows of a block
        self._last: tuple[tuple[int, np.dtype[Any]], NDArray[Any]] | None = None

    @functools.cached_property
    def X(self) -> Any:
        return _csr(self.objective) if self.sparse else self.objective.X.arrays

    def rows(self, i: int, dtype: DTypeLike = np.float64) -> tuple[slice, NDArray[Any]]:
        """Rows from the i-th on, in this type; the last ones are kept, as of few rows they are all."""
        some, key = slice(i, min(self.n, i + self.height)), (i, np.dtype(dtype))
        if self._last is not None and self._last[0] == key:
            return some, self._last[1]
        x = self.X[some] if self.objective.rows_ is None else self.X[self.objective.rows_[some]]
        if not self.plain:
            x = x - self.mean
            if self.scaled:
                x /= self.scale
        x = x.astype(dtype, copy=False)
        self._last = key, x
        return some, x

    def rmatmat(self, Z: Array, share: Array | None = None, intercept: bool = False) -> Array:
        """(d, k): Xᵀ·diag(share)·Z, of rows that all have a share of 1 by default; below, if there is an `intercept`, the sums of that
        of a column of ones."""
        out = np.empty((self.d + intercept, Z.shape[1]))
        if self.sparse:
            Z = Z if share is None else Z * share[:, None].astype(Z.dtype)
            total = Z.sum(axis=0, dtype=np.float64)
            out[:self.d] = (self.X.T @ Z - np.outer(self.mean, total)) / self.scale[:, None]
            out[self.d:] = total
            return out
        out[self.d:] = 0
        share = np.ones(self.n, Z.dtype) if share is None else share.astype(Z.dtype, copy=False)
        even = bool((share[0] == share).all())
        if even and self.n < self.d and share[0] != 1:   # the smaller of Z and the product is multiplied
            Z, share = Z * share[0], np.ones(self.n, Z.dtype)
        for i in range(0, self.n, self.height):
            some, x = self.rows(i, Z.dtype)
            z, own = Z[some], share[some]
            if intercept:
                out[self.d] += own @ z
            if not even:   # the smaller of the two is multiplied
                x, z = (x * own[:, None], z) if self.d < z.shape[1] else (x, z * own[:, None])
            if i:
                out[:self.d] += x.T @ z
            elif Z.dtype == out.dtype:
                np.matmul(x.T, z, out=out[:self.d])
            else:
                out[:self.d] = x.T @ z
        if even and share[0] != 1:
            out[:self.d] *= share[0]
        return out

    def squares(self) -> Array:
        """(d,) mean squares of the columns."""
        return self.moments()[1]

    def moments(self) -> tuple[Array, Array]:
        """(d,) means of the columns and of their squares."""
        if self.sparse:
            mean, found = self._stored_moments()
            found = np.maximum(found + self.mean * (self.mean - 2 * mean), 4 * np.finfo(np.float64).eps * found)
            return (mean - self.mean) / self.scale, found / self.scale ** 2
        mean, out = np.zeros(self.d), np.zeros(self.d)
        for i in range(0, self.n, self.height):
            some, x = self.rows(i)
            share = self.root[some] ** 2
            mean += share @ x
            out += np.einsum("ij,ij,i->j", x, x, share)
        return mean, out

    def _stored_moments(self) -> tuple[Array, Array]:
        """Of sparse columns as they are."""
        share = self.root ** 2
        if not self.objective.transposed and self.objective.rows_ is None:
            found = np.zeros((3, self.d))
            Reader(self.objective.X, share).learn(np.zeros(self.d), found[0], found[1], found[2], 0.0, False)
            return found[0], found[2]
        X = scipy.sparse.csc_array(self.X)
        values, rows = X.data[:X.indptr[-1]].astype(np.float64), X.indices[:X.indptr[-1]]
        column, weighted = np.repeat(np.arange(self.d), np.diff(X.indptr)), values * share[rows]
        return (np.bincount(column, weighted, self.d).astype(np.float64, copy=False),
                np.bincount(column, weighted * values, self.d).astype(np.float64, copy=False))

    def products(self) -> Array:
        """(n, n) products of the rows, each times the root of its share: dense X alone."""
        K, rows, width = np.zeros((self.n, self.n)), self.objective.rows_, max(256, 4 * BLOCK_SIZE // self.n)
        for i in range(0, self.d, width):
            some = slice(i, i + width)
            x = self.X[:, some] if rows is None else self.X[:, some][rows]
            x = x.astype(np.float64, copy=False)
            x = x if self.plain else (x - self.mean[some]) / self.scale[some]
            K += x @ x.T
        K *= self.root
        K *= self.root[:, None]
        return K


def differ(sizes: Array, factor: float) -> bool:
    """Whether mean squares of columns, but for columns of zeros, differ by more than a factor."""
    return bool(sizes.max() > factor * sizes[sizes > 0].min(initial=math.inf))


def _csr(objective: LinearObjective) -> Any:
    if objective.transposed:
        return objective.problem.csc
    data, indices, indptr = objective.X.arrays
    X = scipy.sparse.csr_array((data, indices, indptr), shape=(objective.X.n, objective.X.d))
    return X if objective.rows_ is None else X[objective.rows_]


def by_rows(objective: LinearObjective) -> bool:
    """Whether the products of rows are the smaller matrix."""
    return bool(not objective.X.is_sparse and objective.n_samples < objective.n_features)
