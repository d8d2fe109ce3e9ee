"""Steps of mini-batches of CSR rows that touch only the columns in which the batch has values."""
from fastopt._sgd.batch.steps cimport Stepper, Weights
from fastopt._core.tables cimport fo_lazy


cdef class LazyColumns:
    cdef fo_lazy c
    cdef object buffers

cdef LazyColumns attach_lazy_columns(Weights *weights, w)
cdef bint allows_lazy(const Weights *w) noexcept nogil
cdef void step_lazily(const Weights *w, Stepper *s, double lr) noexcept nogil
cdef void settle_lazily(const Weights *w) noexcept nogil
