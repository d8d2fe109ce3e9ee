"""The passes of adafactor over matrices: sums over rows and columns, squared steps, the step.

Used by fastopt.optimizers._update.  What happens in some rows is in csrc/rules/matrix_rules.h.  Rows are cut into a fixed number of chunks,
whose sums are added in their order, so that results do not depend on the number of threads.
"""
from cython.parallel cimport prange
from libc.string cimport memset

from fastopt._core.tables cimport FO_CARRIES
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt.optimizers._gradients cimport Array
from fastopt.optimizers._passes cimport StepPlan

ctypedef enum Pass:
    SUMS
    SQUARES
    STEP


cdef void one_chunk(Array *a, Pass what, Py_ssize_t matrix, Py_ssize_t chunk) noexcept nogil:
    """One pass over one chunk of one matrix."""
    cdef Py_ssize_t n = a.rows_in, d = a.columns_in, first = n * chunk // CHUNKS, count = n * (chunk + 1) // CHUNKS - first
    cdef Py_ssize_t place = matrix * CHUNKS + chunk, at = (matrix * n + first) * d * a.size
    cdef char *row = <char *>a.state[0] + (matrix * n + first) * a.size
    cdef char *column = <char *>a.state[1] + matrix * d * a.size
    cdef char *columns = a.scratch + (n + chunk * d) * a.size
    cdef double mean = a.sums[2 * a.matrices * CHUNKS + matrix]
    cdef const char *g = (a.rows_g if a.rows_g else a.g) + at
    cdef char *w = (a.rows_w if a.rows_w else a.w) + at
    if what == SUMS:
        memset(columns, 0, d * a.size)
        a.sums[2 * place + 1] = a.kernel.factor_sums(&a.step, count, d, g, w, a.scratch + first * a.size, columns)
    elif what == SQUARES:
        a.sums[2 * place] = a.kernel.factor_squares(&a.step, count, d, g, w, row, column, mean)
    else:
        a.sums[2 * place] = a.kernel.factor_step(&a.step, count, d, g, w, row, column, mean)


cdef void one_pass(Array *a, Pass what, Py_ssize_t matrix, int threads) noexcept nogil:
    cdef int chunk
    if threads == 1:
        for chunk in range(CHUNKS):
            one_chunk(a, what, matrix, chunk)
    else:
        for chunk in prange(CHUNKS, num_threads=threads, schedule="static"):
            flushed_chunk(a, what, matrix, chunk)


cdef void flushed_chunk(Array *a, Pass what, Py_ssize_t matrix, Py_ssize_t chunk) noexcept nogil:
    cdef fo_mode mode = fo_flush()
    one_chunk(a, what, matrix, chunk)
    fo_unflush(mode)


cdef int apply_factored(StepPlan *p, int threads) noexcept nogil:
    """Step the matrices of a plan for adafactor; the first array that ends up not finite, or −1."""
    cdef fo_mode mode = fo_flush()
    cdef int bad = step_factored(p, threads)
    fo_unflush(mode)
    return bad


cdef int step_factored(StepPlan *p, int threads) noexcept nogil:
    cdef Py_ssize_t i, matrix, k
    cdef Array *a
    cdef double totals[3]
    cdef bint finite = True
    for i in range(p.arrays.n):
        a = &p.arrays.at[i]
        if not a.matrices or a.absent:
            continue
        for matrix in range(a.matrices):
            one_pass(a, SUMS, matrix, threads)
            a.sums[2 * a.matrices * CHUNKS + matrix] = a.kernel.factor_moments(
                &a.step, CHUNKS, a.rows_in, a.columns_in, a.scratch, a.scratch + a.rows_in * a.size,
                <char *>a.state[0] + matrix * a.rows_in * a.size, <char *>a.state[1] + matrix * a.columns_in * a.size)
            one_pass(a, SQUARES, matrix, threads)
        totals[0], totals[1], totals[2] = 0, 0, <double>a.n
        for k in range(a.matrices * CHUNKS):
            totals[0] += a.sums[2 * k]
            totals[1] += a.sums[2 * k + 1]
        a.kernel.rule_finish(&p.rules[a.group], totals, &p.carry[a.group * FO_CARRIES], &a.step)
        for matrix in range(a.matrices):
            one_pass(a, STEP, matrix, threads)
        for k in range(a.matrices * CHUNKS):
            finite = finite and a.sums[2 * k] != 0
        if not finite:
            return <int>i
    return -1
