"""Where batches begin and end in the blocks of rows of an epoch, and the learning rate of each one's step.

Used by _sgd/batch/loop.pyx.  Sizes and rates that Python computes are asked for a block of steps at a time.
"""
cimport numpy as cnp
from libc.stdlib cimport calloc, free

import numpy as np

from fastopt._core.tables cimport kernels

from fastopt._core.tables import SCHEDULE_NAMES
from fastopt.exceptions import InvalidParameterError

cnp.import_array()


def rates_of(schedule, step, n):
    """The learning rates of n steps from one on: by its method `block` where a schedule has one.

    Examples
    --------
    >>> from fastopt._sgd.batch.cuts import rates_of
    >>> rates_of(lambda step: 0.1 / (1 + step), 0, 2)
    array([0.1 , 0.05])
    """
    block = getattr(schedule, "block", None)
    given = block(step, n) if block is not None else [schedule(step + i) for i in range(n)]
    try:
        rates = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        rates = given
    if not isinstance(rates, np.ndarray) or rates.shape != (n,) or not (np.isfinite(rates).all() and (rates >= 0).all()):
        raise InvalidParameterError(f"schedule must give a finite number of at least 0 for each step, got {rates} for steps "
                                    f"{step} … {step + n - 1}")
    return rates


cdef class Cuts:
    """Parts of batches.

    Parameters
    ----------
    rows : int
        Of a block at most.
    sizes : int or object with a method `size`
        Rows of a batch; of step t, from 0.
    rates : tuple or callable
        Kind, lr, power_t and t0 of fo_schedule; or step, from 0, to learning rate.
    """

    def __init__(self, Py_ssize_t rows, sizes, rates):
        self.sizes, self.rates, self.factor = sizes, rates, 1
        self.batch_size = sizes if isinstance(sizes, int) else 0
        self.schedule.kind = -1
        self.driven, self.rated = getattr(sizes, "driven_by", None) == "noise", getattr(rates, "driven_by", None) == "value"
        if isinstance(rates, tuple):
            self.schedule.kind, self.schedule.lr, self.schedule.power_t, self.schedule.t0 = rates
            self.adaptive = SCHEDULE_NAMES[self.schedule.kind] == "adaptive"
        self.buffer = np.empty(rows + 1)
        self.lr = <double *>cnp.PyArray_DATA(self.buffer)
        self.part = <Part *>calloc(rows + 1, sizeof(Part))
        if self.part == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.part)

    cdef void start(self, Py_ssize_t rows) noexcept nogil:
        """Begin an epoch of so many rows."""
        self.rest, self.left = rows, 0

    cdef int cut(self, Py_ssize_t n, double t) except -1 nogil:
        """The next n rows into parts, the first step being `t`, from 1."""
        self.rows, self.at, self.n = n, 0, 0
        return self.more(t)

    cdef int more(self, double t) except -1 nogil:
        """More parts of the block, from step `t` on: all that it has left, or where sizes are driven those of one batch."""
        cdef Py_ssize_t steps = 0, step = <Py_ssize_t>t - 1, first = self.n, i
        while self.at < self.rows and not (self.driven and steps > 0):
            self._add(self._size(step + steps) if self.left == 0 else 0)
            steps += self.part[self.n - 1].ends
        if self.rated:
            return 0
        self._rates(steps + (self.left > 0), step)
        steps = 0
        for i in range(first, self.n):
            self.part[i].lr = self.lr[steps]
            steps += self.part[i].ends
        return 0

    cdef void _add(self, Py_ssize_t size) noexcept nogil:
        """One part: of a batch of this size, or where that is 0 of the batch that is under way."""
        cdef Part *part = &self.part[self.n]
        cdef Py_ssize_t half
        part.first, part.begins = self.at, size > 0
        if size > 0:   # the last batch of an epoch has what is left
            self.current = self.left = min(size, self.rest)
        part.size, part.n = self.current, min(self.left, self.rows - self.at)
        half = self.left - (self.current - self.current // 2)   # rows that the first half lacks
        if self.driven and half > 0:
            part.n = min(part.n, half)
        part.halves = self.driven and part.n == half
        self.left -= part.n
        self.rest -= part.n
        self.at += part.n
        part.ends = self.left == 0
        self.n += 1

    cdef Py_ssize_t _size(self, Py_ssize_t step) except -1 nogil:
        """Rows of the batch of a step."""
        cdef Py_ssize_t size = self.batch_size
        if size == 0:
            with gil:
                size = self.sizes.size(step)
                if size < 1:
                    raise InvalidParameterError(f"batch_size must give at least 1 row for each step, got {size} for step {step}")
        return max(size, 2) if self.driven else size   # a batch of one has no halves to learn from

    cdef int _rates(self, Py_ssize_t n, Py_ssize_t step) except -1 nogil:
        """The learning rates of the next n steps."""
        cdef Py_ssize_t i
        if n == 0:
            return 0
        if self.schedule.kind >= 0:
            kernels(False).lr_block(&self.schedule, n, <double>(step + 1), self.lr)
        else:
            with gil:
                self.buffer[:n] = rates_of(self.rates, step, n)
        for i in range(n):
            self.lr[i] *= self.factor
        return 0

    cdef bint slower(self) noexcept nogil:
        """Divide the learning rate of `adaptive`; False if there is nothing to divide."""
        if not self.adaptive or self.schedule.lr * self.factor <= 1e-6:
            return False
        self.factor /= 5
        return True

    def rate(self, t):
        """The learning rate of step t, from 1."""
        self._rates(1, t - 1)
        return self.lr[0]

    def typical(self):
        """Rows of the first batch."""
        return self._size(0)
