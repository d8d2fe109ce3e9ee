"""SAG, SAGA, SVRG and Katyusha: one fit, epoch by epoch.

Used by _solvers/stochastic/saga.py, which chooses the step and knows when to stop.  The mathematics of a block is csrc/solvers/variance.h, the
loop over blocks and outputs _solvers/stochastic/chains.pyx.
"""
cimport numpy as cnp

import numpy as np

from fastopt._solvers.stochastic.chains cimport Chains
from fastopt._core.own_loss cimport set_loss
from fastopt._core.tables cimport FO_DENSE, Matrix, fo_variance, fo_variance_output, fo_visits
from fastopt._samples.order cimport Samples

cnp.import_array()

cdef enum:
    POWERS = 4096                 # steps that the table of CSR rows goes up to: what stays in a cache


cdef class SagaChains(Chains):
    """One fit.

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X; y of margin losses in {−1, 1}; weights of mean 1, or none.
    loss : tuple
        The fields of fo_loss.
    k : int
        Outputs.
    kind : {'sag', 'saga', 'svrg', 'katyusha'}
    l2, l1 : float
        Strengths of the penalties beside the mean loss.
    positive, fit_intercept : bool
    threads : int
        Threads that share the outputs.
    """
    cdef fo_variance variance
    cdef fo_variance_output *out
    cdef readonly object memory            # (k, n): the derivative of each sample's loss that its gradient goes by
    cdef readonly object start             # (k, n): the prediction of each sample at the start of a pass; None but for Katyusha
    cdef object w, g, table

    def __init__(self, Matrix X, Samples samples, loss, Py_ssize_t k, kind, *, double l2=0, double l1=0, bint positive=False,
                 bint fit_intercept=False, int threads=1):
        cdef Py_ssize_t j
        self._init_chains(X, samples, k, threads)
        self.out = <fo_variance_output *>self._outputs(sizeof(fo_variance_output))
        set_loss(&self.variance.loss, loss)
        self.variance.l2, self.variance.l1, self.variance.positive = l2, l1, positive
        self.variance.own = 1.0 / samples.train_count if kind == "sag" else 1.0
        self.variance.share = 0.0 if kind in ("svrg", "katyusha") else 1.0 / samples.train_count
        self.variance.intercept, self.variance.mix = fit_intercept, 1
        self.memory = np.zeros((k, X.n), dtype=X.dtype)
        self.start = np.zeros((k, X.n), dtype=X.dtype) if kind == "katyusha" else None
        if X.is_sparse:
            columns = np.zeros((k, X.d), np.dtype([("w", X.dtype), ("g", X.dtype), ("since", np.int32)], align=True))
            self.table = np.ones((POWERS, 2), dtype=X.dtype)
            self.w, self.g = columns["w"], columns["g"]
            self.snapshot.add(columns)
        else:
            columns, self.w, self.g = None, np.zeros((k, X.d), dtype=X.dtype), np.zeros((k, X.d), dtype=X.dtype)
            self.snapshot.add(self.w)
            self.snapshot.add(self.g)
        self.snapshot.add(self.memory)
        for j in range(k):
            self.out[j].w = cnp.PyArray_DATA(self.w[j]) if columns is None else cnp.PyArray_DATA(columns[j])
            self.out[j].g = cnp.PyArray_DATA(self.g[j])
            self.out[j].memory = cnp.PyArray_DATA(self.memory[j])
            self.out[j].start = NULL if self.start is None else cnp.PyArray_DATA(self.start[j])

    def place(self, coef, intercept, gradient, gradient_intercept):
        """Go on from these weights (k, d) and intercepts (k,), and from these gradients of the mean loss, which `memory`
        stands for."""
        cdef Py_ssize_t j
        self.w[...], self.g[...] = coef, gradient
        self.diverged = False
        for j in range(self.k):
            self.out[j].b, self.out[j].g_b = intercept[j], gradient_intercept[j]

    def weights(self):
        """(coef, intercept, the mean gradient of the loss, that of the intercept), each with k rows."""
        cdef Py_ssize_t j
        b, g_b = np.array([(self.out[j].b, self.out[j].g_b) for j in range(self.k)]).T
        return np.array(self.w), b, np.array(self.g), g_b

    @property
    def mix(self):
        """How far from the start of the pass, at 0, towards the weights, at 1, gradients are taken."""
        return self.variance.mix

    @mix.setter
    def mix(self, double value):
        self.variance.mix = value

    @property
    def lr(self):
        """The step."""
        return self.variance.lr

    @lr.setter
    def lr(self, double value):
        self.variance.lr = value
        if self.table is not None:
            m, share = np.arange(POWERS), value * self.variance.l2
            keep = (1 - share) ** m
            self.table[:, 0], self.table[:, 1] = keep, (1 - keep) / self.variance.l2 if share > 0 else value * m
            self.variance.powers, self.variance.table = POWERS, cnp.PyArray_DATA(self.table)

    cdef void _chain(self, Py_ssize_t j, const fo_visits *visits) noexcept nogil:
        self.kernels.chains.variance(&self.variance, &self.samples.matrix, visits, &self.out[j])

    cdef void _leave(self) noexcept nogil:
        cdef Py_ssize_t j
        if self.X.c.layout != FO_DENSE:
            for j in range(self.k):
                self.kernels.chains.settle(&self.variance, self.X.d, &self.out[j])

    cdef double *_loss_sum(self, Py_ssize_t j) noexcept nogil:
        return &self.out[j].loss_sum

    cdef double _intercept(self, Py_ssize_t j) noexcept nogil:
        return self.out[j].b
