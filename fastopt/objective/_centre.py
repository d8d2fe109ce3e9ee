"""Columns that lie far from 0 beside their deviations: whether there are any, by a look at a few rows, and their means.

Used by objective/_views.py: with an intercept, an objective of centred columns is the same problem.  Knows nothing of passes.
"""
from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.statistics import Reader, beyond, moments

from ._problem import Problem

Array = NDArray[Any]

#: rows that are looked at
ROWS = 96
#: multiples of it look random modulo anything (Knuth's multiplicative hashing)
SCATTER = 2654435761
#: a mean so many deviations from 0 is far: products of such columns lose its square in digits
FAR = 4.0
#: the least share of values that are not 0 in a column that is far
FILLED = FAR ** 2 / (1 + FAR ** 2) - 0.05
_BLOCK = 1 << 12   # rows whose sum is taken together


def far_means(problem: Problem) -> Array | None:
    """The means of all columns of dense X, and of those of sparse X that lie far from 0; None if a few rows show no such column.  Rows of
    weight 0 are not looked at."""
    X, rows, weight = problem.X, problem.rows, problem.row_weight
    n, transposed = X.d if problem.transposed else X.n, problem.transposed
    some = _some(n, rows, weight)
    with np.errstate(over="ignore", invalid="ignore"):
        far = _far_of_csc(X) if transposed else _far_of_csr(X, some) if X.is_sparse else beyond(*moments(X.arrays[some]), FAR)
    if far is None:
        return None
    s = _weights(n, rows, weight)
    mean = np.where(far, _sparse_means(X, transposed, s), 0.0) if X.is_sparse else _dense_means(X, s)
    return mean if np.isfinite(mean).all() else None


def _some(n: int, rows: Array | None, weight: Array | None) -> Array:
    """Numbers of a few rows of X, one of each stretch."""
    if rows is None and weight is None:
        return _scattered(n)
    known = np.arange(n) if rows is None else rows
    if weight is not None:
        known = known[weight > 0]
    return np.asarray(known[_scattered(len(known))])


@functools.lru_cache(16)
def _scattered(n: int) -> Array:
    """One number of each stretch of 0 … n − 1, or all of them."""
    if n <= ROWS:
        return np.arange(n)
    ends = np.arange(ROWS + 1) * n // ROWS
    return np.asarray(ends[:-1] + np.arange(ROWS) * SCATTER % np.diff(ends))


def _weights(n: int, rows: Array | None, weight: Array | None) -> Array:
    """Those of all rows of X."""
    if rows is None:
        return np.ones(n) if weight is None else weight.astype(np.float64)
    return np.bincount(rows, weight, n).astype(np.float64)


def _far_of_csr(X: Matrix, some: Array) -> Array | None:
    """Only columns that nearly all rows fill can be far."""
    data, indices, indptr = X.arrays
    parts = [slice(indptr[i], indptr[i + 1]) for i in some]
    lacking = int((1 - FILLED) * len(some))   # rows that may lack such a column
    few = np.sort(np.concatenate([indices[part] for part in parts[:2 * lacking + 1]]))
    if not (few[lacking:] == few[:-lacking or None]).any():   # none is in more than that of twice as many
        return None
    columns = np.concatenate([indices[part] for part in parts])
    numbers, place, counts = np.unique(columns, return_inverse=True, return_counts=True)
    if not (counts >= FILLED * len(some)).any():
        return None
    values = np.concatenate([data[part] for part in parts]).astype(np.float64)
    mean = np.bincount(place, values, len(numbers)) / len(some)
    apart = np.bincount(place, (values - mean[place]) ** 2, len(numbers)) + np.maximum(len(some) - counts, 0) * mean ** 2
    return _among(X.d, numbers, beyond(mean, apart / len(some), FAR))


def _far_of_csc(X: Matrix) -> Array | None:
    """By some stored values of the columns that are nearly full."""
    data, _, indptr = X.arrays
    stored = np.diff(indptr)
    full = np.flatnonzero(stored >= FILLED * X.d)
    if not full.size:
        return None
    places = indptr[full, None] + np.arange(ROWS) * stored[full, None] // ROWS
    mean, square = moments(data[places].T)
    share = np.minimum(stored[full] / X.d, 1.0)
    return _among(X.n, full, beyond(share * mean, share * (square + (1 - share) * mean ** 2), FAR))


def _among(d: int, columns: Array, far: Array | None) -> Array | None:
    """Which of d columns are far, if some of these are."""
    if far is None:
        return None
    found = np.zeros(d, dtype=bool)
    found[columns] = far
    return found


def _dense_means(matrix: Matrix, s: Array) -> Array:
    """Distances from a row are summed, so that the mean of a constant column is exact."""
    X = matrix.arrays
    if X.dtype in (np.float32, np.float64):
        reader = Reader(matrix, s)
        return np.asarray(reader.means(np.array(reader.first())))
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(X), _BLOCK)]
    first = X[int(np.argmax(s > 0))].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(first + sum(s[block] @ (X[block] - first) for block in blocks) / s.sum())


def _sparse_means(X: Matrix, transposed: bool, s: Array) -> Array:
    data, indices, indptr = X.arrays
    major = np.repeat(np.arange(X.n), np.diff(indptr))
    rows, columns = (indices[:len(major)], major) if transposed else (major, indices[:len(major)])
    return np.asarray(np.bincount(columns, s[rows] * data[:len(major)], X.n if transposed else X.d) / s.sum())
