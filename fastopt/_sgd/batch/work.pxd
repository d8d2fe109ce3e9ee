"""A block of rows as the threads of a mini-batch run share it."""
from fastopt._sgd.batch.rows cimport Rows, Seat
from fastopt._sgd.batch.steps cimport Stepper, Weights

ctypedef struct Work:              # what all threads see
    Rows rows
    Weights weights

ctypedef struct Worker:            # what belongs to one thread
    Seat seat
    Stepper stepper

cdef void work(Work *shared, Worker *worker, int size, double t) noexcept nogil
cdef void work_wild(Work *shared, Work *own, Worker *worker, int size, double t) noexcept nogil
