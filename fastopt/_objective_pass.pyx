"""A pass over X in parts of its rows: what one thread does, chunk after chunk, and how rows are cut.

Used by _objective.pyx, which shares the parts among threads.  A chunk of rows stays in the cache between its products with the
weights and its share of the gradient.  The arithmetic is csrc/batch.h (X) and csrc/objective.h (the rest).
"""
from libc.stdint cimport int32_t
from libc.string cimport memset

from fastopt._core cimport FO_DENSE, Matrix, fo_chunk, fo_matrix

cdef enum:
    CHUNK_BYTES = 32 << 10      # of the rows of a chunk: they stay in the first level of the cache
    CHUNK_ROWS = 256
    FLUSH_ROWS = 4096           # float32 sums go no further
    PART_WORK = 1 << 16         # elements of a part, at least: some 5 µs
    MAX_PARTS = 64


cdef void plan(Job *job, Matrix X) noexcept:
    """Sizes of parts and chunks: by n, d, k and the number of stored values alone."""
    cdef Py_ssize_t line = 64 // (4 if X.is_float else 8), parts = 1
    cdef double work = job.n * X.row_size * job.k
    job.item = 4 if X.is_float else 8
    if X.is_sparse:
        job.weights.output_stride, job.weights.feature_stride = 1 if job.k > 1 else job.d, job.k
        job.size = job.d * job.k
    else:
        job.weights.output_stride, job.weights.feature_stride = (job.d + line - 1) // line * line, 1
        job.size = job.k * job.weights.output_stride
    while parts < MAX_PARTS and work > 2 * parts * max(PART_WORK, 16 * job.size):
        parts *= 2
    job.chunk = min(CHUNK_ROWS, max(16, <Py_ssize_t>(CHUNK_BYTES / (X.row_size * job.item)) // 16 * 16))
    if X.row_size * job.item > CHUNK_BYTES:
        job.chunk = 4
    job.part_rows = (job.n + parts - 1) // parts
    job.part_rows = (job.part_rows + 15) // 16 * 16
    job.parts = (job.n + job.part_rows - 1) // job.part_rows
    job.stride = (job.size + job.k + 1 + 7) // 8 * 8


cdef fo_chunk _chunk(Job *job, Matrix X, Py_ssize_t i, Py_ssize_t n, Py_ssize_t ahead, fo_matrix *view, char *scratch) noexcept nogil:
    """Rows i … i + n − 1 as the loops of batch.h take them, and `ahead` rows behind them; `view` is X as they see it."""
    cdef fo_chunk chunk
    view[0] = X.c
    chunk.n, chunk.k, chunk.n_next = n, job.k, ahead
    chunk.width, chunk.begin, chunk.end = job.d, 0, 1
    chunk.output_stride, chunk.feature_stride = job.weights.output_stride, job.weights.feature_stride
    chunk.centre = NULL
    chunk.rows = job.rows + i if job.rows else job.counting
    if job.rows == NULL and not X.packs:
        view[0] = X.from_row(i)
    if X.packs:
        view.data, view.stride = scratch + job.at_packed, job.d
        chunk.rows, chunk.n_next = job.counting, 0
    chunk.next = chunk.rows + n
    return chunk


cdef void _pack(Job *job, Matrix X, Py_ssize_t i, Py_ssize_t n, char *scratch) noexcept nogil:
    cdef const int32_t *rows = job.rows + i if job.rows else job.counting
    job.kernels.pack_rows(n, job.d, X.base + (0 if job.rows else i * X.row_stride), X.row_stride, X.column_stride, rows,
                          scratch + job.at_packed)


cdef void run_part(Job *job, Matrix X, Py_ssize_t part, char *scratch) noexcept nogil:
    """One part of the rows."""
    cdef Py_ssize_t i = part * job.part_rows, end = min(job.n, i + job.part_rows), row = job.k * job.item, n, since = 0
    cdef char *c = scratch
    cdef char *products
    cdef char *g = scratch + job.at_gradient
    cdef double *sums = job.sums + part * job.stride
    cdef fo_chunk chunk
    cdef fo_matrix view
    memset(sums, 0, job.stride * sizeof(double))
    while i < end:
        n = min(job.chunk, end - i)
        chunk = _chunk(job, X, i, n, min(n, end - i - n), &view, scratch)
        if X.packs and job.what & (PRODUCTS | CURVATURE | GRADIENT):
            _pack(job, X, i, n, scratch)
        products = job.products + i * row if job.products else scratch + job.chunk * row
        if job.what & (PRODUCTS | CURVATURE):
            job.kernels.batch_products(&view, &chunk, job.w, 0, products)
        if job.what & CURVATURE:
            job.kernels.objective.curvature(&job.samples, i, n, job.b, job.p + i * row, products, c, sums + job.size)
        elif job.what & (VALUE | GRADIENT):
            sums[job.stride - 1] += job.kernels.objective.errors(
                &job.samples, i, n, job.b if job.what & PRODUCTS else NULL, job.p + i * row, c,
                sums + job.size if job.what & GRADIENT else NULL)
        else:
            job.kernels.objective.shift(n, job.k, job.b, products)
        if job.what & (GRADIENT | CURVATURE):
            if view.layout != FO_DENSE:
                job.kernels.objective.scatter(&view, &chunk, c, sums)
            else:
                job.kernels.batch_gradient(&view, &chunk, c, g)
                since += n
        i += n
        if since > 0 and (i >= end or since + job.chunk > FLUSH_ROWS):
            job.kernels.objective.flush(job.size, g, sums)
            since = 0
