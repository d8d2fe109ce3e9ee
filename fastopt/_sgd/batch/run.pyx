"""Mini-batches of the estimators: what an epoch of them changes, and when to stop.

Used by the estimators.  The loop over blocks of rows is _sgd.batch.loop', a thread's share of a block _sgd.batch.work's; the mathematics of
a step is csrc/rules/rules*.h.
"""
cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdlib cimport calloc, free

import numpy as np

from fastopt._sgd.batch.cuts cimport Cuts
from fastopt._sgd.batch.feedback cimport Driver
from fastopt._sgd.batch.loop cimport BatchEpochs, ordered_weights
from fastopt._sgd.batch.lazy cimport Lazy, allows_lazy, lend, settle_lazily
from fastopt._sgd.batch.rows cimport BOUNDS
from fastopt._sgd.batch.steps cimport Weights, settle
from fastopt._sgd.batch.hogwild cimport Wild
from fastopt._sgd.batch.work cimport Work, Worker, work
from fastopt._core.tables cimport FO_SUMS_none, FO_UNPACKED, Matrix, kernels
from fastopt._core.kept cimport Kept, address, all_finite, keep
from fastopt.optimizers._passes cimport Plan
from fastopt._samples.order cimport Samples
from fastopt.optimizers._update cimport Update

from fastopt._sgd.batch.columns import column_bounds, columns_ascend
from fastopt._sgd.batch.feedback import drives
from fastopt._core.memory import aligned

cnp.import_array()

cdef enum:
    WORK_CSR = 1024            # of a batch of CSR rows: less is not worth a meeting; values, and each STEPS_CSR elements of a step
    STEPS_CSR = 8
    SHARED_FROM = 2            # columns to a value: with fewer, what threads save of steps is less than rows read twice cost
    LAZY_FROM = 48             # columns to a value of a batch, from which on only those that it touches are stepped


cdef class BatchRun(BatchEpochs):
    """One fit by mini-batches.

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X.
    loss : tuple
        The fields of fo_loss.
    optimizer : Update
        Of [w, b]: w of shape (k, d) beside dense X, (d, k) beside CSR; b of shape (k,), float64.
    sizes : int or object with a method `size`
        Rows of a batch, of step t from 0.
    rates : tuple or callable
        Kind, lr, power_t and t0 of fo_schedule; or step, from 0, to learning rate.
    penalty : tuple
        l2 and l1, as the objective counts them.
    softmax : bool
        The outputs are classes of one softmax.
    averages : tuple of ndarray, or None
        Averages of w and b so far; None without averaging.
    average : float
        The step from which weights are averaged.
    class_weight : ndarray of shape (k, 2) or None
        Weights of y > 0 and of y <= 0.
    t : float
        The first step, from 1.
    threads : int
        At most so many.
    hogwild : bool
        They share the batches of a block, without locks, for rules that take each weight by itself.
    """
    cdef readonly Update optimizer
    cdef readonly object averages
    cdef object column_bounds
    cdef Driver driver
    cdef Work shared
    cdef Worker *workers
    cdef double loss_sum, l2, l1
    cdef bint finished
    cdef Lazy lazy
    cdef Wild wild
    cdef Kept kept[4]              # w, b, their averages

    def __init__(self, Matrix X, Samples samples, loss, Update optimizer, sizes, rates, penalty=(0.0, 0.0), bint softmax=False,
                 averages=None, double average=0, class_weight=None, double t=1, bint fit_intercept=True, int threads=1,
                 bint hogwild=False):
        self._init_epochs(X, samples, len(optimizer.params[1]), 1, t)
        cuts = Cuts(samples.block_rows, sizes, rates)
        self.optimizer, self.averages, (self.l2, self.l1) = optimizer, averages, penalty
        self.driver = Driver(cuts, rates, sizes) if drives(rates, sizes) or optimizer.plan.by_products else None
        self.shared.weights.average, self.shared.weights.intercept = average, fit_intercept
        self.wild = Wild(threads) if hogwild and threads > 1 else None
        self.apart = self.wild is not None
        self._init_weights(optimizer.params[0], optimizer.params[1])
        self._init_rows(&self.shared.rows, cuts, threads, 1)
        self._init_workers(loss, softmax, class_weight)
        self._init_lazy()

    def __dealloc__(self):
        free(self.workers)

    cdef int _team(self, int threads, Py_ssize_t batch) except -1:
        if self.apart:
            return threads
        if self.X.is_sparse:
            return self._share_columns(threads, batch)
        return BatchEpochs._team(self, threads, batch)

    cdef int _share_columns(self, int threads, Py_ssize_t batch) except -1:
        """Bounds of columns beside CSR rows; for how many threads."""
        cdef double values = batch * self.X.row_size, work = (values + <double>self.X.d / STEPS_CSR) * ((self.k + 15) // 16)
        threads = max(1, min(threads, <int>min(work / WORK_CSR, BOUNDS)))
        if threads == 1 or SHARED_FROM * values > self.X.d or self._is_lazy() or not columns_ascend(self.X):
            return 1
        self.column_bounds = column_bounds(self.X, BOUNDS, self.k, batch)
        self.rows.bounds, self.rows.width = <Py_ssize_t *>address(self.column_bounds), 1
        return threads

    cdef bint _is_lazy(self) except -1:
        """Whether columns are stepped only where batches touch them: the rule allows it, and most are not touched."""
        cdef bint few = self.X.is_sparse and LAZY_FROM * self.cuts.typical() * self.X.row_size < self.X.d
        return few and self.driver is None and allows_lazy(&self.shared.weights)

    cdef int _init_weights(self, w, b) except -1:
        cdef Weights *shared = &self.shared.weights
        cdef const Plan *plan = &self.optimizer.plan
        cdef Py_ssize_t slot
        g, turns, (w_avg, b_avg) = aligned(w.shape, w.dtype), np.array([b, b]), self.averages or (None, None)
        self.buffers += [g, turns]
        shared.kernels, shared.plan, shared.k, shared.d = self.kernels, &self.optimizer.plan, self.k, self.X.d
        shared.item, shared.output_stride = w.itemsize, 1 if self.X.is_sparse else self.X.d
        # a rule that takes each weight by itself is stepped by columns, all others as a whole
        shared.factored = self.optimizer.scratch_used > 0
        shared.whole = (plan.sums_over != FO_SUMS_none or plan.clip_norm < INFINITY or plan.clip_global_norm < INFINITY
                        or shared.factored or plan.arrays.at[0].packing != FO_UNPACKED or self.driver is not None)
        if self.driver is not None:
            shared.drive, self.driver.c.by_products = &self.driver.c, plan.by_products
            self.driver.matrices = self.optimizer, [g, None]   # b is stepped by a kernel
        shared.w, shared.g, shared.w_avg = <char *>address(w), <char *>address(g), <char *>address(w_avg)
        shared.b, shared.b_avg = <double *>address(b), <double *>address(b_avg)
        shared.b_turns[0], shared.b_turns[1] = <double *>address(turns[0]), <double *>address(turns[1])
        for slot, array in enumerate((w, b, w_avg, b_avg)):
            if array is not None:
                copy = np.empty_like(array)
                self.buffers.append(copy)
                self.kept[slot] = Kept(address(array), address(copy), array.nbytes, array.itemsize)
        return 0

    cdef int _init_lazy(self) except -1:
        """Step columns only where batches touch them."""
        cdef bint lazy = self._is_lazy()
        if self.wild is not None:
            self.wild.set_up(&self.shared, self.optimizer.params[0], lazy)
        elif lazy:
            self.lazy = lend(&self.shared.weights, self.optimizer.params[0])
        return 0

    cdef int _init_workers(self, loss, bint softmax, class_weight) except -1:
        cdef Worker *worker
        cdef int rank
        weights = ordered_weights(class_weight)
        self.buffers.append(weights)
        self.workers = <Worker *>calloc(self.threads, sizeof(Worker))
        if self.workers == NULL:
            raise MemoryError
        for rank in range(self.threads):
            worker, g_b = &self.workers[rank], np.zeros(self.k)
            self._init_seat(&worker.seat, rank, loss, softmax, <double *>address(weights))
            self.buffers.append(g_b)
            worker.stepper.g_b = <double *>address(g_b)
        return 0

    # ---- an epoch ----

    cdef void _work(self, int rank, int size) noexcept nogil:
        work(&self.shared, &self.workers[rank], size, self.t)

    cdef void _share(self, Py_ssize_t n) noexcept nogil:
        if self.apart:
            self.wild.block(&self.shared, self.workers, self.t)
            self.t += self.rows.n_parts
            return
        BatchEpochs._share(self, n)
        settle(&self.shared.weights, &self.workers[0].stepper)
        self.t = self.workers[0].stepper.t

    cdef int _settle_block(self, Py_ssize_t chunks) except -1 nogil:
        cdef Py_ssize_t i
        if self.shared.weights.drive != NULL and self.shared.weights.drive.failed:
            with gil:
                raise self.driver.error
        for i in range(chunks):
            self.loss_sum += self.rows.values[i]
        return 0

    cdef int _settle_epoch(self) except -1 nogil:
        if self.apart:
            self.wild.settle()
        elif self.shared.weights.lazy != NULL:
            settle_lazily(&self.shared.weights)
        if self.shared.weights.drive != NULL:
            with gil:
                self.driver.settle()
        return 0

    # ---- between epochs ----

    cdef bint _learning(self) noexcept nogil:
        return not self.finished

    cdef void _keep(self, bint back) noexcept nogil:
        keep(self.kept, 4, back)

    cdef bint _finite(self) noexcept nogil:
        return all_finite(self.kept, 4) and -INFINITY < self.loss_sum < INFINITY

    cdef double _sum_up(self) except? -1 nogil:
        cdef double loss = self.loss_sum / self.samples.train_count
        self.loss_sum = 0
        self.objective[0] = loss
        if self.l2 > 0 or self.l1 > 0:
            with gil:   # squares by a kernel: threads of BLAS would go on spinning beside the loop
                w = self.optimizer.params[0].ravel()
                penalty = 0.5 * self.l2 * kernels(self.X.is_float).square_sum(w.size, address(w)) + self.l1 * float(np.abs(w).sum())
                self.objective[0] += penalty / (1 if self.workers[0].seat.errors.softmax else self.k)
        return loss

    cdef int _judge(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil:
        if not self._is_idle(0, tol, n_iter_no_change):
            return 0
        if self.cuts.slower():
            self.idle[0] = 0
        else:
            self.finished = True
        return 0

    @property
    def learning_rate(self):
        """The learning rate at the start of the last epoch."""
        return self.cuts.rate(int(self.epoch_start))

    def snapshot(self):
        """(coef, intercept, coef_avg, intercept_avg), each with k rows, of the columns that X has; the averages None without averaging."""
        w, b = self.optimizer.solution()
        w_avg, b_avg = self.averages or (None, None)
        found = [w, b, w_avg, b_avg]
        return [None if a is None else np.array(a.T if self.X.is_sparse and a.ndim == 2 else a, order="C") for a in found]
