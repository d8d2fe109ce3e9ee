"""The compact form as _lbfgsb holds it."""
from fastopt._linalg.blas cimport real
from fastopt._linalg.lbfgs cimport History


cdef class Model:
    cdef History history
    cdef readonly double theta
    cdef int d, n, all_rows        # parameters; rows of Wᵀ: in use, and at most
    cdef Py_ssize_t seen           # how many pairs of the history are in `gram`
    cdef object matrices, sums_array
    cdef void *pairs               # the history's rows
    cdef void *sums                # all_rows of the history's type
    cdef int[::1] order            # the row of `pairs` of each row of Wᵀ
    cdef int[::1] chosen           # variables to gather
    cdef double[:, ::1] block
    cdef double *gram              # products of all rows of `pairs`, unscaled
    cdef double *m_inverse         # n × n from here on
    cdef double *m                 # its factors
    cdef double *over_some         # Wᵀ·W over some of the variables
    cdef double *column            # room for a row of the matrices, as `other`
    cdef double *other

    cdef int _check(self, arrays) except -1
    cdef bint _update(self, real *pairs) noexcept nogil
    cdef void _take_up(self, real *pairs, int row) noexcept nogil
    cdef void _add_products(self, real *pairs, real *v, Py_ssize_t begin, double *to) noexcept nogil
    cdef void _invert(self, int count) noexcept nogil
    cdef double _gram_of(self, int i, int j) noexcept nogil
    cdef double _scale(self, int i) noexcept nogil
    cdef void _gram_over(self, real *pairs, int count, bint others) noexcept nogil
    cdef void _add_block(self, real *pairs, Py_ssize_t begin, int length, double sign) noexcept nogil
    cdef void _w_transposed(self, real *pairs, real *v, double *out) noexcept nogil
    cdef void _w_times(self, real *pairs, double *v, real *out) noexcept nogil
