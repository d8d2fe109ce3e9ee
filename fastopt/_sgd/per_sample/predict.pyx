"""Raw predictions of a linear model: blocks of rows shared among threads, X read where it lies.

Used by the estimators, to predict and to score held-out rows.  Knows neither links nor classes.
"""
cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t

import numpy as np

from fastopt._core.threads import threads_worth
from fastopt._core.tables cimport Matrix, fo_kernels, fo_matrix, kernels
from fastopt._core.load cimport spare

cnp.import_array()

cdef enum:
    BLOCK_ROWS = 1024
    PACKED_BYTES = 1 << 20      # rows of a strided X that are packed at a time

ctypedef struct Prediction:
    const fo_kernels *kernels
    const int32_t *rows         # rows to predict, or NULL for all
    Py_ssize_t n, k, block
    size_t size                 # bytes of an element
    const char *w
    Py_ssize_t w_stride
    const char *b
    char *p


cdef void _block(Matrix X, const Prediction *predicted, Py_ssize_t i, char *packed, int32_t *numbers) noexcept nogil:
    """Predictions of a block of rows from the i-th on."""
    cdef Py_ssize_t n = min(predicted.block, predicted.n - i), r
    cdef const int32_t *rows = predicted.rows + i if predicted.rows else NULL
    cdef fo_matrix part = X.c
    if X.packs:
        if rows == NULL:
            for r in range(n):
                numbers[r] = <int32_t>(i + r)
            rows = numbers
        predicted.kernels.pack_rows(n, X.d, X.base, X.row_stride, X.column_stride, rows, packed)
        part.data, part.stride, rows = packed, X.d, NULL
    elif rows == NULL:
        part = X.from_row(i)
    predicted.kernels.predict_rows(&part, n, predicted.k, rows, predicted.w, predicted.w_stride, predicted.b,
                             predicted.p + i * predicted.k * <Py_ssize_t>predicted.size)


def predict(Matrix X, coef, intercept, const int32_t[::1] rows=None, int threads=1):
    """X[rows]·coefᵀ + intercept, computed in the type of X.

    Parameters
    ----------
    X : Matrix
    coef : ndarray of shape (k, d)
    intercept : ndarray of shape (k,)
    rows : ndarray of shape (n,) of int32, or None
        Which rows; None: all.
    threads : int
        At most so many.

    Returns
    -------
    ndarray of shape (n, k), of the type of X
    """
    cdef cnp.ndarray w = np.require(coef, X.dtype, ["C", "A"]), b = np.require(intercept, X.dtype, ["C", "A"])
    cdef Prediction predicted
    cdef Py_ssize_t i, blocks
    cdef int wanted, t
    predicted.n, predicted.k = X.n if rows is None else rows.shape[0], w.shape[0]
    if w.ndim != 2 or w.shape[1] != X.d or b.ndim != 1 or b.shape[0] != predicted.k:
        raise ValueError(f"coef and intercept must have shapes (k, {X.d}) and (k,), got {np.shape(w)} and {np.shape(b)}")
    if rows is not None and predicted.n and not (0 <= np.min(rows) and np.max(rows) < X.n):
        raise ValueError(f"rows must lie in 0 … {X.n - 1}")
    out = np.empty((predicted.n, predicted.k), dtype=X.dtype)
    if predicted.n == 0:
        return out
    predicted.kernels, predicted.size = kernels(X.is_float), 4 if X.is_float else 8
    predicted.rows = &rows[0] if rows is not None else NULL
    predicted.w, predicted.w_stride, predicted.b = <const char *>cnp.PyArray_DATA(w), X.d, <const char *>cnp.PyArray_DATA(b)
    predicted.p = <char *>cnp.PyArray_DATA(out)
    predicted.block = max(16, min(BLOCK_ROWS, PACKED_BYTES // (<Py_ssize_t>predicted.size * X.d))) if X.packs else BLOCK_ROWS
    blocks = (predicted.n + predicted.block - 1) // predicted.block
    wanted = spare(min(<int>min(blocks, 4096), <int>threads_worth(threads, predicted.n * X.row_size * predicted.k)))
    cdef Py_ssize_t part = predicted.block * X.d * predicted.size if X.packs else 0
    cdef char[::1] packed = np.empty(max(1, wanted * part), dtype=np.int8)
    cdef int32_t[::1] numbers = np.empty(max(1, wanted * predicted.block) if X.packs else 1, dtype=np.int32)
    with nogil:
        for i in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            t = threadid()
            _block(X, &predicted, i * predicted.block, &packed[0] + t * part, &numbers[0] + (t * predicted.block if X.packs else 0))
    return out
