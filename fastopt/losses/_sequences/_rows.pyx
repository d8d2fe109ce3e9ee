"""Losses of tokens and of whole sequences: blocks of rows shared among threads, sums the same for any number of them; and distances between
sequences of labels.

Used by the modules beside it, which check arguments before.  The mathematics is in csrc/sequences.
"""
cimport cython
cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.math cimport isnan
from libc.stdint cimport int32_t, int64_t

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport fo_kernels, fo_risk, fo_tokens, kernels, real
from fastopt.losses._small cimport SMALL, data, float_type, is_like, is_small, like

cnp.import_array()

cdef enum:
    BLOCK = 4096              # elements: sums go no further
    BLOCKS_PER_THREAD = 8     # less work than this is not worth waking a thread for

#: elements below which one thread does it all
PARALLEL_FROM = 2 * BLOCK * BLOCKS_PER_THREAD

cdef struct arrays:
    const fo_kernels *kernels
    Py_ssize_t n, k, rows, size   # rows and columns; rows of a block; bytes of an element
    const char *p
    const char *weight            # (n,), or NULL
    char *values                  # (n,), or NULL
    char *grads                   # (n, k), or a row for each thread
    bint whole                    # grads are (n, k)


@cython.cdivision(True)
cdef arrays _arrays(bint is_float, Py_ssize_t n, Py_ssize_t k, Py_ssize_t size) noexcept:
    cdef arrays a
    a.kernels, a.n, a.k, a.size, a.rows = kernels(is_float), n, k, size, max(1, BLOCK // k)
    a.weight, a.values = NULL, NULL
    return a


cdef char *_row(const arrays *a, Py_ssize_t first, int thread) noexcept nogil:
    return a.grads + (first if a.whole else thread) * a.k * a.size


cdef double _tokens(const arrays *a, fo_tokens t, Py_ssize_t first, int thread) noexcept nogil:
    t.n = min(a.rows, a.n - first)
    t.labels += first
    t.weight = a.weight + first * a.size if a.weight else NULL
    return a.kernels.sequences.tokens(&t, a.p + first * a.k * a.size, a.values + first * a.size if a.values else NULL,
                                      _row(a, first, thread), a.k if a.whole else 0)


@cython.cdivision(True)
def tokens(const int32_t[::1] labels, const real[:, ::1] p, const real[::1] weight, double smoothing, double factor, real[::1] values,
           real[:, ::1] grads, int threads):
    """The sum of the weighted losses of tokens, nan if a score that counts is not finite.

    Parameters
    ----------
    labels : array of shape (n,), n > 0
        Classes; below 0 where a token does not count.  Checked, as all that follows.
    p : contiguous array of shape (n, k), k > 0
        Scores.
    weight : array of shape (n,), or None
    smoothing, factor : float
        Share for all classes alike; what gradients are multiplied by, besides the weights.
    values : array of shape (n,), or None
        Output: the weighted losses.
    grads : array of the shape of p, or None
        Output.
    threads : int
        At most so many.
    """
    cdef arrays a = _arrays(real is float, p.shape[0], p.shape[1], sizeof(real))
    cdef fo_tokens t
    cdef Py_ssize_t blocks = (a.n + a.rows - 1) // a.rows, block
    cdef int wanted = spare(<int>max(1, min(threads, blocks)))
    cdef double[::1] sums = np.empty(blocks)
    cdef double total = 0
    cdef real[:, ::1] into = grads
    a.p, a.whole = <const char *>&p[0, 0], grads is not None
    if grads is None:
        into = np.empty((wanted, a.k), np.float32 if real is float else np.float64)
    a.grads = <char *>&into[0, 0]
    if weight is not None:
        a.weight = <const char *>&weight[0]
    if values is not None:
        a.values = <char *>&values[0]
    t.classes, t.smoothing, t.factor, t.labels = a.k, smoothing, factor, &labels[0]
    with nogil:
        for block in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            sums[block] = _tokens(&a, t, block * a.rows, threadid())
        for block in range(blocks):
            total += sums[block]
    return total


@cython.cdivision(True)
def tokens_at_once(y, p, double smoothing):
    """The mean over few tokens and its gradient, or None: the arrays are to be looked at, or are for `tokens`.

    Parameters
    ----------
    y, p : object
        Whatever the user gave; int64 labels (N, T) beside scores (N, T, k) are looked at.
    smoothing : float
    """
    cdef int type_ = float_type(p)
    cdef int32_t labels[SMALL]
    cdef const int64_t *given
    cdef const fo_kernels *kernel
    cdef cnp.ndarray grads
    cdef fo_tokens t
    cdef double total
    cdef Py_ssize_t i
    if not (is_small(p, type_) and (<cnp.ndarray>p).ndim == 3 and is_small(y, cnp.NPY_INT64) and (<cnp.ndarray>y).ndim == 2
            and cnp.PyArray_DIM(y, 0) == cnp.PyArray_DIM(p, 0) and cnp.PyArray_DIM(y, 1) == cnp.PyArray_DIM(p, 1)):
        return None
    given, t.n, t.classes = <const int64_t *>data(y), cnp.PyArray_SIZE(y), cnp.PyArray_DIM(p, 2)
    for i in range(t.n):
        if not 0 <= given[i] < t.classes:
            return None
        labels[i] = <int32_t>given[i]
    kernel, grads = kernels(type_ == cnp.NPY_FLOAT), like(p)
    t.labels, t.weight, t.smoothing, t.factor = labels, NULL, smoothing, 1.0 / t.n
    total = kernel.sequences.tokens(&t, data(p), NULL, cnp.PyArray_DATA(grads), t.classes)
    return None if isnan(total) else (total / t.n, grads)


cdef double _risk(const arrays *a, fo_risk r, bint expected, const char *costs, Py_ssize_t first) noexcept nogil:
    cdef Py_ssize_t at = first * a.k * a.size
    r.n = min(a.rows, a.n - first)
    r.mask = r.mask + first * a.k if r.mask else NULL
    r.weight = <const char *>r.weight + first * a.size if r.weight else NULL
    r.baseline = <const char *>r.baseline + first * a.size if r.baseline else NULL
    if expected:
        return a.kernels.sequences.risk(&r, costs + at, a.p + at, a.values + first * a.size, a.grads + at, a.k)
    return a.kernels.sequences.reinforce(&r, costs + at, a.p + at, a.values + first * a.size, a.grads + at, a.k)


@cython.cdivision(True)
def risk(const real[:, ::1] costs, const real[:, ::1] p, const unsigned char[:, ::1] mask, const real[::1] weight, const real[::1] baseline,
         bint expected, double alpha, double factor, real[::1] values, real[:, ::1] grads, int threads):
    """The sum of the weighted losses of the sequences drawn for each input.

    Parameters
    ----------
    costs, p : contiguous arrays of shape (n, k), none of them 0
        Costs and log-probabilities of the sequences.
    mask : array of shape (n, k), or None
        0 where a sequence does not count.
    weight, baseline : array of shape (n,), or None
    expected : bool
        The cost that is expected, of sharpness alpha; else costs beside the baseline times log-probabilities.
    alpha, factor : float
    values : array of shape (n,)
        Output: the weighted losses.
    grads : array of shape (n, k)
        Output.
    threads : int
        At most so many.
    """
    cdef arrays a = _arrays(real is float, p.shape[0], p.shape[1], sizeof(real))
    cdef fo_risk r
    cdef Py_ssize_t blocks = (a.n + a.rows - 1) // a.rows, block
    cdef int wanted = spare(<int>max(1, min(threads, blocks)))
    cdef double[::1] sums = np.empty(blocks)
    cdef const char *prices = <const char *>&costs[0, 0]
    a.p, a.values, a.grads = <const char *>&p[0, 0], <char *>&values[0], <char *>&grads[0, 0]
    r.k, r.alpha, r.factor, r.mask, r.weight, r.baseline = a.k, alpha, factor, NULL, NULL, NULL
    if mask is not None:
        r.mask = &mask[0, 0]
    if weight is not None:
        r.weight = &weight[0]
    if baseline is not None:
        r.baseline = &baseline[0]
    with nogil:
        for block in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            sums[block] = _risk(&a, r, expected, prices, block * a.rows)
    return sum(sums)


@cython.cdivision(True)
def risk_at_once(costs, p, bint expected, double alpha):
    """The mean over few inputs and its gradient, or None: the arrays are to be looked at, or are for `risk`.

    Parameters
    ----------
    costs, p : object
        Whatever the user gave; two sequences or more of each input are looked at.
    expected, alpha
        See `risk`.
    """
    cdef int type_ = float_type(p)
    cdef const fo_kernels *kernel = kernels(type_ == cnp.NPY_FLOAT)
    cdef cnp.ndarray grads
    cdef fo_risk r
    cdef double total
    if not (is_small(p, type_) and (<cnp.ndarray>p).ndim == 2 and cnp.PyArray_DIM(p, 1) > 1 and is_like(costs, type_, p)
            and kernel.all_finite(cnp.PyArray_SIZE(p), data(p)) and kernel.all_finite(cnp.PyArray_SIZE(p), data(costs))):
        return None
    grads, r.n, r.k = like(p), cnp.PyArray_DIM(p, 0), cnp.PyArray_DIM(p, 1)
    r.alpha, r.factor, r.mask, r.weight, r.baseline = alpha, 1.0 / r.n, NULL, NULL, NULL
    if expected:
        total = kernel.sequences.risk(&r, data(costs), data(p), NULL, cnp.PyArray_DATA(grads), r.k)
    else:
        total = kernel.sequences.reinforce(&r, data(costs), data(p), NULL, cnp.PyArray_DATA(grads), r.k)
    return total / r.n, grads


def distances(const int64_t[::1] a, const int64_t[::1] a_starts, const int64_t[::1] b, const int64_t[::1] b_starts, int64_t[::1] out, int threads):
    """Edit distances of n pairs of sequences.

    Parameters
    ----------
    a, b : arrays of int, of which one element at least is allocated
        Labels, one sequence after the other.
    a_starts, b_starts : arrays of shape (n + 1,)
        Those of sequence i are a[a_starts[i]:a_starts[i + 1]].
    out : array of shape (n,)
        Output.
    threads : int
        At most so many.
    """
    cdef const fo_kernels *kernel = kernels(False)
    cdef Py_ssize_t n = out.shape[0], room = np.max(np.diff(b_starts)) + 1, i
    cdef int wanted = spare(<int>max(1, min(threads, n)))
    cdef int64_t[:, ::1] rows = np.empty((wanted, room), np.int64)
    with nogil:
        for i in prange(n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            out[i] = kernel.sequences.edit_distance(a_starts[i + 1] - a_starts[i], &a[0] + a_starts[i], b_starts[i + 1] - b_starts[i],
                                                    &b[0] + b_starts[i], &rows[threadid(), 0])
