"""The passes of rules for matrices."""
from fastopt.optimizers._passes cimport Plan

cdef enum:
    CHUNKS = 16                    # into which a matrix's rows are cut, whatever the number of threads

cdef int apply_factored(Plan *p, int threads) noexcept nogil
