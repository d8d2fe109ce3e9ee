"""Penalties of arrays of weights: value, proximal operator, violation of the optimality conditions.

Used by fastopt.penalties._base, which checks the parameters, by proximal steps and by solvers.  The mathematics is in csrc/penalties/penalties.h.
"""
from libc.stdint cimport int64_t

import numpy as np

from fastopt._core.tables cimport kernels

ctypedef fused real:
    float
    double


cdef object _array(values, dtype):
    return None if values is None else np.require(values, dtype, ["C", "A"])


cdef class Regularizer:
    """A penalty of n weights.

    Parameters
    ----------
    n : int
    kind : int
        Index into PENALTY_NAMES.
    alpha, a : float
        Strength and second parameter.
    weight, low, high : array of shape (n,) of float64, or None
        Factors of alpha (one a group where there are groups), bounds.
    start, member : arrays of int64, or None
        Groups: where the members of each begin, and the members, each weight once.
    """

    def __init__(self, Py_ssize_t n, int kind, double alpha, double a=0, weight=None, low=None, high=None, start=None, member=None):
        cdef const double[::1] numbers
        cdef const int64_t[::1] places
        if (low is None) != (high is None):
            raise ValueError("low and high must be given together")
        self.n, self.c.kind, self.c.alpha, self.c.a = n, kind, alpha, a
        weight, low, high = _array(weight, np.float64), _array(low, np.float64), _array(high, np.float64)
        start, member = _array(start, np.int64), _array(member, np.int64)
        self.keep = weight, low, high, start, member
        self.c.groups = 0 if start is None else len(start) - 1
        if weight is not None:
            numbers = self._of(weight, n if start is None else self.c.groups)
            self.c.weight = &numbers[0]
        if low is not None:
            numbers = self._of(low, n)
            self.c.low = &numbers[0]
            numbers = self._of(high, n)
            self.c.high = &numbers[0]
        if start is not None:
            if start[0] != 0 or start[self.c.groups] != n or np.any(np.diff(start) < 0) or not np.array_equal(np.sort(member), np.arange(n)):
                raise ValueError(f"groups must hold each of the {n} weights once")
            places = start
            self.c.start = &places[0]
            places = member
            self.c.member = &places[0]

    def _of(self, array, Py_ssize_t n):
        if array.shape != (n,) or n < 1:
            raise ValueError(f"expected {n} numbers, got shape {array.shape}")
        return array

    def value(self, const real[::1] w):
        """The penalty, infinite beyond bounds."""
        self._fits(w.shape[0])
        return kernels(real is float).descent.value(&self.c, self.n, &w[0])

    def prox(self, const real[::1] v, double step, real[::1] out):
        """out = argmin over z of the penalty of z + ‖z − v‖²/(2·step); v may be out."""
        self._fits(v.shape[0])
        self._fits(out.shape[0])
        with nogil:
            kernels(real is float).descent.prox(&self.c, self.n, step, &v[0], &out[0])

    def violation(self, const real[::1] w, const real[::1] g, real[::1] out=None):
        """The largest distance of −g from the subdifferential at w; that of each weight into `out`."""
        self._fits(w.shape[0])
        self._fits(g.shape[0])
        cdef void *each = NULL
        if out is not None:
            self._fits(out.shape[0])
            each = &out[0]
        return kernels(real is float).descent.violation(&self.c, self.n, &w[0], &g[0], each)

    cdef int _fits(self, Py_ssize_t n) except -1:
        if n != self.n:
            raise ValueError(f"expected {self.n} weights, got {n}")
        return 0

    def take(self, columns):
        """The penalty of some of the weights alone, in ascending order; of whole groups where there are groups."""
        weight, low, high, start, member = self.keep
        low, high = (None if array is None else array[columns] for array in (low, high))
        if start is None:
            return Regularizer(len(columns), self.c.kind, self.c.alpha, self.c.a, None if weight is None else weight[columns], low, high)
        place = np.full(self.n, -1)
        place[columns] = np.arange(len(columns))
        member = place[member]
        kept = np.flatnonzero([start[i] < start[i + 1] and member[start[i]] >= 0 for i in range(self.c.groups)])
        sizes = np.diff(start)[kept]
        return Regularizer(len(columns), self.c.kind, self.c.alpha, self.c.a, None if weight is None else weight[kept], low, high,
                           np.concatenate([[0], np.cumsum(sizes)]), member[member >= 0])

    @property
    def groups(self):
        """The number of the group of each weight; None without groups."""
        start, member = self.keep[3:]
        if start is None:
            return None
        numbers = np.empty(self.n, dtype=np.int64)
        numbers[member] = np.repeat(np.arange(self.c.groups), np.diff(start))
        return numbers
