"""The loop of mini-batches over the blocks of rows of an epoch: batch after batch, chunk after chunk, by threads that share the columns
or, under hogwild, the batches of a block.

Used by _sgd/batch/run.pyx and _sgd/auto/run.pyx, which say how a batch changes the weights.  The mathematics of a chunk of rows is
csrc/sgd/batch.h.
"""
cimport numpy as cnp
from cython.parallel cimport parallel
from libc.stdlib cimport calloc, free

import numpy as np

from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.load cimport spare
from fastopt._core.memory cimport address
from fastopt._core.own_loss cimport set_loss
from fastopt._core.tables cimport fo_couples, kernels
from fastopt._core.team cimport fo_team_clock, fo_team_rank, fo_team_size, fo_team_wait
from fastopt._sgd.batch.rows cimport CHUNK_ROWS, enter_team, learn_chunk, predict_chunk, set_chunk, sum_losses
from fastopt._sgd.batch.team_timing cimport choose_team, note_time

from fastopt._sgd.batch.columns import block_columns

cnp.import_array()

cdef enum:
    GROUP_ROWS = 4                  # rows that a kernel takes at a time
    CHUNK_BYTES = 16384             # of the rows of a chunk, on one thread: the next chunk arrives in L1 beside it
    SHARED_CHUNK_BYTES = 1 << 18    # on several: threads meet once a chunk, its rows wait in L2
    CHUNK_ROWS_CSR = 32             # of a chunk on one thread: short rows lie on lines and pages of their own, which L1 has few of
    MIN_WORK_PER_THREAD = 8192      # elements of a batch: threads that have less lose more by meeting


cdef class BatchLoop(EpochLoop):
    """One fit.  Subclasses call `_init_epochs`, `_init_block` and `_init_threads`, in this order."""

    def __cinit__(self, *args, **kwargs):
        self.buffers = []

    def __dealloc__(self):
        free(self.thread)

    cdef int _init_block(self, BatchPlan plan, int threads, bint losses_by_output) except -1:
        """Blocks of columns, how many threads a batch is worth, rows of a chunk, and the buffers that all threads share."""
        cdef RowBlock *block = &self.block
        cdef Py_ssize_t limit, rows = self.samples.block_rows
        self.plan, self.labels = plan, np.arange(self.k, dtype=np.int32)
        block.itemsize, block.width, block.column_blocks = self.X.dtype.itemsize, self.X.d, 1
        if not self.X.is_sparse:
            block.width = block_columns(self.X.d, self.X.is_float)
            block.column_blocks = (self.X.d + block.width - 1) // block.width
        self.threads = self._count_threads(threads, min(<Py_ssize_t>plan.first_size(), self.samples.train_count))
        limit = CHUNK_BYTES if self.threads == 1 or self.is_hogwild else SHARED_CHUNK_BYTES
        limit //= <Py_ssize_t>(self.X.row_size * block.itemsize) + 1
        limit = min(limit, <Py_ssize_t>(CHUNK_ROWS_CSR if self.X.is_sparse and self.threads == 1 else CHUNK_ROWS))
        block.chunk_rows = max(GROUP_ROWS, limit // GROUP_ROWS * GROUP_ROWS)
        block.losses_by_output, block.n_losses = losses_by_output, self.k if losses_by_output else 1
        y, losses = np.empty((2, rows * self.k), self.X.dtype), np.empty((rows // CHUNK_ROWS + 1) * block.n_losses)
        self.buffers += [y, losses]
        block.y, block.p, block.losses = <char *>address(y[0]), <char *>address(y[1]), <double *>address(losses)
        block.kernels, block.X, block.rows = self.kernels, &self.samples.matrix, self.samples.kernel_rows
        block.sample_weight, self.loss_sums = <char *>self.samples.weights, np.zeros(block.n_losses)
        return 0

    cdef int _init_threads(self, loss, class_weight) except -1:
        """Each thread's buffers, and what it needs to know of X and of the loss."""
        cdef RowBlock *block = &self.block
        cdef ThreadState *thread
        cdef int i
        weights, sums = None, None
        if class_weight is not None:   # of y > 0 and of y <= 0: kernels have them the other way round
            weights = np.ascontiguousarray(np.asarray(class_weight, dtype=float)[:, ::-1])
        self.thread = <ThreadState *>calloc(self.threads, sizeof(ThreadState))
        if self.thread == NULL:
            raise MemoryError
        for i in range(self.threads):
            thread, p = &self.thread[i], np.empty((2, block.chunk_rows * self.k), self.X.dtype)
            if i == 0 or self.is_hogwild:
                sums = np.empty(2 * block.column_blocks * block.chunk_rows * self.k, self.X.dtype)
            self.buffers += [weights, p, sums]
            thread.index, thread.p, thread.c, thread.sums = i, address(p[0]), address(p[1]), <char *>address(sums)
            thread.chunk.k, thread.chunk.width = self.k, block.width
            thread.chunk.output_stride = 1 if self.X.is_sparse else self.X.d
            thread.chunk.feature_stride = self.k if self.X.is_sparse else 1
            set_loss(&thread.errors.loss, loss)
            thread.errors.k, thread.errors.class_weight = self.k, <double *>address(weights)
        return 0

    # ---- an epoch ----

    cdef int _epoch(self) except -1 nogil:
        cdef Py_ssize_t n
        self.samples.start()
        self.plan.start(self.samples.train_count)
        n = self.samples.next_block()
        while n > 0:
            self.samples.targets(n, &self.labels[0], self.k, fo_couples(&self.thread[0].errors.loss), self.block.y)
            self.plan.split_block(n, self.t)
            self.block.n = n
            self._share(n)
            self._end_block()
            self._add_losses()
            self._check_signals(n * self.X.row_size * self.k)
            n = self.samples.next_block()
        return self._end_epoch()

    cdef void _share(self, Py_ssize_t n) noexcept nogil:
        """A block of n rows: by all threads or by one, whichever was faster with the last blocks; under hogwild always by all."""
        cdef int threads
        cdef double start
        if self.is_hogwild:
            self.plan.separate()
            with parallel(num_threads=self.threads):
                self._work(fo_team_rank(), fo_team_size())
            return
        threads, start = spare(self.threads), fo_team_clock()
        if threads == 1:   # not a choice: nothing is learnt from it
            self._work(0, 1)
            return
        if choose_team(&self.timing):
            with parallel(num_threads=threads):
                self._work(fo_team_rank(), fo_team_size())
        else:
            self._work(0, 1)
        note_time(&self.timing, fo_team_clock() - start, n)

    cdef void _work(self, int index, int size) noexcept nogil:
        """The share of a block that the thread `index` of `size` has: its columns of all batches, or some of the batches."""
        cdef ThreadState *thread = &self.thread[index]
        cdef Py_ssize_t i = 0, end
        cdef fo_mode mode = 0
        if self.flushes:
            mode = fo_flush()
        if self.is_hogwild:
            enter_team(&self.block, thread, 0, 1)
            self._begin_block(thread)
            i, end = self.plan.n_segments * index // size, self.plan.n_segments * (index + 1) // size
            while i < end:
                self._learn_segment(thread, &self.plan.segments[i])
                i += 1
        else:
            enter_team(&self.block, thread, index, size)
            self._begin_block(thread)
            while i < self.plan.n_segments:   # which may grow
                self._learn_segment(thread, &self.plan.segments[i])
                i += 1
        fo_team_wait(&self.block.team, size)
        sum_losses(&self.block, thread, size)
        if self.flushes:
            fo_unflush(mode)

    cdef void _learn_segment(self, ThreadState *thread, const Segment *segment) noexcept nogil:
        """Gradients of the rows of a segment, and the step if the batch ends with it."""
        cdef Py_ssize_t row = segment.first, end = segment.first + segment.n
        if segment.begins:
            self._begin_batch(thread)
        while row < end:
            set_chunk(&self.block, thread, row, min(self.block.chunk_rows, end - row))
            if self.notes_columns:
                self._note_columns(thread)
            predict_chunk(&self.block, thread)
            learn_chunk(&self.block, thread, row, 1.0 / segment.batch_rows)
            row += thread.chunk.n
        self._end_segment(thread, segment)

    cdef int _add_losses(self) except -1 nogil:
        """The losses of a block into those of the epoch."""
        cdef Py_ssize_t i, j
        for i in range((self.block.n + CHUNK_ROWS - 1) // CHUNK_ROWS):
            for j in range(self.block.n_losses):
                self.loss_sums[j] += self.block.losses[i * self.block.n_losses + j]
        return 0

    # ---- between epochs ----

    cdef bint _learning(self) noexcept nogil:
        return not self.finished

    cdef bint _finite(self) noexcept nogil:
        return self.snapshot.all_finite() and kernels(False).all_finite(self.block.n_losses, &self.loss_sums[0])

    cdef bint _saw_nonfinite(self) noexcept nogil:
        cdef int i
        for i in range(self.threads):
            if self.thread[i].nonfinite:
                return True
        return False

    cdef int _stop_idle(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil:
        if not self._is_idle(0, tol, n_iter_no_change):
            return 0
        if self.plan.lower_rate():
            self.idle[0] = 0
        else:
            self.finished = True
        return 0

    def all_weights(self, trained, places=None):
        """Weights of all columns, or of those at some places, from what `trained_weights` gave."""
        return trained if self.untrained is None else self.untrained.all_weights(trained, places)

    def weights(self, bint last=False, places=None):
        """(coef, intercept, coef_avg, intercept_avg), each with k rows; the averages None without averaging.

        Parameters
        ----------
        last : bool
            The run is over.
        places : object
            What `untrained.places` said of some columns: only of those.
        """
        return self.all_weights(self.trained_weights(), places)

    # ---- what subclasses do ----

    cdef int _count_threads(self, int threads, Py_ssize_t batch) except -1:
        """How many threads a batch is worth."""
        return max(1, min(threads, self.block.column_blocks, <Py_ssize_t>(batch * self.X.row_size * self.k / MIN_WORK_PER_THREAD)))

    cdef void _begin_block(self, ThreadState *thread) noexcept nogil:
        """Before a thread's share of a block."""

    cdef void _begin_batch(self, ThreadState *thread) noexcept nogil:
        """Before the first rows of a batch."""

    cdef void _note_columns(self, ThreadState *thread) noexcept nogil:
        """Before the products of a chunk of CSR rows, with `notes_columns`: the columns in which it has values."""

    cdef void _end_segment(self, ThreadState *thread, const Segment *segment) noexcept nogil:
        """After the rows of a segment; the step, if the batch ends with it."""

    cdef int _end_block(self) except -1 nogil:
        """After a block, when all threads are done."""
        return 0

    cdef int _end_epoch(self) except -1 nogil:
        """After all rows."""
        return 0
