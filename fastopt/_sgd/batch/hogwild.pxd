"""Batches of a block shared among threads that step the same weights without locks."""
from fastopt._sgd.batch.work cimport Work, Worker


cdef class Wild:
    cdef Work *own                 # of each thread
    cdef readonly int threads
    cdef object buffers

    cdef int set_up(self, const Work *shared, w, bint lazy) except -1
    cdef void block(self, Work *shared, Worker *workers, double t) noexcept nogil
    cdef void settle(self) noexcept nogil
