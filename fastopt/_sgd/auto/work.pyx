"""A thread's share of a block of rows, for optimizer="auto": batch after batch, chunk after chunk, for its columns.

Used by _sgd/auto/run.pyx.  A chunk is _sgd.batch.rows'.  Where a batch ends, every thread steps its columns and goes on.  CSR rows have one
thread, and steps that cost by the columns they touch.
"""
from libc.string cimport memcpy, memset

from fastopt._sgd.batch.cuts cimport Part
from fastopt._sgd.batch.rows cimport CHUNK_ROWS, Rows, at_row, learn_chunk, predict_chunk, take_seat, weighed_run
from fastopt._core.tables cimport fo_chunk, kernels
from fastopt._core.team cimport fo_team_wait


cdef void work(Work *shared, Worker *worker, int size, double t) noexcept nogil:
    """A thread's share of a block, in a team of `size`, from step `t` on."""
    cdef Rows *rows = &shared.rows
    cdef Py_ssize_t i = worker.seat.rank, k = worker.seat.chunk.k, part, at, first, last, end
    take_seat(rows, &worker.seat, size)
    worker.auto.t = t
    memcpy(worker.b, shared.b, 4 * k * sizeof(double))
    for part in range(rows.n_parts):
        _part(shared, worker, &rows.part[part])
    fo_team_wait(&rows.team, size)
    while i * CHUNK_ROWS < rows.n:
        first, end = i * CHUNK_ROWS, min(<Py_ssize_t>(i + 1) * CHUNK_ROWS, rows.n)
        memset(rows.values + i * k, 0, k * sizeof(double))
        while weighed_run(rows, end, &first, &last):
            at = at_row(rows, &worker.seat, first)
            rows.kernels.auto_losses(&worker.seat.errors, last - first, rows.y + at, rows.p + at, rows.values + i * k)
            first = last
        i += size


cdef void _part(Work *shared, Worker *worker, const Part *part) noexcept nogil:
    """The rows of a part, and the step if the batch ends with it."""
    cdef Rows *rows = &shared.rows
    cdef fo_chunk *chunk = &worker.seat.chunk
    cdef Py_ssize_t i = part.first, end = part.first + part.n
    while i < end:
        chunk.n = min(rows.chunk_rows, end - i)
        predict_chunk(rows, &worker.seat, i, shared.columns.w)
        learn_chunk(rows, &worker.seat, i, 1.0 / part.size, worker.b, worker.b + 3 * chunk.k, shared.g)
        if shared.sparse:
            shared.n_touched = rows.kernels.auto_touch(rows.X, chunk, shared.n_touched, shared.seen, shared.touched)
        i += chunk.n
    if part.ends:
        _step(shared, worker)


cdef void _step(Work *shared, Worker *worker) noexcept nogil:
    """The batch is complete: step the columns of a thread, and the intercepts."""
    cdef Rows *rows = &shared.rows
    cdef fo_chunk *chunk = &worker.seat.chunk
    cdef Py_ssize_t k = chunk.k, d = rows.X.d, j, at, first = chunk.begin * rows.width, n = min(chunk.end * rows.width, d) - first
    if shared.sparse:
        rows.kernels.auto_columns(&worker.auto, shared.n_touched, shared.touched, shared.seen, shared.inverse, shared.g,
                                    &shared.columns)
        shared.n_touched = 0
    else:
        for j in range(k):
            at = (j * d + first) * <Py_ssize_t>rows.item
            rows.kernels.auto_dense(&worker.auto, j, n, shared.inverse + first * <Py_ssize_t>rows.item, shared.g + at,
                                      <char *>shared.columns.V + at, <char *>shared.columns.w + at,
                                      <char *>shared.columns.mean + at)
    if shared.intercept:
        kernels(False).auto_intercepts(&worker.auto, worker.b + 3 * k, worker.b + k, worker.b, worker.b + 2 * k)
    memset(worker.b + 3 * k, 0, k * sizeof(double))
    worker.auto.t += 1
