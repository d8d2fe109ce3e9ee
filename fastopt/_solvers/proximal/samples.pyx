"""The samples of an objective for coordinate descent: slopes and curvatures of their losses, and values along a line whose products
with X are known.

Used by _solvers/proximal/cd.py; reads no X.  The arithmetic is in csrc/objective/objective.h.
"""
cimport numpy as cnp

import numpy as np

from fastopt._core.tables cimport kernels
from fastopt._solvers.proximal.columns import Columns
from fastopt.objective._objective cimport Objective
from fastopt.objective._pass cimport PRODUCTS, Job

cnp.import_array()


cdef class SampleLosses:
    """The samples of an objective with one output.

    Parameters
    ----------
    objective : LinearObjective
    """
    cdef Objective o
    cdef object scratch

    def __init__(self, Objective objective):
        if objective.n_outputs != 1:
            raise ValueError(f"objective must have one output, got {objective.n_outputs}")
        self.o = objective

    @property
    def X(self):
        return self.o.X

    @property
    def transposed(self):
        """Whether X is transposed."""
        return self.o.transposed

    @property
    def standard(self):
        """Centre and scale of the columns, or None."""
        return self.o.columns

    @property
    def rows(self):
        """The rows of X that count, or None: all."""
        return self.o.rows_

    @property
    def weight(self):
        """Weights of the samples over their sum, or None: all 1/n."""
        return None if self.o.weight is None else self.o.weight.ravel() * self.o.dtype.type(1 / self.o.total)

    @property
    def total(self):
        """The sum of the weights of the samples; their number without."""
        return self.o.total

    @property
    def targets(self):
        return self.o.y.ravel()

    def column_means(self):
        """Of a dense X, all rows of it, by their weights."""
        X, share = np.asarray(self.o.X.keep), self.weight
        if share is None:
            return np.add.reduce(X, axis=0, dtype=np.float64) / len(X)
        mean = np.zeros(X.shape[1])
        for start in range(0, len(X), 4096):   # stays small beside X
            part = slice(start, start + 4096)
            mean += share[part].astype(np.float64) @ X[part].astype(np.float64)
        return mean

    def columns(self, numbers, stored=None):
        """Some columns of X, for the rows of the objective."""
        return Columns(self.o.X, numbers, self.o.rows_, stored, self.transposed, self.standard, self.o.fit_intercept)

    def at(self, w, bint curvature):
        """Derivatives of the mean loss in the predictions at w.

        Parameters
        ----------
        w : ndarray of shape (n_params,)
        curvature : bool
            Whether the second ones are computed.

        Returns
        -------
        e, D : ndarrays of shape (n,)
            First and second derivatives; D None if not computed.
        total : float
            Σ e.
        """
        cdef Job *job = &self.o.job
        cdef Py_ssize_t n = job.n
        cdef double total = 0, unused = 0
        cdef cnp.ndarray e = np.empty(n, self.o.dtype), D, ones
        cdef void *slopes = cnp.PyArray_DATA(e)
        cdef void *second = NULL
        cdef void *factors = NULL
        if curvature:
            D, ones = np.empty(n, self.o.dtype), np.ones(n, self.o.dtype)
            second, factors = cnp.PyArray_DATA(D), cnp.PyArray_DATA(ones)
        with self.o.lock:
            self.o._enter(w)
            self.o._need(PRODUCTS)
            job.kernels = kernels(self.o.X.is_float)
            with nogil:
                job.kernels.objective.errors(&job.samples, 0, n, NULL, job.p, slopes, &total)
                if curvature:
                    job.kernels.objective.curvature(&job.samples, 0, n, NULL, job.p, factors, second, &unused)
        return e, (D if curvature else None), total

    def value(self, double step, q):
        """The mean loss at predictions p + step·q, p those of the point that the objective is at."""
        cdef Job *job = &self.o.job
        cdef double slope = 0, value
        cdef void *products = self._products(q)
        cdef void *scratch
        if self.scratch is None:
            self.scratch = np.empty(2 * job.n, self.o.dtype)
        scratch = cnp.PyArray_DATA(<cnp.ndarray>self.scratch)
        with self.o.lock:
            self.o._need(PRODUCTS)
            job.kernels = kernels(self.o.X.is_float)
            with nogil:
                value = job.kernels.objective.line(&job.samples, 0, job.n, step, job.p, products, scratch, &slope)
        return value / self.o.total

    def move(self, w, double step, q):
        """Make w, with predictions p + step·q, the point that the objective is at."""
        cdef Job *job = &self.o.job
        cdef void *products = self._products(q)
        with self.o.lock:
            self.o._need(PRODUCTS)
            kernels(self.o.X.is_float).objective.move(job.n, step, products, job.p)
            self.o._move(w)

    @property
    def has_conjugate(self):
        """Whether the loss has a conjugate function in csrc/losses/conjugates.h."""
        return bool(kernels(self.o.X.is_float).chains.has_dual(self.o.job.samples.loss.kind))

    def conjugates(self, double c):
        """The mean of the losses' conjugates at c times their derivatives, at the point that the objective is at."""
        cdef Job *job = &self.o.job
        cdef double sums[2]
        cdef cnp.ndarray u = np.empty(job.n, self.o.dtype), p, y = self.o.y
        cdef void *dual = cnp.PyArray_DATA(u)
        cdef void *values
        cdef const void *target = job.samples.y
        sums[0] = sums[1] = 0
        with self.o.lock:
            self.o._need(PRODUCTS)
            p = self.o.p.copy()
            if self.o.loss.target == "sign":
                y = 2 * y - 1
                target = cnp.PyArray_DATA(y)
            values = cnp.PyArray_DATA(p)
            job.kernels = kernels(self.o.X.is_float)
            with nogil:
                job.kernels.loss_grad_block(&job.samples.loss, job.n, job.samples.y, job.p, NULL, -c, dual)
                job.kernels.chains.gap(&job.samples.loss, job.n, target, dual, job.samples.weight, values, sums)
        products = np.multiply(u, self.o.p.ravel(), dtype=np.float64)
        if self.o.weight is not None:
            products *= self.o.weight.ravel()
        return (sums[0] - sums[1] - float(products.sum())) / self.o.total

    cdef void *_products(self, q) except NULL:
        if q.dtype != self.o.dtype or q.shape != (self.o.n_samples,) or not q.flags.c_contiguous:
            raise ValueError(f"q must be a contiguous vector of {self.o.n_samples} numbers of {self.o.dtype}")
        return cnp.PyArray_DATA(<cnp.ndarray>q)
