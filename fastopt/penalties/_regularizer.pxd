"""A penalty of a vector of weights as the kernels see it."""
from fastopt._core.tables cimport fo_regularizer


cdef class Regularizer:
    cdef fo_regularizer c
    cdef readonly Py_ssize_t n       # weights
    cdef object keep                 # the arrays that c points into

    cdef int _fits(self, Py_ssize_t n) except -1
