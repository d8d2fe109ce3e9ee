"""Fused optimizer steps over lists of arrays: one crossing from Python a step, blocks of fixed size shared among threads.

Used by fastopt.optimizers._base, which names and checks the settings, and by the mini-batches of the linear estimators.  The
passes over the arrays are in fastopt.optimizers._passes.  A step that must not be taken changes nothing.
"""
from cpython.list cimport PyList_GET_ITEM
from libc.math cimport INFINITY, isfinite

import numpy as np

from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt.optimizers._gradients cimport name_of, take
from fastopt._core.load cimport spare
from fastopt.optimizers._factored cimport apply_factored
from fastopt.optimizers._passes cimport EXTREME, LOOK, LOOK_AND_REFUSE, LOOK_AWAY, Look, overflown, take_step

from fastopt.optimizers._careful import Before, is_large
from fastopt._core.threads import resolve_threads
from fastopt.exceptions import InvalidParameterError

cdef enum:
    PARALLEL_FROM = 32768     # elements: less work than this is not worth waking a thread for


cdef class Update(Planned):
    """Arrays of parameters, their state, and one rule that steps them."""

    # ---- a step ----

    def accumulate(self, grads):
        """Add gradients up; a step without gradients then takes their mean.

        Parameters
        ----------
        grads : ndarray or list of ndarray
            As for `step`; None counts as zeros, unless it is all that an array is given.
        """
        take(&self.plan.arrays, self.params, grads, False)
        grads = [grads] if isinstance(grads, np.ndarray) else grads
        if self.count == 0:
            self.collected = [None] * self.plan.arrays.n
        for i, grad in enumerate(grads):
            if grad is None:
                continue
            if self.collected[i] is None:
                self.collected[i] = self.room[i] = np.empty_like(grad) if self.room[i] is None else self.room[i]
                np.copyto(self.collected[i], grad)
            else:
                np.add(self.collected[i], grad, out=self.collected[i])
        self.count += 1

    def _collect(self, list sums, Py_ssize_t count):
        """Take sums of so many gradients as accumulated."""
        self.collected, self.count = sums, count
        for i, total in enumerate(sums or []):
            self.room[i] = total

    def zero_grad(self, set_to_none=True):
        """Drop the gradients that were accumulated.  Those given to `step` are nobody's to be dropped.

        Parameters
        ----------
        set_to_none : bool, default=True
            As in PyTorch, where it matters.
        """
        self.count = 0

    def step(self, grads=None):
        """Take one step of the rule with these gradients, changing the parameters in place.

        Parameters
        ----------
        grads : ndarray or RowSparse, or a list of them, or None, default=None
            Gradients, one for each array of `params`, of its shape, dtype and order of memory; None in the list: this array
            and its state stay, and it counts no step.  None: the mean of those that were given to `accumulate` since the
            last step.

        Raises
        ------
        ValueError, TypeError
            If they do not fit the parameters; nothing is changed.
        FloatingPointError
            If a gradient is not finite, or so large that parameters or their state would overflow: nothing is changed (but see
            `nonfinite`).  If parameters overflow by steps of an ordinary size: they cannot be brought back.
        """
        cdef int threads, bad
        cdef Look look
        if self.busy:
            raise RuntimeError("step is running in another thread already")
        self.busy = True
        try:
            if grads is None:
                if self.count == 0:
                    raise InvalidParameterError("grads must be given where none were accumulated, got None")
                grads = self.collected
            take(&self.plan.arrays, self.params, grads, self.lazy)
            self.plan.factor = 1.0 / self.count if grads is self.collected else 1
            self._rates()
            threads = self.threads()
            look = LOOK_AND_REFUSE
            if self.late and self.plan.clip_norm == INFINITY and self.plan.clip_global_norm == INFINITY:
                look = LOOK_AWAY
            bad = EXTREME
            if look != LOOK_AND_REFUSE or not self.wary:
                with nogil:
                    bad = take_step(&self.plan, threads, look)
            self.count = 0
            if bad == EXTREME:
                self._step_carefully(grads, threads)
                return
            if bad >= 0:
                self._refuse_gradient(bad)
                return
            bad = self._complete(grads, threads)
            self.plan.t += 1
            if bad >= 0:
                raise FloatingPointError(
                    f"step {self.plan.t - 1} made {name_of(&self.plan.arrays, bad, 'params')} overflow: the learning rate "
                    f"{self.plan.rules[self.plan.arrays.at[bad].group].lr:.3g} is too large for these gradients"
                    + (", or they are not finite" if self.late else ""))
        finally:
            self.busy = False

    cdef int _complete(self, grads, int threads) except -2:
        """What is left of a step after the passes that all rules have; the first array that ended up not finite, or −1."""
        cdef int bad = -1
        if self.plan.matrix_step:
            bad = self.step_matrices()
        if bad < 0:
            bad = overflown(&self.plan)
        if bad < 0 and self.scratch_used:
            for i, w, g in self.copied:
                if not self.plan.arrays.at[i].absent:
                    np.copyto(w, self.params[i])
                    np.copyto(g, grads[i] if isinstance(grads, (list, tuple)) else grads)
            with nogil:
                bad = apply_factored(&self.plan, threads)
            for i, w, g in self.copied:
                if not self.plan.arrays.at[i].absent:
                    np.copyto(self.params[i], w)
        return bad

    cdef int _step_carefully(self, grads, int threads) except -1:
        """A step whose numbers may overflow: if they do, everything is as before."""
        cdef int bad
        before = Before(self)
        try:
            with nogil:
                bad = take_step(&self.plan, threads, LOOK_AND_REFUSE)
            if bad >= 0:
                return self._refuse_gradient(bad)
            if bad == EXTREME:
                with nogil:
                    take_step(&self.plan, threads, LOOK)
            bad = self._complete(grads, threads)
            if bad < 0:
                bad = before.overflown()
        except BaseException:
            before.back()
            raise
        if bad < 0:
            self.plan.t += 1
            self.wary = is_large(self)
            return 0
        before.back()
        name, lr = name_of(&self.plan.arrays, bad, "params"), self.plan.rules[self.plan.arrays.at[bad].group].lr
        return self._refuse(f"step {self.plan.t} would make {name} overflow: the learning rate {lr:.3g} is too large for these "
                            f"gradients, or they are for the sums and means that the rule keeps of them in {self.params[bad].dtype}")

    def step_matrices(self):
        """What is left of a step by products of matrices, when its numbers are folded.

        Returns
        -------
        int
            The first array that ended up not finite, or −1.
        """
        cdef fo_mode mode = fo_flush()
        try:
            return self._advance()
        finally:
            fo_unflush(mode)

    cdef int threads(self) except -1:
        if self.size < PARALLEL_FROM:
            return 1
        return spare(min(resolve_threads(self.requested_threads), max(self.plan.n_blocks, 1)))

    cdef int _refuse_gradient(self, Py_ssize_t i) except -1:
        return self._refuse(f"{name_of(&self.plan.arrays, i, 'grads')} must be finite, got nan or infinity at step {self.plan.t}")

    cdef int _refuse(self, str words) except -1:
        if self.skips:
            self.skipped += 1
            return 0
        raise FloatingPointError(f"{words}; the parameters are unchanged (nonfinite='skip' would pass over such steps and "
                                 "count them)")

    cdef int _rates(self) except -1:
        cdef Py_ssize_t i
        cdef double lr
        for i in range(self.plan.n_groups):
            rate = <object>PyList_GET_ITEM(self.rates, i)
            if type(rate) is float:
                self.plan.rules[i].lr = rate
                continue
            lr = rate(self.plan.t)
            if not (isfinite(lr) and lr >= 0):
                raise ValueError(f"lr must give a finite number of at least 0, got {lr} at step {self.plan.t}")
            self.plan.rules[i].lr = lr
        return 0
