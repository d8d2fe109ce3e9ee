"""How the columns of X are cut for threads: into blocks beside dense rows, by their values beside CSR rows.

Used by _sgd/batch/loop.pyx and _sgd/batch/run.pyx.  A thread finds its part of a CSR row by search, so columns must ascend within rows.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t

import numpy as np

from fastopt._core.tables cimport Matrix

cnp.import_array()

ctypedef fused index:
    int32_t
    int64_t

cdef enum:
    MIN_BLOCK_VECTORS = 12     # 64-byte vectors in a block of columns, at least
    MAX_BLOCKS = 64            # of columns
    SAMPLED_VALUES = 8192      # whose columns stand for all
    GRID_POINTS = 1024         # places between columns that may become bounds
cdef double STEP_COST = 0.25   # of a weight, in stored values of X


def block_columns(Py_ssize_t d, bint is_float):
    """Columns of a block: by the number of columns alone.

    Examples
    --------
    >>> from fastopt._sgd.batch.columns import block_columns
    >>> block_columns(784, True), block_columns(28, True)
    (208, 28)
    """
    cdef Py_ssize_t lanes = 16 if is_float else 8, blocks = 1
    cdef Py_ssize_t vectors = (d + lanes - 1) // lanes
    while 2 * blocks <= MAX_BLOCKS and vectors >= 2 * blocks * MIN_BLOCK_VECTORS:
        blocks *= 2
    return d if blocks == 1 else (vectors + blocks - 1) // blocks * lanes


cdef bint _ascend(const index[::1] indptr, const index[::1] indices) noexcept nogil:
    cdef Py_ssize_t i, n = indptr[indptr.shape[0] - 1]
    cdef Py_ssize_t descents = 0
    for i in range(n - 1):
        descents += indices[i] > indices[i + 1]
    for i in range(indptr.shape[0] - 1):   # from one row to the next
        if i > 0 and indptr[i] < indptr[i + 1]:
            descents -= indptr[i] > 0 and indices[indptr[i] - 1] > indices[indptr[i]]
    return descents == 0


def columns_ascend(Matrix X):
    """Whether the columns of each row of CSR X ascend.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from fastopt._sgd.batch.columns import columns_ascend
    >>> from fastopt._core.tables import Matrix
    >>> columns_ascend(Matrix(sp.csr_matrix(np.eye(3))))
    True
    """
    indices, indptr = X.keep[1:]
    return bool(_ascend[int32_t](indptr, indices) if indices.dtype == np.int32 else _ascend[int64_t](indptr, indices))


def column_bounds(Matrix X, Py_ssize_t parts, Py_ssize_t k, double rows):
    """Bounds of so many parts of the columns of CSR X that take about the same time, in batches of so many rows: parts + 1
    numbers from 0 to d, each other one at a line of the cache."""
    cdef Py_ssize_t line = max(1, 64 // (k * X.dtype.itemsize))
    indices = X.keep[1]
    sample = np.sort(indices[::max(1, len(indices) // SAMPLED_VALUES)])
    places = np.concatenate([np.linspace(0, X.d, GRID_POINTS).astype(np.intp), sample[::8]]) // line * line
    places = np.unique(np.append(places, X.d))
    values = np.searchsorted(sample, places) / max(1, len(sample))
    cost = rows * X.row_size * values + STEP_COST * places
    bounds = places[np.searchsorted(cost, np.linspace(0, cost[len(cost) - 1], parts + 1))].astype(np.intp)
    bounds[0], bounds[parts] = 0, X.d
    return bounds
