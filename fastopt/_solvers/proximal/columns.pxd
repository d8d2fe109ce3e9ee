"""Columns of X for coordinate descent."""
from fastopt._core.tables cimport Matrix, fo_descent, fo_matrix


cdef class Columns:
    cdef fo_matrix c                 # a row is a column of X
    cdef readonly Py_ssize_t n, m    # rows of X, columns
    cdef readonly bint is_float, is_sparse, lies
    cdef readonly object mean
    cdef fo_descent plan             # m, columns; the rest is a call's own
    cdef object keep, numbers        # the arrays that c and plan point into: rows of a matrix, and which of them

    cdef int _gather_sparse(self, Matrix X, columns, rows, stored, scale) except -1
    cdef int _use_rows(self, Matrix X, columns, scale) except -1
    cdef int _use_sparse(self, values, indices, starts) except -1
    cdef int _use(self, array, columns) except -1
    cdef int _number(self, columns) except -1
    cdef int _moments(self, e, D, double factor, int threads, double *g, double *h, double *square) except -1
    cdef const void *_vector(self, array) except? NULL
