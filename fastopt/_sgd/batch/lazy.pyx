"""Steps of mini-batches of CSR rows that touch only the columns in which the batch has values: the others are put off.

Used by _sgd/batch/run.pyx and _sgd/batch/work.pyx.  Which rules allow it, and what a column missed, is csrc/sgd/lazy.h.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

import numpy as np

from fastopt._sgd.batch.steps cimport Stepper, Weights, finish, fold, step_all, step_intercepts, step_whole
from fastopt._core.tables cimport fo_lazy, fo_rule, kernels
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt.optimizers._gradients cimport Array

cnp.import_array()

cdef enum:
    STEPS = 4096                # after which all columns are brought up to date
cdef double LEAST_KEPT = 1e-6   # of weights without gradients, after which too: their precision


cdef class Lazy:
    """What is noted of the columns of (d, k) weights."""

    def __init__(self, Py_ssize_t d, Py_ssize_t k):
        marks, columns, powers = np.zeros((2, d + 1), np.int32), np.empty(d + 1, np.int64), np.zeros((2, STEPS + 1))
        self.buffers = marks, columns, powers
        self.c.k, self.c.columns = k, <int64_t *>cnp.PyArray_DATA(columns)
        self.c.seen = <int32_t *>cnp.PyArray_DATA(marks)
        self.c.since = self.c.seen + d + 1
        self.c.keep = <double *>cnp.PyArray_DATA(powers)
        self.c.shrink = self.c.keep + STEPS + 1
        self.c.keep[0] = 1


cdef Lazy lend(Weights *weights, w):
    """Notes of the columns of w, for steps that touch few; whoever has the weights keeps them."""
    cdef Lazy notes = Lazy(weights.d, weights.k)
    taken = np.empty_like(w)
    notes.buffers = notes.buffers, taken
    weights.lazy, weights.taken = &notes.c, cnp.PyArray_BYTES(taken)
    return notes


cdef bint allows_lazy(const Weights *w) noexcept nogil:
    """Whether the rule can be stepped so; averages are of all weights at each step."""
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
        memset(w.g, 0, w.d * w.k * w.item)
        return
    w.kernels.lazy_take(lazy, w.g, w.taken)
    weights.rows, weights.n_rows, weights.width = lazy.columns, lazy.n, w.k
    if w.whole:
        step_whole(w, s, lr, w.taken)
        kernels(False).lazy_note(&weights.step, lazy)
    else:
        fold(w, s, lr)
        w.kernels.step_rows(&s.folded[0], lazy.n, w.k, lazy.columns, w.taken, w.w, <void **>weights.state)
        step_intercepts(w, s)
        kernels(False).lazy_note(&s.folded[0], lazy)
    weights.n_rows = -1
    finish(w, s, True)
    if lazy.now == STEPS or lazy.keep[lazy.now] < LEAST_KEPT:
        settle_lazily(w)


cdef void settle_lazily(const Weights *w) noexcept nogil:
    """All columns as they are after the steps so far."""
    cdef fo_mode mode = fo_flush()
    w.kernels.lazy_settle(w.d, w.lazy, w.w, <void **>w.plan.arrays.at[0].state)
    fo_unflush(mode)
