"""A block of rows as the threads of optimizer="auto" share it."""
from libc.stdint cimport int32_t

from fastopt._batch_cuts cimport Part
from fastopt._core cimport fo_auto, fo_auto_columns, fo_chunk, fo_errors, fo_kernels, fo_matrix
from fastopt._team cimport fo_team

cdef enum:
    CHUNK_ROWS = 256               # of a chunk at most, and of what losses are summed over

ctypedef struct Work:              # what all threads see
    const fo_kernels *kernels
    fo_team team
    const fo_matrix *X
    Py_ssize_t n                   # rows of the block
    const int32_t *rows            # which rows of X
    const Part *part
    Py_ssize_t n_parts
    Py_ssize_t chunk_rows          # at most
    Py_ssize_t width, blocks       # of columns
    size_t item                    # bytes of an element
    bint sparse, intercept
    char *y                        # (n, k) targets
    char *p                        # (n, k) predictions
    const char *sample_weight      # (n,), or NULL
    char *sums                     # (2, blocks, chunk_rows, k) parts of predictions, in turn
    double *values                 # (·, k) sums of losses over CHUNK_ROWS rows
    fo_auto_columns columns        # weights; beside dense rows (k, d) each
    char *g                        # their gradient, 0 between batches
    char *inverse                  # (d,) 1/s
    double *b                      # intercepts, their sums of squares, averages and gradients: (4, k)
    unsigned char *seen            # CSR: (d,) columns that the batch touches
    Py_ssize_t *touched            # CSR: the same as a list
    Py_ssize_t n_touched

ctypedef struct Worker:            # what belongs to one thread
    int rank, size                 # in a team of this size
    fo_chunk chunk
    fo_errors errors
    fo_auto auto
    double *b                      # as of Work: every thread steps the intercepts for itself, all alike
    void *p
    void *c
    Py_ssize_t turn                # counts chunks: which of two sums

cdef void work(Work *shared, Worker *worker, int size, double t) noexcept nogil
