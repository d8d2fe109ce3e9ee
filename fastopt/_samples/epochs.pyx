"""A fit by epochs: the loop over them, its history, and when to stop.  What happens within an epoch is a subclass's.

Used by per-sample SGD (_sgd/per_sample/run.pyx) and mini-batches (_sgd/batch/loop.pyx).
"""
from cpython.exc cimport PyErr_CheckSignals

import numpy as np

from fastopt._core.tables cimport kernels

cdef enum:
    WORK_PER_CHECK = 50_000_000   # elements between two looks for Ctrl-C: some 20 ms


cdef class Epochs:
    """One fit."""

    cdef int _init_epochs(self, Matrix X, Samples samples, Py_ssize_t k, Py_ssize_t parts, double t) except -1:
        """A fit of `k` outputs from step `t` on, in which so many parts are judged by themselves."""
        self.X, self.samples, self.k, self.t, self.epoch_start = X, samples, k, t, t
        self.kernels = kernels(X.is_float)
        self.losses = np.empty(16)
        self.objective, self.best, self.idle = np.zeros(parts), np.full(parts, np.inf), np.zeros(parts, dtype=np.intp)
        return 0

    def run(self, Py_ssize_t max_iter, tol=None, Py_ssize_t n_iter_no_change=5, on_epoch=None):
        """Train until nothing improves, at most `max_iter` epochs.

        Parameters
        ----------
        max_iter : int
        tol : float or None
            An epoch improves a part if it betters the best objective, or score, by this much; None: all do.
        n_iter_no_change : int
            Epochs without improvement after which a part is finished, or `adaptive` divides its learning rate.
        on_epoch : callable or None
            Called after each epoch with the run.  What it returns are scores to go by, higher is better, one or one a
            part; None: the objective decides.  StopIteration ends the run.

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
                    self.t = self.epoch_start
                    break
                self._note(self._sum_up())
                if calls:
                    with gil:
                        self._tell(on_epoch)
                if judges and not self.stopped:
                    self._judge(wanted, n_iter_no_change)
        return self.n_iter

    cdef int _look_up(self, double work) except -1 nogil:
        """So many elements more: raises KeyboardInterrupt on Ctrl-C, if it is time to look."""
        self.work += work
        if self.work > WORK_PER_CHECK:
            self.work = 0
            with gil:
                PyErr_CheckSignals()
        return 0

    cdef int _note(self, double loss) except -1 nogil:
        """An epoch is done: its loss into the curve."""
        if self.n_iter == self.losses.shape[0]:
            with gil:
                self.losses = np.concatenate([self.losses, np.empty(self.n_iter)])
        self.losses[self.n_iter] = loss
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

    cdef bint _is_idle(self, Py_ssize_t part, double tol, Py_ssize_t n_iter_no_change) noexcept nogil:
        """Whether a part has not improved for so many epochs."""
        self.idle[part] = 0 if self.objective[part] <= self.best[part] - tol else self.idle[part] + 1
        if self.objective[part] < self.best[part]:
            self.best[part] = self.objective[part]
        return self.idle[part] >= n_iter_no_change

    @property
    def learning(self):
        """Whether anything is not finished."""
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
        """Whether anything is not finished."""
        return False

    cdef void _keep(self, bint back) noexcept nogil:
        """Copy what training changes, or put it back."""

    cdef bint _finite(self) noexcept nogil:
        """Whether all weights, intercepts and losses are."""
        return True

    cdef double _sum_up(self) except? -1 nogil:
        """The objective of each part after an epoch; returns the epoch's mean loss."""
        return 0

    cdef int _judge(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil:
        """Finish what no longer improves."""
        return 0
