"""Mini-batches stepped by the rule of an optimizer: the weights, what a batch does to them, and the objective of an epoch.

Used by _sgd/batch/fit.py.  The loop over blocks of rows is _sgd/batch/loop.pyx; the mathematics of a step is csrc/rules/rules*.h.
"""
cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

import numpy as np

from fastopt._core.memory cimport address
from fastopt._core.tables cimport FO_SUMS_none, FO_UNPACKED, Matrix, fo_couples, kernels
from fastopt._samples.order cimport Samples
from fastopt._sgd.batch.batch_end cimport note_segment, step_batch
from fastopt._sgd.batch.feedback cimport Driver
from fastopt._sgd.batch.hogwild cimport Hogwild
from fastopt._sgd.batch.lazy cimport LazyColumns, allows_lazy, attach_lazy_columns, settle_lazily
from fastopt._sgd.batch.loop cimport BatchLoop
from fastopt._sgd.batch.plan cimport BatchPlan, Segment
from fastopt._sgd.batch.rows cimport COLUMN_PARTS, ThreadState
from fastopt._sgd.batch.steps cimport Stepper, Weights, begin_block, clear_gradients, end_block
from fastopt.optimizers._passes cimport StepPlan
from fastopt.optimizers._update cimport Update

from fastopt._core.memory import aligned
from fastopt._sgd.batch.columns import column_bounds, columns_ascend
from fastopt._sgd.batch.feedback import drives

cnp.import_array()

cdef enum:
    MIN_CSR_WORK_PER_THREAD = 1024   # of a batch, in values and steps of STEPS_PER_VALUE weights: less is not worth a meeting
    STEPS_PER_VALUE = 8              # steps of weights that cost as much as a value
    SHARED_COLUMNS_PER_VALUE = 2     # of a batch: with fewer, threads save less by sharing steps than reading rows twice costs
    LAZY_COLUMNS_PER_VALUE = 48      # of a batch: with more, only the columns that it touches are stepped


cdef class BatchRun(BatchLoop):
    """One fit by mini-batches.

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X.
    settings : FitSettings
        With Batches.
    start : Start
        The first step, and the one from which weights are averaged.
    optimizer : Update
        Of [w, b]: w of shape (k, d) beside dense X, (d, k) beside CSR; b of shape (k,), float64.
    averages : tuple of ndarray, or None
        Averages of w and b so far; None without averaging.
    class_weight : ndarray of shape (k, 2) or None
        Weights of y > 0 and of y <= 0.
    """
    cdef readonly Update optimizer
    cdef readonly object averages
    cdef object column_bounds
    cdef Driver driver
    cdef Weights shared            # weights as all threads see them that share batches
    cdef Stepper *stepper          # of each thread
    cdef double l2, l1
    cdef LazyColumns lazy
    cdef Hogwild hogwild

    def __init__(self, Matrix X, Samples samples, settings, start, Update optimizer, averages=None, class_weight=None):
        batches, k = settings.batches, len(optimizer.params[1])
        rates = batches.schedule or settings.schedule
        self._init_epochs(X, samples, k, 1, start.t)
        plan = BatchPlan(samples.block_rows, batches.sizes, rates)
        self.optimizer, self.averages, (self.l2, self.l1) = optimizer, averages, settings.strengths
        self.driver = Driver(plan, rates, batches.sizes) if drives(rates, batches.sizes) or optimizer.plan.matrix_step else None
        self.shared.average, self.shared.intercept, self.flushes = start.average, settings.fit_intercept, True
        self.hogwild = Hogwild(settings.threads) if batches.hogwild and settings.threads > 1 else None
        self.is_hogwild = self.hogwild is not None
        self._init_weights(optimizer.params[0], optimizer.params[1])
        self._init_block(plan, settings.threads, False)
        self._init_threads(settings.loss, class_weight)
        self._init_steppers()

    def __dealloc__(self):
        free(self.stepper)

    cdef int _init_weights(self, w, b) except -1:
        cdef Weights *shared = &self.shared
        cdef const StepPlan *plan = &self.optimizer.plan
        g, turns, (w_avg, b_avg) = aligned(w.shape, w.dtype), np.array([b, b]), self.averages or (None, None)
        self.buffers += [g, turns]
        shared.kernels, shared.plan, shared.k, shared.d = self.kernels, &self.optimizer.plan, self.k, self.X.d
        shared.itemsize, shared.output_stride = w.itemsize, 1 if self.X.is_sparse else self.X.d
        # a rule that takes each weight by itself is stepped by columns, all others as a whole
        shared.factored = self.optimizer.scratch_used > 0
        shared.whole = (plan.sums_over != FO_SUMS_none or plan.clip_norm < INFINITY or plan.clip_global_norm < INFINITY
                        or shared.factored or plan.arrays.at[0].packing != FO_UNPACKED or self.driver is not None)
        if self.driver is not None:
            shared.drive, self.driver.c.matrix_step = &self.driver.c, plan.matrix_step
            self.driver.matrices = self.optimizer
        shared.w, shared.g, shared.w_avg = <char *>address(w), <char *>address(g), <char *>address(w_avg)
        shared.b, shared.b_avg = <double *>address(b), <double *>address(b_avg)
        shared.b_turns[0], shared.b_turns[1] = <double *>address(turns[0]), <double *>address(turns[1])
        for array in (w, b, w_avg, b_avg):
            self.snapshot.add(array)
        return 0

    cdef int _init_steppers(self) except -1:
        """What each thread steps by; lazy columns, where steps touch only those of their batch."""
        cdef ThreadState *thread
        cdef int i
        self.notes_columns = self._is_lazy()
        if self.hogwild is not None:
            self.hogwild.set_up(&self.shared, self.optimizer.params[0], self.notes_columns)
        elif self.notes_columns:
            self.lazy = attach_lazy_columns(&self.shared, self.optimizer.params[0])
        self.stepper = <Stepper *>calloc(self.threads, sizeof(Stepper))
        if self.stepper == NULL:
            raise MemoryError
        for i in range(self.threads):
            thread, g_b = &self.thread[i], np.zeros(self.k)
            self.buffers.append(g_b)
            self.stepper[i].g_b = thread.g_b = <double *>address(g_b)
            thread.w, thread.g = self._weights_of(i).w, self._weights_of(i).g
        return 0

    cdef int _count_threads(self, int threads, Py_ssize_t batch) except -1:
        if self.is_hogwild:
            return threads
        if self.X.is_sparse:
            return self._share_columns(threads, batch)
        return BatchLoop._count_threads(self, threads, batch)

    cdef int _share_columns(self, int threads, Py_ssize_t batch) except -1:
        """Bounds of columns beside CSR rows; for how many threads."""
        cdef double values = batch * self.X.row_size
        cdef double work = (values + <double>self.X.d / STEPS_PER_VALUE) * ((self.k + 15) // 16)
        threads = max(1, min(threads, <int>min(work / MIN_CSR_WORK_PER_THREAD, COLUMN_PARTS)))
        if threads == 1 or SHARED_COLUMNS_PER_VALUE * values > self.X.d or self._is_lazy() or not columns_ascend(self.X):
            return 1
        self.column_bounds = column_bounds(self.X, COLUMN_PARTS, self.k, batch)
        self.block.bounds, self.block.width = <Py_ssize_t *>address(self.column_bounds), 1
        return threads

    cdef bint _is_lazy(self) except -1:
        """Whether columns are stepped only where batches touch them: the rule allows it, and most are not touched."""
        cdef bint few = self.X.is_sparse and LAZY_COLUMNS_PER_VALUE * self.plan.first_size() * self.X.row_size < self.X.d
        return few and self.driver is None and allows_lazy(&self.shared)

    cdef Weights *_weights_of(self, int index) noexcept nogil:
        """The weights as a thread sees them."""
        return &self.hogwild.weights[index] if self.is_hogwild else &self.shared

    # ---- an epoch ----

    cdef void _begin_block(self, ThreadState *thread) noexcept nogil:
        cdef Weights *weights = self._weights_of(thread.index)
        cdef Py_ssize_t first = thread.chunk.begin * self.block.width, last = min(thread.chunk.end * self.block.width, weights.d)
        begin_block(weights, &self.stepper[thread.index], first, last, self.t)
        if self.is_hogwild:
            memcpy(weights.b_turns[0], weights.b, weights.k * sizeof(double))
        thread.errors.b = weights.b_turns[0]

    cdef void _begin_batch(self, ThreadState *thread) noexcept nogil:
        clear_gradients(self._weights_of(thread.index), &self.stepper[thread.index])

    cdef void _note_columns(self, ThreadState *thread) noexcept nogil:
        cdef Weights *weights = self._weights_of(thread.index)
        self.kernels.lazy_touch(self.block.X, &thread.chunk, weights.lazy, weights.w, weights.plan.arrays.at[0].state)

    cdef void _end_segment(self, ThreadState *thread, const Segment *segment) noexcept nogil:
        cdef Weights *weights = self._weights_of(thread.index)
        cdef Stepper *stepper = &self.stepper[thread.index]
        if weights.drive != NULL:
            note_segment(&self.block, weights, stepper, thread, segment)
        if segment.ends:
            step_batch(&self.block, weights, stepper, thread, segment.lr)
            thread.errors.b = weights.b_turns[stepper.steps & 1]

    cdef int _end_block(self) except -1 nogil:
        if self.is_hogwild:
            self.shared.plan.t += self.plan.n_segments
            self.t += self.plan.n_segments
            return 0
        end_block(&self.shared, &self.stepper[0])
        self.t = self.stepper[0].t
        if self.shared.drive != NULL and self.shared.drive.failed:
            with gil:
                raise self.driver.error
        return 0

    cdef int _end_epoch(self) except -1 nogil:
        if self.is_hogwild:
            self.hogwild.settle()
        elif self.shared.lazy != NULL:
            settle_lazily(&self.shared)
        if self.shared.drive != NULL:
            with gil:
                self.driver.end_epoch()
        return 0

    # ---- between epochs ----

    cdef double _compute_objective(self) except? -1 nogil:
        cdef double loss = self.loss_sums[0] / self.samples.train_count
        self.loss_sums[0] = 0
        self.objective[0] = loss
        if self.l2 > 0 or self.l1 > 0:
            with gil:   # squares by a kernel: threads of BLAS would go on spinning beside the loop
                w = self.optimizer.params[0].ravel()
                penalty = 0.5 * self.l2 * kernels(self.X.is_float).square_sum(w.size, address(w)) + self.l1 * float(np.abs(w).sum())
                self.objective[0] += penalty / (1 if fo_couples(&self.thread[0].errors.loss) else self.k)
        return loss

    @property
    def learning_rate(self):
        """The learning rate at the start of the last epoch."""
        return self.plan.rate(int(self.epoch_start))

    def trained_weights(self):
        """(coef, intercept, coef_avg, intercept_avg), each with k rows, of the columns that X has; the averages None without averaging."""
        w, b = self.optimizer.solution()
        w_avg, b_avg = self.averages or (None, None)
        found = [w, b, w_avg, b_avg]
        return [None if a is None else np.array(a.T if self.X.is_sparse and a.ndim == 2 else a, order="C") for a in found]
