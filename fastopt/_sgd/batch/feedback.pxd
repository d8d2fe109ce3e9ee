"""Learning rates and batch sizes that follow from the loss and the gradient of each batch, and steps of matrices, which Python takes."""
from fastopt._sgd.batch.plan cimport BatchPlan
from fastopt.schedules._driven cimport fo_noise


ctypedef struct Drive:         # of the batch at work; written by the thread that steps
    void *owner                # the Driver that this struct is part of
    bint by_value, by_noise    # the rate follows from the loss, the size from two squared norms
    bint asks                  # asks Python for them; else the numbers below do
    bint matrix_step           # matrices are stepped in Python
    bint failed                # Python has raised an error
    Py_ssize_t rows, half      # rows of the batch, and of its first half; 0: not known yet, or none
    double objective           # sum of the losses so far
    double square              # squared norm of the gradient over the first half
    double lowest, most, c     # of PolyakStep
    double rate                # the last one of PolyakStep
    fo_noise noise             # of NoiseScale


cdef class Driver:
    cdef Drive c
    cdef BatchPlan plan
    cdef object schedule, sizes
    cdef object matrices       # the optimizer that steps matrices
    cdef readonly object error

    cdef double _ask(self, double lr, double square, double t)
    cdef int _tell(self, double square) except -1
    cdef int _step_matrices(self)
    cdef int end_epoch(self) except -1


cdef double driven_rate(Drive *drive, double lr, double square, double t) noexcept nogil
cdef void step_matrices(Drive *drive) noexcept nogil
