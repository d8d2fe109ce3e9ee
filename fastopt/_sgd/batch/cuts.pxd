"""The parts of batches that a block of rows consists of."""
from fastopt._core.tables cimport fo_schedule


ctypedef struct Part:          # rows of a block that belong to one batch
    Py_ssize_t first, n
    Py_ssize_t size            # rows of the whole batch
    bint begins, ends          # the batch
    bint halves                # ends with the first half of the batch, where sizes are driven by the gradients' noise
    double lr


cdef class Cuts:
    cdef Part *part
    cdef Py_ssize_t n          # parts
    cdef object sizes, rates, buffer
    cdef fo_schedule schedule
    cdef double *lr
    cdef Py_ssize_t batch_size, current, left, rest   # rows of each batch; of this one; that it lacks; of the epoch
    cdef Py_ssize_t rows, at   # of this block, and how many of them are cut
    cdef readonly bint adaptive
    cdef bint driven           # sizes follow from the gradients: batches are cut one after the other
    cdef bint rated            # rates follow from the losses, and are known only then
    cdef double factor         # what `adaptive` has left of the learning rate

    cdef void start(self, Py_ssize_t rows) noexcept nogil
    cdef int cut(self, Py_ssize_t n, double t) except -1 nogil
    cdef int more(self, double t) except -1 nogil
    cdef void _add(self, Py_ssize_t size) noexcept nogil
    cdef Py_ssize_t _size(self, Py_ssize_t step) except -1 nogil
    cdef int _rates(self, Py_ssize_t n, Py_ssize_t step) except -1 nogil
    cdef bint slower(self) noexcept nogil
