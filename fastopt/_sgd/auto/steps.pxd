"""The step of optimizer="auto" at the end of a batch, by the threads that share it."""
from fastopt._core.tables cimport fo_auto, fo_auto_columns
from fastopt._sgd.batch.rows cimport RowBlock, ThreadState

ctypedef struct AutoWeights:       # shared by all threads
    bint sparse, intercept
    fo_auto_columns columns        # weights; beside dense rows (k, d) each
    char *g                        # their gradient, 0 between batches
    char *inverse                  # (d,) 1/s
    double *b                      # intercepts, their sums of squares, averages and gradients: (4, k)
    unsigned char *seen            # CSR: (d,) columns that the batch touches
    Py_ssize_t *touched            # CSR: the same as a list
    Py_ssize_t n_touched

ctypedef struct AutoStepper:       # of one thread
    fo_auto auto
    double *b                      # as in AutoWeights: every thread steps the intercepts for itself, with equal results

cdef void step_batch(const RowBlock *block, AutoWeights *weights, AutoStepper *stepper, const ThreadState *thread) noexcept nogil
