"""Schedules evaluated: from the `spec` of a schedule to the rate of one step, or to those of a block of steps; and what drives
rates and batch sizes, from numbers to numbers.

Used by fastopt.schedules._base and fastopt.batching._noise, which check the step and the numbers; other compiled modules cimport
read_schedule.  The mathematics is in csrc/schedules/schedules.h and csrc/include/fastopt_driven.h.
"""
import numpy as np

from fastopt._core.tables cimport fo_schedule, kernels
from fastopt.schedules._driven cimport fo_noise, fo_noise_note, fo_noise_scale, fo_polyak_rate
from fastopt._core.tables import SCHEDULE_NAMES

#: what a spec holds, in the order of fo_schedule
FIELDS = ("kind", "lr", "power_t", "alpha", "t0", "steps", "rate", "end", "peak", "middle", "turn", "back", "stairs", "linear")


def spec(name, **fields):
    """The spec of the schedule of that name in csrc/include/lists.h: the fields of fo_schedule in their order, 0 where not given."""
    fields["kind"] = SCHEDULE_NAMES.index(name)
    numbers = tuple(fields.pop(field, 0) for field in FIELDS)
    if fields:
        raise TypeError(f"fo_schedule has no {', '.join(fields)}")
    return numbers


cdef fo_schedule read_schedule(tuple spec) except *:
    """The struct, for the kernels."""
    cdef fo_schedule h
    (h.kind, h.lr, h.power_t, h.alpha, h.t0, h.steps, h.rate, h.end, h.peak, h.middle, h.turn, h.back, h.stairs,
     h.linear) = spec
    if not 0 <= h.kind < <int>len(SCHEDULE_NAMES):
        raise ValueError(f"spec must start with the number of a schedule, 0 … {len(SCHEDULE_NAMES) - 1}, got {h.kind}")
    return h


def rate(tuple spec, double t):
    """The rate of step t."""
    cdef fo_schedule h = read_schedule(spec)
    cdef double lr
    kernels(False).lr_block(&h, 1, t, &lr)
    return lr


def evaluate(tuple spec, double t, Py_ssize_t n):
    """The rates of the n steps t, t + 1, …: a float64 array."""
    cdef fo_schedule h = read_schedule(spec)
    cdef double[::1] lr = np.empty(n)
    if n > 0:
        with nogil:
            kernels(False).lr_block(&h, n, t, &lr[0])
    return np.asarray(lr)


def polyak_rate(double lowest, double most, double c, double value, double square):
    """The rate of Polyak's step."""
    return fo_polyak_rate(lowest, most, c, value, square)


def noise_note(dict noise, double n, double N, double few, double many):
    """The fields of fo_noise after two squared norms more, or None where that overflows."""
    cdef fo_noise s = noise
    return s if fo_noise_note(&s, n, N, few, many) else None


def noise_scale(dict noise):
    """The estimate of the noise scale."""
    cdef fo_noise s = noise
    return fo_noise_scale(&s)
