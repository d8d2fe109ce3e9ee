"""Fused optimizer steps over lists of arrays: one crossing from Python a step, blocks of fixed size shared among threads.

Used by fastopt._optimizer, which names and checks the settings, and by the mini-batches of the linear estimators.  The
passes over the arrays are in fastopt._passes.  A step that must not be taken changes nothing.
"""
cimport numpy as cnp
from cpython.list cimport PyList_GET_ITEM
from libc.math cimport INFINITY, isfinite
from libc.stdlib cimport calloc, free

import numpy as np

from fastopt._core cimport FO_CARRIES, FO_STATES, fo_rule, fo_step, kernels, rule_sums
from fastopt._gradients cimport Array, RowSparse, name_of, take
from fastopt._load cimport spare
from fastopt._matrices cimport CHUNKS, apply_factored
from fastopt._passes cimport LOOK_AND_REFUSE, LOOK_AWAY, Job, Look, Plan, overflown, take_step
from fastopt._threads import resolve_threads
from fastopt.exceptions import InvalidParameterError

cnp.import_array()

cdef enum:
    BLOCK = 8192              # elements of a job: its arrays stay in L2 between two passes
    PARALLEL_FROM = 32768     # elements: less work than this is not worth waking a thread for


cdef class Update:
    """Arrays of parameters, their state, and one rule that steps them."""

    def _setup(self, list params, list groups, list states, list rules, list carries, *, n_threads=None, bint lazy=False,
               int packing=0, bint factored=False, bint by_products=False):
        """Arrays, and what belongs to them; once, before anything else.

        Parameters
        ----------
        params : list of ndarray
            float32 or float64, writeable, aligned, C- or F-contiguous, apart in memory; changed in place.
        groups : list of int
            The group of each.
        states : list of list of ndarray
            The state of each, as many arrays as the rule has; None for a slot that is not used.
        rules : list of (dict, float or callable)
            The fields of `fo_rule`, of the same kind in each group, and the learning rate: a number, or step → number.
        carries : list of sequence of float
            What each group carries from step to step, at first.
        n_threads : int or None
        lazy : bool
            Whether row-sparse gradients are taken.
        packing : int
            How moments are kept: enum fo_packing.
        factored : bool
            Whether the state of arrays with two dimensions or more is that of adafactor.
        by_products : bool
            Whether ``_advance(grads, [(scale, rate, keep), …])`` takes the step of matrices, by their products.
        """
        cdef Py_ssize_t i, n = len(params)
        cdef Plan *plan = &self.plan
        if self.params is not None:
            raise RuntimeError("an optimizer is set up once")
        self.params, self.states, self.requested_threads, self.lazy = params, states, n_threads, lazy
        plan.by_products = by_products
        self.scratch = []
        plan.arrays.n, plan.n_groups = n, len(rules)
        plan.clip_norm = plan.clip_global_norm = INFINITY
        plan.sign = plan.factor = 1
        plan.arrays.at = <Array *>calloc(n, sizeof(Array))
        plan.arrays.by_address = <Py_ssize_t *>calloc(n, sizeof(Py_ssize_t))
        plan.rules = <fo_rule *>calloc(plan.n_groups, sizeof(fo_rule))
        plan.folded = <fo_step *>calloc(plan.n_groups, sizeof(fo_step))
        plan.carry = <double *>calloc(plan.n_groups * FO_CARRIES, sizeof(double))
        plan.totals = <double *>calloc(plan.n_groups * 3, sizeof(double))
        if not (plan.arrays.at and plan.arrays.by_address and plan.rules and plan.folded and plan.carry and plan.totals):
            raise MemoryError
        self._share_out(groups)
        for i in range(n):
            plan.arrays.at[i].packing = packing
            plan.arrays.at[i].states = sum(state is not None for state in states[i][:2])
            if factored and params[i].ndim > 1 and params[i].size:
                self._factor(i, params[i].shape)
            if by_products and params[i].ndim == 2:
                plan.arrays.at[i].matrices = 1
        for i, place in enumerate(sorted(range(n), key=lambda i: params[i].ctypes.data)):
            plan.arrays.by_address[i] = place
        self.scratch_used = len(self.scratch) > 0
        self.rates = [None] * plan.n_groups
        for i in range(plan.n_groups):
            self.set_rule(i, *rules[i])
        self.carries = carries
        plan.sums_over = rule_sums(plan.rules[0].kind)

    def __dealloc__(self):
        free(self.plan.arrays.at)
        free(self.plan.arrays.by_address)
        free(self.plan.jobs)
        free(self.plan.sums)
        free(self.plan.totals)
        free(self.plan.rules)
        free(self.plan.folded)
        free(self.plan.carry)

    cdef int _add(self, Py_ssize_t i, w, Py_ssize_t group, list states) except -1:
        cdef Array *array = &self.plan.arrays.at[i]
        cdef Py_ssize_t j
        array.w = <char *>cnp.PyArray_DATA(w)
        array.n, array.size, array.type = cnp.PyArray_SIZE(w), cnp.PyArray_ITEMSIZE(w), cnp.PyArray_TYPE(w)
        array.fortran = not cnp.PyArray_IS_C_CONTIGUOUS(w)
        array.kernel = kernels(array.type == cnp.NPY_FLOAT32)
        array.group, array.n_rows = group, -1
        array.jobs = (array.n + BLOCK - 1) // BLOCK
        for j in range(min(len(states), <Py_ssize_t>FO_STATES)):
            array.state[j] = cnp.PyArray_DATA(<cnp.ndarray>states[j]) if states[j] is not None else NULL
        return 0

    cdef int _factor(self, Py_ssize_t i, tuple shape) except -1:
        """A stack of matrices, as they lie in memory, and what their passes need."""
        cdef Array *array = &self.plan.arrays.at[i]
        shape = shape[::-1] if array.fortran else shape
        array.rows_in, array.columns_in = shape[len(shape) - 2], shape[len(shape) - 1]
        array.matrices = array.n // (array.rows_in * array.columns_in)
        scratch = np.empty((array.rows_in + CHUNKS * array.columns_in) * array.size, np.uint8)
        sums = np.zeros((2 * CHUNKS + 1) * array.matrices)
        array.scratch, array.sums = cnp.PyArray_BYTES(scratch), <double *>cnp.PyArray_DATA(sums)
        self.scratch.append((scratch, sums))
        return 0

    cdef int _share_out(self, list groups) except -1:
        """Arrays into blocks."""
        cdef Py_ssize_t i, k = 0
        cdef Plan *plan = &self.plan
        for i in range(plan.arrays.n):
            self._add(i, self.params[i], groups[i], self.states[i])
            self.size += plan.arrays.at[i].n
            plan.arrays.at[i].job = plan.n_jobs
            plan.n_jobs += plan.arrays.at[i].jobs
        plan.jobs = <Job *>calloc(max(plan.n_jobs, 1), sizeof(Job))
        plan.sums = <double *>calloc(max(plan.n_jobs, 1) * 2, sizeof(double))
        if not (plan.jobs and plan.sums):
            raise MemoryError
        for i in range(plan.arrays.n):
            for k in range(plan.arrays.at[i].jobs):
                plan.jobs[plan.arrays.at[i].job + k] = Job(i, k * BLOCK, min(<Py_ssize_t>BLOCK, plan.arrays.at[i].n - k * BLOCK))
        return 0

    # ---- what lasts from step to step ----

    @property
    def carries(self):
        return [[self.plan.carry[i * FO_CARRIES + j] for j in range(FO_CARRIES)] for i in range(self.plan.n_groups)]

    @carries.setter
    def carries(self, values):
        for i in range(self.plan.n_groups):
            for j in range(min(len(values[i]), <Py_ssize_t>FO_CARRIES)):
                self.plan.carry[i * FO_CARRIES + j] = values[i][j]

    @property
    def t(self):
        """Steps taken."""
        return self.plan.t

    def set_counters(self, long long t, long long skipped):
        """Go on at step `t`, with no gradients accumulated."""
        self.plan.t, self.skipped, self.count = t, skipped, 0

    def set_bounds(self, double clip_norm, double clip_global_norm, bint maximize, str nonfinite):
        """What holds for all groups."""
        self.plan.clip_norm, self.plan.clip_global_norm = clip_norm, clip_global_norm
        self.plan.sign = -1 if maximize else 1
        self.skips, self.late = nonfinite == "skip", nonfinite == "late"

    def set_rule(self, Py_ssize_t group, dict fields, rate):
        """New settings for a group, of the same kind."""
        self.plan.rules[group] = fields
        self.rates[group] = rate

    # ---- a step ----

    def accumulate(self, grads):
        """Add gradients up; a step without gradients then takes their mean.

        Parameters
        ----------
        grads : ndarray or list of ndarray
            As for `step`.
        """
        take(&self.plan.arrays, self.params, grads, False)
        grads = [grads] if isinstance(grads, np.ndarray) else grads
        if self.collected is None:
            self.collected = [np.empty_like(w) for w in self.params]
        for total, grad in zip(self.collected, grads):
            if self.count:
                np.add(total, grad, out=total)
            else:
                np.copyto(total, grad)
        self.count += 1

    def step(self, grads=None):
        """Take one step of the rule with these gradients, changing the parameters in place.

        Parameters
        ----------
        grads : ndarray or RowSparse, or a list of them, or None
            Gradients, one for each array of `params`, of its shape, dtype and order of memory; None: the mean of those
            that were given to `accumulate` since the last step.

        Raises
        ------
        ValueError, TypeError
            If they do not fit the parameters; nothing is changed.
        FloatingPointError
            If a gradient is not finite: nothing is changed (but see `nonfinite`).  If the step made parameters
            overflow: the learning rate is too large, and they cannot be brought back.
        """
        cdef int threads, bad
        cdef Look look
        cdef Py_ssize_t i
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
            with nogil:
                bad = take_step(&self.plan, threads, look)
            self.count = 0
            if bad >= 0:
                self._refuse(bad)
                return
            if self.plan.by_products:
                self.step_matrices(grads)
            with nogil:
                bad = overflown(&self.plan)
                if self.scratch_used and bad < 0:
                    bad = apply_factored(&self.plan, threads)
                self.plan.t += 1
            if bad >= 0:
                raise FloatingPointError(
                    f"step {self.plan.t - 1} made {name_of(&self.plan.arrays, bad, 'params')} overflow: the learning rate "
                    f"{self.plan.rules[self.plan.arrays.at[bad].group].lr:.3g} is too large for these gradients"
                    + (", or they are not finite" if self.late else ""))
        finally:
            self.busy = False

    def step_matrices(self, grads):
        """What is left of a step by products of matrices, when its numbers are folded.

        Parameters
        ----------
        grads : ndarray or list of ndarray
        """
        self._advance(grads, [(self.plan.arrays.at[i].step.h.scale, self.plan.arrays.at[i].step.h.rate,
                               self.plan.arrays.at[i].step.h.keep) for i in range(self.plan.arrays.n)])

    cdef int threads(self) except -1:
        if self.size < PARALLEL_FROM:
            return 1
        return spare(min(resolve_threads(self.requested_threads), max(self.plan.n_jobs, 1)))

    cdef int _refuse(self, Py_ssize_t i) except -1:
        if self.skips:
            self.skipped += 1
            return 0
        raise FloatingPointError(f"{name_of(&self.plan.arrays, i, 'grads')} must be finite, got nan or infinity at step {self.plan.t}; "
                                 "the parameters are unchanged (nonfinite='skip' would pass over such steps and count them)")

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
