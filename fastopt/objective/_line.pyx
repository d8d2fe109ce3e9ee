"""An objective along a line: two passes over vectors of n numbers a step, none over X.

Used by objective/__init__.py.  The arithmetic is csrc/objective/objective.h; the sums of blocks of samples are added in their order.
"""
cimport numpy as cnp
from cython.parallel cimport prange, threadid

import numpy as np

from fastopt._core.tables cimport kernels
from fastopt._core.load cimport spare
from fastopt.objective._objective cimport Objective
from fastopt.objective._pass cimport PRODUCTS, Job
from fastopt._core.threads import resolve_threads

cnp.import_array()

cdef enum:
    ROWS = 2048                # numbers of a block: its scratch stays in the cache
    THREAD_WORK = 1 << 15      # numbers a thread, at least


cdef void _block(Job *job, Py_ssize_t block, Py_ssize_t rows, double step, const char *q, char *scratch,
                 double *sums) noexcept nogil:
    cdef Py_ssize_t i = block * rows, row = job.k * job.item
    sums[2 * block + 1] = 0
    sums[2 * block] = job.kernels.objective.line(&job.samples, i, min(rows, job.n - i), step, job.p + i * row, q + i * row,
                                                 scratch, sums + 2 * block + 1)


cdef class Line:
    """An objective along a line: ``line(step)`` is (F(w + step·direction), its derivative in step).

    Each call costs O(n); X has been read once, for the products with the direction.  A line is good until the objective is asked
    for another point than w.

    Parameters
    ----------
    objective : LinearObjective
    w, direction : array_like of shape (n_params,)
    """
    cdef Objective objective
    cdef readonly object w, direction
    cdef object q, sums, scratch
    cdef Py_ssize_t version, rows, blocks
    cdef double squares[3]     # w·w, w·direction, direction·direction of the penalized weights

    def __init__(self, Objective objective, w, direction):
        cdef Job *job = &objective.job
        cdef Py_ssize_t k = job.k
        cdef cnp.ndarray vector = objective._vector("direction", direction)
        self.objective, self.rows = objective, max(1, ROWS // job.k)
        self.blocks = (job.n + self.rows - 1) // self.rows
        self.q, self.sums = np.empty((job.n, job.k), objective.dtype), np.empty(2 * self.blocks)
        with objective.lock:
            objective._enter(w)
            self.version = objective.version
            objective._need(PRODUCTS)
            objective._run(PRODUCTS, <const double *>cnp.PyArray_DATA(vector), <char *>cnp.PyArray_DATA(<cnp.ndarray>self.q))
            self.w = objective.point.copy()
        self.direction = np.array(vector)
        a, b = self.w[:k * job.d], self.direction[:k * job.d]
        self.squares[0], self.squares[1], self.squares[2] = np.dot(a, a), np.dot(a, b), np.dot(b, b)

    cdef int _check(self) except -1:
        if self.version != self.objective.version:
            raise ValueError("the objective has left the point where this line starts: make another by objective.line")
        return 0

    def __call__(self, double step):
        """(F(w + step·direction), its derivative in step)."""
        cdef Objective o = self.objective
        cdef Job *job = &o.job
        cdef Py_ssize_t block, item
        cdef double value = 0, slope = 0
        cdef int threads
        cdef char *scratch
        cdef const char *q = <const char *>cnp.PyArray_DATA(<cnp.ndarray>self.q)
        cdef double *sums = <double *>cnp.PyArray_DATA(<cnp.ndarray>self.sums)
        with o.lock:
            self._check()
            if o.python is not None:
                value, factors = o.python._evaluate(o.y, o.p + o.p.dtype.type(step) * self.q, o.problem.row_weight)
                return self._with_penalty(step, value, np.einsum("ij,ij->", factors, self.q, dtype=np.float64))
            threads = <int>min(job.n * job.k // THREAD_WORK, self.blocks)
            threads = spare(min(<int>resolve_threads(o.n_threads), threads)) if threads > 1 else 1
            item = 2 * self.rows * job.k * job.item
            if self.scratch is None or len(self.scratch) < threads * item:
                self.scratch = np.empty(threads * item, dtype=np.int8)
            scratch = <char *>cnp.PyArray_DATA(<cnp.ndarray>self.scratch)
            job.kernels = kernels(o.X.is_float)
            with nogil:
                if threads == 1:
                    for block in range(self.blocks):
                        _block(job, block, self.rows, step, q, scratch, sums)
                else:
                    for block in prange(self.blocks, num_threads=threads, schedule="static"):
                        _block(job, block, self.rows, step, q, scratch + threadid() * item, sums)
                for block in range(self.blocks):
                    value += sums[2 * block]
                    slope += sums[2 * block + 1]
        return self._with_penalty(step, value / o.total, slope)

    cdef object _with_penalty(self, double step, double value, double slope):
        cdef double l2 = self.objective._l2
        return (value + l2 / 2 * (self.squares[0] + step * (2 * self.squares[1] + step * self.squares[2])),
                slope + l2 * (self.squares[1] + step * self.squares[2]))

    def accept(self, double step):
        """Make w + step·direction the point that the objective is at, without a reading of X; returns it.

        Predictions move along; in float32 each move adds a rounding of theirs.
        """
        cdef Objective o = self.objective
        w = self.w + step * self.direction
        with o.lock:
            self._check()
            kernels(o.X.is_float).objective.move(o.job.n * o.job.k, step, cnp.PyArray_DATA(<cnp.ndarray>self.q), o.job.p)
            o._move(w)
        return w
