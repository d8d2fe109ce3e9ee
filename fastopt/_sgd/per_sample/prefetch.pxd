"""How far ahead rows are asked for from memory, by the time that blocks of rows take."""

cdef enum:
    CANDIDATES = 3


ctypedef struct Prefetch:
    double seconds[CANDIDATES]     # the shortest time of a row with each candidate
    int blocks                     # timed so far
    int chosen                     # which candidate; one more than its number, 0: not known yet
    int kind                       # of rows: what is learnt holds for all fits with such rows


cdef void init_prefetch(Prefetch *prefetch, bint is_sparse, double row_bytes, double bytes)
cdef Py_ssize_t bytes_ahead(const Prefetch *prefetch) noexcept nogil
cdef bint note_seconds(Prefetch *prefetch, double seconds, Py_ssize_t rows) noexcept nogil
cdef void remember(const Prefetch *prefetch)
