"""Statistics of columns, weighted: running means with sums of distances and of their squares, from one reading of X.

Used for optimizer="auto" (_sgd/auto/state.py, docs/auto.md).  Rows are read in blocks, in the order of X, and wide blocks in
strips of columns that stay in the cache while their means and then their distances are taken.  The sums of a block are
csrc/sgd/columns.h.
"""
cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport fabs, isfinite, sqrt
from libc.stdint cimport int32_t, uint8_t

import numpy as np

from fastopt._core.tables cimport Matrix, fo_kernels, fo_matrix, kernels

cnp.import_array()

cdef enum:
    BLOCK_ROWS = 1024
    STRIP_BYTES = 1 << 20   # of a block of rows


cdef class Reader:
    """The rows of X that count, block by block.

    Parameters
    ----------
    X : Matrix
    weight : array-like of shape (n,) or None
        Rows of weight 0 do not count.
    skip : ndarray of shape (n,) of uint8, or None
        Nonzero: neither does this row.
    """
    cdef Matrix X
    cdef const fo_kernels *kernels
    cdef const double[::1] weight
    cdef const uint8_t[::1] skip
    cdef int32_t[::1] rows, identity   # of the block
    cdef double[::1] taken             # their weights
    cdef double[::1] sum, zeros
    cdef object packed
    cdef bint sparse
    cdef Py_ssize_t strip              # columns
    cdef fo_matrix view                # X, or the packed strip
    cdef const int32_t *view_rows
    cdef Py_ssize_t view_first
    cdef readonly Py_ssize_t count     # rows that counted
    cdef readonly double total         # their weight

    def __init__(self, Matrix X, weight=None, skip=None):
        cdef Py_ssize_t item = 4 if X.is_float else 8
        self.X, self.kernels, self.skip, self.sparse = X, kernels(X.is_float), skip, X.is_sparse
        self.weight = None if weight is None else np.require(weight, np.float64, ["C", "A"])
        self.rows, self.identity = np.empty(BLOCK_ROWS, dtype=np.int32), np.arange(BLOCK_ROWS, dtype=np.int32)
        self.taken, self.sum, self.zeros = np.empty(BLOCK_ROWS), np.zeros(X.d), np.zeros(X.d)
        self.strip = max(1, min(X.d, <Py_ssize_t>STRIP_BYTES // (BLOCK_ROWS * item)))
        self.view, self.view_rows = X.c, &self.rows[0]
        self.packed = None
        if X.packs:
            self.packed = np.empty(BLOCK_ROWS * self.strip, dtype=X.dtype)
            self.view.data, self.view_rows = cnp.PyArray_DATA(self.packed), &self.identity[0]

    cdef Py_ssize_t _take(self, Py_ssize_t start) noexcept nogil:
        """The rows of a block that count, and their weights; how many."""
        cdef Py_ssize_t i, n = 0
        for i in range(start, min(start + BLOCK_ROWS, self.X.n)):
            self.rows[n] = <int32_t>i
            self.taken[n] = 1 if self.weight is None else self.weight[i]
            n += self.taken[n] > 0 and (self.skip is None or not self.skip[i])
        return n

    cdef double _count(self, Py_ssize_t n) noexcept nogil:
        """Count so many rows; their weight."""
        cdef double weight = 0
        cdef Py_ssize_t i
        for i in range(n):
            weight += self.taken[i]
        self.count += n
        self.total += weight
        return weight

    cdef Py_ssize_t _look(self, Py_ssize_t n, Py_ssize_t first) noexcept nogil:
        """Prepare the strip of a block that begins with the column `first`; how many columns it has."""
        cdef Py_ssize_t width = min(self.strip, self.X.d - first)
        self.view_first = first
        if self.X.packs:
            self.kernels.pack_rows(n, width, self.X.base + first * self.X.column_stride, self.X.row_stride,
                                   self.X.column_stride, &self.rows[0], <void *>self.view.data)
            self.view.stride, self.view_first = width, 0
        return width

    cdef void _sums(self, Py_ssize_t n, Py_ssize_t first, Py_ssize_t width, const double *origin) noexcept nogil:
        self.kernels.column_sums(&self.view, n, self.view_rows, &self.taken[0], self.view_first, width, origin + first,
                                 &self.sum[first])

    def first(self):
        """The first row that counts, in double; zeros if there is none."""
        cdef Py_ssize_t start, first, width
        cdef double[::1] out
        found = np.zeros(self.X.d)
        out = found
        for start in range(0, self.X.n, BLOCK_ROWS):
            if self._take(start) > 0:
                self.taken[0] = 1
                first = 0
                while first < self.X.d:
                    width = self._look(1, first)
                    self._sums(1, first, width, &self.zeros[0])
                    self.kernels.column_means(width, 1, 1, &self.zeros[first], &self.sum[first], &out[first])
                    first += width
                break
        return found

    def learn(self, const double[::1] origin, double[::1] mean, double[::1] sum1, double[::1] sum2, double before, bint centred):
        """Go on with running means, which stand for the weight `before`, and with sums of distances.

        Parameters
        ----------
        origin : ndarray of shape (d,)
            Means are taken from here on: a row of X, so that a constant column has distances of exactly 0.
        mean, sum1, sum2 : ndarray of shape (d,)
            Changed in place: means; sums of distances and of their squares.
        before : float
        centred : bool
            Distances are from the means; else from 0, as those of CSR must be.
        """
        cdef Py_ssize_t start, n, first, width
        cdef double weight
        cdef const double *centre = &mean[0] if centred else &self.zeros[0]
        for start in range(0, self.X.n, BLOCK_ROWS):
            with nogil:
                n = self._take(start)
                weight = self._count(n)
                if n > 0 and self.sparse:
                    self.kernels.column_stored(&self.X.c, n, &self.rows[0], &self.taken[0], &self.sum[0], &sum1[0], &sum2[0])
                first = self.X.d if n == 0 or self.sparse else 0
                while first < self.X.d:
                    width = self._look(n, first)
                    self._sums(n, first, width, &origin[0])
                    self.kernels.column_means(width, weight, weight / (before + self.total), &origin[first],
                                              &self.sum[first], &mean[first])
                    self.kernels.column_spread(&self.view, n, self.view_rows, &self.taken[0], self.view_first, width,
                                               centre + first, &sum1[first], &sum2[first])
                    first += width
            PyErr_CheckSignals()
        if self.sparse and self.total > 0:   # nothing is centred by these means: once is enough
            self.kernels.column_means(self.X.d, self.total, self.total / (before + self.total), &self.zeros[0], &self.sum[0],
                                      &mean[0])

    def means(self, const double[::1] origin):
        """The means of all rows that count."""
        cdef Py_ssize_t start, n, first, width
        mean = np.array(origin)
        cdef double[::1] out = mean
        for start in range(0, self.X.n, BLOCK_ROWS):
            with nogil:
                n, first = self._take(start), 0
                self._count(n)
                while first < self.X.d and n > 0:
                    width = self._look(n, first)
                    self._sums(n, first, width, &origin[0])
                    first += width
        if self.total > 0:
            self.kernels.column_means(self.X.d, self.total, 1, &origin[0], &self.sum[0], &out[0])
        return mean

    def squares(self, const double[::1] centre):
        """The sums of squared distances from a centre, of all rows that count."""
        cdef Py_ssize_t start, n, first, width
        cdef double[:, ::1] sums = np.zeros((2, self.X.d))
        for start in range(0, self.X.n, BLOCK_ROWS):
            with nogil:
                n, first = self._take(start), 0
                while first < self.X.d and n > 0:
                    width = self._look(n, first)
                    self.kernels.column_spread(&self.view, n, self.view_rows, &self.taken[0], self.view_first, width,
                                               &centre[first], &sums[0, first], &sums[1, first])
                    first += width
        return np.asarray(sums[1])


def moments(rows):
    """The means of the columns of a few rows, and the means of squared distances from them.

    Parameters
    ----------
    rows : ndarray of shape (n, d)

    Returns
    -------
    mean, square : ndarrays of shape (d,)
    """
    cdef const double[:, ::1] x = np.ascontiguousarray(rows, dtype=np.float64)
    cdef Py_ssize_t n = x.shape[0], d = x.shape[1], i, j
    mean, square = np.zeros(d), np.zeros(d)
    cdef double[::1] sums = mean, squares = square
    cdef double value
    with nogil:
        for i in range(1, n):
            for j in range(d):   # distances from a row lose no digits of a mean that is far from 0
                value = x[i, j] - x[0, j]
                sums[j] += value
                squares[j] += value * value
        for j in range(d):
            value = sums[j] / n
            squares[j] = squares[j] / n - value * value
            if squares[j] < 0:
                squares[j] = 0
            sums[j] = x[0, j] + value
    return mean, square


def beyond(const double[::1] mean, const double[::1] square, double factor):
    """Which means are finite and further than so many deviations from 0; None if none is.

    Parameters
    ----------
    mean, square : ndarrays of shape (d,)
        As of `moments`.
    factor : float

    Returns
    -------
    ndarray of bool of shape (d,), or None
    """
    cdef Py_ssize_t j, d = mean.shape[0], count = 0
    cdef cnp.npy_intp size = d
    cdef cnp.ndarray found = cnp.PyArray_ZEROS(1, &size, cnp.NPY_BOOL, 0)
    cdef uint8_t *far = <uint8_t *>cnp.PyArray_DATA(found)
    if square.shape[0] != d:
        raise ValueError(f"expected {d} squares, got {square.shape[0]}")
    for j in range(d):
        far[j] = isfinite(mean[j]) and fabs(mean[j]) > factor * sqrt(square[j])
        count += far[j]
    return found if count else None
