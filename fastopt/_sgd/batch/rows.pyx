"""A thread's share of a chunk of rows: predictions, errors and gradient of its columns.

Used by _sgd/batch/work.pyx and _sgd/auto/work.pyx.  A chunk has one meeting: when all blocks' parts of its predictions are there, or those
of CSR rows, which threads share for that.  Every thread then computes the errors of all rows and the gradient of its columns, and
goes on; sums lie twice, for threads that are still behind.
"""
from fastopt._core.team cimport fo_team_wait


cdef void take_seat(const Rows *rows, Seat *seat, int size) noexcept nogil:
    """The columns of a thread, in a team of `size`."""
    seat.size, seat.turn = size, 0
    seat.chunk.begin, seat.chunk.end = rows.blocks * seat.rank // size, rows.blocks * (seat.rank + 1) // size
    if rows.bounds != NULL:
        seat.chunk.begin, seat.chunk.end = rows.bounds[BOUNDS * seat.rank // size], rows.bounds[BOUNDS * (seat.rank + 1) // size]


cdef Py_ssize_t at_row(const Rows *rows, const Seat *seat, Py_ssize_t i) noexcept nogil:
    """Where targets and predictions of the i-th row of the block lie, in bytes."""
    return i * seat.chunk.k * <Py_ssize_t>rows.item


cdef void predict_chunk(Rows *rows, Seat *seat, Py_ssize_t i, const void *w) noexcept nogil:
    """Parts of the predictions of seat.chunk.n rows from the i-th of the block on; all threads have theirs at the end."""
    cdef fo_chunk *chunk = &seat.chunk
    cdef char *sums = _sums(rows, seat)
    chunk.rows = rows.rows + i
    chunk.next, chunk.n_next = chunk.rows + chunk.n, min(chunk.n, rows.n - i - chunk.n)
    if rows.bounds == NULL:
        rows.kernels.batch_products(rows.X, chunk, w, rows.chunk_rows * chunk.k, sums)
    else:
        _predict_rows(rows, seat, w, sums)
    fo_team_wait(&rows.team, seat.size)


cdef void learn_chunk(Rows *rows, Seat *seat, Py_ssize_t i, double factor, const double *b, double *g_b, void *g) noexcept nogil:
    """Errors of the rows of `predict_chunk`, times `factor`, and what they add to the gradient."""
    cdef fo_chunk *chunk = &seat.chunk
    cdef Py_ssize_t at = at_row(rows, seat, i)
    cdef const char *weight = NULL
    if rows.sample_weight != NULL:
        weight = rows.sample_weight + i * <Py_ssize_t>rows.item
    seat.errors.b = b
    rows.kernels.batch_errors(
        &seat.errors, chunk.n, rows.blocks, rows.chunk_rows * chunk.k, _sums(rows, seat), rows.y + at, weight, factor,
        rows.p + at if seat.rank == 0 or seat.size == 1 else seat.p, seat.c, g_b)
    rows.kernels.batch_gradient(rows.X, chunk, seat.c, g)
    seat.turn += 1


cdef char *_sums(const Rows *rows, const Seat *seat) noexcept nogil:
    """Which of two sums a chunk has."""
    return rows.sums + (seat.turn & 1) * rows.blocks * at_row(rows, seat, rows.chunk_rows)


cdef void _predict_rows(Rows *rows, Seat *seat, const void *w, char *sums) noexcept nogil:
    """Products of a thread's rows of a chunk."""
    cdef fo_chunk own = seat.chunk
    cdef Py_ssize_t first = own.n * seat.rank // seat.size
    own.n = own.n * (seat.rank + 1) // seat.size - first
    own.n_next = max(<Py_ssize_t>0, min(own.n, own.n_next - first))
    own.rows, own.next = own.rows + first, own.next + first
    rows.kernels.batch_products(rows.X, &own, w, 0, sums + at_row(rows, seat, first))
