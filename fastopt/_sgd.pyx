"""Per-sample SGD: the loop over epochs and blocks, threads over outputs, and when to stop.

Used by the estimators.  The mathematics of a block is csrc/sgd.h; names and parameters are checked above.
"""
cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cython.parallel cimport prange
from libc.stdint cimport int32_t

import numpy as np

from fastopt._core cimport Matrix, fo_block, fo_kernels, fo_output, fo_outputs, fo_sgd, kernels
from fastopt._outputs cimport Kept, Outputs, finite, keep
from fastopt._samples cimport Samples

from fastopt._core import PENALTY_NAMES, SCHEDULE_NAMES
from fastopt._outputs import STATE

cnp.import_array()

cdef enum:
    WORK_PER_CHECK = 50_000_000   # elements between two looks for Ctrl-C: some 20 ms
    WORK_PER_SAMPLE = 16          # a sample costs at least as much as so many elements

ctypedef struct Group:
    fo_outputs *out               # the outputs of one thread
    const int32_t *labels
    fo_block block
    Kept *kept


cdef class Run:
    """One fit by per-sample SGD.

    Parameters
    ----------
    X : Matrix
    samples : Samples
        Of that X.
    loss, penalty, schedule : tuple
        The fields of fo_loss and fo_penalty; kind, lr, power_t and t0 of fo_schedule.
    coef, intercept : ndarray of shape (k, d) and (k,)
        Where to start.  Output j learns class j, or column j of y.
    coef_avg, intercept_avg : ndarray of shape (k, d) and (k,), or None
        Averages so far; None without averaging.
    class_weight : ndarray of shape (k, 2) or None
        Weights of y > 0 and of y <= 0.
    t : float
        The first step, from 1.
    average : int
        The step from which weights are averaged; 0: never.
    threads : int
        Threads that share the outputs.
    """
    cdef Matrix X
    cdef Samples samples
    cdef const fo_kernels *kernels
    cdef fo_sgd sgd
    cdef Group *group
    cdef Py_ssize_t n_groups, k
    cdef list outputs
    cdef object lr, buffers
    cdef double[::1] last_loss, objective, best   # of each output
    cdef Py_ssize_t[::1] idle                     # epochs without improvement of each output
    cdef double[::1] losses                       # mean loss of each epoch, with room for more
    cdef double work, epoch_start
    cdef bint adaptive
    cdef readonly double t
    cdef readonly Py_ssize_t n_iter        # epochs done
    cdef readonly bint diverged, stopped

    def __init__(self, Matrix X, Samples samples, loss, penalty, schedule, coef, intercept, coef_avg=None,
                 intercept_avg=None, class_weight=None, double t=1, bint fit_intercept=True, bint one_class=False,
                 double average=0, int threads=1):
        self.X, self.samples, self.t, self.k = X, samples, t, len(coef)
        self.kernels = kernels(X.is_float)
        self.sgd.loss.kind, self.sgd.loss.a, self.sgd.loss.b = loss
        self.sgd.penalty.kind, self.sgd.penalty.alpha, self.sgd.penalty.l1_ratio = penalty
        self.sgd.schedule.kind, self.sgd.schedule.lr, self.sgd.schedule.power_t, self.sgd.schedule.t0 = schedule
        self.sgd.schedule.alpha = self.sgd.penalty.alpha
        self.sgd.one_class, self.sgd.average = one_class, average
        penalised = PENALTY_NAMES[self.sgd.penalty.kind] != "none"
        if penalised:
            self.sgd.l1 = self.sgd.penalty.alpha * self.sgd.penalty.l1_ratio
            self.sgd.l2 = self.sgd.penalty.alpha - self.sgd.l1
        # scikit-learn's share for sparse rows, whose features are seen less often
        self.sgd.intercept_share = 0.0 if not fit_intercept else 0.01 if X.is_sparse else 1.0
        rate = SCHEDULE_NAMES[self.sgd.schedule.kind]
        self.adaptive = rate == "adaptive"
        self.sgd.counts_penalty = (penalised or one_class) and rate not in ("pa1", "pa2")
        self.losses, self.epoch_start = np.empty(16), t
        self.last_loss, self.objective = np.zeros((2, self.k))
        self.best, self.idle = np.full(self.k, np.inf), np.zeros(self.k, dtype=np.intp)
        state = np.zeros(self.k, dtype=STATE)
        for field in ("scale", "avg_b", "lr_factor", "weight_pos", "weight_neg"):
            state[field] = 1
        state["b"], state["b_avg"] = intercept, 0 if intercept_avg is None else intercept_avg
        state["sq_norm"], state["l1_norm"] = np.square(coef, dtype=float).sum(axis=1), np.abs(coef).sum(axis=1)
        if class_weight is not None:
            state["weight_pos"], state["weight_neg"] = class_weight.T
        self._init_groups(state, coef, coef_avg, threads)

    def __dealloc__(self):
        PyMem_Free(self.group)

    cdef int _init_groups(self, state, coef, coef_avg, int threads) except -1:
        """The outputs, shared among the threads, and the buffers of a block."""
        cdef Outputs out
        cdef Py_ssize_t rows = self.samples.block_rows, g
        parts = np.array_split(np.arange(self.k), min(threads, self.k))
        self.n_groups, self.outputs = len(parts), []
        self.group = <Group *>PyMem_Malloc(self.n_groups * sizeof(Group))
        self.lr = np.empty(rows)
        self.buffers = [np.empty((2, rows * len(part)), dtype=self.X.dtype) for part in parts]
        for g, part in enumerate(parts):
            out = Outputs(self.X, part, state[part], coef[part],
                          None if coef_avg is None else coef_avg[part], self.k == 1, self.sgd.l1 > 0)
            y, p = self.buffers[g]
            self.outputs.append(out)
            self.group[g].out, self.group[g].labels = &out.c, &out.labels[0]
            self.group[g].block.rows, self.group[g].block.weight = self.samples.kernel_rows, self.samples.weights
            self.group[g].block.lr = <double *>cnp.PyArray_DATA(self.lr)
            self.group[g].block.y = cnp.PyArray_DATA(y)
            self.group[g].block.p = cnp.PyArray_DATA(p)
            self.group[g].kept = &out.kept[0]
        return 0

    cdef void _block(self, Group *group, Py_ssize_t n) noexcept nogil:
        """One block of samples through the outputs of one thread."""
        if group.out.k > 0:
            group.block.n, group.block.t = n, self.t
            self.samples.targets(n, group.labels, group.out.k, <void *>group.block.y)
            group.block.t = self.kernels.sgd_rows(&self.sgd, &self.samples.matrix, &group.block, group.out)

    cdef int _epoch(self) except -1 nogil:
        """Every sample once; raises KeyboardInterrupt on Ctrl-C."""
        cdef Py_ssize_t n, g
        self.samples.start()
        n = self.samples.next_block()
        while n > 0:
            self.kernels.lr_block(&self.sgd.schedule, n, self.t, <double *>self.group[0].block.lr)
            if self.n_groups == 1:
                self._block(&self.group[0], n)
            else:
                for g in prange(self.n_groups, num_threads=<int>self.n_groups, schedule="static", chunksize=1):
                    self._block(&self.group[g], n)
            for g in range(self.n_groups):
                if self.group[g].out.k > 0:
                    self.t = self.group[g].block.t
            self.work += n * max(self.X.row_size * self.k, <double>WORK_PER_SAMPLE)
            if self.work > WORK_PER_CHECK:
                self.work = 0
                with gil:
                    PyErr_CheckSignals()
            n = self.samples.next_block()
        return 0

    def run(self, Py_ssize_t max_iter, tol=None, Py_ssize_t n_iter_no_change=5, on_epoch=None):
        """Train until every output has stopped improving, at most `max_iter` epochs.

        Parameters
        ----------
        max_iter : int
        tol : float or None
            An epoch improves an output if it betters the best objective, or score, by this much; None: all do.
        n_iter_no_change : int
            Epochs without improvement after which an output is finished, or `adaptive` divides its learning rate.
        on_epoch : callable or None
            Called after each epoch with the run.  What it returns are scores to go by, higher is better, one or one an
            output; None: the objective decides.  StopIteration ends the run.

        Returns
        -------
        int
            Epochs done.
        """
        cdef bint judges = tol is not None, calls = on_epoch is not None
        cdef double wanted = tol if judges else 0
        with nogil:
            while self.n_iter < max_iter and self._learning() and not (self.stopped or self.diverged):
                self._keep(False)
                self.epoch_start = self.t
                self._epoch()
                if not self._finite():
                    self.diverged = True
                    self._keep(True)
                    break
                self._sum_up()
                if calls:
                    with gil:
                        self._tell(on_epoch)
                if judges and not self.stopped:
                    self._judge(wanted, n_iter_no_change)
        return self.n_iter

    cdef bint _learning(self) noexcept nogil:
        """Whether any output is not finished."""
        cdef Py_ssize_t g
        for g in range(self.n_groups):
            if self.group[g].out.k > 0:
                return True
        return False

    cdef void _keep(self, bint back) noexcept nogil:
        """Copy what training changes, or put it back."""
        cdef Py_ssize_t g
        for g in range(self.n_groups):
            keep(self.group[g].kept, back)

    cdef bint _finite(self) noexcept nogil:
        """Whether all weights and intercepts are."""
        cdef Py_ssize_t g
        for g in range(self.n_groups):
            if not finite(self.group[g].out, self.group[g].kept, self.X.is_float):
                return False
        return True

    cdef int _sum_up(self) except -1 nogil:
        """The epoch's loss and objective of each output; all losses into the curve."""
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
        if self.n_iter == self.losses.shape[0]:
            with gil:
                self.losses = np.concatenate([self.losses, np.empty(self.n_iter)])
        self.losses[self.n_iter] = total / self.k
        self.n_iter += 1
        return 0

    cdef int _tell(self, on_epoch) except -1:
        """Call back after an epoch; scores take the place of the objective."""
        try:
            scores = on_epoch(self)
        except StopIteration:
            self.stopped = True
        else:
            if scores is not None:
                np.asarray(self.objective)[:] = np.negative(scores)
        return 0

    cdef int _judge(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil:
        """Finish the outputs that no longer improve."""
        cdef Py_ssize_t g, j, label
        cdef fo_output *o
        for g in range(self.n_groups):
            for j in range(self.group[g].out.k - 1, -1, -1):
                o, label = &self.group[g].out.o[j], self.group[g].labels[j]
                self.idle[label] = 0 if self.objective[label] <= self.best[label] - tol else self.idle[label] + 1
                if self.objective[label] < self.best[label]:
                    self.best[label] = self.objective[label]
                if self.idle[label] < n_iter_no_change:
                    continue
                if self.adaptive and self.sgd.schedule.lr * o.lr_factor > 1e-6:
                    o.lr_factor /= 5
                    self.idle[label] = 0
                else:
                    with gil:
                        (<Outputs>self.outputs[g]).finish(j)
        return 0

    @property
    def learning(self):
        """Whether any output is not finished."""
        return self._learning()

    @property
    def loss(self):
        """Mean loss of the last epoch."""
        return self.losses[self.n_iter - 1]

    @property
    def loss_curve(self):
        """Mean loss of each epoch, over samples and outputs."""
        return np.array(self.losses[:self.n_iter]).tolist()

    @property
    def learning_rate(self):
        """The learning rate at the start of the last epoch, the largest of all outputs."""
        self.kernels.lr_block(&self.sgd.schedule, 1, self.epoch_start, <double *>self.group[0].block.lr)
        return float(self.lr[0]) * max((<Outputs>o).state["lr_factor"].max() for o in self.outputs)

    def weights(self):
        """(coef, intercept, coef_avg, intercept_avg), each with k rows; the averages None without averaging."""
        cdef Outputs out
        order = np.argsort(np.concatenate([np.asarray(out.labels) for out in self.outputs]))
        parts = list(zip(*[out.true_weights()[1:] for out in self.outputs]))
        return [None if part[0] is None else np.concatenate(part)[order] for part in parts]
