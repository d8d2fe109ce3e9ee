"""The arrays of an update, and the way of gradients into them."""
from libc.stdint cimport int64_t

from fastopt._core.tables cimport fo_kernels, fo_step

ctypedef struct Array:             # one array of parameters
    char *w
    const char *g
    const char *apart              # gradients that were found apart from all parameters, and their bytes
    Py_ssize_t apart_size
    void *state[4]                 # FO_STATES
    Py_ssize_t n, size             # elements, and bytes of one
    int type                       # NumPy's number of the dtype
    bint fortran                   # columns are contiguous, not rows
    int packing                    # enum fo_packing
    Py_ssize_t matrices, rows_in, columns_in   # with passes of their own: a stack of matrices as they lie in memory; 0: none
    char *scratch                  # of adafactor: sums over rows, over columns of each chunk
    double *sums                   # two a chunk of each matrix, then a mean a matrix
    const fo_kernels *kernel
    Py_ssize_t group
    Py_ssize_t first_block, n_blocks # of its elements
    Py_ssize_t n_rows, width       # of a row-sparse gradient: rows that it has (−1: dense), elements of each
    const int64_t *rows
    bint absent                    # None in the place of its gradient: the step passes over it
    long long missed               # steps that passed over it, which it does not count as its own
    double carry[4]                # FO_CARRIES: its own from the first of them on
    char *rows_w                   # adafactor: a copy in C order, where memory holds no matrix as rows; NULL: w itself
    const char *rows_g
    fo_step step                   # of this array, folded

ctypedef struct Arrays:
    Py_ssize_t n
    Array *at
    Py_ssize_t *by_address         # places of the arrays, sorted by w


cdef class RowSparse:
    cdef readonly object rows, values


cdef str name_of(const Arrays *a, Py_ssize_t i, str what)
cdef int take(Arrays *a, list params, grads, bint lazy) except -1
