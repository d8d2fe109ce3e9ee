"""A fit by mini-batches: the loop over the blocks of rows of an epoch, and the threads that share their columns.

Used by _sgd/batch/run.pyx and _sgd/auto/run.pyx, which say what a thread does with a block.  The mathematics of a chunk of rows is csrc/sgd/batch.h.
"""
cimport numpy as cnp
from cython.parallel cimport parallel

import numpy as np

from fastopt._sgd.batch.pace cimport choose, note
from fastopt._sgd.batch.rows cimport CHUNK_ROWS
from fastopt._core.kept cimport address
from fastopt._core.load cimport spare
from fastopt._core.team cimport fo_team_clock, fo_team_rank, fo_team_size

from fastopt._sgd.batch.columns import block_columns

cnp.import_array()

cdef enum:
    GROUP = 4                  # rows that a kernel takes at a time
    CACHE_BYTES = 16384        # of the rows of a chunk, on one thread: the next chunk arrives in L1 beside it
    SHARED_BYTES = 1 << 18     # on several: one meeting a chunk, rows wait in L2
    CSR_ROWS = 32              # of a chunk on one thread: short rows lie on lines and pages of their own, which L1 has few of
    WORK_PER_THREAD = 8192     # elements of a batch: less is not worth a meeting


cdef class BatchEpochs(Epochs):
    """One fit; `_init_epochs` comes first."""

    def __cinit__(self, *args, **kwargs):
        self.buffers = []

    cdef int _init_rows(self, Rows *rows, Cuts cuts, int threads, Py_ssize_t kinds) except -1:
        """Blocks of columns, rows of a chunk, how many threads they are worth, and buffers, for `kinds` sums of losses."""
        cdef Py_ssize_t limit, block = self.samples.block_rows
        self.rows, self.cuts, self.labels = rows, cuts, np.arange(self.k, dtype=np.int32)
        rows.item, rows.width, rows.blocks = self.X.dtype.itemsize, self.X.d, 1
        if not self.X.is_sparse:
            rows.width = block_columns(self.X.d, self.X.is_float)
            rows.blocks = (self.X.d + rows.width - 1) // rows.width
        self.threads = self._team(threads, min(<Py_ssize_t>cuts.typical(), self.samples.train_count))
        limit = (CACHE_BYTES if self.threads == 1 or self.apart else SHARED_BYTES) // (<Py_ssize_t>(self.X.row_size * rows.item) + 1)
        limit = min(limit, <Py_ssize_t>(CSR_ROWS if self.X.is_sparse and self.threads == 1 else CHUNK_ROWS))
        rows.chunk_rows = max(GROUP, limit // GROUP * GROUP)
        sums = np.empty(2 * rows.blocks * rows.chunk_rows * self.k, self.X.dtype)
        y, values = np.empty((2, block * self.k), self.X.dtype), np.empty((block // CHUNK_ROWS + 1) * kinds)
        self.buffers += [sums, y, values]
        rows.sums, rows.y, rows.p = <char *>address(sums), <char *>address(y[0]), <char *>address(y[1])
        rows.kernels, rows.X, rows.rows = self.kernels, &self.samples.matrix, self.samples.kernel_rows
        rows.values, rows.part, rows.sample_weight = <double *>address(values), cuts.part, <char *>self.samples.weights
        return 0

    cdef int _init_seat(self, Seat *seat, int rank, loss, bint softmax, double *class_weight) except -1:
        """A thread's buffers, and what it needs to know of X and of the loss."""
        p = np.empty((2, self.rows.chunk_rows * self.k), self.X.dtype)
        self.buffers.append(p)
        seat.rank, seat.p, seat.c = rank, address(p[0]), address(p[1])
        seat.chunk.k, seat.chunk.width = self.k, self.rows.width
        seat.chunk.output_stride = 1 if self.X.is_sparse else self.X.d
        seat.chunk.feature_stride = self.k if self.X.is_sparse else 1
        seat.errors.loss.kind, seat.errors.loss.a, seat.errors.loss.b = loss
        seat.errors.softmax, seat.errors.k, seat.errors.class_weight = softmax, self.k, class_weight
        return 0

    cdef int _epoch(self) except -1 nogil:
        cdef Py_ssize_t n
        self.samples.start()
        self.cuts.start(self.samples.train_count)
        n = self.samples.next_block()
        while n > 0:
            self.samples.targets(n, &self.labels[0], self.k, self.rows.y)
            self.cuts.cut(n, self.t)
            self.rows.n, self.rows.n_parts = n, self.cuts.n
            self._share(n)
            self._settle_block((n + CHUNK_ROWS - 1) // CHUNK_ROWS)
            self._look_up(n * self.X.row_size * self.k)
            n = self.samples.next_block()
        return self._settle_epoch()

    def wide(self, snapshot, places=None):
        """Weights of all columns, or of those at some places, from a snapshot."""
        return snapshot if self.rest is None else self.rest.weights(snapshot, places)

    def weights(self, bint last=False, places=None):
        """(coef, intercept, coef_avg, intercept_avg), each with k rows; the averages None without averaging.

        Parameters
        ----------
        last : bool
            The run is over.
        places : object
            What `rest.places` said of some columns: only of those.
        """
        return self.wide(self.snapshot(), places)

    # ---- what subclasses do ----

    cdef int _team(self, int threads, Py_ssize_t batch) except -1:
        """How many threads a batch is worth."""
        return max(1, min(threads, self.rows.blocks, <Py_ssize_t>(batch * self.X.row_size * self.k / WORK_PER_THREAD)))

    cdef void _work(self, int rank, int size) noexcept nogil:
        """A thread's share of a block, in a team of `size`."""

    cdef void _share(self, Py_ssize_t n) noexcept nogil:
        """A block of n rows, by all threads or by one, whoever is faster these days."""
        cdef int threads = spare(self.threads)
        cdef double start = fo_team_clock()
        if threads == 1:   # not a choice: nothing is learnt from it
            self._work(0, 1)
            return
        if choose(&self.pace):
            with parallel(num_threads=threads):
                self._work(fo_team_rank(), fo_team_size())
        else:
            self._work(0, 1)
        note(&self.pace, fo_team_clock() - start, n)

    cdef int _settle_block(self, Py_ssize_t chunks) except -1 nogil:
        """After a block of so many chunks of losses."""
        return 0

    cdef int _settle_epoch(self) except -1 nogil:
        """After all rows."""
        return 0


cdef object ordered_weights(class_weight):
    """Weights of y > 0 and of y <= 0, (k, 2) or None, as kernels have them: the other way round."""
    return None if class_weight is None else np.ascontiguousarray(np.asarray(class_weight, dtype=float)[:, ::-1])
