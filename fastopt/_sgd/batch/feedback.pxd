"""What a step of mini-batches asks of Python, or of numbers that Python gave: learning rates and batch sizes that follow from the
loss and the gradient of each batch, and steps by products of matrices."""
from fastopt._sgd.batch.plan cimport BatchPlan
from fastopt.schedules._driven cimport fo_noise


ctypedef struct Drive:         # what the thread that steps notes of a batch
    void *owner                # the Driver that this struct is part of
    bint by_value, by_noise    # the rate is driven by the loss, the size by two squared norms
    bint asks                  # asks Python for them; else the numbers below do
    bint matrix_step           # matrices are stepped in Python
    bint failed                # it has raised
    Py_ssize_t rows, half      # of the batch, of its first half; 0: not yet, or none
    double objective           # the sum of its losses so far
    double square              # of the gradient over the first half
    double lowest, most, c     # of PolyakStep
    double rate                # its last one
    fo_noise noise             # of NoiseScale


cdef class Driver:
    cdef Drive c
    cdef BatchPlan plan
    cdef object schedule, sizes
    cdef object matrices       # the optimizer that steps them, and where the gradients will be
    cdef readonly object error

    cdef double _ask(self, double lr, double square, double t)
    cdef int _tell(self, double square) except -1
    cdef int _step_matrices(self)
    cdef int end_epoch(self) except -1


cdef double driven_rate(Drive *drive, double lr, double square, double t) noexcept nogil
cdef void step_matrices(Drive *drive) noexcept nogil
