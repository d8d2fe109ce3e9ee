"""optimizer="auto": what an epoch changes, and when to stop.

Used by _sgd/auto/fit.py.  What is learnt is docs/auto.md; the loop over blocks of rows is _sgd.batch.loop', a thread's share of a block
_sgd.auto.work's.
"""
cimport numpy as cnp
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

import numpy as np

from fastopt._sgd.auto.work cimport Work, Worker, work
from fastopt._sgd.batch.cuts cimport Cuts
from fastopt._sgd.batch.loop cimport BatchEpochs, ordered_weights
from fastopt._core.tables cimport Matrix, kernels
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.kept cimport Kept, address, all_finite, keep
from fastopt._samples.order cimport Samples

cnp.import_array()

cdef enum:
    KEPT = 4                   # V, w, their averages, intercepts


cdef class AutoRun(BatchEpochs):
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
    cdef object scale, b
    cdef Work shared
    cdef Worker *workers
    cdef bint finished, flushes    # numbers too small for full precision count as 0
    cdef double[::1] loss_sums     # of each output
    cdef Kept kept[KEPT]

    def __init__(self, Matrix X, Samples samples, loss, weights, intercepts, Py_ssize_t steps, sizes, inverse, centre, rate, l2,
                 slope, scale, double l1=0, limits=None, bint softmax=False, class_weight=None, bint fit_intercept=True,
                 int threads=1):
        self._init_epochs(X, samples, intercepts.shape[1], 1, steps + 1)
        self.shared.sparse, self.shared.intercept = X.is_sparse, fit_intercept
        self.scale, self.loss_sums, self.flushes = scale, np.zeros(self.k), samples.has_ordinary_numbers()
        self._init_rows(&self.shared.rows, Cuts(samples.block_rows, sizes, (0, 1.0, 0.0, 0.0)), threads, self.k)
        self._init_weights(weights, intercepts, inverse)
        self._init_workers(loss, softmax, class_weight, limits, slope, centre, rate, l1, l2)

    def __dealloc__(self):
        free(self.workers)

    cdef int _init_weights(self, weights, intercepts, inverse) except -1:
        cdef Work *shared = &self.shared
        cdef Py_ssize_t slot
        V, w, mean = weights
        g, b = np.zeros_like(w), np.zeros((4, self.k))
        b[:3] = intercepts
        since = np.full(self.X.d, int(self.t) - 1, dtype=np.int64)
        seen, touched = np.zeros(self.X.d, dtype=np.uint8), np.zeros(self.X.d + 1 if shared.sparse else 1, dtype=np.intp)
        self.b = b
        self.buffers += [V, w, mean, b, g, since, seen, touched, inverse]
        shared.columns.since, shared.columns.V = <int64_t *>address(since), address(V)
        shared.columns.w, shared.columns.mean = address(w), address(mean)
        shared.g, shared.b, shared.inverse = <char *>address(g), <double *>address(b), <char *>address(inverse)
        shared.seen, shared.touched = <unsigned char *>address(seen), <Py_ssize_t *>address(touched)
        for slot, array in enumerate((V, w, mean, b)):
            copy = np.empty_like(array)
            self.buffers.append(copy)
            self.kept[slot] = Kept(address(array), address(copy), array.nbytes, array.itemsize)
        return 0

    cdef int _init_workers(self, loss, bint softmax, class_weight, limits, slope, centre, rate, double l1, l2) except -1:
        cdef Work *shared = &self.shared
        cdef Worker *worker
        cdef int rank
        weights = ordered_weights(class_weight)
        limits, slope, rate, l2 = (None if a is None else np.ascontiguousarray(a, dtype=float) for a in (limits, slope, rate, l2))
        self.buffers += [weights, limits, slope, centre, rate, l2]
        self.workers = <Worker *>calloc(self.threads, sizeof(Worker))
        if self.workers == NULL:
            raise MemoryError
        for rank in range(self.threads):
            worker, b = &self.workers[rank], np.zeros((4, self.k))
            self._init_seat(&worker.seat, rank, loss, softmax, <double *>address(weights))
            self.buffers.append(b)
            worker.b, worker.seat.chunk.centre = <double *>address(b), address(centre)
            worker.seat.errors.range, worker.seat.errors.unit = <double *>address(limits), <double *>address(slope)
            worker.auto.k, worker.auto.rate, worker.auto.l1, worker.auto.l2 = self.k, <double *>address(rate), l1, <double *>address(l2)
        return 0

    # ---- an epoch ----

    cdef void _work(self, int rank, int size) noexcept nogil:
        cdef fo_mode mode = 0
        if self.flushes:
            mode = fo_flush()
        work(&self.shared, &self.workers[rank], size, self.t)
        if self.flushes:
            fo_unflush(mode)

    cdef int _settle_block(self, Py_ssize_t chunks) except -1 nogil:
        cdef Py_ssize_t i, j
        for i in range(chunks):
            for j in range(self.k):
                self.loss_sums[j] += self.rows.values[i * self.k + j]
        memcpy(self.shared.b, self.workers[0].b, 4 * self.k * sizeof(double))
        self.t = self.workers[0].auto.t
        return 0

    cdef int _settle_epoch(self) except -1 nogil:
        cdef fo_mode mode = 0
        if self.flushes:
            mode = fo_flush()
        if self.shared.sparse:
            self.workers[0].auto.t = self.t - 1
            self.kernels.auto_settle(&self.workers[0].auto, self.X.d, self.shared.inverse, self.shared.g, &self.shared.columns)
        if self.flushes:
            fo_unflush(mode)
        return 0

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
        return self.b[:3].copy()

    @property
    def steps(self):
        """Steps done."""
        return int(self.t) - 1
