"""What happens where a segment of a batch ends: what its rates and sizes follow from is noted, and the step is taken.

Used by _sgd/batch/run.pyx, in the threads of the loop.  Every thread steps its columns and goes on, beside CSR rows after a second
meeting; rules that need the whole gradient are stepped by one thread between two meetings.
"""
from fastopt._core.team cimport fo_team_wait
from fastopt._sgd.batch.feedback cimport Drive
from fastopt._sgd.batch.lazy cimport step_lazily
from fastopt._sgd.batch.rows cimport row_offset
from fastopt._sgd.batch.steps cimport finish_step, gradient_square, step_columns, step_whole


cdef void step_batch(RowBlock *block, Weights *weights, Stepper *stepper, ThreadState *thread, double lr) noexcept nogil:
    """The step of a batch."""
    if weights.lazy != NULL:
        step_lazily(weights, stepper, lr)
        return
    if not weights.whole:
        step_columns(weights, stepper, lr, thread.rank == 0)
        if block.bounds != NULL:   # products of rows need all weights
            fo_team_wait(&block.team, thread.size)
        return
    fo_team_wait(&block.team, thread.size)
    if thread.rank == 0:
        step_whole(weights, stepper, lr, weights.g)
    fo_team_wait(&block.team, thread.size)
    finish_step(weights, stepper, thread.rank == 0)   # averages of stepped weights


cdef void note_segment(RowBlock *block, Weights *weights, Stepper *stepper, ThreadState *thread, const Segment *segment) noexcept nogil:
    """What the next step follows from: the objective over the rows of a segment, and the squared gradient of half a batch."""
    cdef Drive *drive = weights.drive
    cdef Py_ssize_t i = segment.first, end = segment.first + segment.n, n, at
    if thread.rank == 0:
        if segment.begins:
            drive.rows, drive.half, drive.objective = segment.batch_rows, 0, 0
        while drive.by_value and i < end:
            n = min(block.chunk_rows, end - i)
            at = row_offset(block, thread, i)
            block.kernels.batch_objective(
                &thread.errors, n, block.y + at, block.sample_weight + i * <Py_ssize_t>block.itemsize if block.sample_weight else NULL,
                block.p + at, thread.c, &drive.objective)
            i += n
    if not segment.halves:
        return
    fo_team_wait(&block.team, thread.size)
    if thread.rank == 0:
        drive.half = segment.batch_rows // 2
        drive.square = gradient_square(weights, stepper, weights.g) * (<double>segment.batch_rows / drive.half) ** 2
    fo_team_wait(&block.team, thread.size)
