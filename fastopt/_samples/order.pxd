"""The samples of a fit, block by block, for the loops of other modules."""
from libc.stdint cimport int32_t, uint8_t, uint32_t

from fastopt._core.tables cimport Matrix, fo_kernels, fo_matrix, real


cdef class Samples:
    cdef Matrix X
    cdef const fo_kernels *kernels
    cdef readonly Py_ssize_t block_rows    # rows of a block at most
    cdef readonly Py_ssize_t train_count   # rows that are learnt from
    cdef fo_matrix matrix                  # X, or the packed rows of a block
    cdef const int32_t *kernel_rows        # rows of `matrix` in a block
    cdef void *weights                     # sample weights of a block, or NULL
    cdef bint shuffle, replace
    cdef uint32_t seed
    cdef Py_ssize_t position
    cdef Py_ssize_t count                  # rows at the head of the order that an epoch visits
    cdef int32_t[::1] order, rows, identity
    cdef const uint8_t[::1] held_out
    cdef object y, weight, buffers
    cdef const void *y_data
    cdef const void *weight_data
    cdef Py_ssize_t y_columns
    cdef int y_type
    cdef double negative

    cdef void start(self) noexcept nogil
    cdef void leave_out(self) noexcept nogil
    cdef void take_in(self) noexcept nogil
    cdef Py_ssize_t next_block(self) noexcept nogil
    cdef void targets(self, Py_ssize_t n, const int32_t *labels, Py_ssize_t k, bint numbers, void *out) noexcept nogil
    cdef void _targets(self, Py_ssize_t n, const int32_t *labels, Py_ssize_t k, bint numbers, real *out) noexcept nogil
