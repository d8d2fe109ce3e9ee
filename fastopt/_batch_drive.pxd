"""Learning rates and batch sizes that follow from the loss and the gradient of each mini-batch."""
from fastopt._batch_cuts cimport Cuts


ctypedef struct Drive:         # what the thread that steps notes of a batch
    void *owner                # a Driver, who lives as long
    bint by_value, by_noise    # the schedule is told losses, the sizes squared norms
    bint failed                # one of them has raised
    Py_ssize_t rows, half      # of the batch, of its first half; 0: not yet, or none
    double objective           # the sum of its losses so far
    double square              # of the gradient over the first half
    const Py_ssize_t *n_parts  # of the block, which grow as batches are cut


cdef class Driver:
    cdef Drive c
    cdef Cuts cuts
    cdef object schedule, sizes
    cdef readonly object error

    cdef double _rate(self, double lr, double square, double t)
    cdef int _tell(self, double square) except -1


cdef double driven_rate(Drive *drive, double lr, double square, double t) noexcept nogil
