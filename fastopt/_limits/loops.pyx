"""The bare loops of csrc/limits over arrays, on any number of threads; a barrier; a method that does nothing.

Used by _limits/*.py, which times them.  Orders and columns must be places in the arrays: whoever calls has made them, and to look at them here would
be timed too.
"""
from cython.parallel cimport prange
from libc.stdint cimport int32_t

import numpy as np

from fastopt._core.tables cimport fo_kernels, kernels, real
from fastopt._core.team cimport fo_team, fo_team_wait

cdef extern from *:
    """
    #include <string.h>

    /* `count` meetings of the threads of a region: OpenMP's own, and those of fo_team */
    static void fo_limit_barriers(int threads, long count) {
    #pragma omp parallel num_threads(threads)
        for (long i = 0; i < count; i++) {
    #pragma omp barrier
        }
        (void)threads;
    }
    static void fo_limit_meetings(int threads, long count) {
        fo_team team;
        memset(&team, 0, sizeof team);
    #pragma omp parallel num_threads(threads)
        for (long i = 0; i < count; i++) fo_team_wait(&team, fo_team_size());
        (void)threads;
    }
    """
    void fo_limit_barriers(int threads, long count) nogil
    void fo_limit_meetings(int threads, long count) nogil

cdef enum:
    APART = 8    # doubles from the sum of one thread to that of the next: a line


def read(const real[:, ::1] X, const int32_t[::1] order=None, Py_ssize_t ahead=0, int threads=1):
    """The sum of X, row after row as they lie or in an order, with the row so many places ahead asked for meanwhile."""
    cdef Py_ssize_t n = X.shape[0] if order is None else order.shape[0]
    cdef const int32_t *places = NULL
    cdef double *sums
    cdef double total = 0
    cdef int t
    if order is not None:
        places = &order[0]
    if threads == 1:
        return _read_part(&X[0, 0], X.shape[1], places, 0, n, ahead)
    lines = np.zeros(APART * threads)
    sums = <double *><size_t>lines.ctypes.data
    for t in prange(threads, nogil=True, num_threads=threads, schedule="static", chunksize=1):
        sums[APART * t] = _read_part(&X[0, 0], X.shape[1], places, n * t // threads, n * (t + 1) // threads, ahead)
    for t in range(threads):
        total += sums[APART * t]
    return total


cdef double _read_part(const real *X, Py_ssize_t d, const int32_t *places, Py_ssize_t first, Py_ssize_t end, Py_ssize_t ahead) noexcept nogil:
    """The sum of the rows at the places from the first on; places NULL: of the rows there."""
    if places == NULL:
        return kernels(real is float).limits.read(end - first, d, X + first * d, NULL, ahead)
    return kernels(real is float).limits.read(end - first, d, X, places + first, ahead)


def gather(const real[::1] w, const int32_t[::1] columns):
    """The sum of w[columns]."""
    cdef double total
    with nogil:
        total = kernels(real is float).limits.gather(columns.shape[0], &columns[0], &w[0])
    return total


def scatter(real[::1] w, const int32_t[::1] columns, const real[::1] x):
    """w[columns] += x, one after the other."""
    if x.shape[0] != columns.shape[0]:
        raise ValueError(f"columns and x must be of one length, got {columns.shape[0]} and {x.shape[0]}")
    with nogil:
        kernels(real is float).limits.scatter(columns.shape[0], &columns[0], &x[0], &w[0])


def chain(const real[:, ::1] X, real[::1] w, double lr, Py_ssize_t steps):
    """Steps w ← w − lr·σ(w·x)·x over the rows of X in turn."""
    _check_columns(X.shape[1], w.shape[0])
    with nogil:
        kernels(real is float).limits.chain(steps, X.shape[0], X.shape[1], &X[0, 0], lr, &w[0])


def sweep(const real[:, ::1] X, real[::1] w, double c, Py_ssize_t steps):
    """Passes w ← w + c·x over the rows of X in turn; the sum of w·x of the next row over all passes."""
    cdef double total
    _check_columns(X.shape[1], w.shape[0])
    with nogil:
        total = kernels(real is float).limits.sweep(steps, X.shape[0], X.shape[1], &X[0, 0], c, &w[0])
    return total


def link(real[::1] p, double lr, double q, Py_ssize_t steps):
    """p[0] ← q − lr·σ(p[0]), so many times."""
    with nogil:
        p[0] = <real>kernels(real is float).limits.link(steps, lr, q, p[0])


def update(const real[::1] g, moved, int threads=1):
    """One pass over g and the arrays (w,): w += g; (w, m): m ← 0.9·m + g, w += m; (w, m, v): v ← 0.9·v + g too, w += m + v."""
    cdef const fo_kernels *table = kernels(real is float)
    cdef Py_ssize_t n = g.shape[0], first, size
    cdef int arrays = 1 + len(moved), t
    cdef real[::1] array
    cdef real *to[3]
    if not 2 <= arrays <= 4:
        raise ValueError(f"moved must be 1 to 3 arrays, got {arrays - 1}")
    for t in range(3):
        array = moved[min(t, arrays - 2)]
        if array.shape[0] != n:
            raise ValueError(f"all arrays must be of one length, got {n} and {array.shape[0]}")
        to[t] = &array[0]
    if threads == 1:
        with nogil:
            table.limits.update(n, arrays, &g[0], to[0], to[1], to[2])
        return
    for t in prange(threads, nogil=True, num_threads=threads, schedule="static", chunksize=1):
        first = n * t // threads
        size = n * (t + 1) // threads - first
        table.limits.update(size, arrays, &g[first], to[0] + first, to[1] + first, to[2] + first)


def roots(const real[::1] x):
    """The sum of x/(√x + 1)."""
    cdef double total
    with nogil:
        total = kernels(real is float).limits.roots(x.shape[0], &x[0])
    return total


def barrier(int threads, long count):
    """So many barriers of OpenMP."""
    with nogil:
        fo_limit_barriers(threads, count)


def meeting(int threads, long count):
    """So many meetings of a team of threads, as loops of ours have them (_core/team.pxd)."""
    with nogil:
        fo_limit_meetings(threads, count)


cdef class Callee:
    """What is called when a call is measured."""

    def nothing(self):
        """Return None."""


def _check_columns(Py_ssize_t columns, Py_ssize_t weights):
    if columns != weights:
        raise ValueError(f"w must have a number for each of the {columns} columns of X, got {weights}")
