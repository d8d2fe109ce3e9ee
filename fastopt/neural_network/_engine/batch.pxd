"""A network and the batch at work, as its threads share them."""
from libc.stdint cimport int32_t

from fastopt._core.tables cimport fo_kernels, fo_layer, fo_matrix, fo_samples
from fastopt._core.team cimport fo_team
from fastopt.optimizers._passes cimport StepPlan


ctypedef struct Net:
    const fo_kernels *kernels
    fo_team team
    fo_layer *layers
    Py_ssize_t n_layers, itemsize
    const fo_matrix *X             # what rows are taken from
    fo_matrix y, weight            # as X
    bint has_weights
    void *x                        # (rows, ·) rows of the batch
    void *batch_y                  # (rows, y.d)
    void *batch_weight             # (rows, weight.d)
    fo_samples samples             # of the batch, but for the factor
    char *p                        # (rows, k) predictions
    char *c                        # (rows, k) derivatives of the loss in them
    bint copies                    # p and c are not the last layer's own arrays, whose rows are wider
    double *losses                 # of each chunk of rows
    double *squares                # of each block of weights
    double l2
    Py_ssize_t n_weights           # elements of all parameters, with what fills up rows
    char *w                        # all parameters
    char *g                        # and their gradient
    StepPlan *plan                 # of w; NULL: gradients alone
    bint whole                     # the step needs the whole gradient: `step_whole` takes it
    void *owner                    # the Network that this struct is part of
    double loss, penalty           # of the epoch so far: each batch's times its rows
    bint failed                    # `step_whole` has raised an error


ctypedef struct Batch:
    Py_ssize_t n
    const int32_t *rows
    Py_ssize_t known               # rows of the epoch from the first of the batch on
    double total                   # of the weights of its rows
    double lr


ctypedef int (*whole_step)(void *owner) noexcept nogil

cdef enum:
    SQUARES_BLOCK = 8192           # weights of a block whose squares are summed

cdef Py_ssize_t chunk_rows(const Net *net, Py_ssize_t n) noexcept nogil
cdef void forward_rows(const Net *net, Py_ssize_t first, Py_ssize_t last) noexcept nogil
cdef void differentiate(Net *net, const Batch *batch, double total, int rank, int size) noexcept nogil
cdef double sum_losses(const Net *net, Py_ssize_t n) noexcept nogil
cdef double penalty_squares(Net *net, int rank, int size) noexcept nogil
cdef void add_gradients(const Net *net, Py_ssize_t n, double l2, bint adds, int rank, int size) noexcept nogil
cdef void transpose(const Net *net, int rank, int size) noexcept nogil
cdef void learn(Net *net, const Batch *batches, Py_ssize_t first, Py_ssize_t last, whole_step step, int rank, int size) noexcept nogil
