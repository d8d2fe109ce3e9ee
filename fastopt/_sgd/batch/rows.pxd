"""A block of rows as the threads of a run by mini-batches share it."""
from libc.stdint cimport int32_t

from fastopt._sgd.batch.cuts cimport Part
from fastopt._core.tables cimport fo_chunk, fo_errors, fo_kernels, fo_matrix
from fastopt._core.team cimport fo_team

cdef enum:
    CHUNK_ROWS = 256               # of a chunk at most, and of what losses are summed over
    BOUNDS = 64                    # into which the columns of CSR rows are cut

ctypedef struct Rows:              # what all threads see
    const fo_kernels *kernels
    fo_team team
    const fo_matrix *X
    Py_ssize_t n                   # rows of the block
    const int32_t *rows            # which rows of X
    const Part *part
    Py_ssize_t n_parts
    Py_ssize_t chunk_rows          # at most
    Py_ssize_t width, blocks       # of columns
    const Py_ssize_t *bounds       # CSR: threads share columns from bounds[·] on, (BOUNDS + 1,), but rows for products; or NULL
    size_t item                    # bytes of an element
    char *y                        # (n, k) targets
    char *p                        # (n, k) predictions
    const char *sample_weight      # (n,), or NULL
    char *sums                     # (2, blocks, chunk_rows, k) parts of predictions, in turn
    double *values                 # sums of losses over CHUNK_ROWS rows, together or by output

ctypedef struct Seat:              # what belongs to one thread
    int rank, size                 # in a team of this size
    fo_chunk chunk
    fo_errors errors
    void *p
    void *c
    Py_ssize_t turn                # counts chunks: which of two sums

cdef void take_seat(const Rows *rows, Seat *seat, int size) noexcept nogil
cdef Py_ssize_t at_row(const Rows *rows, const Seat *seat, Py_ssize_t i) noexcept nogil
cdef void predict_chunk(Rows *rows, Seat *seat, Py_ssize_t i, const void *w) noexcept nogil
cdef void learn_chunk(Rows *rows, Seat *seat, Py_ssize_t i, double factor, const double *b, double *g_b, void *g) noexcept nogil


cdef inline bint weighed_run(const Rows *rows, Py_ssize_t end, Py_ssize_t *first, Py_ssize_t *last) noexcept nogil:
    """The next rows in a row, from `first` on, that have a weight: those before `last`; whether there are any."""
    cdef const char *weight = rows.sample_weight
    if weight == NULL:
        last[0] = end
        return first[0] < end
    while first[0] < end and not ((<const float *>weight)[first[0]] > 0 if rows.item == 4 else (<const double *>weight)[first[0]] > 0):
        first[0] += 1
    last[0] = first[0]
    while last[0] < end and ((<const float *>weight)[last[0]] > 0 if rows.item == 4 else (<const double *>weight)[last[0]] > 0):
        last[0] += 1
    return first[0] < end
