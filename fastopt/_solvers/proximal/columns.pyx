"""Coordinate descent: some columns of X, what quadratics they make, and epochs over their weights.

Used by _solvers/proximal/working_set.py and _solvers/paths/least_squares.py.  Is told slopes and curvatures of the samples, and knows nothing of losses.  The
arithmetic is csrc/solvers/descent.h.  Epochs are chains on one thread; what goes before is shared by columns: bits do not depend on threads.
"""
cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t

import numpy as np

from fastopt._core.tables cimport FO_CSR32, FO_DENSE, Matrix, fo_descent, fo_descent_kernels, kernels
from fastopt._core.load cimport spare
from fastopt.penalties._regularizer cimport Regularizer
from fastopt._solvers.proximal.epochs cimport epochs

cnp.import_array()

cdef enum:
    THREAD_WORK = 1 << 18   # numbers read by a thread, at least
    TILE = 4                # columns of a job, as in csrc/solvers/descent.h
    COPY_ROWS = 256              # of dense columns that are copied at a time


def stored_values(Matrix X, rows=None):
    """(d,) of int64: how many values are stored in each column of a CSR X, or in some rows of it (int32); None of a dense one."""
    cdef int64_t[::1] counts
    cdef int32_t[::1] place
    cdef const int32_t[::1] chosen
    cdef const int32_t *which = NULL
    cdef Py_ssize_t n = X.n if rows is None else len(rows)
    if X.c.layout == FO_DENSE:
        return None
    counts, place = np.zeros(X.d, dtype=np.int64), np.arange(X.d, dtype=np.int32)
    if rows is not None:
        chosen = rows
        which = &chosen[0]
    with nogil:
        kernels(X.is_float).descent.count(&X.c, n, which, &place[0], &counts[0])
    return np.asarray(counts)


cdef class Columns:
    """Some columns of X, where they can be read one after the other.

    A Fortran-ordered or CSC X is read where it lies.  The columns of a C-ordered or CSR X are copied together, m·n numbers or the
    values stored in them, and so are those of an X that is standardized or centred.

    Parameters
    ----------
    X : Matrix
    columns : ndarray of shape (m,) of int32
        Which columns, within X.
    rows : ndarray of int32, or None
        The rows that count; None: all.
    stored : ndarray of shape (d,) of int64, or None
        What `stored_values` returned for X, if several calls use it.
    transposed : bool
        X is transposed: CSR, for a CSC matrix.
    standard : tuple (centre, scale) of ndarray of shape (d,), or None
        Columns count as (x − centre)/scale, sparse ones as x/scale; dense ones may have no scale, None.
    centred : bool
        Dense columns are centred, so that their products do not lose the digits that the means have.

    Attributes
    ----------
    mean : ndarray of shape (m,) or None
        What `centred` took off.
    lies : bool
        Columns are read as they lie.
    """

    def __init__(self, Matrix X, columns, rows=None, stored=None, bint transposed=False, standard=None, bint centred=False):
        columns = np.ascontiguousarray(columns, dtype=np.int32)
        d = X.n if transposed else X.d
        if columns.ndim != 1 or not columns.size or columns.min() < 0 or columns.max() >= d:
            raise ValueError(f"columns must be numbers from 0 to {d - 1}, at least one")
        self.is_float, self.is_sparse = X.is_float, X.c.layout != FO_DENSE
        self.m, self.n = len(columns), (X.d if transposed else X.n) if rows is None else len(rows)
        if transposed:
            self._use_rows(X, columns, None if standard is None else standard[1][columns])
        elif self.is_sparse:
            self._gather_sparse(X, columns, rows, stored_values(X, rows) if stored is None else stored,
                                None if standard is None else standard[1][columns])
        elif (rows is None and standard is None and not centred and X.keep.dtype == X.dtype and X.row_stride == X.keep.itemsize
              and not X.column_stride % X.keep.itemsize and X.keep.flags.aligned):
            self.lies = True
            self._use(X.keep.T, columns)
        else:
            part = np.empty((self.m, self.n), X.dtype)
            for start in range(0, self.n, COPY_ROWS):   # stays in the cache
                some = X.keep[start:start + COPY_ROWS] if rows is None else X.keep[rows[start:start + COPY_ROWS]]
                part[:, start:start + COPY_ROWS] = some[:, columns].T
            if standard is not None:
                part -= standard[0][columns, None].astype(X.dtype)
                if standard[1] is not None:
                    part /= standard[1][columns, None].astype(X.dtype)
            if centred:
                self.mean = part.mean(axis=1, dtype=np.float64).astype(X.dtype)
                part -= self.mean[:, None]
            self._use(part, np.arange(self.m, dtype=np.int32))

    cdef int _number(self, columns) except -1:
        """Which rows of the matrix."""
        cdef const int32_t[::1] numbers = columns
        self.numbers, self.m = columns, len(columns)
        self.plan.m, self.plan.columns = self.m, &numbers[0]
        return 0

    cdef int _use_rows(self, Matrix X, columns, scale) except -1:
        """Sparse columns, the rows of a transposed X."""
        self.lies = True
        values, indices, indptr = X.keep
        self.c = X.c
        if scale is not None:
            values = values.copy()
            for place, factor in zip(columns, scale):
                values[indptr[place]:indptr[place + 1]] /= factor
            self.c.data = cnp.PyArray_DATA(<cnp.ndarray>values)
        self.keep = values, indices, indptr
        return self._number(columns)

    cdef int _use(self, array, columns) except -1:
        """Dense columns, the rows of this array."""
        self.keep = array,
        self.c.layout, self.c.n, self.c.d = FO_DENSE, array.shape[0], self.n
        self.c.data, self.c.stride = cnp.PyArray_DATA(<cnp.ndarray>array), array.strides[0] // array.itemsize
        return self._number(columns)

    cdef int _use_sparse(self, values, indices, starts) except -1:
        """Sparse columns, one after the other."""
        if len(values) > 0x7fffffff:
            raise MemoryError(f"{len(values)} values in the columns of a working set are more than it can hold")
        starts = starts.astype(np.int32)
        self.keep = values, indices, starts
        self.c.layout, self.c.n, self.c.d = FO_CSR32, len(starts) - 1, self.n
        self.c.data, self.c.indices = cnp.PyArray_DATA(<cnp.ndarray>values), cnp.PyArray_DATA(<cnp.ndarray>indices)
        self.c.indptr = cnp.PyArray_DATA(<cnp.ndarray>starts)
        return self._number(np.arange(len(starts) - 1, dtype=np.int32))

    cdef int _gather_sparse(self, Matrix X, columns, rows, stored, scale) except -1:
        """The values that are stored in the columns, column after column."""
        cdef int32_t[::1] place = np.full(X.d, -1, dtype=np.int32), indices
        cdef int64_t[::1] following
        cdef const int32_t[::1] chosen
        cdef const int32_t *which = NULL
        cdef const fo_descent_kernels *kernel = &kernels(X.is_float).descent
        cdef cnp.ndarray values
        if rows is not None:
            chosen = rows
            which = &chosen[0]
        np.asarray(place)[columns] = np.arange(len(columns), dtype=np.int32)
        starts = np.concatenate([[0], np.cumsum(stored[columns])])
        values = np.empty(starts[len(columns)], X.dtype)
        indices = np.empty(max(1, len(values)), np.int32)
        following = starts[:len(columns)].copy()
        if len(values):
            with nogil:
                kernel.gather(&X.c, self.n, which, &place[0], &following[0], &indices[0], cnp.PyArray_DATA(values))
        if scale is not None:
            values /= np.repeat(scale, np.diff(starts)).astype(X.dtype)
        return self._use_sparse(values, np.asarray(indices), starts)

    def take(self, places):
        """Some of these columns, by their places among them; nothing is copied."""
        cdef Columns some = Columns.__new__(Columns)
        some.c, some.keep, some.n, some.is_float, some.is_sparse = self.c, self.keep, self.n, self.is_float, self.is_sparse
        some.mean = None if self.mean is None else self.mean[places]
        some._number(np.ascontiguousarray(self.numbers[places]))
        return some

    def joined(self, Columns more):
        """These columns and more of the same X, both of them copies, which are copied together."""
        cdef Columns both = Columns.__new__(Columns)
        both.n, both.is_float, both.is_sparse = self.n, self.is_float, self.is_sparse
        if self.is_sparse:
            count, added = len(self.keep[0]), len(more.keep[0])
            starts = np.concatenate([self.keep[2], more.keep[2][1:].astype(np.int64) + count])
            both._use_sparse(np.concatenate([self.keep[0], more.keep[0]]), np.concatenate([self.keep[1][:count], more.keep[1][:added]]),
                             starts)
            return both
        both.mean = None if self.mean is None else np.concatenate([self.mean, more.mean])
        both._use(np.concatenate([self.keep[0], more.keep[0]]), np.arange(self.m + more.m, dtype=np.int32))
        return both

    @property
    def stored(self):
        """Numbers in the columns."""
        if not self.is_sparse:
            return self.m * self.n
        starts = self.keep[2]
        return int(np.sum(starts[self.numbers + 1] - starts[self.numbers]))

    @property
    def dtype(self):
        return np.dtype(np.float32 if self.is_float else np.float64)

    def moments(self, e, D, double factor, int threads=1):
        """Σ e·x, factor·Σ D·x and factor·Σ D·x² of each column; D None: 1.

        Parameters
        ----------
        e, D : ndarray of shape (n,) of the type of X, or None
        factor : float

        Returns
        -------
        tuple of three ndarrays of shape (m,)
        """
        cdef double[:, ::1] out = np.zeros((3, self.m))
        self._moments(e, D, factor, threads, &out[0, 0], &out[1, 0], &out[2, 0])
        return tuple(np.asarray(out))

    def slopes(self, e, int threads=1):
        """Σ e·x of each column."""
        cdef double[::1] out = np.zeros(self.m)
        self._moments(e, None, 1.0, threads, &out[0], NULL, NULL)
        return np.asarray(out)

    cdef int _moments(self, e, D, double factor, int threads, double *g, double *h, double *square) except -1:
        cdef const void *slopes = self._vector(e), *curvatures = self._vector(D)
        cdef fo_descent plan = self.plan
        cdef const fo_descent_kernels *kernel = &kernels(self.is_float).descent
        cdef Py_ssize_t job, jobs = (self.m + TILE - 1) // TILE
        cdef int wanted = spare(max(1, min(threads, jobs, self.stored // THREAD_WORK)))
        plan.factor = factor
        with nogil:
            for job in prange(jobs, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
                kernel.moments(&self.c, &plan, job * TILE, min(self.m, (job + 1) * TILE), slopes, curvatures, g, h, square)
        return 0

    cdef const void *_vector(self, array) except? NULL:
        if array is None:
            return NULL
        if array.dtype != self.dtype or array.shape != (self.n,) or not array.flags.c_contiguous:
            raise ValueError(f"expected a contiguous vector of {self.n} numbers of {self.dtype}")
        return cnp.PyArray_DATA(<cnp.ndarray>array)

    def products(self, const double[::1] delta, out):
        """out += Σ delta_j·x_j.

        Parameters
        ----------
        delta : ndarray of shape (m,)
        out : ndarray of shape (n,) of the type of X
        """
        cdef void *q = <void *>self._vector(out)
        if delta.shape[0] != self.m:
            raise ValueError(f"expected {self.m} numbers, got {delta.shape[0]}")
        with nogil:
            kernels(self.is_float).descent.products(&self.c, &self.plan, &delta[0], q)

    def descend(self, Regularizer penalty, double[::1] w, s, D, double factor, double l2, double total, h, double shift,
                const double[::1] square, double tol, double[:, ::1] history):
        """Coordinate descent on e·X(u − w) + ½ Σ D·(x·(u − w))² + l2/2·‖u‖² + penalty(u), u the new w.

        Parameters
        ----------
        penalty : Regularizer
        w : ndarray of shape (m,)
            Where to begin; changed.
        s : ndarray of shape (n,) of the type of X
            e; changed to e + D·X(u − w), but for the intercept's part.
        D : ndarray of shape (n,) of the type of X, or None
        factor, l2, total : float
            Of D, of the penalty, Σ D·factor.
        h : ndarray of shape (m,), or None
            Σ D·x if there is an intercept.
        shift : float
            With an intercept Σ e over `total`.
        square : ndarray of shape (m,)
            Curvature of each weight.
        tol : float
            Until no step times its curvature exceeds it.
        history : ndarray of shape (epochs + 1, m)
            Epochs, at most; w before and after each of them is put there.

        Returns
        -------
        int
            Epochs done, negative if the last was one over all weights in which none moved by more than tol allows.
        float
            What `shift` has become.
        """
        cdef fo_descent plan = self.plan
        cdef const fo_descent_kernels *kernel = &kernels(self.is_float).descent
        cdef const void *curvatures = self._vector(D)
        cdef void *slopes = <void *>self._vector(s)
        cdef const double[::1] sums
        cdef int done
        if penalty.n != self.m or w.shape[0] != self.m or square.shape[0] != self.m or history.shape[1] != self.m or penalty.c.groups:
            raise ValueError(f"expected {self.m} weights, each penalised by itself")
        plan.factor, plan.l2, plan.total, plan.w, plan.square, plan.h = factor, l2, total, &w[0], &square[0], NULL
        plan.shift = shift
        if h is not None:
            sums = h
            plan.h = &sums[0]
        with nogil:
            done = epochs(kernel, NULL, NULL, &self.c, &penalty.c, &plan, curvatures, slopes, tol, <int>history.shape[0] - 1,
                          &history[0, 0])
        return done, plan.shift
