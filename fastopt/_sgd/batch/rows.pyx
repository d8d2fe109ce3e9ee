"""A thread's share of a chunk of rows: predictions, errors and gradient of its columns; and its share of the losses of a block.

Used by _sgd/batch/loop.pyx.  Threads meet once a chunk: when the partial predictions of all blocks of columns are there, or those of CSR
rows, which threads share for that.  Every thread then computes the errors of all rows and the gradient of its columns, and goes on;
partial predictions lie twice, for threads that are still behind.
"""
from libc.string cimport memset

from fastopt._core.team cimport fo_team_wait


cdef void enter_team(const RowBlock *block, ThreadState *thread, int rank, int size) noexcept nogil:
    """Give a thread its columns, as the one of this rank in a team of `size`."""
    thread.rank, thread.size, thread.turn = rank, size, 0
    thread.chunk.begin, thread.chunk.end = block.column_blocks * rank // size, block.column_blocks * (rank + 1) // size
    if block.bounds != NULL:
        thread.chunk.begin, thread.chunk.end = block.bounds[COLUMN_PARTS * rank // size], block.bounds[COLUMN_PARTS * (rank + 1) // size]


cdef Py_ssize_t row_offset(const RowBlock *block, const ThreadState *thread, Py_ssize_t i) noexcept nogil:
    """Where targets and predictions of the i-th row of the block lie, in bytes."""
    return i * thread.chunk.k * <Py_ssize_t>block.itemsize


cdef void set_chunk(const RowBlock *block, ThreadState *thread, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """A chunk of n rows, from the row `first` of the block on."""
    cdef fo_chunk *chunk = &thread.chunk
    chunk.n, chunk.rows = n, block.rows + first
    chunk.next, chunk.n_next = chunk.rows + n, min(n, block.n - first - n)


cdef void predict_chunk(RowBlock *block, ThreadState *thread) noexcept nogil:
    """Partial predictions of the rows of a chunk; all threads have theirs at the end."""
    cdef fo_chunk *chunk = &thread.chunk
    cdef char *sums = _sums(block, thread)
    if block.bounds == NULL:
        block.kernels.batch_products(block.X, chunk, thread.w, block.chunk_rows * chunk.k, sums)
    else:
        _predict_rows(block, thread, sums)
    fo_team_wait(&block.team, thread.size)


cdef void learn_chunk(RowBlock *block, ThreadState *thread, Py_ssize_t first, double factor) noexcept nogil:
    """Errors of the rows of `predict_chunk`, times `factor`, and their sum and products with the rows, added to the gradients."""
    cdef fo_chunk *chunk = &thread.chunk
    cdef Py_ssize_t at = row_offset(block, thread, first)
    cdef const char *weight = NULL
    if block.sample_weight != NULL:
        weight = block.sample_weight + first * <Py_ssize_t>block.itemsize
    block.kernels.batch_errors(
        &thread.errors, chunk.n, block.column_blocks, block.chunk_rows * chunk.k, _sums(block, thread), block.y + at, weight, factor,
        block.p + at if thread.rank == 0 else thread.p, thread.c, thread.g_b)
    block.kernels.batch_gradient(block.X, chunk, thread.c, thread.g)
    thread.turn += 1


cdef char *_sums(const RowBlock *block, const ThreadState *thread) noexcept nogil:
    """The partial predictions of a chunk: the one or the other buffer."""
    return thread.sums + (thread.turn & 1) * block.column_blocks * row_offset(block, thread, block.chunk_rows)


cdef void _predict_rows(RowBlock *block, ThreadState *thread, char *sums) noexcept nogil:
    """Products of a thread's rows of a chunk."""
    cdef fo_chunk own = thread.chunk
    cdef Py_ssize_t first = own.n * thread.rank // thread.size
    own.n = own.n * (thread.rank + 1) // thread.size - first
    own.n_next = max(<Py_ssize_t>0, min(own.n, own.n_next - first))
    own.rows, own.next = own.rows + first, own.next + first
    block.kernels.batch_products(block.X, &own, thread.w, 0, sums + row_offset(block, thread, first))


cdef inline bint _has_weight(const RowBlock *block, Py_ssize_t i) noexcept nogil:
    cdef const char *weight = block.sample_weight
    return (<const float *>weight)[i] > 0 if block.itemsize == 4 else (<const double *>weight)[i] > 0


cdef inline bint _next_weighted(const RowBlock *block, Py_ssize_t end, Py_ssize_t *first, Py_ssize_t *last) noexcept nogil:
    """The next rows from `first` on, before `end`, that have a weight and lie side by side: those before `last`; whether there are any."""
    if block.sample_weight == NULL:
        last[0] = end
        return first[0] < end
    while first[0] < end and not _has_weight(block, first[0]):
        first[0] += 1
    last[0] = first[0]
    while last[0] < end and _has_weight(block, last[0]):
        last[0] += 1
    return first[0] < end


cdef void sum_losses(const RowBlock *block, ThreadState *thread, int size) noexcept nogil:
    """Sums of the losses of a block, by a thread among `size`, over every size-th CHUNK_ROWS rows; rows of weight 0 do not count."""
    cdef Py_ssize_t i = thread.index, at, first, last, end
    cdef double *sums
    while i * CHUNK_ROWS < block.n:
        first, end = i * CHUNK_ROWS, min(<Py_ssize_t>(i + 1) * CHUNK_ROWS, block.n)
        sums = block.losses + i * block.n_losses
        memset(sums, 0, block.n_losses * sizeof(double))
        if not block.kernels.all_finite((end - first) * thread.errors.k, block.p + row_offset(block, thread, first)):
            thread.nonfinite = True
        while _next_weighted(block, end, &first, &last):
            at = row_offset(block, thread, first)
            if block.losses_by_output:
                block.kernels.auto_losses(&thread.errors, last - first, block.y + at, block.p + at, sums)
            else:
                sums[0] += block.kernels.batch_values(&thread.errors, last - first, block.y + at, block.p + at)
            first = last
        i += size
