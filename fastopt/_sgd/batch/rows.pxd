"""A block of rows as the threads of a fit by mini-batches share it, and what belongs to one thread."""
from libc.stdint cimport int32_t

from fastopt._core.tables cimport fo_chunk, fo_errors, fo_kernels, fo_matrix
from fastopt._core.team cimport fo_team

cdef enum:
    CHUNK_ROWS = 256               # of a chunk at most, and of each sum of losses
    COLUMN_PARTS = 64              # into which the columns of CSR rows are cut

ctypedef struct RowBlock:          # shared by all threads
    const fo_kernels *kernels
    fo_team team
    const fo_matrix *X
    Py_ssize_t n                   # rows of the block
    const int32_t *rows            # which rows of X
    Py_ssize_t chunk_rows          # at most
    Py_ssize_t width, column_blocks   # of columns
    const Py_ssize_t *bounds       # CSR: threads share columns from bounds[·] on, (COLUMN_PARTS + 1,), but rows for products; or NULL
    size_t itemsize                # bytes of an element
    char *y                        # (n, k) targets
    char *p                        # (n, k) predictions
    const char *sample_weight      # (n,), or NULL
    double *losses                 # (chunks, n_losses) sums of losses over CHUNK_ROWS rows
    Py_ssize_t n_losses
    bint losses_by_output          # the losses of each output have a sum of their own; else they have one together

ctypedef struct ThreadState:       # of one thread
    int index                      # its place among all threads
    int rank, size                 # its place in the team that shares a batch, and the threads in that team
    fo_chunk chunk
    fo_errors errors               # errors.b: the intercepts that the batch starts from
    const char *w                  # weights
    char *g                        # their gradient
    double *g_b                    # (k,) gradient of the intercepts
    char *sums                     # (2, column_blocks, chunk_rows, k) partial predictions, of two chunks in turn; the team's
    void *p                        # (chunk_rows, k) predictions, of threads other than the first, whose predictions are used for the losses
    void *c                        # (chunk_rows, k) factors of the rows in the gradient
    Py_ssize_t turn                # counts chunks: which of the two partial predictions
    bint nonfinite                       # some prediction was not finite

cdef void enter_team(const RowBlock *block, ThreadState *thread, int rank, int size) noexcept nogil
cdef Py_ssize_t row_offset(const RowBlock *block, const ThreadState *thread, Py_ssize_t i) noexcept nogil
cdef void set_chunk(const RowBlock *block, ThreadState *thread, Py_ssize_t first, Py_ssize_t n) noexcept nogil
cdef void predict_chunk(RowBlock *block, ThreadState *thread) noexcept nogil
cdef void learn_chunk(RowBlock *block, ThreadState *thread, Py_ssize_t first, double factor) noexcept nogil
cdef void sum_losses(const RowBlock *block, ThreadState *thread, int size) noexcept nogil
