"""optimizer="auto": the loop over batches and their chunks, threads that share the columns of dense X, and the columns that a
batch of CSR rows touches.

Used by _linear_auto.py.  What is learnt is docs/auto.md; the mathematics of a chunk is csrc/batch.h, that of a step csrc/auto.h.

As with other mini-batches (_batch.pyx) a thread owns blocks of columns, and a batch has one meeting, when all blocks' parts
of the predictions are there.  Every thread has the intercepts for itself and steps them alike.
"""
cimport numpy as cnp
from cython.parallel cimport parallel
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

import numpy as np

from fastopt._batch_cuts cimport Cuts, Part
from fastopt._core cimport Matrix, fo_auto, fo_auto_columns, fo_chunk, fo_errors, kernels
from fastopt._epochs cimport Epochs
from fastopt._samples cimport Samples
from fastopt._team cimport fo_team, fo_team_rank, fo_team_size, fo_team_wait

from fastopt._batch import block_columns

cnp.import_array()

cdef enum:
    GROUP = 4                  # as in _batch.pyx
    CACHE_BYTES = 16384
    SHARED_BYTES = 1 << 18
    CHUNK_ROWS = 256
    WORK_PER_THREAD = 8192
    KEPT = 4                   # V, w, their averages, intercepts

ctypedef struct Worker:        # what belongs to one thread
    int rank, size             # in a team of this size
    fo_chunk chunk
    fo_errors errors
    fo_auto auto
    double *b                  # intercepts, sums of squares, averages, gradients: (4, k)
    void *p
    void *c
    Py_ssize_t turn            # counts chunks: which of two sums

ctypedef struct Copied:
    void *live
    void *copy
    size_t bytes


cdef void *_data(array):
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray>array)


cdef class AutoRun(Epochs):
    """One fit, or one call of partial_fit, by optimizer="auto".

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X.
    loss : tuple
        The fields of fo_loss.
    weights : tuple of ndarray
        V, w and the averages, changed in place: (k, d) each beside dense X, (d, k) beside CSR, of the type of X.
    intercepts : ndarray of shape (3, k)
        Intercepts at the centre, sums of squares and averages, changed in place.
    steps : int
        Steps done before.
    sizes : int or object with a method `size`
        Rows of a batch, of step t from 0.
    inverse, centre : ndarray of shape (d,)
        1/s and c of the columns, of the type of X; centre None: 0.
    rate, l2, slope, scale : ndarray of shape (k,)
        η, λ2, ν, and σν, by which losses are divided when epochs are compared.
    l1 : float
        λ1.
    limits : ndarray of shape (k, 2) or None
        To what predictions are cut.
    softmax : bool
        The outputs are classes of one softmax.
    class_weight : ndarray of shape (k, 2) or None
        Weights of y > 0 and of y <= 0.
    fit_intercept : bool
    threads : int
        At most so many.
    """
    cdef object buffers, scale
    cdef Cuts cuts
    cdef Py_ssize_t width, blocks, chunk_rows, stride, batch_rows
    cdef bint finished, intercept, sparse
    cdef int threads
    cdef size_t item
    cdef Worker *workers
    cdef fo_team team
    cdef fo_auto_columns columns
    cdef char *g
    cdef char *inverse
    cdef unsigned char *seen
    cdef Py_ssize_t *touched
    cdef Py_ssize_t n_touched
    cdef double *b                 # (4, k): as of a worker, shared
    cdef double *values            # sums of losses by rows and outputs
    cdef double[::1] loss_sums     # of each output
    cdef char *sums                # parts of predictions by blocks of columns, twice
    cdef char *y
    cdef char *p
    cdef int32_t[::1] labels
    cdef Copied copies[4]          # KEPT

    def __init__(self, Matrix X, Samples samples, loss, weights, intercepts, Py_ssize_t steps, sizes, inverse, centre, rate, l2,
                 slope, scale, double l1=0, limits=None, bint softmax=False, class_weight=None, bint fit_intercept=True,
                 int threads=1):
        self._init_epochs(X, samples, intercepts.shape[1], 1, steps + 1)
        self.item, self.scale, self.intercept, self.sparse = 4 if X.is_float else 8, scale, fit_intercept, X.is_sparse
        self.labels, self.loss_sums = np.arange(self.k, dtype=np.int32), np.zeros(self.k)
        self.cuts = Cuts(samples.block_rows, sizes, (0, 1.0, 0.0, 0.0))
        self._init_columns(threads)
        self._init_weights(weights, intercepts, inverse)
        self._init_buffers()
        self._init_workers(loss, softmax, class_weight, limits, slope, centre, rate, l1, l2)

    def __dealloc__(self):
        free(self.workers)

    cdef int _init_columns(self, int threads) except -1:
        """Blocks of columns, rows of a chunk, and how many threads they are worth."""
        cdef double row = self.X.row_size * self.k
        cdef Py_ssize_t batch = min(<Py_ssize_t>self.cuts.typical(), self.samples.train_count), bytes
        self.width, self.blocks = self.X.d, 1
        if not self.sparse:
            self.width = block_columns(self.X.d, self.X.is_float)
            self.blocks = (self.X.d + self.width - 1) // self.width
        self.threads = max(1, min(threads, self.blocks, <Py_ssize_t>(batch * row / WORK_PER_THREAD)))
        bytes = <Py_ssize_t>(self.X.row_size * self.item) + 1
        self.chunk_rows = max(GROUP, min(CHUNK_ROWS, (CACHE_BYTES if self.threads == 1 else SHARED_BYTES) // bytes))
        self.chunk_rows = self.chunk_rows // GROUP * GROUP
        return 0

    cdef int _init_weights(self, weights, intercepts, inverse) except -1:
        cdef Py_ssize_t slot
        V, w, mean = weights
        g, b = np.zeros_like(w), np.zeros((4, self.k))
        b[:3] = intercepts
        since = np.full(self.X.d, int(self.t) - 1, dtype=np.int64)
        seen, touched = np.zeros(self.X.d, dtype=np.uint8), np.zeros(self.X.d + 1 if self.sparse else 1, dtype=np.intp)
        self.buffers = [V, w, mean, b, g, since, seen, touched, inverse]
        self.columns.since, self.columns.V = <int64_t *>_data(since), _data(V)
        self.columns.w, self.columns.mean = _data(w), _data(mean)
        self.g, self.b, self.inverse = <char *>_data(g), <double *>_data(b), <char *>_data(inverse)
        self.seen, self.touched = <unsigned char *>_data(seen), <Py_ssize_t *>_data(touched)
        for slot, array in enumerate((V, w, mean, b)):
            copy = np.empty_like(array)
            self.buffers.append(copy)
            self.copies[slot] = Copied(_data(array), _data(copy), array.nbytes)
        return 0

    cdef int _init_buffers(self) except -1:
        cdef Py_ssize_t rows = self.samples.block_rows
        self.stride = self.chunk_rows * self.k
        sums, y = np.empty(2 * self.blocks * self.stride, self.X.dtype), np.empty((2, rows * self.k), self.X.dtype)
        values = np.empty((rows // CHUNK_ROWS + 1) * self.k)
        self.buffers += [sums, y, values]
        self.sums, self.y, self.p = <char *>_data(sums), <char *>_data(y[0]), <char *>_data(y[1])
        self.values = <double *>_data(values)
        return 0

    cdef int _init_workers(self, loss, bint softmax, class_weight, limits, slope, centre, rate, double l1, l2) except -1:
        cdef Worker *worker
        cdef int rank
        weights = None if class_weight is None else np.ascontiguousarray(np.asarray(class_weight, dtype=float)[:, ::-1])
        limits, slope, rate, l2 = (None if a is None else np.ascontiguousarray(a, dtype=float) for a in (limits, slope, rate, l2))
        self.buffers += [weights, limits, slope, centre, rate, l2]
        self.workers = <Worker *>calloc(self.threads, sizeof(Worker))
        if self.workers == NULL:
            raise MemoryError
        for rank in range(self.threads):
            worker, p, b = &self.workers[rank], np.empty((2, self.stride), self.X.dtype), np.zeros((4, self.k))
            self.buffers += [p, b]
            worker.rank, worker.p, worker.c, worker.b = rank, _data(p[0]), _data(p[1]), <double *>_data(b)
            worker.chunk.k, worker.chunk.width, worker.chunk.centre = self.k, self.width, _data(centre)
            worker.chunk.output_stride, worker.chunk.feature_stride = 1 if self.sparse else self.X.d, self.k if self.sparse else 1
            worker.errors.loss.kind, worker.errors.loss.a, worker.errors.loss.b = loss
            worker.errors.softmax, worker.errors.k, worker.errors.b = softmax, self.k, worker.b
            worker.errors.class_weight, worker.errors.range = <double *>_data(weights), <double *>_data(limits)
            worker.errors.unit = <double *>_data(slope)
            worker.auto.k, worker.auto.rate, worker.auto.l1, worker.auto.l2 = self.k, <double *>_data(rate), l1, <double *>_data(l2)
        return 0

    # ---- an epoch ----

    cdef int _epoch(self) except -1 nogil:
        cdef Py_ssize_t n, i, j
        cdef int rank
        self.samples.start()
        self.cuts.start(self.samples.train_count)
        n = self.samples.next_block()
        while n > 0:
            self.samples.targets(n, &self.labels[0], self.k, self.y)
            self.cuts.cut(n, self.t)
            if self.threads == 1:
                self._work(&self.workers[0], 1, n)
            else:
                with parallel(num_threads=self.threads):
                    rank = fo_team_rank()
                    self._work(&self.workers[rank], fo_team_size(), n)
            for i in range((n + CHUNK_ROWS - 1) // CHUNK_ROWS):
                for j in range(self.k):
                    self.loss_sums[j] += self.values[i * self.k + j]
            memcpy(self.b, self.workers[0].b, 4 * self.k * sizeof(double))
            self.t = self.workers[0].auto.t
            self._look_up(n * self.X.row_size * self.k)
            n = self.samples.next_block()
        if self.sparse:
            self.workers[0].auto.t = self.t - 1
            self.kernels.auto_settle(&self.workers[0].auto, self.X.d, self.inverse, &self.columns)
        return 0

    cdef void _work(self, Worker *worker, int size, Py_ssize_t n) noexcept nogil:
        """A thread's share of a block: its columns, and some of the losses."""
        cdef Py_ssize_t i, first, m
        worker.size, worker.turn, worker.auto.t = size, 0, self.t
        worker.chunk.begin, worker.chunk.end = self.blocks * worker.rank // size, self.blocks * (worker.rank + 1) // size
        memcpy(worker.b, self.b, 4 * self.k * sizeof(double))
        for i in range(self.cuts.n):
            self._part(worker, &self.cuts.part[i], n)
        fo_team_wait(&self.team, worker.size)
        i = worker.rank
        while i * CHUNK_ROWS < n:
            first, m = i * CHUNK_ROWS, min(<Py_ssize_t>CHUNK_ROWS, n - i * CHUNK_ROWS)
            memset(self.values + i * self.k, 0, self.k * sizeof(double))
            self.kernels.auto_losses(&worker.errors, m, self._at(self.y, first), self._at(self.p, first),
                                     self.values + i * self.k)
            i += size

    cdef inline char *_at(self, char *rows, Py_ssize_t i) noexcept nogil:
        """Row i of an array of shape (·, k)."""
        return rows + i * self.k * self.item

    cdef void _part(self, Worker *worker, const Part *part, Py_ssize_t n) noexcept nogil:
        """The rows of a part, chunk after chunk, and the step if the batch ends with it."""
        cdef Py_ssize_t i = part.first, end = part.first + part.n
        cdef fo_chunk *chunk = &worker.chunk
        cdef char *sums
        while i < end:
            chunk.n, chunk.rows = min(self.chunk_rows, end - i), self.samples.kernel_rows + i
            chunk.next, chunk.n_next = chunk.rows + chunk.n, min(chunk.n, n - i - chunk.n)
            sums = self.sums + (worker.turn & 1) * self.blocks * self.stride * self.item
            self.kernels.batch_products(&self.samples.matrix, chunk, self.columns.w, self.stride, sums)
            fo_team_wait(&self.team, worker.size)
            self.kernels.batch_errors(
                &worker.errors, chunk.n, self.blocks, self.stride, sums, self._at(self.y, i),
                NULL if self.samples.weights == NULL else <char *>self.samples.weights + i * self.item, 1.0 / part.size,
                self._at(self.p, i) if worker.rank == 0 else worker.p, worker.c, worker.b + 3 * self.k)
            self.kernels.batch_gradient(&self.samples.matrix, chunk, worker.c, self.g)
            if self.sparse:
                self.n_touched = self.kernels.auto_touch(&self.samples.matrix, chunk, self.n_touched, self.seen, self.touched)
            worker.turn += 1
            i += chunk.n
        if part.ends:
            self._step(worker)

    cdef void _step(self, Worker *worker) noexcept nogil:
        """The batch is complete: step the columns of a thread, and its intercepts."""
        cdef Py_ssize_t j, at, first = worker.chunk.begin * self.width, last = min(worker.chunk.end * self.width, self.X.d)
        if self.sparse:
            self.kernels.auto_columns(&worker.auto, self.n_touched, self.touched, self.seen, self.inverse, self.g, &self.columns)
            self.n_touched = 0
        else:
            for j in range(self.k):
                at = (j * self.X.d + first) * self.item
                self.kernels.auto_dense(&worker.auto, j, last - first, self.inverse + first * self.item, self.g + at,
                                        <char *>self.columns.V + at, <char *>self.columns.w + at, <char *>self.columns.mean + at)
        if self.intercept:
            kernels(False).auto_intercepts(&worker.auto, worker.b + 3 * self.k, worker.b + self.k, worker.b, worker.b + 2 * self.k)
        memset(worker.b + 3 * self.k, 0, self.k * sizeof(double))
        worker.auto.t += 1

    # ---- between epochs ----

    cdef bint _learning(self) noexcept nogil:
        return not self.finished

    cdef void _keep(self, bint back) noexcept nogil:
        cdef Py_ssize_t slot, i
        for slot in range(KEPT):
            memcpy(self.copies[slot].live if back else self.copies[slot].copy,
                   self.copies[slot].copy if back else self.copies[slot].live, self.copies[slot].bytes)
        if back:   # the epoch that diverged has not been
            self.t = self.epoch_start

    cdef bint _finite(self) noexcept nogil:
        cdef Py_ssize_t slot
        for slot in range(KEPT - 1):
            if not self.kernels.all_finite(self.copies[slot].bytes // self.item, self.copies[slot].live):
                return False
        return kernels(False).all_finite(4 * self.k, self.b) and kernels(False).all_finite(self.k, &self.loss_sums[0])

    cdef double _sum_up(self) except? -1 nogil:
        with gil:
            losses = np.asarray(self.loss_sums) / self.samples.train_count
            self.objective[0] = np.mean(losses / self.scale)
            self.loss_sums[:] = 0
            return losses.mean()

    cdef int _judge(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil:
        self.finished = self._is_idle(0, tol, n_iter_no_change)
        return 0

    @property
    def intercepts(self):
        """Intercepts at the centre, sums of squares and averages: (3, k)."""
        return self.buffers[3][:3].copy()

    @property
    def steps(self):
        """Steps done."""
        return int(self.t) - 1
