"""How many threads would find a processor now, for loops that are about to share their work."""

cdef int spare(int wanted) noexcept nogil
