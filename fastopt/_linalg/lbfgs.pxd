"""The pairs of L-BFGS as other modules hold them."""
from fastopt._linalg.blas cimport real


cdef class History:
    cdef readonly object pairs             # (2·size, d): the rows y, then the rows s; pair of age 0 (oldest) … count − 1
    cdef object s, y, new_s, new_y         # is in row (first + age) % size of either; rows 0 … count − 1 are in use
    cdef readonly Py_ssize_t count, first
    cdef readonly Py_ssize_t appended      # pairs ever kept
    cdef double[::1] sy, alpha             # s·y by row
    cdef readonly double yy                # y·y and s·y of the newest pair
    cdef readonly double newest_sy
    cdef readonly Py_ssize_t size
    cdef int d
    cdef bint is_float
    cdef double epsilon

    cdef bint _append(self, real[::1] x1, real[::1] x0, real[::1] g1, real[::1] g0) except -1
    cdef int _direction(self, real[::1] g, real[::1] out) except -1
    cdef int _check(self, Py_ssize_t a, Py_ssize_t b, Py_ssize_t c, Py_ssize_t e) except -1
