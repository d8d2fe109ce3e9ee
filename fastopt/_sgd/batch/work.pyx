"""A thread's share of a block of rows: batch after batch, chunk after chunk, for its columns.

Used by _sgd/batch/run.pyx.  A chunk is _sgd.batch.rows'.  Where a batch ends, every thread steps its columns and goes on, beside CSR rows after
a second meeting; intercepts lie twice, for threads that are still behind.
"""
from libc.string cimport memcpy

from fastopt._sgd.batch.cuts cimport Part
from fastopt._sgd.batch.feedback cimport Drive
from fastopt._sgd.batch.lazy cimport step_lazily
from fastopt._sgd.batch.rows cimport CHUNK_ROWS, Rows, Seat, at_row, learn_chunk, predict_chunk, take_seat, weighed_run
from fastopt._sgd.batch.steps cimport Weights, begin, clear, finish, square_of, step_columns, step_whole
from fastopt._core.tables cimport fo_chunk
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.team cimport fo_team_wait


cdef void work(Work *shared, Worker *worker, int size, double t) noexcept nogil:
    """A thread's share of a block, in a team of `size`, from step `t` on."""
    cdef Rows *rows = &shared.rows
    cdef fo_chunk *chunk = &worker.seat.chunk
    cdef Py_ssize_t i = 0
    cdef fo_mode mode = fo_flush()
    take_seat(rows, &worker.seat, size)
    begin(&shared.weights, &worker.stepper, chunk.begin * rows.width, min(chunk.end * rows.width, shared.weights.d), t)
    while i < rows.n_parts:   # which may grow
        _part(shared, worker, &rows.part[i])
        i += 1
    fo_team_wait(&rows.team, size)
    _values(rows, &worker.seat, size)
    fo_unflush(mode)


cdef void work_wild(Work *shared, Work *own, Worker *worker, int size, double t) noexcept nogil:
    """Some batches of a block, by a thread that waits for no other, from step `t` on."""
    cdef Py_ssize_t i, parts = shared.rows.n_parts, rank = worker.seat.rank
    cdef fo_mode mode = fo_flush()
    own.rows.n = shared.rows.n
    take_seat(&own.rows, &worker.seat, 1)
    worker.seat.chunk.begin, worker.seat.chunk.end = 0, shared.rows.blocks
    begin(&own.weights, &worker.stepper, 0, shared.weights.d, t)
    memcpy(own.weights.b_turns[0], shared.weights.b, shared.weights.k * sizeof(double))
    for i in range(parts * rank // size, parts * (rank + 1) // size):
        _part(own, worker, &shared.rows.part[i])
    fo_team_wait(&shared.rows.team, size)
    _values(&shared.rows, &worker.seat, size)
    fo_unflush(mode)


cdef void _values(const Rows *rows, const Seat *seat, int size) noexcept nogil:
    """Sums of losses over a thread's share of the rows of a block, but for rows that weigh nothing."""
    cdef Py_ssize_t i, at, first, last, end
    i = seat.rank * CHUNK_ROWS
    while i < rows.n:
        first, end = i, min(<Py_ssize_t>i + CHUNK_ROWS, rows.n)
        rows.values[i // CHUNK_ROWS] = 0
        while weighed_run(rows, end, &first, &last):
            at = at_row(rows, seat, first)
            rows.values[i // CHUNK_ROWS] += rows.kernels.batch_values(&seat.errors, last - first, rows.y + at, rows.p + at)
            first = last
        i += size * CHUNK_ROWS



cdef void _part(Work *shared, Worker *worker, const Part *part) noexcept nogil:
    """The rows of a part, and the step if the batch ends with it."""
    cdef Py_ssize_t i = part.first, end = part.first + part.n
    if part.begins:
        clear(&shared.weights, &worker.stepper)
    while i < end:
        worker.seat.chunk.n = min(shared.rows.chunk_rows, end - i)
        _chunk(shared, worker, i, 1.0 / part.size)
        i += worker.seat.chunk.n
    if shared.weights.drive != NULL:
        _note(shared, worker, part)
    if part.ends:
        _step(shared, worker, part)


cdef void _step(Work *shared, Worker *worker, const Part *part) noexcept nogil:
    """The step of a batch."""
    cdef bint first = worker.seat.rank == 0 or worker.seat.size == 1
    if shared.weights.lazy != NULL:
        step_lazily(&shared.weights, &worker.stepper, part.lr)
        return
    if not shared.weights.whole:
        step_columns(&shared.weights, &worker.stepper, part.lr, first)
        if shared.rows.bounds != NULL:   # products of rows want all weights
            fo_team_wait(&shared.rows.team, worker.seat.size)
        return
    fo_team_wait(&shared.rows.team, worker.seat.size)
    if worker.seat.rank == 0:
        step_whole(&shared.weights, &worker.stepper, part.lr, shared.weights.g)
        if shared.weights.drive != NULL:
            shared.rows.n_parts = shared.weights.drive.n_parts[0]
    fo_team_wait(&shared.rows.team, worker.seat.size)
    finish(&shared.weights, &worker.stepper, worker.seat.rank == 0)   # averages of stepped weights


cdef void _note(Work *shared, Worker *worker, const Part *part) noexcept nogil:
    """What drives the next step: the objective over the rows of a part, and the squared gradient of half a batch."""
    cdef Drive *drive = shared.weights.drive
    cdef const Rows *rows = &shared.rows
    cdef Py_ssize_t i = part.first, end = part.first + part.n, n, at, size = rows.item
    if worker.seat.rank == 0:
        if part.begins:
            drive.rows, drive.half, drive.objective = part.size, 0, 0
        while drive.by_value and i < end:
            n = min(shared.rows.chunk_rows, end - i)
            at = at_row(rows, &worker.seat, i)
            rows.kernels.batch_objective(
                &worker.seat.errors, n, rows.y + at, rows.sample_weight + i * size if rows.sample_weight else NULL, rows.p + at,
                worker.seat.c, &drive.objective)
            i += n
    if not part.halves:
        return
    fo_team_wait(&shared.rows.team, worker.seat.size)
    if worker.seat.rank == 0:
        drive.half = part.size // 2
        drive.square = (square_of(&shared.weights, &worker.stepper, shared.weights.g)
                        * (<double>part.size / drive.half) ** 2)
    fo_team_wait(&shared.rows.team, worker.seat.size)


cdef void _chunk(Work *shared, Worker *worker, Py_ssize_t i, double factor) noexcept nogil:
    """Predictions, errors and gradient of a chunk of rows from the i-th of the block on."""
    cdef Weights *weights = &shared.weights
    cdef Rows *rows = &shared.rows
    if weights.lazy != NULL:
        worker.seat.chunk.rows = rows.rows + i
        rows.kernels.lazy_touch(rows.X, &worker.seat.chunk, weights.lazy, weights.w, weights.plan.arrays.at[0].state)
    predict_chunk(rows, &worker.seat, i, weights.w)
    learn_chunk(rows, &worker.seat, i, factor, weights.b_turns[worker.stepper.steps & 1], worker.stepper.g_b, weights.g)
