"""Learning rates and batch sizes that follow from the loss and the gradient of each mini-batch: PolyakStep, NoiseScale, and
what else says by `driven_by` that it is so.

Used by _batch.pyx, _batch_work.pyx and _batch_steps.pyx: the thread that takes the step asks here, between the gradient and the
step, with the GIL.  Knows neither rows nor weights.
"""
from libc.math cimport isfinite

from fastopt._batch_cuts cimport Cuts

from fastopt._batch_cuts import rates_of
from fastopt.exceptions import InvalidParameterError

cdef double MOST = 1e280   # of a squared norm: beyond, a fit is about to diverge, and averages would overflow


def drives(schedule, sizes):
    """Whether one of them wants to be told of each batch.

    Examples
    --------
    >>> from fastopt import schedules
    >>> from fastopt._batch_drive import drives
    >>> drives(schedules.PolyakStep(), 32), drives(None, 32)
    (True, False)
    """
    return getattr(schedule, "driven_by", None) == "value" or getattr(sizes, "driven_by", None) == "noise"


cdef class Driver:
    """What is told of each batch, and what it says.

    Parameters
    ----------
    cuts : Cuts
        Of the blocks.
    schedule, sizes : object
        At least one of which `drives`.
    """

    def __init__(self, Cuts cuts, schedule, sizes):
        self.cuts, self.schedule, self.sizes = cuts, schedule, sizes
        self.c.owner, self.c.n_parts = <void *>self, &cuts.n
        self.c.by_value, self.c.by_noise = drives(schedule, None), drives(None, sizes)

    cdef double _rate(self, double lr, double square, double t):
        """The learning rate of step `t`, from 1; errors wait for the end of the block."""
        if self.c.failed:
            return 0
        try:
            self._tell(square)
            if self.c.by_value:
                lr = rates_of(self.schedule, <Py_ssize_t>t - 1, 1)[0]
            if self.c.by_noise:
                self.cuts.more(t + 1)
            return lr
        except BaseException as error:
            self.c.failed, self.error = True, error
            return 0

    cdef int _tell(self, double square) except -1:
        """Hand on what is finite; what is not ends the epoch as divergence."""
        cdef double value = self.c.objective / self.c.rows
        name, told = "batch_size", self.sizes
        try:
            if self.c.by_noise and self.c.half and self.c.square < MOST and square < MOST:
                self.sizes.update(self.c.half, self.c.rows, self.c.square, square)
            name, told = "schedule", self.schedule
            if self.c.by_value and isfinite(value) and isfinite(square):
                self.schedule.update(value, square)
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{name} {told!r} does not go with the losses of the batches: {error}") from None
        return 0


cdef double driven_rate(Drive *drive, double lr, double square, double t) noexcept nogil:
    """The learning rate of a step, of what the squared norm of its gradient is known; `lr`: unless that drives it."""
    with gil:
        return (<Driver>drive.owner)._rate(lr, square, t)
