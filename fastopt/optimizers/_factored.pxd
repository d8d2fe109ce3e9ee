"""The passes of rules for matrices."""
from fastopt.optimizers._passes cimport StepPlan

cdef enum:
    CHUNKS = 16                    # into which a matrix's rows are cut, whatever the number of threads

cdef int apply_factored(StepPlan *p, int threads) noexcept nogil
