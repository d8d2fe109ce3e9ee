"""The outputs of a model, as the kernels train them."""
from libc.stdint cimport int32_t

from fastopt._core.tables cimport fo_outputs
from fastopt._core.kept cimport Kept


cdef enum:
    KEPT = 3   # weights, averaged weights, state

cdef bint finite(const fo_outputs *out, const Kept *kept) noexcept nogil


cdef class Outputs:
    cdef fo_outputs c
    cdef Kept kept[KEPT]
    cdef int32_t[::1] labels               # which output each place holds
    cdef readonly Py_ssize_t total, d
    cdef readonly object w, w_avg, q, state
    cdef object scratch, copies
    cdef bint dense
