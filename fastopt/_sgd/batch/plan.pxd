"""The batches of an epoch, as segments of its blocks of rows."""
from fastopt._core.tables cimport fo_schedule


ctypedef struct Segment:       # rows of a block that belong to one batch
    Py_ssize_t first, n
    Py_ssize_t batch_rows      # of the whole batch
    bint begins, ends          # the batch
    bint halves                # ends with the first half of the batch, where sizes follow from the gradients' noise
    double lr


cdef class BatchPlan:
    cdef Segment *segments
    cdef Py_ssize_t n_segments
    cdef object sizes, rates, buffer
    cdef fo_schedule schedule
    cdef double *lr
    cdef Py_ssize_t batch_size                  # of every batch; 0: `sizes` says
    cdef Py_ssize_t batch_rows, batch_left      # of the batch at work, and how many of them lie in later segments
    cdef Py_ssize_t epoch_left                  # rows of the epoch that are in no batch yet
    cdef Py_ssize_t block_rows, planned         # of the block, and how many of them are in segments
    cdef readonly bint adaptive
    cdef bint sized_by_noise                    # sizes follow from the gradients: batches are planned one after the other
    cdef bint rated_by_value                    # rates follow from the losses, and are known only then
    cdef double rate_factor                     # of the learning rate, by which `adaptive` has lowered it

    cdef void start(self, Py_ssize_t rows) noexcept nogil
    cdef int split_block(self, Py_ssize_t n, double t) except -1 nogil
    cdef int extend(self, double t) except -1 nogil
    cdef void separate(self) noexcept nogil
    cdef void _append(self, Py_ssize_t size) noexcept nogil
    cdef Py_ssize_t _size(self, Py_ssize_t step) except -1 nogil
    cdef int _compute_rates(self, Py_ssize_t n, Py_ssize_t step) except -1 nogil
    cdef bint lower_rate(self) noexcept nogil
