"""Products of columns with one another, XᵀDX, for coordinate descent.

Used by _solvers/proximal/working_set.py and _solvers/paths/least_squares.py.  Those of dense columns are summed as Hessians are (csrc/objective/hessian.h), those of sparse
ones by csrc/solvers/descent.h.  Threads share columns of the sums, each of which is summed over all rows in their order, so that bits do not
depend on threads.
"""
cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport sqrt
from libc.stdint cimport int32_t
from libc.string cimport memset

import numpy as np

from fastopt._core.tables cimport fo_descent, fo_descent_kernels, fo_matrix, kernels
from fastopt._solvers.proximal.columns cimport Columns
from fastopt._core.load cimport spare
from fastopt._core.structs cimport FO_GRAM_BLOCK, FO_GRAM_BYTES, FO_GRAM_ROWS, fo_gram

cnp.import_array()

cdef enum:
    THREAD_WORK = 1 << 21   # products of a thread, at least
    TILE = 4                # columns of a job, as in csrc/solvers/descent.h


def gram(Columns columns, D, double factor, int threads=1, known=None):
    """factor·Σ D·x·xᵀ of columns; D None: 1.

    Parameters
    ----------
    columns : Columns
    D : ndarray of shape (n,) of the type of X, or None
    factor : float
    threads : int
        At most so many.
    known : ndarray of shape (k, k), optional
        The same of the first k columns.

    Returns
    -------
    ndarray of shape (m, m)
    """
    cdef Py_ssize_t m = columns.m, k = 0 if known is None or columns.is_sparse else len(known) // FO_GRAM_ROWS * FO_GRAM_ROWS
    if known is not None and len(known) > m:
        raise ValueError(f"known must be of at most {m} columns, got {len(known)}")
    H = np.empty((m, m))
    H[k:] = _sparse(columns, D, factor) if columns.is_sparse else _dense(columns, D, factor, threads, k)
    if k:
        H[:k, :k] = known[:k, :k]
    _mirror(H, k)
    return H


cdef void _mirror(double[:, ::1] H, Py_ssize_t first) noexcept:
    """What stands below the diagonal, from this row on, above it too, tile by tile."""
    cdef Py_ssize_t m = H.shape[0], a, b, i, j
    with nogil:
        for a in range(first, m, 32):
            for b in range(0, min(m, a + 32), 32):
                for i in range(a, min(m, a + 32)):
                    for j in range(b, min(i, b + 32)):
                        H[j, i] = H[i, j]


cdef _dense(Columns columns, D, double factor, int threads, Py_ssize_t first):
    """Rows of the lower triangle, from this one on."""
    cdef Py_ssize_t item = 4 if columns.is_float else 8, width = FO_GRAM_BYTES // item, m = columns.m
    cdef Py_ssize_t panels = (m + width - 1) // width, rows = (m - first + FO_GRAM_ROWS - 1) // FO_GRAM_ROWS * FO_GRAM_ROWS
    cdef Py_ssize_t size = ((panels + 1) * width * FO_GRAM_BLOCK * item + 63) // 64 * 64, share
    cdef int wanted = spare(max(1, min(threads, panels, columns.n * (m - first) * m // THREAD_WORK)))
    cdef cnp.ndarray sums = np.zeros((rows, panels * width)), scratch = np.empty(2 * wanted * size + 64, np.int8)
    cdef cnp.ndarray weights = np.full(columns.n, factor, columns.dtype) if D is None else D if factor == 1 else D * D.dtype.type(factor)
    cdef const char *h = <const char *>columns._vector(weights)
    cdef char *room = <char *>((<size_t>cnp.PyArray_DATA(scratch) + 63) // 64 * 64)
    cdef double *out = <double *>cnp.PyArray_DATA(sums)
    with nogil:
        for share in prange(wanted, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            _panels(columns, first, <Py_ssize_t>(panels * (1 - sqrt(1 - <double>share / wanted))),
                    <Py_ssize_t>(panels * (1 - sqrt(1 - <double>(share + 1) / wanted))), panels * width, h,
                    room + 2 * share * size, room + (2 * share + 1) * size, out)
    return sums[:m - first, :m]


cdef void _panels(Columns columns, Py_ssize_t first, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t stride, const char *h, char *left,
                  char *right, double *sums) noexcept nogil:
    """Some panels of the sums, over all rows of X."""
    cdef Py_ssize_t item = 4 if columns.is_float else 8, i = 0
    cdef fo_matrix view = columns.c
    cdef fo_gram g
    memset(&g, 0, sizeof(g))
    g.begin, g.end, g.first, g.left, g.right, g.stride, g.sums = begin, end, first, left, right, stride, sums
    g.columns, view.d = columns.plan.columns, columns.m
    while i < columns.n and begin < end:
        g.n = min(FO_GRAM_BLOCK, columns.n - i)
        g.h, view.data = h + i * item, <const char *>columns.c.data + i * item
        kernels(columns.is_float).hessian_rows(&view, &g)
        i += g.n


cdef _sparse(Columns columns, D, double factor):
    """The lower triangle."""
    cdef double[:, ::1] H = np.zeros((columns.m, columns.m))
    cdef fo_descent plan = columns.plan
    cdef const fo_descent_kernels *kernel = &kernels(columns.is_float).descent
    cdef const void *curvatures = columns._vector(D)
    cdef cnp.ndarray scratch = np.zeros(columns.n, columns.dtype)
    cdef void *zeros = cnp.PyArray_DATA(scratch)
    cdef Py_ssize_t job
    plan.factor = factor
    with nogil:
        for job in range((columns.m + TILE - 1) // TILE):
            kernel.gram(&columns.c, &plan, job * TILE, curvatures, zeros, &H[0, 0])
    return np.asarray(H)
