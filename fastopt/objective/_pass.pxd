"""A pass over X: what it does, with what, and where its sums go."""
from libc.stdint cimport int32_t

from fastopt._core.tables cimport Matrix, fo_kernels, fo_samples, fo_weights

cdef enum:   # what a pass does
    PRODUCTS = 1    # X·w + b
    VALUE = 2       # the sum of the losses
    GRADIENT = 4
    CURVATURE = 8   # X·w + b, times second derivatives, times X: a product with the Hessian

ctypedef struct Job:
    const fo_kernels *kernels
    fo_samples samples          # targets, weights, loss
    fo_weights weights          # how weights and gradients lie beside X
    const void *centre          # (d,) of the computation's type: what is subtracted from dense X as it is read, or NULL
    const int32_t *rows         # (n,) rows of X, or NULL: all
    const int32_t *counting     # 0, 1, 2, … as many as rows in a chunk
    Py_ssize_t n, d, k
    Py_ssize_t item             # bytes of a number of the computation
    double work                 # products and sums that a pass over X takes, each once
    bint by_columns             # X is read a column of a chunk after the other: Fortran order
    bint sparse
    bint squares                # the second derivatives are 1, wherever the point is
    bint prefetch               # X is larger than the caches
    Py_ssize_t chunk            # rows that stay in the cache between their products and their gradient
    Py_ssize_t parts, part_rows # parts of the rows, each with sums of its own
    Py_ssize_t column_parts     # CSC: parts of the columns, each with products of its own; else 0
    Py_ssize_t size             # numbers of the weights beside X
    Py_ssize_t stride           # numbers of a part's sums: gradient, Σ c of each output, value
    int what
    const char *w               # weights beside X
    const double *b             # (k,) what is added to the products
    char *p                     # (n, k) predictions
    const char *given           # (n, k) factors of the rows in the gradient, where a loss in Python found them; NULL: kernels find them
    char *products              # (n, k) X·w + b; NULL: they are not kept
    double *sums                # (parts, stride)
    char *columns               # CSC: (column_parts, n, k) products of each, then (n, k) factors
    char *scratch               # for each thread: factors, products and one more of a chunk, a gradient, packed rows
    Py_ssize_t scratch_size     # bytes of one thread's
    Py_ssize_t at_gradient, at_packed   # where in it


cdef void plan(Job *job, Matrix X, bint by_columns) noexcept
cdef void run_part(Job *job, Matrix X, Py_ssize_t part, char *scratch) noexcept nogil
cdef bint all_zero(Py_ssize_t n, const double *w) noexcept nogil
cdef void predict_intercepts(Job *job, const double *b) noexcept nogil
cdef void run_errors(Job *job, Py_ssize_t i, Py_ssize_t n, char *products, char *c, double *sums, bint shift) noexcept nogil
