"""What the samples of an objective say to coordinate descent: slopes and curvatures of their losses, and values along a line whose
products with X are known.

Used by _solve_descent.py; reads no X.  The arithmetic is in csrc/objective.h.
"""
cimport numpy as cnp

import numpy as np

from fastopt._core cimport kernels
from fastopt._objective cimport Objective
from fastopt._objective_pass cimport PRODUCTS, Job

cnp.import_array()


cdef class Samples:
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
    def rows(self):
        """The rows of X that count, or None: all."""
        return self.o.rows_

    @property
    def weight(self):
        """Weights of the samples over their sum, or None: all 1/n."""
        return None if self.o.weight is None else self.o.weight.ravel() * self.o.dtype.type(1 / self.o.total)

    @property
    def targets(self):
        return self.o.y.ravel()

    def at(self, w, bint curvature):
        """Derivatives of the mean loss in the predictions at w.

        Parameters
        ----------
        w : ndarray of shape (n_params,)
        curvature : bool
            Whether the second ones are wanted.

        Returns
        -------
        e, D : ndarrays of shape (n,)
            First and second derivatives; D None where not wanted.
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
        return self.o.loss.name in ("squared_error", "log_loss")

    def conjugates(self, double c):
        """The mean of the losses' conjugates at c times their derivatives."""
        p, y = self.o.p.ravel().astype(float), self.o.y.ravel().astype(float)
        share = np.full(len(y), 1 / len(y)) if self.weight is None else self.weight.astype(float)
        if self.o.loss.name == "squared_error":
            u = c * (p - y)
            return float(share @ (u * u / 2 + u * y))
        from scipy.special import expit, xlogy
        v = y + c * (expit(p) - y)
        return float(share @ (xlogy(v, v) + xlogy(1 - v, 1 - v)))

    cdef void *_products(self, q) except NULL:
        if q.dtype != self.o.dtype or q.shape != (self.o.n_samples,) or not q.flags.c_contiguous:
            raise ValueError(f"q must be a contiguous vector of {self.o.n_samples} numbers of {self.o.dtype}")
        return cnp.PyArray_DATA(<cnp.ndarray>q)
