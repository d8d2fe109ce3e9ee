"""Solvers that take the samples one after the other and remember a number of each: what variance reduction (_solvers/stochastic/_saga.pyx) and
dual coordinates (_solvers/stochastic/_sdca.pyx) have in common.  Every output of a model is a chain of its own; threads share the outputs, so
that results do not depend on their number.

The loop over epochs is _samples/epochs.pyx, the order of samples _samples/order.pyx.
"""
cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport isfinite

import numpy as np

from fastopt._core.load cimport spare

cnp.import_array()

cdef enum:
    WORK_PER_SAMPLE = 16          # a sample costs at least as much as so many elements


cdef class Chains(EpochLoop):
    """One fit of `k` outputs."""

    cdef int _init_chains(self, Matrix X, Samples samples, Py_ssize_t k, int threads) except -1:
        self._init_epochs(X, samples, k, k, 0)
        self.threads = <int>max(1, min(threads, k))
        y, p = np.empty((2, k, samples.block_rows), dtype=X.dtype)
        self.keep = [y, p]
        self.active = np.ones(k, dtype=np.uint8)
        self.visits.rows, self.visits.samples = samples.kernel_rows, &samples.rows[0]
        self.visits.weight, self.visits.y, self.visits.p = samples.weights, cnp.PyArray_DATA(y), cnp.PyArray_DATA(p)
        return 0

    cdef void *_outputs(self, size_t size) except NULL:
        """Zeros: a struct of this size for each output."""
        cdef cnp.ndarray room = np.zeros(self.k * size, dtype=np.uint8)
        self.keep.append(room)
        return cnp.PyArray_DATA(room)

    cdef void _each(self, Py_ssize_t n) noexcept nogil:
        """The block of n samples through every output that is not finished."""
        cdef int j, k = <int>self.k, threads = spare(self.threads)
        if threads == 1:
            for j in range(k):
                self._one(j, n)
        else:
            for j in prange(k, num_threads=threads, schedule="static", chunksize=1):
                self._one(j, n)

    cdef void _one(self, int j, Py_ssize_t n) noexcept nogil:
        cdef fo_visits visits = self.visits
        cdef Py_ssize_t at = j * self.samples.block_rows * (4 if self.X.is_float else 8)
        cdef int32_t label = j
        if self.active[j]:
            visits.n, visits.y, visits.p = n, <const char *>visits.y + at, <char *>visits.p + at
            self.samples.targets(n, &label, 1, False, <void *>visits.y)
            self._chain(j, &visits)

    cdef int _epoch(self) except -1 nogil:
        cdef Py_ssize_t n
        self._enter()
        self.samples.start()
        n = self.samples.next_block()
        while n > 0:
            self._each(n)
            self.t += n
            self._check_signals(n * max(self.X.row_size * self.k, <double>WORK_PER_SAMPLE))
            n = self.samples.next_block()
        self._leave()
        return 0

    cdef bint _learning(self) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(self.k):
            if self.active[j]:
                return True
        return False

    cdef bint _finite(self) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(self.k):
            if not (isfinite(self._intercept(j)) and isfinite(self._loss_sum(j)[0])):
                return False
        return EpochLoop._finite(self)

    cdef double _compute_objective(self) except? -1 nogil:
        cdef Py_ssize_t j
        cdef double total = 0
        for j in range(self.k):
            self.objective[j] = self._loss_sum(j)[0]
            self._loss_sum(j)[0] = 0
            total += self.objective[j]
        return total / self.k

    def finish(self, Py_ssize_t j):
        """Train output j no further."""
        self.active[j] = False

    @property
    def losses_seen(self):
        """Of each output: the sum of the weighted losses of the last epoch, each sample's before its step."""
        return np.array(self.objective)

    # ---- what subclasses do ----

    cdef void _chain(self, Py_ssize_t j, const fo_visits *visits) noexcept nogil:
        """A block of samples through output j."""

    cdef void _enter(self) noexcept nogil:
        """Before an epoch."""

    cdef void _leave(self) noexcept nogil:
        """After an epoch."""

    cdef double *_loss_sum(self, Py_ssize_t j) noexcept nogil:
        """Where output j has the sum of the weighted losses of an epoch."""
        return NULL

    cdef double _intercept(self, Py_ssize_t j) noexcept nogil:
        """The intercept of output j, or what belongs to it."""
        return 0
