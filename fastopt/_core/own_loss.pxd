"""For modules that hand a loss to kernels: see own_loss.pyx."""
from fastopt._core.tables cimport fo_loss, fo_own_loss


cdef class OwnLoss:
    cdef fo_own_loss own
    cdef object kept    # what holds the function and its data


cdef int set_loss(fo_loss *loss, tuple spec) except -1
