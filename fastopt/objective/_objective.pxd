"""An objective over a whole data set as other compiled modules see it: its pass over X, and the point that it was last at."""
cimport numpy as cnp

from fastopt._core.tables cimport Matrix
from fastopt.objective._pass cimport Job


cdef class Objective:
    cdef readonly object problem
    cdef readonly Matrix X
    cdef readonly Py_ssize_t n_samples, n_features, n_outputs, n_params
    cdef readonly bint fit_intercept
    cdef readonly bint transposed          # X is the CSR form of a CSC matrix's transpose
    cdef readonly Py_ssize_t passes
    cdef public object n_threads
    cdef Job job
    cdef Py_ssize_t version            # counts points
    cdef readonly double total         # sum of the weights of samples
    cdef double _l2, sum_value
    cdef int have                      # PRODUCTS, VALUE, GRADIENT at the point
    cdef object lock                   # of a call
    cdef readonly object y, weight, rows_, columns # of the problem
    cdef object p, sums, scratch, counting, w, shift, kept
    cdef object scale, centre, rest
    cdef object python                 # the loss, if it is written in Python, else None
    cdef object factors                # (n, k) its gradient in the predictions at the point
    cdef object point, slope           # (n_params,) where the objective was last asked for, its gradient there without l2
    cdef double *_point
    cdef double *_gradient

    cdef int _threads(self) except -1
    cdef cnp.ndarray _vector(self, name, w)
    cdef int _move(self, w) except -1
    cdef void _leave(self, double l2, const double *w, double *out) noexcept
    cdef int _run(self, int what, const double *w, char *products) except -1
    cdef int _enter(self, w) except -1
    cdef int _need(self, int what) except -1
    cdef int _evaluate(self) except -1
    cdef int _collect(self, factors) except -1
    cdef double _value(self) noexcept
    cdef object _gradient_out(self, out)
