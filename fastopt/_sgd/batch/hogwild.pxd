"""What the threads of parallel="hogwild" do not share."""
from fastopt._sgd.batch.steps cimport Weights


cdef class Hogwild:
    cdef Weights *weights          # as each thread sees them
    cdef readonly int threads
    cdef object buffers

    cdef int set_up(self, const Weights *shared, w, bint lazy) except -1
    cdef void settle(self) noexcept nogil
