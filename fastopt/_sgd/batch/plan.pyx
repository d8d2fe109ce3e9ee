"""Where batches begin and end in the blocks of rows of an epoch, and the learning rate of each batch's step.

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
    >>> from fastopt._sgd.batch.plan import rates_of
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


cdef class BatchPlan:
    """The segments of a block of rows: each is a batch, or the part of one that lies in this block.

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
        self.sizes, self.rates, self.rate_factor = sizes, rates, 1
        self.batch_size = sizes if isinstance(sizes, int) else 0
        self.schedule.kind = -1
        self.sized_by_noise = getattr(sizes, "driven_by", None) == "noise"
        self.rated_by_value = getattr(rates, "driven_by", None) == "value"
        if isinstance(rates, tuple):
            self.schedule.kind, self.schedule.lr, self.schedule.power_t, self.schedule.t0 = rates
            self.adaptive = SCHEDULE_NAMES[self.schedule.kind] == "adaptive"
        self.buffer = np.empty(rows + 1)
        self.lr = <double *>cnp.PyArray_DATA(self.buffer)
        self.segments = <Segment *>calloc(rows + 1, sizeof(Segment))
        if self.segments == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.segments)

    cdef void start(self, Py_ssize_t rows) noexcept nogil:
        """Begin an epoch of so many rows."""
        self.epoch_left, self.batch_left = rows, 0

    cdef int split_block(self, Py_ssize_t n, double t) except -1 nogil:
        """Plan a block of the next n rows, the first step being `t`, from 1."""
        self.block_rows, self.planned, self.n_segments = n, 0, 0
        return self.extend(t)

    cdef int extend(self, double t) except -1 nogil:
        """More segments of the block, from step `t` on: all of them, or where sizes follow from the gradients those of one batch."""
        cdef Py_ssize_t steps = 0, step = <Py_ssize_t>t - 1, first = self.n_segments, i
        while self.planned < self.block_rows and not (self.sized_by_noise and steps > 0):
            self._append(self._size(step + steps) if self.batch_left == 0 else 0)
            steps += self.segments[self.n_segments - 1].ends
        if self.rated_by_value:
            return 0
        self._compute_rates(steps + (self.batch_left > 0), step)
        steps = 0
        for i in range(first, self.n_segments):
            self.segments[i].lr = self.lr[steps]
            steps += self.segments[i].ends
        return 0

    cdef void separate(self) noexcept nogil:
        """Make each segment a batch of its own, so that no batch is shared by two threads."""
        cdef Py_ssize_t i
        for i in range(self.n_segments):
            self.segments[i].batch_rows, self.segments[i].begins, self.segments[i].ends = self.segments[i].n, True, True

    cdef void _append(self, Py_ssize_t size) noexcept nogil:
        """One segment: of a new batch of this size, or where that is 0 of the batch at work."""
        cdef Segment *segment = &self.segments[self.n_segments]
        cdef Py_ssize_t half
        segment.first, segment.begins = self.planned, size > 0
        if size > 0:   # the last batch of an epoch has what is left
            self.batch_rows = self.batch_left = min(size, self.epoch_left)
        segment.batch_rows, segment.n = self.batch_rows, min(self.batch_left, self.block_rows - self.planned)
        half = self.batch_left - (self.batch_rows - self.batch_rows // 2)   # rows that the first half lacks
        if self.sized_by_noise and half > 0:
            segment.n = min(segment.n, half)
        segment.halves = self.sized_by_noise and segment.n == half
        self.batch_left -= segment.n
        self.epoch_left -= segment.n
        self.planned += segment.n
        segment.ends = self.batch_left == 0
        self.n_segments += 1

    cdef Py_ssize_t _size(self, Py_ssize_t step) except -1 nogil:
        """Rows of the batch of a step."""
        cdef Py_ssize_t size = self.batch_size
        if size == 0:
            with gil:
                size = self.sizes.size(step)
                if size < 1:
                    raise InvalidParameterError(f"batch_size must give at least 1 row for each step, got {size} for step {step}")
        return max(size, 2) if self.sized_by_noise else size   # a batch of one has no halves to learn from

    cdef int _compute_rates(self, Py_ssize_t n, Py_ssize_t step) except -1 nogil:
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
            self.lr[i] *= self.rate_factor
        return 0

    cdef bint lower_rate(self) noexcept nogil:
        """Divide the learning rate of `adaptive`; False if the schedule is another, or the rate is low enough."""
        if not self.adaptive or self.schedule.lr * self.rate_factor <= 1e-6:
            return False
        self.rate_factor /= 5
        return True

    def rate(self, t):
        """The learning rate of step t, from 1."""
        self._compute_rates(1, t - 1)
        return self.lr[0]

    def first_size(self):
        """Rows of the first batch."""
        return self._size(0)
