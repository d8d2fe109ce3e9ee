"""A block of rows as the threads of optimizer="auto" share it."""
from fastopt._sgd.batch.rows cimport Rows, Seat
from fastopt._core.tables cimport fo_auto, fo_auto_columns

ctypedef struct Work:              # what all threads see
    Rows rows
    bint sparse, intercept
    fo_auto_columns columns        # weights; beside dense rows (k, d) each
    char *g                        # their gradient, 0 between batches
    char *inverse                  # (d,) 1/s
    double *b                      # intercepts, their sums of squares, averages and gradients: (4, k)
    unsigned char *seen            # CSR: (d,) columns that the batch touches
    Py_ssize_t *touched            # CSR: the same as a list
    Py_ssize_t n_touched

ctypedef struct Worker:            # what belongs to one thread
    Seat seat
    fo_auto auto
    double *b                      # as of Work: every thread steps the intercepts for itself, all alike

cdef void work(Work *shared, Worker *worker, int size, double t) noexcept nogil
