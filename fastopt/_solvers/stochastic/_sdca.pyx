"""Dual coordinate descent: one fit, epoch by epoch; duality gaps.

Used by _solvers/stochastic/dual_run.py, which knows when to stop.  The mathematics of a block is csrc/solvers/dual.h and csrc/losses/conjugates.h, the loop over
blocks and outputs _solvers/stochastic/chains.pyx.
"""
cimport numpy as cnp
from libc.math cimport INFINITY

import numpy as np

from fastopt._solvers.stochastic.chains cimport Chains
from fastopt._core.own_loss cimport set_loss
from fastopt._core.tables cimport Matrix, fo_dual, fo_dual_output, fo_kernels, fo_loss, fo_visits, kernels
from fastopt._samples.order cimport Samples

from fastopt._core.tables import LOSS_NAMES
from fastopt._core.memory import aligned

cnp.import_array()

#: the losses that have a dual
LOSSES = tuple(name for kind, name in enumerate(LOSS_NAMES) if kernels(False).chains.has_dual(kind))


cdef class SdcaChains(Chains):
    """One fit.

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X; y of margin losses in {−1, 1}; weights are the weights of the samples over l2 and their sum.
    loss : tuple
        The fields of fo_loss.
    k : int
        Outputs.
    squares : ndarray of shape (n,)
        Squared norms of the rows, the constant column included.
    l1 : float
        The threshold between v and w: the strength of l1 over that of l2.
    positive : bool
    column : float
        The value of a constant column that X does not store; 0: there is none.
    shrunk : ndarray of shape (n,) of uint8, or None
        That of `samples`, for one output: set for rows that would not move.
    threads : int
        Threads that share the outputs.
    """
    cdef fo_dual dual
    cdef fo_dual_output *out
    cdef readonly object u                 # (k, n) dual variables
    cdef object w, v

    def __init__(self, Matrix X, Samples samples, loss, Py_ssize_t k, const double[::1] squares, *, double l1=0,
                 bint positive=False, double column=0, shrunk=None, int threads=1):
        cdef Py_ssize_t j, lanes = 16 if X.is_float else 8, width = (X.d + lanes - 1) // lanes * lanes
        self._init_chains(X, samples, k, threads)
        self.out = <fo_dual_output *>self._outputs(sizeof(fo_dual_output))
        set_loss(&self.dual.loss, loss)
        self.dual.l1, self.dual.positive, self.dual.column, self.dual.shrink_margin = l1, positive, column, INFINITY
        self.u, self.v = np.zeros((k, X.n), dtype=X.dtype), aligned((k, width), X.dtype)
        self.w = aligned((k, width), X.dtype) if l1 > 0 or positive else self.v
        before = np.empty((k, samples.block_rows), dtype=X.dtype)
        self.keep += [before, squares.base, shrunk]
        for array in (self.u, self.v) + ((self.w,) if self.w is not self.v else ()):
            self.snapshot.add(array)
        for j in range(k):
            self.out[j].u, self.out[j].v = cnp.PyArray_DATA(self.u[j]), cnp.PyArray_DATA(self.v[j])
            self.out[j].w, self.out[j].before = cnp.PyArray_DATA(self.w[j]), cnp.PyArray_DATA(before[j])
            self.out[j].square = &squares[0]
            self.out[j].shrunk = NULL if shrunk is None else <unsigned char *>cnp.PyArray_DATA(shrunk)

    def place(self, v, v_column=None, intercept=None):
        """Go on from v (k, d), which `u` stands for, that of the constant column, and what predictions have added."""
        cdef Py_ssize_t j
        self.v[:, :self.X.d] = v
        if self.w is not self.v:
            size = np.abs(self.v) - self.dual.l1
            self.w[...] = np.maximum(self.v - self.dual.l1, 0) if self.dual.positive else np.sign(self.v) * np.maximum(size, 0)
        for j in range(self.k):
            self.out[j].v_column = 0 if v_column is None else v_column[j]
        self.centre(np.zeros(self.k) if intercept is None else intercept)

    def centre(self, intercept):
        """What is added to the predictions of each output from now on, besides the constant column."""
        cdef Py_ssize_t j
        for j in range(self.k):
            self.out[j].b = intercept[j]

    def weights(self):
        """(w, v, v of the constant column), each with k rows."""
        cdef Py_ssize_t j, d = self.X.d
        return np.array(self.w[:, :d]), np.array(self.v[:, :d]), np.array([self.out[j].v_column for j in range(self.k)])

    def seen(self):
        """Of each output in the last epoch: the sum of what its samples add to the duality gap, weighted, each before its step, and
        the largest change of a prediction by its own step.  Both are forgotten."""
        cdef Py_ssize_t j
        result = np.array([(self.out[j].gap_sum, self.out[j].largest_move) for j in range(self.k)]).T
        for j in range(self.k):
            self.out[j].gap_sum = self.out[j].largest_move = 0
        return result

    @property
    def shrink_margin(self):
        """Rows whose u would be the same with a prediction this far away are set in `shrunk`."""
        return self.dual.shrink_margin

    @shrink_margin.setter
    def shrink_margin(self, double value):
        self.dual.shrink_margin = value

    cdef void _chain(self, Py_ssize_t j, const fo_visits *visits) noexcept nogil:
        self.kernels.chains.dual(&self.dual, &self.samples.matrix, visits, &self.out[j])

    cdef double *_loss_sum(self, Py_ssize_t j) noexcept nogil:
        return &self.out[j].loss_sum

    cdef double _intercept(self, Py_ssize_t j) noexcept nogil:
        return self.out[j].v_column


def gap(loss, const double[::1] y, const double[::1] u, const double[::1] p, weight=None):
    """(Σ weight·(loss + conjugate + u·p), Σ weight·loss) over samples; y of margin losses in {−1, 1}.

    The first is the duality gap over Σ weight, if u are the dual variables of the weights that p come from.
    """
    cdef fo_loss c
    cdef double[2] sums = [0, 0]
    cdef const double[::1] weights
    cdef double[::1] scratch = np.array(p)
    c.kind, c.a, c.b = loss
    if not (y.shape[0] == u.shape[0] == p.shape[0]):
        raise ValueError(f"y, u and p must have one length, got {y.shape[0]}, {u.shape[0]} and {p.shape[0]}")
    if weight is None:
        kernels(False).chains.gap(&c, y.shape[0], &y[0], &u[0], NULL, &scratch[0], sums)
    else:
        weights = weight
        kernels(False).chains.gap(&c, y.shape[0], &y[0], &u[0], &weights[0], &scratch[0], sums)
    return sums[0], sums[1]
