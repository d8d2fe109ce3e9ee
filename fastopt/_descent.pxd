"""Columns of X for coordinate descent."""
from fastopt._core cimport Matrix, fo_descent, fo_matrix


cdef class Columns:
    cdef fo_matrix c                 # a row is a column of X
    cdef readonly Py_ssize_t n, m    # rows of X, columns
    cdef readonly bint is_float, is_sparse
    cdef readonly object mean
    cdef fo_descent plan             # m, columns; the rest is a call's own
    cdef object keep                 # the arrays that c and plan point into

    cdef int _gather_sparse(self, Matrix X, columns, rows, stored) except -1
    cdef int _use_rows(self, Matrix X, columns, scale) except -1
    cdef int _use(self, array, columns) except -1
    cdef const void *_vector(self, array) except? NULL
