"""Steps of mini-batches of CSR rows that touch only the columns in which the batch has values; the steps that others miss are taken later, at once.

Used by _sgd/batch/run.pyx, _sgd/batch/hogwild.pyx and _sgd/batch/batch_end.pyx.  Which rules allow it, and what a column missed, is csrc/sgd/lazy.h.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

import numpy as np

from fastopt._sgd.batch.steps cimport Stepper, Weights, finish_step, fold, step_all, step_intercepts, step_whole
from fastopt._core.tables cimport fo_lazy, fo_rule, kernels
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt.optimizers._gradients cimport Array
from fastopt.optimizers._passes cimport step_of

cnp.import_array()

cdef enum:
    MAX_STEPS = 4096            # after which all columns are brought up to date
cdef double MIN_DECAY = 1e-6    # of weights without gradients since then, below which too: products of decays lose precision


cdef class LazyColumns:
    """The step that each column of (d, k) weights is at, and the decay and shrinkage since then."""

    def __init__(self, Py_ssize_t d, Py_ssize_t k):
        marks, columns, powers = np.zeros((2, d + 1), np.int32), np.empty(d + 1, np.int64), np.zeros((2, MAX_STEPS + 1))
        self.buffers = marks, columns, powers
        self.c.k, self.c.columns = k, <int64_t *>cnp.PyArray_DATA(columns)
        self.c.seen = <int32_t *>cnp.PyArray_DATA(marks)
        self.c.since = self.c.seen + d + 1
        self.c.decay_factors = <double *>cnp.PyArray_DATA(powers)
        self.c.shrinkages = self.c.decay_factors + MAX_STEPS + 1
        self.c.decay_factors[0] = 1


cdef LazyColumns attach_lazy_columns(Weights *weights, w):
    """Let steps of w touch only the columns of their batch; what is returned must live as long as the weights."""
    cdef LazyColumns notes = LazyColumns(weights.d, weights.k)
    touched_g = np.empty_like(w)
    notes.buffers = notes.buffers, touched_g
    weights.lazy, weights.touched_g = &notes.c, cnp.PyArray_BYTES(touched_g)
    return notes


cdef bint allows_lazy(const Weights *w) noexcept nogil:
    """Whether steps of the rule can be put off; with averages they cannot, as these need all weights at each step."""
    cdef fo_rule rule = w.plan.rules[0]
    rule.lr = 0
    return w.average == 0 and w.output_stride == 1 and kernels(False).lazy_accepts(&rule)


cdef void step_lazily(const Weights *w, Stepper *s, double lr) noexcept nogil:
    """One step of the columns that the batch touches."""
    cdef fo_lazy *lazy = w.lazy
    cdef Array *weights = &w.plan.arrays.at[0]
    s.rules[0].lr = lr
    if not kernels(False).lazy_accepts(&s.rules[0]):
        settle_lazily(w)
        step_all(w, s, lr)
        memset(w.g, 0, w.d * w.k * w.itemsize)
        return
    w.kernels.lazy_take(lazy, w.g, w.touched_g)
    weights.rows, weights.n_rows, weights.width = lazy.columns, lazy.n, w.k
    if w.whole:
        step_whole(w, s, lr, w.touched_g)
        kernels(False).lazy_note(step_of(w.plan, weights), lazy)
    else:
        fold(w, s, lr)
        w.kernels.step_rows(&s.folded[0], lazy.n, w.k, lazy.columns, w.touched_g, w.w, <void **>weights.state)
        step_intercepts(w, s)
        kernels(False).lazy_note(&s.folded[0], lazy)
    weights.n_rows = -1
    finish_step(w, s, True)
    if lazy.now == MAX_STEPS or lazy.decay_factors[lazy.now] < MIN_DECAY:
        settle_lazily(w)


cdef void settle_lazily(const Weights *w) noexcept nogil:
    """Bring all columns up to date."""
    cdef fo_mode mode = fo_flush()
    w.kernels.lazy_settle(w.d, w.lazy, w.w, <void **>w.plan.arrays.at[0].state)
    fo_unflush(mode)
