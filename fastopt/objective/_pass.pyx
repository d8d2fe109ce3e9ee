"""A pass over X in parts of its rows: what one thread does, chunk after chunk, and how rows are cut.

Used by objective/_objective.pyx, which shares the parts among threads.  A chunk of rows stays in the cache between its products with the
weights and its share of the gradient.  In Fortran order the loops see X transposed: a column of the chunk is one of their rows,
products are what they call a gradient, and the gradient is what they call products.  The arithmetic is csrc/objective/objective_rows.h and objective.h.
"""
from libc.string cimport memcpy, memset

from fastopt._core.tables cimport Matrix, fo_chunk, fo_matrix

cdef enum:
    CHUNK_BYTES = 32 << 10      # of the rows of a chunk: they stay in the first level of the cache
    COLUMN_BYTES = 512 << 10    # by columns: in the second, as short pieces of columns are slow
    CHUNK_ROWS = 192
    CACHED_BYTES = 32 << 20     # of X: more is brought in ahead of its use
    FLUSH_ROWS = 4096           # float32 sums go no further
    PART_WORK = 1 << 16         # elements of a part, at least: some 5 µs
    MAX_PARTS = 64
    MAX_COLUMN_PARTS = 8        # each with n·k products


cdef Py_ssize_t _lines(Py_ssize_t bytes) noexcept nogil:
    return (bytes + 63) // 64 * 64


cdef void plan(Job *job, Matrix X, bint by_columns) noexcept:
    """Sizes of parts and chunks: by n, d, k and the number of stored values alone.  X is transposed if it is CSC."""
    cdef Py_ssize_t line = 64 // (4 if X.is_float else 8), parts = 1
    cdef double row_size = X.row_size * X.n / job.n if by_columns else X.row_size, work = job.n * row_size * job.k
    job.item, job.work = 4 if X.is_float else 8, work
    job.sparse = X.is_sparse
    job.by_columns = by_columns or (X.by_columns and job.rows == NULL)
    job.prefetch = job.sparse or (not X.packs and job.n * job.d * X.item > CACHED_BYTES)
    job.weights.output_stride, job.weights.feature_stride, job.size = 1, job.k, job.d * job.k
    if not job.sparse and not job.by_columns:
        job.weights.output_stride, job.weights.feature_stride = (job.d + line - 1) // line * line, 1
        job.size = job.k * job.weights.output_stride
    elif job.k == 1:
        job.weights.output_stride = job.d
    while parts < MAX_PARTS and work > 2 * parts * max(PART_WORK, 16 * job.size):
        parts *= 2
    job.column_parts = 0
    if by_columns:
        job.column_parts = min(parts, min(job.d, MAX_COLUMN_PARTS))
    job.chunk = <Py_ssize_t>((COLUMN_BYTES if job.by_columns and not job.sparse else CHUNK_BYTES) / (row_size * X.item))
    job.chunk = min(4 * CHUNK_ROWS if job.by_columns else CHUNK_ROWS, max(64 if job.by_columns else 8, job.chunk))
    job.chunk = job.chunk // 16 * 16 if job.chunk >= 16 else 8
    job.part_rows = (job.n + parts - 1) // parts
    job.part_rows = (job.part_rows + 15) // 16 * 16
    job.parts = (job.n + job.part_rows - 1) // job.part_rows
    job.stride = (job.size + job.k + 1 + 7) // 8 * 8
    job.at_gradient = _lines(3 * job.chunk * job.k * job.item)
    job.at_packed = job.at_gradient + _lines(job.size * job.item)
    job.scratch_size = job.at_packed + _lines(job.chunk * job.d * X.item if X.packs and not job.by_columns else 0) + 64


cdef void _look(Job *job, Matrix X, Py_ssize_t i, Py_ssize_t n, Py_ssize_t end, fo_matrix *view, fo_chunk *chunk,
                char *scratch) noexcept nogil:
    """Rows i … i + n − 1 as the loops see them; rows up to `end` are to come."""
    cdef const int32_t *rows = job.rows + i if job.rows else job.counting
    view[0] = X.c
    chunk.n, chunk.k, chunk.centre, chunk.centre_of_rows = n, job.k, job.centre, job.by_columns
    chunk.width, chunk.begin, chunk.end = job.d, 0, 1
    chunk.output_stride, chunk.feature_stride = job.weights.output_stride, job.weights.feature_stride
    chunk.rows, chunk.next, chunk.n_next = NULL, NULL, 0
    if job.by_columns:
        view.n, view.d, view.stride = job.d, n, X.column_stride // X.item
        view.data = X.base + i * X.item
        chunk.n, chunk.output_stride, chunk.feature_stride = job.d, n, 1
    elif X.packs:
        if job.what & ~VALUE:
            job.kernels.objective.pack(n, job.d, X.item, X.base + (0 if job.rows else i * X.row_stride), X.row_stride,
                                       X.column_stride, rows, scratch + job.at_packed)
        view.data, view.stride = scratch + job.at_packed, job.d
    elif job.rows:
        chunk.rows, chunk.next = rows, rows + n
    else:
        view[0] = X.from_row(i)
        chunk.rows = job.counting if job.sparse else NULL
        chunk.next = job.counting + n
    if job.prefetch:
        chunk.n_next = min(n, end - i - n)


cdef void _products(Job *job, const fo_matrix *view, const fo_chunk *chunk, Py_ssize_t n, char *p, char *transposed) noexcept nogil:
    if not job.by_columns:
        job.kernels.objective.products(view, chunk, job.w, p)
    elif job.k == 1:
        memset(p, 0, n * job.item)
        job.kernels.objective.gradient(view, chunk, job.w, p)
    else:
        memset(transposed, 0, n * job.k * job.item)
        job.kernels.objective.gradient(view, chunk, job.w, transposed)
        job.kernels.objective.transpose(job.k, n, transposed, p)


cdef bint _gradient(Job *job, const fo_matrix *view, const fo_chunk *chunk, Py_ssize_t n, const char *c, char *transposed, char *g,
                    double *sums) noexcept nogil:
    """What the chunk adds to the gradient: to g; True if that must go to the sums before the next chunk."""
    if job.sparse:
        job.kernels.objective.scatter(view, chunk, c, sums)
        return False
    if not job.by_columns:
        job.kernels.objective.gradient(view, chunk, c, g)
        return False
    if job.k > 1:
        job.kernels.objective.transpose(n, job.k, c, transposed)
        job.kernels.objective.products(view, chunk, transposed, g)
    else:
        job.kernels.objective.products(view, chunk, c, g)
    return True


cdef void run_part(Job *job, Matrix X, Py_ssize_t part, char *scratch) noexcept nogil:
    """One part of the rows."""
    cdef Py_ssize_t i = part * job.part_rows, end = min(job.n, i + job.part_rows), row = job.k * job.item, n, since = 0
    cdef char *c = scratch
    cdef char *transposed = scratch + 2 * job.chunk * row
    cdef char *products
    cdef char *g = scratch + job.at_gradient
    cdef double *sums = job.sums + part * job.stride
    cdef fo_chunk chunk
    cdef fo_matrix view
    cdef bint full
    memset(sums, 0, job.stride * sizeof(double))
    while i < end:
        n = min(job.chunk, end - i)
        _look(job, X, i, n, end, &view, &chunk, scratch)
        if job.what & CURVATURE and job.squares and job.sparse and job.k == 1:
            sums[job.size] += job.kernels.objective.squares(&view, &chunk, &job.samples, i, job.w, job.b[0], sums)
            i += n
            continue
        products = job.products + i * row if job.products else scratch + job.chunk * row
        if job.what & (PRODUCTS | CURVATURE):
            _products(job, &view, &chunk, n, products, transposed)
        run_errors(job, i, n, products, c, sums, True)
        full = False
        if job.what & (GRADIENT | CURVATURE):
            full = _gradient(job, &view, &chunk, n, c, transposed, g, sums)
            since += n
        i += n
        if not job.sparse and since > 0 and (full or i >= end or since + job.chunk > FLUSH_ROWS):
            job.kernels.objective.flush(job.size, g, sums)
            since = 0


cdef void run_errors(Job *job, Py_ssize_t i, Py_ssize_t n, char *products, char *c, double *sums, bint shift) noexcept nogil:
    """From products to factors and values, of n rows from the i-th on."""
    cdef const double *b = job.b if shift else NULL
    cdef char *p = job.p + i * job.k * job.item
    if job.given:
        memcpy(c, job.given + i * job.k * job.item, n * job.k * job.item)
    elif job.what & CURVATURE:
        job.kernels.objective.curvature(&job.samples, i, n, b, p, products, c, sums + job.size)
    elif job.what & (VALUE | GRADIENT):
        sums[job.stride - 1] += job.kernels.objective.errors(&job.samples, i, n, b if job.what & PRODUCTS else NULL, p, c,
                                                             sums + job.size if job.what & GRADIENT else NULL)
    elif shift:
        job.kernels.objective.shift(n, job.k, b, products)


cdef bint all_zero(Py_ssize_t n, const double *w) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if w[i] != 0:
            return False
    return True


cdef void predict_intercepts(Job *job, const double *b) noexcept nogil:
    """The predictions of a point without coefficients: the intercepts b, or 0 where there are none."""
    memset(job.p, 0, job.n * job.k * job.item)
    if b != NULL:
        memcpy(<double *>job.b, b, job.k * sizeof(double))
        job.kernels.objective.shift(job.n, job.k, job.b, job.p)
