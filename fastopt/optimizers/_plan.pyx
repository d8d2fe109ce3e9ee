"""The arrays of an update, their state and what lasts from step to step, in the memory that the passes over them work on.

Used by fastopt.optimizers._update, which steps them.  Knows no gradients; names and settings are checked by fastopt.optimizers._base.
"""
cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from fastopt._core.tables cimport FO_CARRIES, FO_STATES, fo_rule, fo_step, kernels, rule_sums
from fastopt.optimizers._gradients cimport Array
from fastopt.optimizers._factored cimport CHUNKS
from fastopt.optimizers._passes cimport ArrayBlock, StepPlan

from fastopt.optimizers._careful import is_large

cnp.import_array()

cdef enum:
    BLOCK = 8192              # elements of a block: its arrays stay in L2 between two passes


cdef class Planned:
    """Arrays of parameters with their state, in groups of one rule."""

    def _setup(self, list params, list groups, list states, list rules, list carries, *, n_threads=None, bint lazy=False,
               int packing=0, bint factored=False, bint matrix_step=False, bint one_clock=False, list began=None):
        """Arrays, and what belongs to them; before anything else, and again when a group is added.

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
        matrix_step : bool
            Whether ``_advance()`` takes the step of matrices, by their products.
        one_clock : bool
            Whether the arrays of a group count steps together, also those that a step passes over.
        began : list of int
            The step before which each group was added; None: 0.
        """
        cdef Py_ssize_t i, n = len(params)
        cdef StepPlan *plan = &self.plan
        if self.busy:
            raise RuntimeError("step is running in another thread")
        self._release()
        self.params, self.states, self.requested_threads, self.lazy = params, states, n_threads, lazy
        plan.matrix_step, plan.one_clock = matrix_step, one_clock
        self.scratch, self.copied, self.room, self.count, self.size = [], [], [None] * n, 0, 0
        plan.arrays.n, plan.n_groups = n, len(rules)
        plan.clip_norm = plan.clip_global_norm = INFINITY
        plan.sign = plan.factor = 1
        plan.arrays.at = <Array *>calloc(n, sizeof(Array))
        plan.arrays.by_address = <Py_ssize_t *>calloc(n, sizeof(Py_ssize_t))
        plan.rules = <fo_rule *>calloc(plan.n_groups, sizeof(fo_rule))
        plan.folded = <fo_step *>calloc(plan.n_groups, sizeof(fo_step))
        plan.carry = <double *>calloc(plan.n_groups * FO_CARRIES, sizeof(double))
        plan.totals = <double *>calloc(plan.n_groups * 3, sizeof(double))
        plan.began = <long long *>calloc(plan.n_groups, sizeof(long long))
        if not (plan.arrays.at and plan.arrays.by_address and plan.rules and plan.folded and plan.carry and plan.totals and plan.began):
            raise MemoryError
        self._share_out(groups)
        for i in range(n):
            plan.arrays.at[i].packing = packing
            if factored and params[i].ndim > 1 and params[i].size:
                self._factor(i, params[i])
            if matrix_step and params[i].ndim == 2:
                plan.arrays.at[i].matrices = 1
        for i, place in enumerate(sorted(range(n), key=lambda i: params[i].ctypes.data)):
            plan.arrays.by_address[i] = place
        self.scratch_used = len(self.scratch) > 0
        self.rates = [None] * plan.n_groups
        for i in range(plan.n_groups):
            self.set_rule(i, *rules[i])
        self.carries, self.began, self.wary = carries, began or [0] * plan.n_groups, is_large(self)
        plan.sums_over = rule_sums(plan.rules[0].kind)

    def __dealloc__(self):
        self._release()

    cdef int _release(self) except -1:
        """The memory of the arrays' numbers; what counts steps stays."""
        cdef long long t = self.plan.t
        free(self.plan.arrays.at)
        free(self.plan.arrays.by_address)
        free(self.plan.blocks)
        free(self.plan.sums)
        free(self.plan.totals)
        free(self.plan.rules)
        free(self.plan.folded)
        free(self.plan.carry)
        free(self.plan.began)
        memset(&self.plan, 0, sizeof(StepPlan))
        self.plan.t = t
        return 0

    cdef int _add(self, Py_ssize_t i, w, Py_ssize_t group, list states) except -1:
        cdef Array *array = &self.plan.arrays.at[i]
        cdef Py_ssize_t j
        array.w = <char *>cnp.PyArray_DATA(w)
        array.n, array.size, array.type = cnp.PyArray_SIZE(w), cnp.PyArray_ITEMSIZE(w), cnp.PyArray_TYPE(w)
        array.fortran = not cnp.PyArray_IS_C_CONTIGUOUS(w)
        array.kernel = kernels(array.type == cnp.NPY_FLOAT32)
        array.group, array.n_rows = group, -1
        array.n_blocks = (array.n + BLOCK - 1) // BLOCK
        for j in range(min(len(states), <Py_ssize_t>FO_STATES)):
            array.state[j] = cnp.PyArray_DATA(<cnp.ndarray>states[j]) if states[j] is not None else NULL
        return 0

    cdef int _factor(self, Py_ssize_t i, w) except -1:
        """A stack of matrices, as they lie in memory, and what their passes need; a stack in Fortran order is copied to C order."""
        cdef Array *array = &self.plan.arrays.at[i]
        cdef tuple shape = np.shape(w)
        if array.fortran and w.ndim == 2:
            shape = shape[::-1]
        elif array.fortran:
            copies = np.empty_like(w, order="C"), np.empty_like(w, order="C")
            self.copied.append((i, *copies))
            array.rows_w, array.rows_g = cnp.PyArray_BYTES(copies[0]), cnp.PyArray_BYTES(copies[1])
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
        cdef StepPlan *plan = &self.plan
        for i in range(plan.arrays.n):
            self._add(i, self.params[i], groups[i], self.states[i])
            self.size += plan.arrays.at[i].n
            plan.arrays.at[i].first_block = plan.n_blocks
            plan.n_blocks += plan.arrays.at[i].n_blocks
        plan.blocks = <ArrayBlock *>calloc(max(plan.n_blocks, 1), sizeof(ArrayBlock))
        plan.sums = <double *>calloc(max(plan.n_blocks, 1) * 2, sizeof(double))
        if not (plan.blocks and plan.sums):
            raise MemoryError
        for i in range(plan.arrays.n):
            for k in range(plan.arrays.at[i].n_blocks):
                plan.blocks[plan.arrays.at[i].first_block + k] = ArrayBlock(i, k * BLOCK, min(<Py_ssize_t>BLOCK, plan.arrays.at[i].n - k * BLOCK))
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
    def began(self):
        """The step before which each group was added."""
        return [self.plan.began[i] for i in range(self.plan.n_groups)]

    @began.setter
    def began(self, values):
        for i in range(self.plan.n_groups):
            self.plan.began[i] = values[i]

    @property
    def behind(self):
        """Of each array that steps passed over: how many, and the numbers that it carries by itself; of others nothing."""
        cdef Array *at = self.plan.arrays.at
        return [[at[i].missed, *[at[i].carry[j] for j in range(FO_CARRIES)]] if at[i].missed else []
                for i in range(self.plan.arrays.n)]

    @behind.setter
    def behind(self, values):
        for i in range(self.plan.arrays.n):
            self.plan.arrays.at[i].missed = values[i][0] if values[i] else 0
            for j in range(FO_CARRIES if values[i] else 0):
                self.plan.arrays.at[i].carry[j] = values[i][1 + j]

    @property
    def t(self):
        """Steps taken."""
        return self.plan.t

    def set_counters(self, long long t, long long skipped):
        """Go on at step `t`, with no gradients accumulated."""
        self.plan.t, self.skipped, self.count, self.wary = t, skipped, 0, is_large(self)

    def set_bounds(self, double clip_norm, double clip_global_norm, bint maximize, str nonfinite):
        """What holds for all groups."""
        self.plan.clip_norm, self.plan.clip_global_norm = clip_norm, clip_global_norm
        self.plan.sign = -1 if maximize else 1
        self.skips, self.late = nonfinite == "skip", nonfinite == "late"

    def set_rule(self, Py_ssize_t group, dict fields, rate):
        """New settings for a group, of the same kind."""
        self.plan.rules[group] = fields
        self.rates[group] = rate
