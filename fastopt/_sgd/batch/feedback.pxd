"""What a step of mini-batches asks of Python, or of numbers that Python gave: learning rates and batch sizes that follow from the
loss and the gradient of each batch, and steps by products of matrices."""
from fastopt._sgd.batch.cuts cimport Cuts
from fastopt.schedules._driven cimport fo_noise


ctypedef struct Drive:         # what the thread that steps notes of a batch
    void *owner                # a Driver, who lives as long
    bint by_value, by_noise    # the rate is driven by the loss, the size by two squared norms
    bint asks                  # Python for them, not only the numbers below
    bint by_products           # matrices are stepped in Python
    bint failed                # it has raised
    Py_ssize_t rows, half      # of the batch, of its first half; 0: not yet, or none
    double objective           # the sum of its losses so far
    double square              # of the gradient over the first half
    double lowest, most, c     # of PolyakStep
    double rate                # its last one
    fo_noise noise             # of NoiseScale
    const Py_ssize_t *n_parts  # of the block, which grow as batches are cut


cdef class Driver:
    cdef Drive c
    cdef Cuts cuts
    cdef object schedule, sizes
    cdef object matrices       # the optimizer that steps them, and where the gradients will be
    cdef readonly object error

    cdef double _ask(self, double lr, double square, double t)
    cdef int _tell(self, double square) except -1
    cdef int _step_matrices(self)
    cdef int settle(self) except -1


cdef double driven_rate(Drive *drive, double lr, double square, double t) noexcept nogil
cdef void step_matrices(Drive *drive) noexcept nogil
