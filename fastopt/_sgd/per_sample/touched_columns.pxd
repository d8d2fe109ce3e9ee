"""The weights of columns that no row touches, as the loop over epochs has them."""

from libc.stdint cimport int32_t

cdef enum:
    WITNESSES = 2              # columns of no row, beside those that rows touch


ctypedef struct TrainedWeights:
    Py_ssize_t k, output_stride, feature_stride   # of some outputs' weights over the trained columns
    const int32_t *labels                         # which outputs
    Py_ssize_t d                                  # columns of the whole
    void *w                                       # weights, and averages or NULL
    void *w_avg


cdef class UntouchedColumns:
    cdef readonly object coef, coef_avg
    cdef object columns, states
    cdef list outputs          # whose weights are to be written, or None
    cdef bint owned, is_float

    cdef int write(self) except -1
    cdef int _factors(self, list outputs) except -1
    cdef int _write(self, const TrainedWeights *part, coef, coef_avg) except -1
