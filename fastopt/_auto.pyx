"""optimizer="auto": the loop over the blocks of rows of an epoch, threads that share the columns of dense X, and when to stop.

Used by _linear_auto.py.  What is learnt is docs/auto.md; a thread's share of a block is _auto_work.pyx.
"""
cimport numpy as cnp
from cython.parallel cimport parallel
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

import numpy as np

from fastopt._auto_work cimport CHUNK_ROWS, Work, Worker, work
from fastopt._batch_cuts cimport Cuts
from fastopt._batch_pace cimport Pace, choose, note
from fastopt._core cimport Matrix, kernels
from fastopt._epochs cimport Epochs
from fastopt._kept cimport Kept, address, all_finite, keep
from fastopt._samples cimport Samples
from fastopt._team cimport fo_team_clock, fo_team_rank, fo_team_size

from fastopt._batch_columns import block_columns

cnp.import_array()

cdef enum:
    GROUP = 4                  # as in _batch.pyx
    CACHE_BYTES = 16384
    SHARED_BYTES = 1 << 18
    WORK_PER_THREAD = 8192
    KEPT = 4                   # V, w, their averages, intercepts


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
    cdef Work shared
    cdef Worker *workers
    cdef bint finished
    cdef int threads
    cdef Pace pace
    cdef double[::1] loss_sums     # of each output
    cdef int32_t[::1] labels
    cdef Kept kept[KEPT]

    def __init__(self, Matrix X, Samples samples, loss, weights, intercepts, Py_ssize_t steps, sizes, inverse, centre, rate, l2,
                 slope, scale, double l1=0, limits=None, bint softmax=False, class_weight=None, bint fit_intercept=True,
                 int threads=1):
        self._init_epochs(X, samples, intercepts.shape[1], 1, steps + 1)
        self.shared.item, self.shared.sparse, self.shared.intercept = X.dtype.itemsize, X.is_sparse, fit_intercept
        self.scale = scale
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
        cdef Work *shared = &self.shared
        cdef double row = self.X.row_size * self.k
        cdef Py_ssize_t batch = min(<Py_ssize_t>self.cuts.typical(), self.samples.train_count), bytes, rows
        shared.width, shared.blocks = self.X.d, 1
        if not shared.sparse:
            shared.width = block_columns(self.X.d, self.X.is_float)
            shared.blocks = (self.X.d + shared.width - 1) // shared.width
        self.threads = max(1, min(threads, shared.blocks, <Py_ssize_t>(batch * row / WORK_PER_THREAD)))
        bytes = <Py_ssize_t>(self.X.row_size * shared.item) + 1
        rows = (CACHE_BYTES if self.threads == 1 else SHARED_BYTES) // bytes
        shared.chunk_rows = max(GROUP, min(<Py_ssize_t>CHUNK_ROWS, rows) // GROUP * GROUP)
        return 0

    cdef int _init_weights(self, weights, intercepts, inverse) except -1:
        cdef Work *shared = &self.shared
        cdef Py_ssize_t slot
        V, w, mean = weights
        g, b = np.zeros_like(w), np.zeros((4, self.k))
        b[:3] = intercepts
        since = np.full(self.X.d, int(self.t) - 1, dtype=np.int64)
        seen, touched = np.zeros(self.X.d, dtype=np.uint8), np.zeros(self.X.d + 1 if shared.sparse else 1, dtype=np.intp)
        self.buffers = [V, w, mean, b, g, since, seen, touched, inverse]
        shared.columns.since, shared.columns.V = <int64_t *>address(since), address(V)
        shared.columns.w, shared.columns.mean = address(w), address(mean)
        shared.g, shared.b, shared.inverse = <char *>address(g), <double *>address(b), <char *>address(inverse)
        shared.seen, shared.touched = <unsigned char *>address(seen), <Py_ssize_t *>address(touched)
        for slot, array in enumerate((V, w, mean, b)):
            copy = np.empty_like(array)
            self.buffers.append(copy)
            self.kept[slot] = Kept(address(array), address(copy), array.nbytes, array.itemsize)
        return 0

    cdef int _init_buffers(self) except -1:
        cdef Work *shared = &self.shared
        cdef Py_ssize_t rows = self.samples.block_rows
        sums = np.empty(2 * shared.blocks * shared.chunk_rows * self.k, self.X.dtype)
        y, values = np.empty((2, rows * self.k), self.X.dtype), np.empty((rows // CHUNK_ROWS + 1) * self.k)
        self.buffers += [sums, y, values]
        shared.sums, shared.y, shared.p = <char *>address(sums), <char *>address(y[0]), <char *>address(y[1])
        shared.kernels, shared.X, shared.rows = self.kernels, &self.samples.matrix, self.samples.kernel_rows
        shared.values, shared.part, shared.sample_weight = <double *>address(values), self.cuts.part, <char *>self.samples.weights
        return 0

    cdef int _init_workers(self, loss, bint softmax, class_weight, limits, slope, centre, rate, double l1, l2) except -1:
        cdef Work *shared = &self.shared
        cdef Worker *worker
        cdef int rank
        weights = None if class_weight is None else np.ascontiguousarray(np.asarray(class_weight, dtype=float)[:, ::-1])
        limits, slope, rate, l2 = (None if a is None else np.ascontiguousarray(a, dtype=float) for a in (limits, slope, rate, l2))
        self.buffers += [weights, limits, slope, centre, rate, l2]
        self.workers = <Worker *>calloc(self.threads, sizeof(Worker))
        if self.workers == NULL:
            raise MemoryError
        for rank in range(self.threads):
            worker, p, b = &self.workers[rank], np.empty((2, shared.chunk_rows * self.k), self.X.dtype), np.zeros((4, self.k))
            self.buffers += [p, b]
            worker.rank, worker.p, worker.c, worker.b = rank, address(p[0]), address(p[1]), <double *>address(b)
            worker.chunk.k, worker.chunk.width, worker.chunk.centre = self.k, shared.width, address(centre)
            worker.chunk.output_stride = 1 if shared.sparse else self.X.d
            worker.chunk.feature_stride = self.k if shared.sparse else 1
            worker.errors.loss.kind, worker.errors.loss.a, worker.errors.loss.b = loss
            worker.errors.softmax, worker.errors.k, worker.errors.b = softmax, self.k, worker.b
            worker.errors.class_weight, worker.errors.range = <double *>address(weights), <double *>address(limits)
            worker.errors.unit = <double *>address(slope)
            worker.auto.k, worker.auto.rate, worker.auto.l1, worker.auto.l2 = self.k, <double *>address(rate), l1, <double *>address(l2)
        return 0

    # ---- an epoch ----

    cdef int _epoch(self) except -1 nogil:
        cdef Py_ssize_t n, i, j
        self.samples.start()
        self.cuts.start(self.samples.train_count)
        n = self.samples.next_block()
        while n > 0:
            self.samples.targets(n, &self.labels[0], self.k, self.shared.y)
            self.cuts.cut(n, self.t)
            self.shared.n, self.shared.n_parts = n, self.cuts.n
            self._share(n)
            for i in range((n + CHUNK_ROWS - 1) // CHUNK_ROWS):
                for j in range(self.k):
                    self.loss_sums[j] += self.shared.values[i * self.k + j]
            memcpy(self.shared.b, self.workers[0].b, 4 * self.k * sizeof(double))
            self.t = self.workers[0].auto.t
            self._look_up(n * self.X.row_size * self.k)
            n = self.samples.next_block()
        if self.shared.sparse:
            self.workers[0].auto.t = self.t - 1
            self.kernels.auto_settle(&self.workers[0].auto, self.X.d, self.shared.inverse, self.shared.g, &self.shared.columns)
        return 0

    cdef void _share(self, Py_ssize_t n) noexcept nogil:
        """A block of n rows, by all threads or by one, whoever is faster these days."""
        cdef double start
        if self.threads == 1:
            work(&self.shared, &self.workers[0], 1, self.t)
            return
        start = fo_team_clock()
        if choose(&self.pace):
            with parallel(num_threads=self.threads):
                work(&self.shared, &self.workers[fo_team_rank()], fo_team_size(), self.t)
        else:
            work(&self.shared, &self.workers[0], 1, self.t)
        note(&self.pace, fo_team_clock() - start, n)

    # ---- between epochs ----

    cdef bint _learning(self) noexcept nogil:
        return not self.finished

    cdef void _keep(self, bint back) noexcept nogil:
        keep(self.kept, KEPT, back)
        if back:   # the epoch that diverged has not been
            self.t = self.epoch_start

    cdef bint _finite(self) noexcept nogil:
        return all_finite(self.kept, KEPT) and kernels(False).all_finite(self.k, &self.loss_sums[0])

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
