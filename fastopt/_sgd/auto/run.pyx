"""Mini-batches of optimizer="auto": the weights, what a batch does to them, and the objective of an epoch.

Used by _sgd/auto/fit.py.  What is learnt is docs/auto.md; the loop over blocks of rows is _sgd/batch/loop.pyx, the step _sgd/auto/steps.pyx.
"""
cimport numpy as cnp
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

import numpy as np

from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.memory cimport address
from fastopt._core.tables cimport Matrix
from fastopt._samples.order cimport Samples
from fastopt._sgd.auto.steps cimport AutoStepper, AutoWeights, step_batch
from fastopt._sgd.batch.loop cimport BatchLoop
from fastopt._sgd.batch.plan cimport BatchPlan, Segment
from fastopt._sgd.batch.rows cimport ThreadState

cnp.import_array()


cdef class AutoRun(BatchLoop):
    """One fit, or one call of partial_fit, by optimizer="auto".

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X.
    settings : FitSettings
        With Auto.
    weights : list of ndarray
        V, w and the averages, changed in place: (k, d) each beside dense X, (d, k) beside CSR, of the type of X.
    intercepts : ndarray of shape (3, k)
        Intercepts at the centre, sums of squares and averages.
    steps : int
        Steps done before.
    units : Units
        In what columns, predictions and losses are measured.
    class_weight : ndarray of shape (k, 2) or None
        Weights of y > 0 and of y <= 0.
    """
    cdef object loss_scale, b
    cdef AutoWeights shared
    cdef AutoStepper *stepper      # of each thread

    def __init__(self, Matrix X, Samples samples, settings, weights, intercepts, Py_ssize_t steps, units, class_weight=None):
        auto, k = settings.batches, intercepts.shape[1]
        self._init_epochs(X, samples, k, 1, steps + 1)
        self.shared.sparse, self.shared.intercept = X.is_sparse, settings.fit_intercept
        self.notes_columns, self.loss_scale, self.flushes = X.is_sparse, units.loss, samples.has_ordinary_numbers()
        self._init_block(BatchPlan(samples.block_rows, auto.sizes, (0, 1.0, 0.0, 0.0)), settings.threads, True)
        self._init_weights(weights, intercepts, units.inverse)
        self._init_threads(settings.loss, class_weight)
        self._init_steppers(units, settings.strengths[1])

    def __dealloc__(self):
        free(self.stepper)

    cdef int _init_weights(self, weights, intercepts, inverse) except -1:
        cdef AutoWeights *shared = &self.shared
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
        for array in (V, w, mean, b):
            self.snapshot.add(array)
        return 0

    cdef int _init_steppers(self, units, double l1) except -1:
        """What each thread steps by."""
        cdef AutoStepper *stepper
        cdef ThreadState *thread
        cdef int i
        limits, slope, rate, l2 = (None if a is None else np.ascontiguousarray(a, dtype=float)
                                   for a in (units.limits, units.slope, units.rate, units.l2))
        self.buffers += [limits, slope, units.centre, rate, l2]
        self.stepper = <AutoStepper *>calloc(self.threads, sizeof(AutoStepper))
        if self.stepper == NULL:
            raise MemoryError
        for i in range(self.threads):
            stepper, thread, b = &self.stepper[i], &self.thread[i], np.zeros((4, self.k))
            self.buffers.append(b)
            stepper.b, thread.chunk.centre = <double *>address(b), address(units.centre)
            thread.errors.range, thread.errors.unit = <double *>address(limits), <double *>address(slope)
            thread.errors.b, thread.g_b = stepper.b, stepper.b + 3 * self.k
            thread.w, thread.g = <char *>self.shared.columns.w, self.shared.g
            stepper.auto.k, stepper.auto.rate, stepper.auto.l1, stepper.auto.l2 = self.k, <double *>address(rate), l1, <double *>address(l2)
        return 0

    # ---- an epoch ----

    cdef void _begin_block(self, ThreadState *thread) noexcept nogil:
        cdef AutoStepper *stepper = &self.stepper[thread.index]
        stepper.auto.t = self.t
        memcpy(stepper.b, self.shared.b, 4 * self.k * sizeof(double))

    cdef void _note_columns(self, ThreadState *thread) noexcept nogil:
        cdef AutoWeights *shared = &self.shared
        shared.n_touched = self.kernels.auto_touch(self.block.X, &thread.chunk, shared.n_touched, shared.seen, shared.touched)

    cdef void _end_segment(self, ThreadState *thread, const Segment *segment) noexcept nogil:
        if segment.ends:
            step_batch(&self.block, &self.shared, &self.stepper[thread.index], thread)

    cdef int _end_block(self) except -1 nogil:
        memcpy(self.shared.b, self.stepper[0].b, 4 * self.k * sizeof(double))
        self.t = self.stepper[0].auto.t
        return 0

    cdef int _end_epoch(self) except -1 nogil:
        """Bring the columns of CSR rows up to date."""
        cdef fo_mode mode = 0
        if self.shared.sparse:
            if self.flushes:
                mode = fo_flush()
            self.stepper[0].auto.t = self.t - 1
            self.kernels.auto_settle(&self.stepper[0].auto, self.X.d, self.shared.inverse, self.shared.g, &self.shared.columns)
            if self.flushes:
                fo_unflush(mode)
        return 0

    # ---- between epochs ----

    cdef double _compute_objective(self) except? -1 nogil:
        with gil:
            losses = np.asarray(self.loss_sums) / self.samples.train_count
            self.objective[0] = np.mean(losses / self.loss_scale)
            self.loss_sums[:] = 0
            return losses.mean()

    @property
    def intercepts(self):
        """Intercepts at the centre, sums of squares and averages: (3, k)."""
        return self.b[:3].copy()

    @property
    def steps(self):
        """Steps done."""
        return int(self.t) - 1
