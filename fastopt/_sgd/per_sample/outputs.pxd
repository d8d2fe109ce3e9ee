"""The outputs of a model, as the kernels train them."""
from libc.stdint cimport int32_t

from fastopt._core.tables cimport fo_outputs


cdef class Outputs:
    cdef fo_outputs c
    cdef int32_t[::1] labels               # which output each place holds
    cdef readonly Py_ssize_t total, d
    cdef readonly object w, w_avg, q, state
    cdef object scratch
    cdef bint dense
