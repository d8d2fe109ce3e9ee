"""Per-sample SGD: the loop over blocks, threads over outputs, and when an output is finished.

Used by _sgd/fit.py.  The loop over epochs is _samples/epochs.pyx; the mathematics of a block is csrc/sgd/sgd.h.
"""
cimport numpy as cnp
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cython.parallel cimport prange
from libc.math cimport isfinite
from libc.stdint cimport int32_t

import numpy as np

from fastopt._core.tables cimport Matrix, fo_block, fo_output, fo_outputs, fo_sgd
from fastopt._samples.epochs cimport EpochLoop
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.load cimport spare
from fastopt._core.own_loss cimport set_loss
from fastopt._core.team cimport fo_team_clock
from fastopt._sgd.per_sample.outputs cimport Outputs
from fastopt._sgd.per_sample.prefetch cimport Prefetch, bytes_ahead, init_prefetch, note_seconds, remember
from fastopt._samples.order cimport Samples
from fastopt._sgd.per_sample.touched_columns cimport UntouchedColumns

from fastopt._core.tables import PENALTY_NAMES, SCHEDULE_NAMES
from fastopt._sgd.per_sample.outputs import STATE

cnp.import_array()

cdef enum:
    WORK_PER_SAMPLE = 16          # a sample costs at least as much as so many elements

ctypedef struct Group:
    fo_outputs *out               # the outputs of one thread
    const int32_t *labels
    fo_block block


cdef class PerSampleRun(EpochLoop):
    """One fit by per-sample SGD.

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X.
    settings : FitSettings
    start : Start
        Output j learns class j, or column j of y.  coef and coef_avg may be changed if they are `owned` and X was made narrow.
    class_weight : ndarray of shape (k, 2) or None
        Weights of y > 0 and of y <= 0.
    columns : ndarray of int64, or None
        Those of `start.coef` that X has, where X was made narrow.
    """
    cdef fo_sgd sgd
    cdef Group *group
    cdef Py_ssize_t n_groups
    cdef Prefetch prefetch
    cdef list outputs
    cdef object lr, buffers
    cdef readonly UntouchedColumns untrained      # the weights of columns that no row touches, or None
    cdef double[::1] last_loss                    # of each output
    cdef bint adaptive
    cdef bint flushes                             # numbers too small for full precision count as 0

    def __init__(self, Matrix X, Samples samples, settings, start, class_weight=None, columns=None):
        cdef Py_ssize_t k = len(start.coef)
        self._init_epochs(X, samples, k, k, start.t)
        self.last_loss, self.flushes = np.zeros(k), samples.has_ordinary_numbers()
        self._init_sgd(settings, start.average)
        state, coef = self._initial_state(start, class_weight), start.coef
        if columns is not None:
            self.untrained, coef = UntouchedColumns(coef, start.coef_avg, columns, X.dtype, start.owned), None
        self._init_groups(state, coef, start.coef_avg, settings.threads)
        row_bytes = X.row_size * (X.dtype.itemsize + (X.is_sparse) * 4)
        init_prefetch(&self.prefetch, X.is_sparse, row_bytes, row_bytes * X.n)

    cdef int _init_sgd(self, settings, double average) except -1:
        """What stays constant over the fit."""
        cdef fo_sgd *sgd = &self.sgd
        set_loss(&sgd.loss, settings.loss)
        sgd.penalty.kind, sgd.penalty.alpha, sgd.penalty.l1_ratio = settings.penalty
        sgd.schedule.kind, sgd.schedule.lr, sgd.schedule.power_t, sgd.schedule.t0 = settings.schedule
        sgd.schedule.alpha = sgd.penalty.alpha
        sgd.one_class, sgd.average = settings.one_class, average
        penalised = PENALTY_NAMES[sgd.penalty.kind] != "none"
        if penalised:
            sgd.l1 = sgd.penalty.alpha * sgd.penalty.l1_ratio
            sgd.l2 = sgd.penalty.alpha - sgd.l1
        # scikit-learn's share for sparse rows, whose features are seen less often
        sgd.intercept_share = 0.0 if not settings.fit_intercept else 0.01 if self.X.is_sparse else 1.0
        rate = SCHEDULE_NAMES[sgd.schedule.kind]
        self.adaptive = rate == "adaptive"
        sgd.counts_penalty = settings.compares_epochs and (penalised or settings.one_class) and rate not in ("pa1", "pa2")
        return 0

    cdef object _initial_state(self, start, class_weight):
        """The state of each output."""
        state = np.zeros(self.k, dtype=STATE)
        for field in ("scale", "avg_b", "lr_factor", "weight_pos", "weight_neg"):
            state[field] = 1
        state["b"], state["b_avg"] = start.intercept, 0 if start.intercept_avg is None else start.intercept_avg
        if self.sgd.counts_penalty:
            state["sq_norm"], state["l1_norm"] = np.square(start.coef, dtype=float).sum(axis=1), np.abs(start.coef).sum(axis=1)
        if class_weight is not None:
            state["weight_pos"], state["weight_neg"] = class_weight.T
        return state

    def __dealloc__(self):
        PyMem_Free(self.group)

    cdef int _init_groups(self, state, coef, coef_avg, int threads) except -1:
        """The outputs, shared among the threads, and the buffers of a block."""
        cdef Outputs out
        cdef Py_ssize_t rows = self.samples.block_rows, g
        parts = [[0]] if self.k == 1 else np.array_split(np.arange(self.k), min(threads, self.k))
        self.n_groups, self.outputs = len(parts), []
        self.group = <Group *>PyMem_Malloc(self.n_groups * sizeof(Group))
        self.lr = np.empty(rows)
        self.buffers = [np.empty((2, rows * len(part)), dtype=self.X.dtype) for part in parts]
        for g, part in enumerate(parts):
            out = Outputs(self.X, part, state[part], None if coef is None else coef[part],
                          coef_avg if coef is None or coef_avg is None else coef_avg[part], self.k == 1, self.sgd.l1 > 0)
            if self.untrained is not None:
                self.untrained.load(out)
            y, p = self.buffers[g]
            self.outputs.append(out)
            self.group[g].out, self.group[g].labels = &out.c, &out.labels[0]
            self.group[g].block.rows, self.group[g].block.weight = self.samples.kernel_rows, self.samples.weights
            self.group[g].block.lr = <double *>cnp.PyArray_DATA(self.lr)
            self.group[g].block.y = cnp.PyArray_DATA(y)
            self.group[g].block.p = cnp.PyArray_DATA(p)
            for array in (out.w, out.w_avg, out.state):
                self.snapshot.add(array)
        return 0

    cdef void _block(self, Group *group, Py_ssize_t n) noexcept nogil:
        """One block of samples through the outputs of one thread."""
        cdef fo_mode mode = 0
        if group.out.k > 0:
            if self.flushes:
                mode = fo_flush()
            group.block.n, group.block.t, group.block.bytes_ahead = n, self.t, bytes_ahead(&self.prefetch)
            self.samples.targets(n, group.labels, group.out.k, False, <void *>group.block.y)
            group.block.t = self.kernels.sgd_rows(&self.sgd, &self.samples.matrix, &group.block, group.out)
            if self.flushes:
                fo_unflush(mode)

    cdef int _epoch(self) except -1 nogil:
        cdef Py_ssize_t n, g
        cdef int threads
        cdef double began
        self.samples.start()
        n = self.samples.next_block()
        while n > 0:
            self.kernels.lr_block(&self.sgd.schedule, n, self.t, <double *>self.group[0].block.lr)
            threads, began = spare(<int>self.n_groups), fo_team_clock()
            if threads == 1:
                for g in range(self.n_groups):
                    self._block(&self.group[g], n)
            else:
                for g in prange(self.n_groups, num_threads=threads, schedule="static", chunksize=1):
                    self._block(&self.group[g], n)
            if note_seconds(&self.prefetch, fo_team_clock() - began, n):
                with gil:
                    remember(&self.prefetch)
            for g in range(self.n_groups):
                if self.group[g].out.k > 0:
                    self.t = self.group[g].block.t
            self._check_signals(n * max(self.X.row_size * self.k, <double>WORK_PER_SAMPLE))
            n = self.samples.next_block()
        return 0

    cdef bint _learning(self) noexcept nogil:
        cdef Py_ssize_t g
        for g in range(self.n_groups):
            if self.group[g].out.k > 0:
                return True
        return False

    cdef int _take_snapshot(self) except -1 nogil:
        """None before the first epoch: the weights of a run whose first epoch diverged are not used."""
        return self.snapshot.take() if self.n_iter > 0 else 0

    cdef bint _finite(self) noexcept nogil:
        cdef Py_ssize_t g, j
        cdef const fo_output *o
        for g in range(self.n_groups):
            for j in range(self.group[g].out.k):
                o = &self.group[g].out.o[j]
                if not (isfinite(o.b) and isfinite(o.loss_sum)):
                    return False
        return self.snapshot.all_finite()

    cdef bint _saw_nonfinite(self) noexcept nogil:
        cdef Py_ssize_t g
        for g in range(self.n_groups):
            if self.group[g].out.nonfinite:
                return True
        return False

    cdef double _compute_objective(self) except? -1 nogil:
        cdef Py_ssize_t g, j, label
        cdef double n = self.samples.train_count, total = 0
        cdef fo_output *o
        for g in range(self.n_groups):
            for j in range(self.group[g].out.k):
                o, label = &self.group[g].out.o[j], self.group[g].labels[j]
                self.last_loss[label] = o.loss_sum / n
                self.objective[label] = (o.loss_sum + o.penalty_sum) / n
                o.loss_sum = o.penalty_sum = 0
        for j in range(self.k):
            total += self.last_loss[j]
        return total / self.k

    cdef int _stop_idle(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil:
        cdef Py_ssize_t g, j, label
        cdef fo_output *o
        for g in range(self.n_groups):
            for j in range(self.group[g].out.k - 1, -1, -1):
                o, label = &self.group[g].out.o[j], self.group[g].labels[j]
                if not self._is_idle(label, tol, n_iter_no_change):
                    continue
                if self.adaptive and self.sgd.schedule.lr * o.lr_factor > 1e-6:
                    o.lr_factor /= 5
                    self.idle[label] = 0
                else:
                    with gil:
                        (<Outputs>self.outputs[g]).finish(j)
        return 0

    @property
    def learning_rate(self):
        """The learning rate at the start of the last epoch, the largest of all outputs."""
        self.kernels.lr_block(&self.sgd.schedule, 1, self.epoch_start, <double *>self.group[0].block.lr)
        return float(self.lr[0]) * max((<Outputs>o).state["lr_factor"].max() for o in self.outputs)

    cdef list _in_order(self, parts):
        """Arrays of each thread's outputs as arrays of all outputs."""
        cdef Outputs out
        if self.k == 1:
            return list(parts[0])
        order = np.argsort(np.concatenate([np.asarray(out.labels) for out in self.outputs]))
        return [None if part[0] is None else np.concatenate(part)[order] for part in zip(*parts)]

    def weights(self, bint last=False, places=None):
        """(coef, intercept, coef_avg, intercept_avg), each with k rows; the averages None without averaging.

        Parameters
        ----------
        last : bool
            The run is over: arrays that it owns may be given, which `untrained` has yet to write.
        places : tuple, or None
            What `untrained.places` said of some columns: only of those.
        """
        if last and self.untrained is not None:
            coef, coef_avg = self.untrained.deferred_weights(self.outputs)
            b, b_avg = self._intercepts()
            return [coef, b, coef_avg, b_avg]
        return self.all_weights(self.trained_weights(), places)

    def _intercepts(self):
        cdef Outputs out
        return self._in_order([(out.state["b"].copy(), None if out.w_avg is None else out.state["b_avg"].copy()) for out in self.outputs])

    def trained_weights(self):
        """What `all_weights` makes weights of, from the columns that X has."""
        cdef Outputs out
        if self.untrained is None:
            return self._in_order([out.true_weights() for out in self.outputs])
        return self._intercepts(), self.untrained.trained_weights(self.outputs)

    def all_weights(self, trained, places=None):
        """Weights of all columns, or of those at some places, from what `trained_weights` gave."""
        if self.untrained is None:
            return trained
        (b, b_avg), part = trained
        coef, coef_avg = self.untrained.all_weights(part, places)
        return [coef, b, coef_avg, b_avg]
