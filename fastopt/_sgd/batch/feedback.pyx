"""Learning rates and batch sizes that follow from the loss and the gradient of each batch, and steps of matrices, which Python takes.

Used by _sgd/batch/run.pyx, _sgd/batch/batch_end.pyx and _sgd/batch/steps.pyx, in the thread that takes the step.  PolyakStep and
NoiseScale are computed without the GIL, and set at the end of an epoch to what they have become; others that say by `driven_by` that
they are driven are asked at each step.  Knows neither rows nor weights.
"""
from libc.math cimport isfinite

from fastopt._sgd.batch.plan cimport BatchPlan
from fastopt.schedules._driven cimport fo_noise_note, fo_polyak_rate

from fastopt._sgd.batch.plan import rates_of
from fastopt.batching._noise import NoiseScale
from fastopt.schedules._feedback import PolyakStep
from fastopt.exceptions import InvalidParameterError

cdef double MAX_SQUARED_NORM = 1e280   # of a gradient: beyond it a fit is about to diverge, and averages would overflow


def drives(schedule, sizes):
    """Whether the schedule or the sizes follow from each batch.

    Examples
    --------
    >>> from fastopt import schedules
    >>> from fastopt._sgd.batch.feedback import drives
    >>> drives(schedules.PolyakStep(), 32), drives(None, 32)
    (True, False)
    """
    return getattr(schedule, "driven_by", None) == "value" or getattr(sizes, "driven_by", None) == "noise"


cdef class Driver:
    """The schedule and the sizes that follow from each batch, and the optimizer if it steps matrices.

    Parameters
    ----------
    plan : BatchPlan
        Of the epochs.
    schedule, sizes : object
        Whether they follow from the batches or not.
    """

    def __init__(self, BatchPlan plan, schedule, sizes):
        cdef Drive *d = &self.c
        self.plan, self.schedule, self.sizes = plan, schedule, sizes
        d.owner = <void *>self
        d.by_value, d.by_noise = drives(schedule, None), drives(None, sizes)
        d.asks = (d.by_value and type(schedule) is not PolyakStep or d.by_noise and type(sizes) is not NoiseScale
                  or d.by_noise and not d.by_value and plan.schedule.kind < 0)   # rates that Python computes
        if d.by_value and not d.asks:
            d.lowest, d.most, d.c, d.rate = schedule.f_star, schedule.max_lr, schedule.c, schedule.current_lr
        if d.by_noise and not d.asks:
            d.noise = sizes._noise()
            plan.batch_size = <Py_ssize_t>d.noise.size

    cdef double _ask(self, double lr, double square, double t):
        """Ask Python for the learning rate of step `t`, from 1; an error is raised at the end of the block."""
        if self.c.failed:
            return 0
        try:
            self._tell(square)
            if self.c.by_value:
                lr = rates_of(self.schedule, <Py_ssize_t>t - 1, 1)[0]
            if self.c.by_noise:
                self.plan.extend(t + 1)
            return lr
        except BaseException as error:
            self.c.failed, self.error = True, error
            return 0

    cdef int _tell(self, double square) except -1:
        """Tell Python the loss and the gradient of a batch, if they are finite; if not, the epoch ends as diverged."""
        cdef double value = self.c.objective / self.c.rows
        name, told = "batch_size", self.sizes
        try:
            if self.c.by_noise and self.c.half and self.c.square < MAX_SQUARED_NORM and square < MAX_SQUARED_NORM:
                self.sizes.update(self.c.half, self.c.rows, self.c.square, square)
            name, told = "schedule", self.schedule
            if self.c.by_value and isfinite(value) and isfinite(square):
                self.schedule.update(value, square)
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{name} {told!r} does not go with the losses of the batches: {error}") from None
        return 0

    cdef int _step_matrices(self):
        if not self.c.failed:
            try:
                self.matrices.step_matrices()
            except BaseException as error:
                self.c.failed, self.error = True, error
        return 0

    cdef int end_epoch(self) except -1:
        """At the end of an epoch: set the schedule and the sizes to what they have become."""
        if self.c.by_value and not self.c.asks:
            self.schedule._set(lr=self.c.rate)
        if self.c.by_noise and not self.c.asks:
            self.sizes._become(self.c.noise)
        return 0


cdef double driven_rate(Drive *drive, double lr, double square, double t) noexcept nogil:
    """The learning rate of a step whose gradient has the squared norm `square`; `lr` where the rate does not follow from that."""
    cdef double value = drive.objective / drive.rows
    if drive.asks or drive.failed or drive.by_value and value < drive.lowest:   # an error, which Python raises
        with gil:
            return (<Driver>drive.owner)._ask(lr, square, t)
    if drive.by_noise:
        if drive.half and drive.square < MAX_SQUARED_NORM and square < MAX_SQUARED_NORM:
            fo_noise_note(&drive.noise, <double>drive.half, <double>drive.rows, drive.square, square)
        (<Driver>drive.owner).plan.batch_size = <Py_ssize_t>drive.noise.size
        (<Driver>drive.owner).plan.extend(t + 1)
    if not drive.by_value:
        return lr
    if isfinite(value) and isfinite(square):
        drive.rate = fo_polyak_rate(drive.lowest, drive.most, drive.c, value, square)
    return drive.rate


cdef void step_matrices(Drive *drive) noexcept nogil:
    """Let Python step the matrices."""
    with gil:
        (<Driver>drive.owner)._step_matrices()
