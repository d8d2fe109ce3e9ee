"""The loop over the epochs of a fit, its history, when it stops, and what happens if it diverges.  What an epoch does is a subclass's.

Used by per-sample SGD (_sgd/per_sample/run.pyx), by mini-batches and optimizer="auto" (_sgd/batch/loop.pyx), and by solvers that take
the samples one after the other (_solvers/stochastic/chains.pyx).
"""
from cpython.exc cimport PyErr_CheckSignals

import numpy as np

from fastopt._core.tables cimport kernels

cdef enum:
    WORK_PER_CHECK = 50_000_000   # elements between two checks for Ctrl-C: some 20 ms


cdef class EpochLoop:
    """One fit."""

    cdef int _init_epochs(self, Matrix X, Samples samples, Py_ssize_t k, Py_ssize_t criteria, double t) except -1:
        """A fit of `k` outputs from step `t` on, which stops by so many criteria: one for all outputs, or one for each."""
        self.X, self.samples, self.k, self.t, self.epoch_start = X, samples, k, t, t
        self.kernels, self.snapshot = kernels(X.is_float), Snapshot()
        self.losses = np.empty(16)
        self.objective, self.best, self.idle = np.zeros(criteria), np.full(criteria, np.inf), np.zeros(criteria, dtype=np.intp)
        return 0

    def run(self, Py_ssize_t max_iter, tol=None, Py_ssize_t n_iter_no_change=5, on_epoch=None):
        """Train until nothing improves, at most `max_iter` epochs.

        Parameters
        ----------
        max_iter : int
        tol : float or None
            An epoch improves a criterion if it betters its best objective, or score, by this much; None: all do.
        n_iter_no_change : int
            Epochs without improvement after which training stops by a criterion, or `adaptive` divides its learning rate.
        on_epoch : callable or None
            Called after each epoch with the run.  What it returns are scores to go by, higher is better, one for all or one
            for each criterion; None: the objective decides.  StopIteration ends the run.

        Returns
        -------
        int
            Epochs done.
        """
        cdef bint stops = tol is not None, calls = on_epoch is not None
        cdef double wanted = tol if stops else 0
        with nogil:
            while self.n_iter < max_iter and self._learning() and not (self.stopped or self.diverged):
                self._take_snapshot()
                self.epoch_start = self.t
                self._epoch()
                if self.n_iter == 0 and self._saw_nonfinite():
                    self._look()
                if not self._finite():
                    self.diverged = True
                    self.snapshot.restore()
                    self.t = self.epoch_start
                    break
                self._append_loss(self._compute_objective())
                if calls:
                    with gil:
                        self._call_back(on_epoch)
                if stops and not self.stopped:
                    self._stop_idle(wanted, n_iter_no_change)
        return self.n_iter

    cdef int _check_signals(self, double work) except -1 nogil:
        """Count so many elements more; raises KeyboardInterrupt on Ctrl-C, which is checked for every WORK_PER_CHECK of them."""
        self.work += work
        if self.work > WORK_PER_CHECK:
            self.work = 0
            with gil:
                PyErr_CheckSignals()
        return 0

    cdef int _look(self) except -1 nogil:
        with gil:
            if self.look is not None:
                self.look()
        return 0

    cdef int _append_loss(self, double loss) except -1 nogil:
        """An epoch is done: its loss goes into the curve."""
        if self.n_iter == self.losses.shape[0]:
            with gil:
                self.losses = np.concatenate([self.losses, np.empty(self.n_iter)])
        self.losses[self.n_iter] = loss
        self.n_iter += 1
        return 0

    cdef int _call_back(self, on_epoch) except -1:
        """Call back after an epoch; scores take the place of the objective."""
        try:
            scores = on_epoch(self)
        except StopIteration:
            self.stopped = True
        else:
            if scores is not None:
                np.asarray(self.objective)[:] = np.negative(scores)
        return 0

    cdef bint _is_idle(self, Py_ssize_t criterion, double tol, Py_ssize_t n_iter_no_change) noexcept nogil:
        """Whether a criterion has not improved for so many epochs."""
        self.idle[criterion] = 0 if self.objective[criterion] <= self.best[criterion] - tol else self.idle[criterion] + 1
        if self.objective[criterion] < self.best[criterion]:
            self.best[criterion] = self.objective[criterion]
        return self.idle[criterion] >= n_iter_no_change

    @property
    def learning(self):
        """Whether some output still learns."""
        return self._learning()

    @property
    def loss(self):
        """Mean loss of the last epoch."""
        return self.losses[self.n_iter - 1]

    @property
    def loss_curve(self):
        """Mean loss of each epoch, over samples and outputs."""
        return np.array(self.losses[:self.n_iter]).tolist()

    # ---- what subclasses do ----

    cdef int _epoch(self) except -1 nogil:
        """Every sample once; raises KeyboardInterrupt on Ctrl-C."""
        return 0

    cdef bint _learning(self) noexcept nogil:
        """Whether some output still learns."""
        return False

    cdef int _take_snapshot(self) except -1 nogil:
        """Copy what the next epoch changes."""
        return self.snapshot.take()

    cdef bint _finite(self) noexcept nogil:
        """Whether all weights, intercepts and losses are finite."""
        return self.snapshot.all_finite()

    cdef bint _saw_nonfinite(self) noexcept nogil:
        """Whether some prediction of the epoch was not finite."""
        return False

    cdef double _compute_objective(self) except? -1 nogil:
        """Set the objective of each criterion after an epoch; returns the epoch's mean loss."""
        return 0

    cdef int _stop_idle(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil:
        """Finish the outputs that no longer improve."""
        return 0
