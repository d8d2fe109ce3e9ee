"""The step at the end of a mini-batch: each thread steps its columns of the weights, the first one the intercepts too.

Used by _sgd/batch/run.pyx and _sgd/batch/batch_end.pyx, in the threads of the loop.  The mathematics is csrc/rules/rules*.h.  Every thread
folds the numbers of a rule for itself, from its own copy of what is carried from step to step, so that threads need not wait for each
other.
"""
from libc.string cimport memcpy, memset

from fastopt._sgd.batch.feedback cimport driven_rate, step_matrices
from fastopt._core.tables cimport FO_CARRIES, kernels
from fastopt.optimizers._gradients cimport Array
from fastopt.optimizers._factored cimport apply_factored
from fastopt.optimizers._passes cimport LOOK, LOOK_AWAY, Look, overflown, squared_norm, states_at, take_step


cdef void begin_block(const Weights *w, Stepper *s, Py_ssize_t first, Py_ssize_t last, double t) noexcept nogil:
    """Columns first … last − 1 from step `t` on."""
    cdef Py_ssize_t group, i, each = w.k if w.output_stride == 1 else 1
    s.first, s.n, s.t, s.steps = first * each, (last - first) * each, t, 0
    for group in range(2):
        s.rules[group] = w.plan.rules[group]
        for i in range(FO_CARRIES):
            s.carry[group][i] = w.plan.carry[group * FO_CARRIES + i]


cdef void end_block(const Weights *w, const Stepper *s) noexcept nogil:
    """Take over what the first thread carries after its steps: all threads begin the next block with it."""
    cdef Py_ssize_t group, i
    memcpy(w.b_turns[0], w.b, w.k * sizeof(double))
    if w.whole:
        return
    w.plan.t += s.steps
    for group in range(2):
        for i in range(FO_CARRIES):
            w.plan.carry[group * FO_CARRIES + i] = s.carry[group][i]


cdef void clear_gradients(const Weights *w, Stepper *s) noexcept nogil:
    """Set the gradients of a thread's columns to 0, for a new batch."""
    cdef Py_ssize_t j
    memset(s.g_b, 0, w.k * sizeof(double))
    if w.lazy != NULL:   # it was set to 0 when the last step took it
        return
    for j in range(1 if w.output_stride == 1 else w.k):
        memset(w.g + (j * w.output_stride + s.first) * w.itemsize, 0, s.n * w.itemsize)


cdef void fold(const Weights *w, Stepper *s, double lr) noexcept nogil:
    """Fold the rule for a step, from what this thread carries."""
    cdef Py_ssize_t group
    for group in range(2):
        s.rules[group].lr = lr
        kernels(False).rule_fold(&s.rules[group], <double>(w.plan.t + s.steps), 1, s.carry[group], &s.folded[group])


cdef void step_intercepts(const Weights *w, Stepper *s) noexcept nogil:
    cdef void *state[4]
    if w.intercept:
        states_at(&w.plan.arrays.at[1], 0, state)
        kernels(False).step(&s.folded[1], w.k, s.g_b, w.b, state)


cdef void step_columns(const Weights *w, Stepper *s, double lr, bint first) noexcept nogil:
    """One step of a thread's columns; `first`: and of the intercepts."""
    cdef const Array *arrays = w.plan.arrays.at
    cdef Py_ssize_t j, outputs = 1 if w.output_stride == 1 else w.k
    cdef void *state[4]
    fold(w, s, lr)
    for j in range(outputs):
        states_at(&arrays[0], j * w.output_stride + s.first, state)
        w.kernels.step(&s.folded[0], s.n, w.g + (j * w.output_stride + s.first) * w.itemsize,
                       w.w + (j * w.output_stride + s.first) * w.itemsize, state)
    if first:
        step_intercepts(w, s)
    finish_step(w, s, first)


cdef void step_all(const Weights *w, Stepper *s, double lr) noexcept nogil:
    """One step of all columns and of the intercepts, by the only thread."""
    if not w.whole:
        step_columns(w, s, lr, True)
        return
    step_whole(w, s, lr, w.g)
    finish_step(w, s, True)


cdef double gradient_square(const Weights *w, const Stepper *s, char *g) noexcept nogil:
    """The squared norm of the gradient, which the plan reads from now on."""
    set_gradients(w, s, g)
    return squared_norm(w.plan)


cdef void set_gradients(const Weights *w, const Stepper *s, char *g) noexcept nogil:
    if not w.intercept:
        memset(s.g_b, 0, w.k * sizeof(double))
    w.plan.arrays.at[0].g, w.plan.arrays.at[1].g = g, <char *>s.g_b


cdef void step_whole(const Weights *w, Stepper *s, double lr, char *g) noexcept nogil:
    """One step by one thread of all columns, or of the rows that the plan names, and of the intercepts."""
    cdef StepPlan *plan = w.plan
    cdef Py_ssize_t group
    cdef Look look = LOOK
    if w.drive != NULL and (w.drive.by_value or w.drive.by_noise):
        lr, look = driven_rate(w.drive, lr, gradient_square(w, s, g), s.t), LOOK_AWAY
    set_gradients(w, s, g)
    for group in range(2):
        plan.rules[group].lr = lr
    take_step(plan, 1, look)
    if plan.matrix_step:
        step_matrices(w.drive)
    if overflown(plan) < 0 and w.factored:
        apply_factored(plan, 1)
    plan.t += 1


cdef void finish_step(const Weights *w, Stepper *s, bint first) noexcept nogil:
    """After a step: averages, and the intercepts that the next batch starts from."""
    cdef Py_ssize_t j, at, outputs = 1 if w.output_stride == 1 else w.k
    cdef double share = 1 / (s.t - w.average + 1)
    if 0 < w.average <= s.t:
        for j in range(outputs):
            at = (j * w.output_stride + s.first) * w.itemsize
            w.kernels.average(s.n, share, w.w + at, w.w_avg + at)
        if first:
            kernels(False).average(w.k, share, w.b, w.b_avg)
    s.t += 1
    s.steps += 1
    if first:
        memcpy(w.b_turns[s.steps & 1], w.b, w.k * sizeof(double))
