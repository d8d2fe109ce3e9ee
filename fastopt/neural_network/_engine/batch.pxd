"""A network and the batch at work, as its threads share them."""
from libc.stdint cimport int32_t, uint32_t

from fastopt._core.tables cimport fo_kernels, fo_layer, fo_matrix, fo_samples
from fastopt._core.team cimport fo_team
from fastopt.optimizers._passes cimport StepPlan


ctypedef enum Stepping:
    BY_PARTS                       # each weight by itself: threads step their inputs
    WHOLE                          # the rule needs the whole gradient: one thread steps, by the plan
    BY_ARRAYS                      # … and arrays as they are without what fills up rows: the optimizer steps copies


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
    double *l2                     # of each layer
    bint penalizes                 # some of them is above 0
    Py_ssize_t n_weights           # elements of all parameters, with what fills up rows
    char *w                        # all parameters
    char *g                        # and their gradient
    StepPlan *plan                 # of w; NULL: gradients alone
    Stepping stepping
    void *owner                    # the Network that this struct is part of
    double loss, penalty           # of the epoch so far: each batch's times its rows
    bint failed                    # `whole_step` has raised an error


ctypedef struct Batch:
    Py_ssize_t n
    const int32_t *rows
    Py_ssize_t known               # rows of the epoch from the first of the batch on
    double total                   # of the weights of its rows
    double lr
    uint32_t key                   # of what is left out


ctypedef int (*whole_step)(void *owner) noexcept nogil

cdef enum:
    SQUARES_BLOCK = 8192           # weights of a block whose squares are summed
    SHARED_WORK = 10000000         # multiplications of a batch, some 100 µs: with less, threads lose more by meeting

cdef Py_ssize_t work_of_row(const Net *net) noexcept nogil
cdef void add_block(Net *net, const Batch *batch, bint adds, int rank, int size) noexcept nogil
cdef void set_keys(Net *net, uint32_t key) noexcept nogil
cdef double sum_losses(const Net *net, Py_ssize_t n) noexcept nogil
cdef double penalty_squares(Net *net, int rank, int size) noexcept nogil
cdef void transpose(const Net *net, int rank, int size) noexcept nogil
cdef void learn(Net *net, const Batch *batches, Py_ssize_t first, Py_ssize_t last, whole_step step, int rank, int size) noexcept nogil
