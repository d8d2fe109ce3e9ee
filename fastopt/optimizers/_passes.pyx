"""The passes of an update over its arrays: blocks shared among threads, sums added in the order of blocks.

Used by fastopt.optimizers._update and by whatever else steps parameters without the GIL.  The mathematics of a block is in
csrc/rules/rules*.h and steps.h.  The gradients are read first.  All passes go forwards: the processor's prefetching loses a microsecond wherever a stream ends, and
blocks backwards, which begin with gradients that are still in the cache, made a step of 20 M weights a quarter slower.
"""
from cython.parallel cimport parallel
from libc.math cimport INFINITY, isfinite, sqrt
from libc.string cimport memcpy

from fastopt._core.tables cimport (FO_BFLOAT16, FO_CARRIES, FO_EIGHT_BITS, FO_PACK, FO_STATES, FO_SUMS_array, FO_SUMS_group,
                            FO_SUMS_none, FO_UNPACKED, fo_step, kernels)
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt.optimizers._gradients cimport Array
from fastopt._core.team cimport fo_team_rank, fo_team_size, fo_team_wait


ctypedef enum Pass:
    SQUARES                        # of the gradients
    SUMS                           # that the rule needs first
    STEP

# from here on a gradient's square, and sums of such squares, may be beyond the type's largest number
cdef double EXTREME_SQUARES_FLOAT = 1e30, EXTREME_SQUARES = 1e290, EXTREME_RATE = 1e15


cdef void states_at(const Array *a, Py_ssize_t start, void **state) noexcept nogil:
    """The state of the elements from `start` on, a multiple of FO_PACK where it is packed."""
    cdef int j
    cdef Py_ssize_t offset
    for j in range(FO_STATES):
        offset = start * a.size
        if a.packing == FO_BFLOAT16:
            offset = start * 2
        elif a.packing == FO_EIGHT_BITS:
            offset = start if j < 2 else start // FO_PACK * 4
        state[j] = <char *>a.state[j] + offset if a.state[j] else NULL


cdef int take_step(StepPlan *p, int threads, Look look) noexcept nogil:
    """The passes of a step, in one region of threads; the first array whose gradients were refused, −1, or EXTREME."""
    if threads == 1:
        take_part(p, look, 0, 1)
    else:
        with parallel(num_threads=threads):
            take_part(p, look, fo_team_rank(), fo_team_size())
    return p.refused


cdef void take_part(StepPlan *p, Look look, int rank, int size) noexcept nogil:
    """A thread's part of them."""
    cdef fo_mode mode = fo_flush()
    pass_by_pass(p, look, rank, size)
    fo_unflush(mode)


cdef void pass_by_pass(StepPlan *p, Look look, int rank, int size) noexcept nogil:
    """Pass after pass; what is for one thread is between two meetings."""
    if look != LOOK_AWAY:
        one_part(p, SQUARES, rank, size)
    if rank == 0:
        p.refused = refused(p) if look == LOOK_AND_REFUSE else -1
        if p.refused == -1:
            fold_rules(p)
    fo_team_wait(&p.team, size)
    if p.refused != -1:
        return
    if p.sums_over != FO_SUMS_none:
        one_part(p, SUMS, rank, size)
        if rank == 0:
            finish(p)
        fo_team_wait(&p.team, size)
    one_part(p, STEP, rank, size)


cdef void one_part(StepPlan *p, Pass what, int rank, int size) noexcept nogil:
    """A thread's blocks of a pass, side by side; it ends when all are done."""
    cdef Py_ssize_t k = p.n_blocks * rank // size, last = p.n_blocks * (rank + 1) // size
    while k < last:
        if what == STEP:
            k = advance(p, k, last)
            continue
        if what == SQUARES:
            squares(p, k)
        else:
            sum_up(p, k)
        k += 1
    fo_team_wait(&p.team, size)


cdef void squares(StepPlan *p, Py_ssize_t k) noexcept nogil:
    cdef const ArrayBlock *block = &p.blocks[k]
    cdef const Array *a = &p.arrays.at[block.array]
    if a.absent:
        p.sums[2 * k] = 0
    elif a.n_rows < 0:
        p.sums[2 * k] = a.kernel.square_sum(block.n, a.g + block.start * a.size)
    else:   # the first block has the rows, however many they are
        p.sums[2 * k] = a.kernel.square_sum(a.n_rows * a.width, a.g) if block.start == 0 else 0


cdef int refused(const StepPlan *p) noexcept nogil:
    """The first array whose gradients are not finite, −1, or EXTREME."""
    cdef Py_ssize_t k, i
    cdef const Array *a
    cdef bint extreme = False
    for i in range(p.n_groups):
        extreme = extreme or p.rules[i].lr > EXTREME_RATE
    for k in range(p.n_blocks):
        if p.sums[2 * k] < EXTREME_SQUARES_FLOAT:
            continue
        a = &p.arrays.at[p.blocks[k].array]
        extreme = extreme or p.sums[2 * k] > EXTREME_SQUARES or a.size == 4 or a.packing != FO_UNPACKED
        if not isfinite(p.sums[2 * k]):
            i = p.blocks[k].array
            a = &p.arrays.at[i]
            if a.n_rows < 0 and a.kernel.all_finite(p.blocks[k].n, a.g + p.blocks[k].start * a.size):
                continue   # they are finite, their squares are not
            if a.n_rows >= 0 and a.kernel.all_finite(a.n_rows * a.width, a.g):
                continue
            return <int>i
    return EXTREME if extreme else -1


cdef double squared_norm(StepPlan *p) noexcept nogil:
    """Of all gradients, by one thread; a step that follows need not look at them again."""
    cdef Py_ssize_t k
    cdef double total = 0
    one_part(p, SQUARES, 0, 1)
    for k in range(p.n_blocks):
        total += p.sums[2 * k]
    return total


cdef double norm(const StepPlan *p, const Array *a) noexcept nogil:
    """Of the gradient of an array, the mean of those accumulated."""
    cdef Py_ssize_t k
    cdef double total = 0
    for k in range(a.first_block, a.first_block + a.n_blocks):
        total += p.sums[2 * k]
    return sqrt(total) * p.factor


cdef double bounded(double value, double bound) noexcept nogil:
    """What brings a norm down to a bound."""
    return bound / value if value > bound else 1


cdef double global_bound(const StepPlan *p) noexcept nogil:
    """What brings the norm of all gradients down to its bound, after each was brought down to its own."""
    cdef Py_ssize_t i
    cdef double total = 0
    if p.clip_global_norm == INFINITY:
        return 1
    for i in range(p.arrays.n):
        total += min(norm(p, &p.arrays.at[i]), p.clip_norm) ** 2
    return bounded(sqrt(total), p.clip_global_norm)


cdef void fold_rules(StepPlan *p) noexcept nogil:
    """What does not depend on the element, for each array: the rule's coefficients, the scale of gradients."""
    cdef Py_ssize_t i
    cdef Array *a
    cdef double scale = p.sign * p.factor * global_bound(p)
    for i in range(p.arrays.n if not p.one_clock else 0):
        if p.arrays.at[i].absent:
            pass_over(p, &p.arrays.at[i])
    for i in range(p.n_groups):
        kernels(False).rule_fold(&p.rules[i], <double>(p.t - p.began[i]), scale, &p.carry[i * FO_CARRIES], &p.folded[i])
    p.by_group = p.clip_norm == INFINITY and p.sums_over == FO_SUMS_none and not p.matrix_step
    for i in range(p.arrays.n):
        a = &p.arrays.at[i]
        if p.by_group and a.missed == 0:
            continue   # an array that is written costs every other thread a line from the cache of this one
        a.step = p.folded[a.group]
        if a.missed and not a.absent:
            kernels(False).rule_fold(&p.rules[a.group], <double>(p.t - p.began[a.group] - a.missed), scale, a.carry, &a.step)
        if p.clip_norm < INFINITY:
            a.step.h.scale *= bounded(norm(p, a), p.clip_norm)


cdef void pass_over(const StepPlan *p, Array *a) noexcept nogil:
    """A step that is none of this array's: from its first on it carries numbers of its own."""
    if a.missed == 0:
        memcpy(a.carry, &p.carry[a.group * FO_CARRIES], FO_CARRIES * sizeof(double))
    a.missed += 1


cdef int overflown(const StepPlan *p) noexcept nogil:
    """The first array that ended up not finite, or −1."""
    cdef Py_ssize_t k
    for k in range(p.n_blocks):
        if p.sums[2 * k] == 0:
            return <int>p.blocks[k].array
    return -1


cdef void sum_up(StepPlan *p, Py_ssize_t k) noexcept nogil:
    cdef const ArrayBlock *block = &p.blocks[k]
    cdef const Array *a = &p.arrays.at[block.array]
    cdef void *state[4]
    p.sums[2 * k] = p.sums[2 * k + 1] = 0
    if not a.matrices and not a.absent:
        states_at(a, block.start, state)
        a.kernel.step_sums(&a.step, block.n, a.g + block.start * a.size, a.w + block.start * a.size, state, &p.sums[2 * k])


cdef void finish(StepPlan *p) noexcept nogil:
    """Sums of blocks, added in their order, into the coefficients of arrays or groups."""
    cdef Py_ssize_t i, j, k
    cdef Array *a
    cdef double scale
    for i in range(3 * p.n_groups):
        p.totals[i] = 0
    for i in range(p.arrays.n):
        a = &p.arrays.at[i]
        if a.absent:
            continue
        for k in range(a.first_block, a.first_block + a.n_blocks):
            for j in range(2):
                p.totals[3 * a.group + j] += p.sums[2 * k + j]
        p.totals[3 * a.group + 2] += <double>a.n
        if p.sums_over == FO_SUMS_array:
            a.kernel.rule_finish(&p.rules[a.group], &p.totals[3 * a.group], &p.carry[a.group * FO_CARRIES], &a.step)
            for j in range(3):
                p.totals[3 * a.group + j] = 0
    if p.sums_over == FO_SUMS_group:
        for i in range(p.n_groups):
            kernels(False).rule_finish(&p.rules[i], &p.totals[3 * i], &p.carry[i * FO_CARRIES], &p.folded[i])
        for i in range(p.arrays.n):
            a = &p.arrays.at[i]
            scale = a.step.h.scale
            a.step = p.folded[a.group]
            a.step.h.scale = scale


cdef const fo_step *step_of(const StepPlan *p, const Array *a) noexcept nogil:
    """What an array steps by."""
    return &p.folded[a.group] if p.by_group and a.missed == 0 else &a.step


cdef Py_ssize_t advance(StepPlan *p, Py_ssize_t k, Py_ssize_t last) noexcept nogil:
    """Step the block k and those behind it that are of its array too, up to `last`; returns the block behind them."""
    cdef const ArrayBlock *block = &p.blocks[k]
    cdef const Array *a = &p.arrays.at[block.array]
    cdef const char *g = a.g + block.start * a.size
    cdef char *w = a.w + block.start * a.size
    cdef Py_ssize_t i, end = min(last, a.first_block + a.n_blocks)
    cdef Py_ssize_t n = p.blocks[end - 1].start + p.blocks[end - 1].n - block.start
    cdef int finite = 1
    cdef void *state[4]
    if not a.matrices and not a.absent:   # matrices have passes of their own
        states_at(a, block.start, state)
        if a.packing != FO_UNPACKED:
            finite = a.kernel.step_packed(step_of(p, a), a.packing, n, block.start, <double>p.t, g, w, state)
        elif a.n_rows < 0:
            finite = a.kernel.step(step_of(p, a), n, g, w, state)
        elif block.start == 0:
            finite = a.kernel.step_rows(step_of(p, a), a.n_rows, a.width, a.rows, a.g, a.w, <void **>a.state)
    for i in range(k, end):
        p.sums[2 * i] = finite
    return end
