"""The weights of columns that no row touches, as the loop over epochs has them."""

cdef enum:
    WITNESSES = 2              # columns of no row, beside those that rows touch


cdef class Rest:
    cdef readonly object coef, coef_avg
    cdef object columns, before, after
    cdef list outputs          # whose weights are to be written, or None
    cdef bint owned, is_float

    cdef int write(self) except -1
    cdef int _factors(self, list outputs) except -1
    cdef int _scale(self, coef, coef_avg) except -1
