"""A thread's share of a block of rows, for optimizer="auto": batch after batch, chunk after chunk, for its columns.

Used by _auto.pyx.  A chunk has one meeting: when all blocks' parts of its predictions are there.  Every thread then computes
the errors of all rows, the gradient of its columns and, where the batch ends, their step, and goes on; sums lie twice, for
threads that are still behind.  CSR rows have one thread, and steps that cost by the columns they touch.
"""
from libc.string cimport memcpy, memset

from fastopt._core cimport kernels
from fastopt._team cimport fo_team_wait


cdef void work(Work *shared, Worker *worker, int size, double t) noexcept nogil:
    """A thread's share of a block, in a team of `size`, from step `t` on."""
    cdef Py_ssize_t i = worker.rank, k = worker.chunk.k, at
    worker.size, worker.turn, worker.auto.t = size, 0, t
    worker.chunk.begin, worker.chunk.end = shared.blocks * worker.rank // size, shared.blocks * (worker.rank + 1) // size
    memcpy(worker.b, shared.b, 4 * k * sizeof(double))
    for at in range(shared.n_parts):
        _part(shared, worker, &shared.part[at])
    fo_team_wait(&shared.team, size)
    while i * CHUNK_ROWS < shared.n:
        at = i * CHUNK_ROWS * k * shared.item
        memset(shared.values + i * k, 0, k * sizeof(double))
        shared.kernels.auto_losses(&worker.errors, min(<Py_ssize_t>CHUNK_ROWS, shared.n - i * CHUNK_ROWS), shared.y + at,
                                   shared.p + at, shared.values + i * k)
        i += size


cdef void _part(Work *shared, Worker *worker, const Part *part) noexcept nogil:
    """The rows of a part, and the step if the batch ends with it."""
    cdef Py_ssize_t i = part.first, end = part.first + part.n
    while i < end:
        worker.chunk.n = min(shared.chunk_rows, end - i)
        _chunk(shared, worker, i, 1.0 / part.size)
        i += worker.chunk.n
    if part.ends:
        _step(shared, worker)


cdef void _chunk(Work *shared, Worker *worker, Py_ssize_t i, double factor) noexcept nogil:
    """Predictions, errors and gradient of a chunk of rows from the i-th of the block on."""
    cdef fo_chunk *chunk = &worker.chunk
    cdef Py_ssize_t stride = shared.chunk_rows * chunk.k, at = i * chunk.k * shared.item
    cdef char *sums = shared.sums + (worker.turn & 1) * shared.blocks * stride * shared.item
    cdef const char *weight = shared.sample_weight
    if weight != NULL:
        weight = weight + i * shared.item
    chunk.rows = shared.rows + i
    chunk.next, chunk.n_next = chunk.rows + chunk.n, min(chunk.n, shared.n - i - chunk.n)
    shared.kernels.batch_products(shared.X, chunk, shared.columns.w, stride, sums)
    fo_team_wait(&shared.team, worker.size)
    shared.kernels.batch_errors(
        &worker.errors, chunk.n, shared.blocks, stride, sums, shared.y + at, weight, factor,
        shared.p + at if worker.rank == 0 else worker.p, worker.c, worker.b + 3 * chunk.k)
    shared.kernels.batch_gradient(shared.X, chunk, worker.c, shared.g)
    if shared.sparse:
        shared.n_touched = shared.kernels.auto_touch(shared.X, chunk, shared.n_touched, shared.seen, shared.touched)
    worker.turn += 1


cdef void _step(Work *shared, Worker *worker) noexcept nogil:
    """The batch is complete: step the columns of a thread, and the intercepts."""
    cdef Py_ssize_t k = worker.chunk.k, d = shared.X.d, j, at, first = worker.chunk.begin * shared.width
    cdef Py_ssize_t n = min(worker.chunk.end * shared.width, d) - first
    if shared.sparse:
        shared.kernels.auto_columns(&worker.auto, shared.n_touched, shared.touched, shared.seen, shared.inverse, shared.g,
                                    &shared.columns)
        shared.n_touched = 0
    else:
        for j in range(k):
            at = (j * d + first) * shared.item
            shared.kernels.auto_dense(&worker.auto, j, n, shared.inverse + first * shared.item, shared.g + at,
                                      <char *>shared.columns.V + at, <char *>shared.columns.w + at,
                                      <char *>shared.columns.mean + at)
    if shared.intercept:
        kernels(False).auto_intercepts(&worker.auto, worker.b + 3 * k, worker.b + k, worker.b, worker.b + 2 * k)
    memset(worker.b + 3 * k, 0, k * sizeof(double))
    worker.auto.t += 1
