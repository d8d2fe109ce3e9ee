"""A pass over sparse X by columns (CSC): products of all rows, then errors, then the gradient.

Used by objective/_objective.pyx.  Parts of the columns, a few, by the size of X alone, each have products of their own, added in the order
of the parts; rows are cut as elsewhere; each column's share of the gradient is its own.  X is CSR of the transposed matrix.
"""
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from fastopt._core.tables cimport Matrix, fo_chunk, fo_matrix
from fastopt.objective._pass cimport CURVATURE, GRADIENT, PRODUCTS, Job, run_errors


cdef Py_ssize_t _look(Job *job, Matrix X, Py_ssize_t f, Py_ssize_t end, fo_matrix *view, fo_chunk *chunk) noexcept nogil:
    """Some columns from the f-th on as the loops see them; how many."""
    view[0] = X.from_row(f)
    chunk.n, chunk.k, chunk.rows, chunk.next, chunk.n_next = min(job.chunk, end - f), job.k, job.counting, NULL, 0
    chunk.width, chunk.begin, chunk.end, chunk.centre = job.n, 0, 1, NULL
    chunk.output_stride, chunk.feature_stride = 1, job.k
    return chunk.n


cdef void _products(Job *job, Matrix X, Py_ssize_t part) noexcept nogil:
    """The products of a part of the columns."""
    cdef Py_ssize_t width = (job.d + job.column_parts - 1) // job.column_parts, f = part * width, end = min(job.d, f + width), n
    cdef char *to = job.columns + part * job.n * job.k * job.item
    cdef fo_chunk chunk
    cdef fo_matrix view
    memset(to, 0, job.n * job.k * job.item)
    while f < end:
        n = _look(job, X, f, end, &view, &chunk)
        job.kernels.batch_gradient(&view, &chunk, job.w + f * job.k * job.item, to)
        f += n


cdef void _errors(Job *job, Py_ssize_t part) noexcept nogil:
    """Sums of products, and what follows from them, of a part of the rows."""
    cdef Py_ssize_t i = part * job.part_rows, n = min(job.n - i, job.part_rows), row = job.k * job.item
    cdef Py_ssize_t of_part = job.n * row, other
    cdef char *factors = job.columns + job.column_parts * of_part + i * row
    cdef char *products = job.columns + i * row
    cdef double *sums = job.sums + part * job.stride
    memset(sums + job.size, 0, (job.stride - job.size) * sizeof(double))
    if job.what & (PRODUCTS | CURVATURE):
        for other in range(1, job.column_parts):
            job.kernels.objective.move(n * job.k, 1, products + other * of_part, products)
        if job.products:
            memcpy(job.products + i * row, products, n * row)
            products = job.products + i * row
    run_errors(job, i, n, products, factors, sums, True)


cdef void _gradient(Job *job, Matrix X, Py_ssize_t f) noexcept nogil:
    cdef fo_chunk chunk
    cdef fo_matrix view
    _look(job, X, f, job.d, &view, &chunk)
    job.kernels.objective.gather(&view, &chunk, job.columns + job.column_parts * job.n * job.k * job.item, job.sums + f * job.k)


cdef void run_columns(Job *job, Matrix X, int threads) noexcept nogil:
    cdef Py_ssize_t part, chunks = (job.d + job.chunk - 1) // job.chunk
    if job.what & (PRODUCTS | CURVATURE):
        for part in prange(job.column_parts, num_threads=threads, schedule="dynamic", use_threads_if=threads > 1):
            _products(job, X, part)
    for part in prange(job.parts, num_threads=threads, schedule="static", use_threads_if=threads > 1):
        _errors(job, part)
    job.kernels.objective.combine(job.parts, job.stride, job.stride - job.size, job.sums + job.size)
    if job.what & (GRADIENT | CURVATURE):
        for part in prange(chunks, num_threads=threads, schedule="dynamic", use_threads_if=threads > 1):
            _gradient(job, X, part * job.chunk)
