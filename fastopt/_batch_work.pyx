"""A thread's share of a block of rows: batch after batch, chunk after chunk, for its columns.

Used by _batch.pyx.  A chunk has one meeting: when all blocks' parts of its predictions are there, or those of CSR rows, which
threads share for that.  Every thread then computes the errors of all rows, the gradient of its columns and, where the batch
ends, their step, and goes on, beside CSR rows after a second meeting; sums and intercepts lie twice, for threads that are
still behind.
"""
from libc.string cimport memcpy

from fastopt._batch_drive cimport Drive
from fastopt._batch_lazy cimport step_lazily
from fastopt._batch_steps cimport begin, clear, finish, square_of, step_columns, step_whole
from fastopt._team cimport fo_team_wait


cdef void work(Work *shared, Worker *worker, int size, double t) noexcept nogil:
    """A thread's share of a block, in a team of `size`, from step `t` on."""
    cdef Py_ssize_t i = 0
    worker.size, worker.turn = size, 0
    worker.chunk.begin, worker.chunk.end = shared.blocks * worker.rank // size, shared.blocks * (worker.rank + 1) // size
    if shared.bounds != NULL:
        worker.chunk.begin = shared.bounds[BOUNDS * worker.rank // size]
        worker.chunk.end = shared.bounds[BOUNDS * (worker.rank + 1) // size]
    begin(&shared.weights, &worker.stepper, worker.chunk.begin * shared.width,
          min(worker.chunk.end * shared.width, shared.weights.d), t)
    while i < shared.n_parts:   # which may grow
        _part(shared, worker, &shared.part[i])
        i += 1
    fo_team_wait(&shared.team, size)
    _values(shared, worker, size)


cdef void work_wild(Work *shared, Work *own, Worker *worker, int size, double t) noexcept nogil:
    """Some batches of a block, by a thread that waits for no other, from step `t` on."""
    cdef Py_ssize_t i
    own.n, worker.size, worker.turn, worker.chunk.begin, worker.chunk.end = shared.n, 1, 0, 0, shared.blocks
    begin(&own.weights, &worker.stepper, 0, shared.weights.d, t)
    memcpy(own.weights.b_turns[0], shared.weights.b, shared.weights.k * sizeof(double))
    for i in range(shared.n_parts * worker.rank // size, shared.n_parts * (worker.rank + 1) // size):
        _part(own, worker, &shared.part[i])
    fo_team_wait(&shared.team, size)
    _values(shared, worker, size)


cdef void _values(const Work *shared, const Worker *worker, int size) noexcept nogil:
    """Sums of losses over a thread's share of the rows of a block."""
    cdef Py_ssize_t i, at
    i = worker.rank * CHUNK_ROWS
    while i < shared.n:
        at = i * shared.row_bytes
        shared.values[i // CHUNK_ROWS] = shared.kernels.batch_values(
            &worker.errors, min(<Py_ssize_t>CHUNK_ROWS, shared.n - i), shared.y + at, shared.p + at)
        i += size * CHUNK_ROWS


cdef void _part(Work *shared, Worker *worker, const Part *part) noexcept nogil:
    """The rows of a part, and the step if the batch ends with it."""
    cdef Py_ssize_t i = part.first, end = part.first + part.n
    cdef bint first = worker.rank == 0 or worker.size == 1
    if part.begins:
        clear(&shared.weights, &worker.stepper)
    while i < end:
        worker.chunk.n = min(shared.chunk_rows, end - i)
        _chunk(shared, worker, i, 1.0 / part.size)
        i += worker.chunk.n
    if shared.weights.drive != NULL:
        _note(shared, worker, part)
    if not part.ends:
        return
    if shared.weights.lazy != NULL:
        step_lazily(&shared.weights, &worker.stepper, part.lr)
        return
    if not shared.weights.whole:
        step_columns(&shared.weights, &worker.stepper, part.lr, first)
        if shared.bounds != NULL:   # products of rows want all weights
            fo_team_wait(&shared.team, worker.size)
        return
    fo_team_wait(&shared.team, worker.size)
    if worker.rank == 0:
        step_whole(&shared.weights, &worker.stepper, part.lr, shared.weights.g)
        if shared.weights.drive != NULL:
            shared.n_parts = shared.weights.drive.n_parts[0]
    fo_team_wait(&shared.team, worker.size)
    finish(&shared.weights, &worker.stepper, worker.rank == 0)   # averages of stepped weights


cdef void _note(Work *shared, Worker *worker, const Part *part) noexcept nogil:
    """What drives the next step: the objective over the rows of a part, and the squared gradient of half a batch."""
    cdef Drive *drive = shared.weights.drive
    cdef Py_ssize_t i = part.first, end = part.first + part.n, n, size = shared.weights.item
    if worker.rank == 0:
        if part.begins:
            drive.rows, drive.half, drive.objective = part.size, 0, 0
        while drive.by_value and i < end:
            n = min(shared.chunk_rows, end - i)
            shared.kernels.batch_objective(
                &worker.errors, n, shared.y + i * shared.row_bytes, shared.sample_weight + i * size if shared.sample_weight else NULL,
                shared.p + i * shared.row_bytes, worker.c, &drive.objective)
            i += n
    if not part.halves:
        return
    fo_team_wait(&shared.team, worker.size)
    if worker.rank == 0:
        drive.half = part.size // 2
        drive.square = (square_of(&shared.weights, &worker.stepper, shared.weights.g)
                        * (<double>part.size / drive.half) ** 2)
    fo_team_wait(&shared.team, worker.size)


cdef void _chunk(Work *shared, Worker *worker, Py_ssize_t i, double factor) noexcept nogil:
    """Predictions, errors and gradient of a chunk of rows from the i-th of the block on."""
    cdef fo_chunk *chunk = &worker.chunk
    cdef Py_ssize_t stride = shared.chunk_rows * chunk.k, size = shared.weights.item
    cdef char *sums = shared.sums + (worker.turn & 1) * shared.blocks * stride * size
    cdef const char *weight = NULL
    if shared.sample_weight != NULL:
        weight = shared.sample_weight + i * size
    chunk.rows = shared.rows + i
    chunk.next, chunk.n_next = chunk.rows + chunk.n, min(chunk.n, shared.n - i - chunk.n)
    if shared.weights.lazy != NULL:
        shared.kernels.lazy_touch(shared.X, chunk, shared.weights.lazy, shared.weights.w,
                                  shared.weights.plan.arrays.at[0].state)
    if shared.bounds == NULL:
        shared.kernels.batch_products(shared.X, chunk, shared.weights.w, stride, sums)
    else:
        _products(shared, worker, sums)
    fo_team_wait(&shared.team, worker.size)
    worker.errors.b = shared.weights.b_turns[worker.stepper.steps & 1]
    shared.kernels.batch_errors(
        &worker.errors, chunk.n, shared.blocks, stride, sums, shared.y + i * shared.row_bytes, weight, factor,
        shared.p + i * shared.row_bytes if worker.rank == 0 or worker.size == 1 else worker.p, worker.c, worker.stepper.g_b)
    shared.kernels.batch_gradient(shared.X, chunk, worker.c, shared.weights.g)
    worker.turn += 1


cdef void _products(Work *shared, Worker *worker, char *sums) noexcept nogil:
    """Products of a thread's rows of a chunk."""
    cdef fo_chunk own = worker.chunk
    cdef Py_ssize_t first = own.n * worker.rank // worker.size
    own.n = own.n * (worker.rank + 1) // worker.size - first
    own.n_next = max(<Py_ssize_t>0, min(own.n, own.n_next - first))
    own.rows, own.next = own.rows + first, own.next + first
    shared.kernels.batch_products(shared.X, &own, shared.weights.w, 0, sums + first * own.k * shared.weights.item)
