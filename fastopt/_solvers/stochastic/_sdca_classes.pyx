"""Dual coordinate descent of the hinges of several classes: one fit, epoch by epoch.

Used by _solvers/stochastic/dual_classes.py.  The mathematics of a block is csrc/solvers/dual_classes.h, the loop over blocks
_solvers/stochastic/chains.pyx: all outputs are one chain, as a sample steps in all of them together.
"""
cimport numpy as cnp
from libc.math cimport INFINITY

import numpy as np

from fastopt._solvers.stochastic.chains cimport Chains
from fastopt._core.own_loss cimport set_loss
from fastopt._core.tables cimport Matrix, fo_dual, fo_dual_classes, fo_visits, kernels
from fastopt._samples.order cimport Samples

from fastopt._core.memory import aligned
from fastopt._core.tables import COUPLED_LOSS_NAMES, LOSS_NAMES

cnp.import_array()

cdef enum:
    LEAST_STEPS = 512             # of an epoch: fewer cost less than a look at them

#: the losses of several classes that have a dual
CLASS_LOSSES = tuple(name for kind, name in enumerate(LOSS_NAMES + COUPLED_LOSS_NAMES) if kernels(False).chains.has_class_dual(kind))


cdef class SdcaClassChains(Chains):
    """One fit: as `SdcaChains` with one chain for all outputs; `samples` has the numbers of the classes for y.

    Parameters
    ----------
    X, samples, loss, squares, l1, positive, column, shrunk
        See `SdcaChains`.
    outputs : int
        Classes.
    """
    cdef fo_dual dual
    cdef fo_dual_classes out
    cdef readonly object u                 # (outputs, n) dual variables, those of a sample side by side
    cdef readonly bint whole               # the last pass left no sample out
    cdef object w, v, b, v_column

    def __init__(self, Matrix X, Samples samples, loss, Py_ssize_t outputs, const double[::1] squares, *, double l1=0,
                 bint positive=False, double column=0, shrunk=None):
        cdef Py_ssize_t lanes = 16 if X.is_float else 8, inner = outputs if X.is_sparse else X.d
        cdef Py_ssize_t stride = (inner + lanes - 1) // lanes * lanes
        self._init_chains(X, samples, 1, 1)
        set_loss(&self.dual.loss, loss)
        self.dual.l1, self.dual.positive, self.dual.column, self.dual.shrink_margin = l1, positive, column, INFINITY
        u, v = np.zeros((X.n, outputs), dtype=X.dtype), aligned((X.d if X.is_sparse else outputs, stride), X.dtype)
        w = aligned(v.shape, X.dtype) if l1 > 0 or positive else v
        scratch, a = aligned((3, (outputs + lanes - 1) // lanes * lanes), X.dtype), np.zeros(2 * outputs)
        self.b, self.v_column = np.zeros(outputs), np.zeros(outputs)
        self.keep += [u, v, w, scratch, a, squares.base, shrunk]
        for array in (u, v) + ((w,) if w is not v else ()):
            self.snapshot.add(array)
        self.u = u.T
        self.v, self.w = (array[:, :outputs].T if X.is_sparse else array[:, :X.d] for array in (v, w))
        self.out.k, self.out.stride = outputs, stride
        self.out.b, self.out.v_column = <double *>cnp.PyArray_DATA(self.b), <double *>cnp.PyArray_DATA(self.v_column)
        self.out.u, self.out.v, self.out.w = cnp.PyArray_DATA(u), cnp.PyArray_DATA(v), cnp.PyArray_DATA(w)
        self.out.c, self.out.z, self.out.p = (cnp.PyArray_DATA(scratch[0]), cnp.PyArray_DATA(scratch[1]), cnp.PyArray_DATA(scratch[2]))
        self.out.a, self.out.square = <double *>cnp.PyArray_DATA(a), &squares[0]
        self.out.shrunk = NULL if shrunk is None else <unsigned char *>cnp.PyArray_DATA(shrunk)

    def place(self, v, v_column=None, intercept=None):
        """As of `SdcaChains`."""
        self.v[...] = v
        if self.dual.l1 > 0 or self.dual.positive:
            size = np.abs(self.v) - self.dual.l1
            self.w[...] = np.maximum(self.v - self.dual.l1, 0) if self.dual.positive else np.sign(self.v) * np.maximum(size, 0)
        self.v_column[...] = 0 if v_column is None else v_column
        self.centre(0 if intercept is None else intercept)

    def centre(self, intercept):
        """As of `SdcaChains`."""
        self.b[...] = intercept

    def weights(self):
        """(w, v, v of the constant column), each with a row an output."""
        return np.array(self.w), np.array(self.v), np.array(self.v_column)

    def seen(self):
        """As of `SdcaChains`, of all outputs together, in the last pass."""
        result = np.array([[self.out.gap_sum], [self.out.largest_move]])
        self.out.gap_sum = self.out.largest_move = 0
        return result

    @property
    def shrink_margin(self):
        """Rows whose u would be the same with predictions this far away are set in `shrunk`.  Each pass sets it to the largest change of a
        prediction by its own step; infinite, it stays so for an epoch."""
        return self.dual.shrink_margin

    @shrink_margin.setter
    def shrink_margin(self, double value):
        self.dual.shrink_margin = value

    cdef int _epoch(self) except -1 nogil:
        """About as many steps as there are samples: passes over those that are not left out."""
        cdef double left = max(self.samples.train_count, LEAST_STEPS), steps
        cdef bint shrinks = self.dual.shrink_margin < INFINITY
        if not shrinks:
            self.samples.take_in()
        while True:
            steps = self.t
            self.out.gap_sum = self.out.largest_move = 0
            Chains._epoch(self)
            steps = self.t - steps
            left -= steps
            self.whole = steps == self.samples.train_count
            if shrinks:
                self._set_margin()
                self.samples.leave_out()
            if steps == 0 or left < steps:
                break
        self._set_margin()
        return 0

    cdef void _set_margin(self) noexcept nogil:
        self.dual.shrink_margin = self.out.largest_move if self.out.largest_move > 0 else INFINITY

    cdef void _chain(self, Py_ssize_t j, const fo_visits *visits) noexcept nogil:
        self.kernels.chains.dual_classes(&self.dual, &self.samples.matrix, visits, &self.out)

    cdef double *_loss_sum(self, Py_ssize_t j) noexcept nogil:
        return &self.out.loss_sum

    cdef double _intercept(self, Py_ssize_t j) noexcept nogil:
        return self.out.v_column[0]
