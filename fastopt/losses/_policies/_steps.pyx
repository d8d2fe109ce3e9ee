"""Losses of steps of reinforcement learning: blocks of steps shared among threads, sums the same for any number of them; and sums of rewards.

Used by the modules beside it, which check shapes and dtypes before; what the arrays hold is checked here, block by block while it is in the
cache.  The mathematics is in csrc/policies.
"""
cimport cython
cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.math cimport isnan
from libc.stdint cimport int64_t, uint8_t

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.own_loss cimport set_loss
from fastopt._core.tables cimport fo_kernels, fo_loss, fo_normal, fo_policy, fo_transitions, kernels, real
from fastopt.losses._small cimport SMALL, data, float_type, is_like, is_small, like

cnp.import_array()

cdef enum:
    BLOCK = 4096              # elements: sums go no further
    BLOCKS_PER_THREAD = 8     # less work than this is not worth waking a thread for

#: elements below which one thread does it all
PARALLEL_FROM = 2 * BLOCK * BLOCKS_PER_THREAD

cdef struct outputs:
    char *values       # (n,), or NULL
    char *grads        # (n, k), or a row for each thread
    char *spreads      # of normal distributions, the same of log_std; a row for each thread too where all steps share one
    bint whole         # grads are (n, k)
    double *sums       # of a shared log_std, k of each block; or NULL


cdef const char *_at(const void *array, Py_ssize_t i, Py_ssize_t size) noexcept nogil:
    """The i-th element of so many bytes; NULL of none."""
    return <const char *>array + i * size if array else NULL


cdef char *_into(char *array, Py_ssize_t i, Py_ssize_t size) noexcept nogil:
    return array + i * size if array else NULL


cdef const void *_first(const real[::1] array) noexcept:
    if array is None:
        return NULL
    return &array[0]


cdef fo_policy _some(const fo_policy *s, Py_ssize_t first, Py_ssize_t rows, Py_ssize_t size) noexcept nogil:
    """A block of the steps."""
    cdef fo_policy some = s[0]
    some.n = min(rows, s.n - first)
    some.advantage, some.old, some.weight = _at(s.advantage, first, size), _at(s.old, first, size), _at(s.weight, first, size)
    return some


cdef bint _finite(const fo_kernels *kernel, const fo_policy *s) noexcept nogil:
    return ((s.advantage == NULL or kernel.all_finite(s.n, s.advantage)) and (s.old == NULL or kernel.all_finite(s.n, s.old))
            and (s.weight == NULL or kernel.all_finite(s.n, s.weight)))


cdef double _categorical(const fo_kernels *kernel, const fo_policy *steps, Py_ssize_t first, Py_ssize_t rows, const void *actions, const void *p,
                         const outputs *o, int thread, Py_ssize_t size, int *good) noexcept nogil:
    cdef fo_policy s = _some(steps, first, rows, size)
    cdef const char *done = _at(actions, first, size)
    cdef const char *scores = _at(p, first, s.k * size)
    good[0] = kernel.policies.actions(s.n, s.k, done) and kernel.all_finite(s.n * s.k, scores) and _finite(kernel, &s)
    if not good[0]:
        return 0
    return kernel.policies.categorical(&s, done, scores, _into(o.values, first, size), o.grads + (first if o.whole else thread) * s.k * size,
                                       s.k if o.whole else 0)


@cython.cdivision(True)
def categorical(const real[::1] actions, const real[:, ::1] p, const real[::1] advantages, const real[::1] old, const real[::1] weight,
                double clip, double entropy, double factor, real[::1] values, real[:, ::1] grads, int threads):
    """The sum of the weighted losses of a policy over actions to choose from; None if an element is not acceptable.

    Parameters
    ----------
    actions : array of shape (n,), n > 0
        Their numbers.
    p : contiguous array of shape (n, k), k > 0
        Their scores.
    advantages, old, weight : array of shape (n,), or None
        None: 1, no ratio, 1.
    clip, entropy, factor : float
        Factor: what gradients are multiplied by, besides the weights.
    values : array of shape (n,), or None
        Output: the weighted losses.
    grads : array of shape (n, k), or None
        Output.
    threads : int
        At most so many.
    """
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef fo_policy s
    cdef outputs o
    cdef Py_ssize_t rows = max(1, BLOCK // p.shape[1]), blocks = (p.shape[0] + rows - 1) // rows, block
    cdef int wanted = spare(<int>max(1, min(threads, blocks)))
    cdef double[::1] sums = np.empty(blocks)
    cdef int[::1] good = np.empty(blocks, np.intc)
    cdef real[:, ::1] into = grads
    if grads is None:
        into = np.empty((wanted, p.shape[1]), np.float32 if real is float else np.float64)
    s.n, s.k, s.clip, s.entropy, s.factor = p.shape[0], p.shape[1], clip, entropy, factor
    s.advantage, s.old, s.weight = _first(advantages), _first(old), _first(weight)
    o.values, o.grads, o.whole = <char *>_first(values), <char *>&into[0, 0], grads is not None
    with nogil:
        for block in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            sums[block] = _categorical(kernel, &s, block * rows, rows, &actions[0], &p[0, 0], &o, threadid(), sizeof(real), &good[block])
    return sum(sums) if all(good) else None


cdef double _normal(const fo_kernels *kernel, const fo_policy *steps, Py_ssize_t first, Py_ssize_t rows, const fo_normal *a, const outputs *o,
                    int thread, Py_ssize_t size, int *good) noexcept nogil:
    cdef fo_policy s = _some(steps, first, rows, size)
    cdef fo_normal some = a[0]
    cdef Py_ssize_t row = s.k * size
    cdef bint spread = o.whole and a.std_stride > 0
    some.actions, some.mean, some.log_std = _at(a.actions, first, row), _at(a.mean, first, row), _at(a.log_std, first, a.std_stride * size)
    good[0] = (kernel.all_finite(s.n * s.k, some.actions) and kernel.all_finite(s.n * s.k, some.mean)
               and kernel.all_finite(s.n * s.k if a.std_stride else s.k, some.log_std) and _finite(kernel, &s))
    if not good[0]:
        return 0
    return kernel.policies.normal(&s, &some, _into(o.values, first, size), o.grads + (first if o.whole else thread) * row,
                                  o.spreads + (first if spread else thread) * row, s.k if o.whole else 0,
                                  o.sums + first // rows * s.k if o.sums else NULL)


@cython.cdivision(True)
def normal(const real[:, ::1] actions, const real[:, ::1] mean, const real[:, ::1] log_std, const real[::1] advantages, const real[::1] old,
           const real[::1] weight, double clip, double entropy, double factor, real[::1] values, real[:, ::1] g_mean, real[:, ::1] g_log_std,
           int threads):
    """The same of a policy over numbers, normal distributions; None if an element is not finite.

    Parameters
    ----------
    actions, mean : contiguous arrays of shape (n, k), none of them 0
    log_std : array of shape (n, k), or (1, k) where all steps share one
    advantages, old, weight, clip, entropy, factor, values, threads
        See `categorical`.
    g_mean, g_log_std : arrays of the shapes of mean and log_std, or None
        Outputs.
    """
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef fo_policy s
    cdef fo_normal a
    cdef outputs o
    cdef Py_ssize_t n = mean.shape[0], k = mean.shape[1], rows = max(1, BLOCK // k), blocks = (n + rows - 1) // rows, block, j
    cdef int wanted = spare(<int>max(1, min(threads, blocks)))
    cdef bint shared = log_std.shape[0] == 1
    cdef double[::1] sums = np.empty(blocks)
    cdef double[:, ::1] slopes
    cdef int[::1] good = np.empty(blocks, np.intc)
    cdef real[:, ::1] into = g_mean, spreads = g_log_std
    dtype = np.float32 if real is float else np.float64
    if g_mean is None:
        into = np.empty((wanted, k), dtype)
    if g_mean is None or shared:
        spreads = np.empty((wanted, k), dtype)
    s.n, s.k, s.clip, s.entropy, s.factor = n, k, clip, entropy, factor
    s.advantage, s.old, s.weight = _first(advantages), _first(old), _first(weight)
    a.actions, a.mean, a.log_std, a.std_stride = &actions[0, 0], &mean[0, 0], &log_std[0, 0], 0 if shared else k
    o.values, o.grads, o.spreads, o.whole, o.sums = <char *>_first(values), <char *>&into[0, 0], <char *>&spreads[0, 0], g_mean is not None, NULL
    if shared and g_mean is not None:
        slopes = np.zeros((blocks, k))
        o.sums = &slopes[0, 0]
    with nogil:
        for block in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            sums[block] = _normal(kernel, &s, block * rows, rows, &a, &o, threadid(), sizeof(real), &good[block])
    if o.sums:
        np.asarray(g_log_std)[0] = np.add.reduce(slopes, axis=0)
    return sum(sums) if all(good) else None


cdef double _values(const fo_kernels *kernel, const fo_loss *loss, Py_ssize_t n, Py_ssize_t first, double clip, double factor, const void *y,
                    const void *p, const void *old, const void *weight, void *values, void *grads, Py_ssize_t size) noexcept nogil:
    return kernel.policies.value_function(loss, min(BLOCK, n - first), clip, _at(y, first, size), _at(p, first, size), _at(old, first, size),
                                          _at(weight, first, size), factor, _into(<char *>values, first, size), _into(<char *>grads, first, size))


@cython.cdivision(True)
def value_function(spec, const real[::1] y, const real[::1] p, const real[::1] old, const real[::1] weight, double clip, double factor,
                   real[::1] values, real[::1] grads, int threads):
    """The sum of the weighted losses of values of states.

    Parameters
    ----------
    spec : tuple (int, float, float)
        Kind of the loss and its two parameters.
    y, p : contiguous arrays of shape (n,), n > 0
        What states turned out to be worth, and what was expected.
    old : array of shape (n,), or None
        What was expected when that was found out: values move by `clip` at most from it.
    weight : array of shape (n,), or None
    clip, factor : float
    values, grads : array of shape (n,), or None
        Outputs.
    threads : int
        At most so many.
    """
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef fo_loss loss
    cdef Py_ssize_t n = p.shape[0], blocks = (n + BLOCK - 1) // BLOCK, block
    cdef int wanted = spare(<int>max(1, min(threads, blocks)))
    cdef double[::1] sums = np.empty(blocks)
    cdef const void *before = _first(old)
    cdef const void *weights = _first(weight)
    cdef void *each = <void *>_first(values)
    cdef void *slopes = <void *>_first(grads)
    set_loss(&loss, spec)
    with nogil:
        for block in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            sums[block] = _values(kernel, &loss, n, block * BLOCK, clip, factor, &y[0], &p[0], before, weights, each, slopes, sizeof(real))
    return sum(sums)


@cython.cdivision(True)
def values_at_once(tuple spec, y, p, old, double clip):
    """The mean over the values of few states and its gradient, or None: the arrays are to be looked at, or are for `value_function`.

    Parameters
    ----------
    spec, clip
        See `value_function`.
    y, p, old : object
        Whatever the user gave; old None: values move freely.
    """
    cdef int type_ = float_type(p)
    cdef const fo_kernels *kernel = kernels(type_ == cnp.NPY_FLOAT)
    cdef cnp.ndarray grads
    cdef fo_loss loss
    cdef Py_ssize_t n
    cdef double total
    if not (is_small(p, type_) and is_like(y, type_, p) and (old is None or is_like(old, type_, p))):
        return None
    n = cnp.PyArray_SIZE(p)
    if not (kernel.all_finite(n, data(p)) and kernel.all_finite(n, data(y)) and (old is None or kernel.all_finite(n, data(old)))):
        return None
    grads = like(p)
    set_loss(&loss, spec)
    total = kernel.policies.value_function(&loss, n, clip, data(y), data(p), data(old), NULL, 1.0 / n, NULL, cnp.PyArray_DATA(grads))
    return total / n, grads


cdef double _transitions(const fo_kernels *kernel, const fo_transitions *all_, Py_ssize_t first, Py_ssize_t rows, const void *p, const outputs *o,
                         void *errors, Py_ssize_t size) noexcept nogil:
    cdef fo_transitions s = all_[0]
    cdef Py_ssize_t row = s.k * size
    s.n = min(rows, s.n - first)
    s.actions, s.rewards, s.ends = _at(s.actions, first, size), _at(s.rewards, first, size), _at(s.ends, first, size)
    s.next, s.chooser, s.weight = _at(s.next, first, row), _at(s.chooser, first, row), _at(s.weight, first, size)
    return kernel.policies.q_values(&s, _at(p, first, row), _into(o.values, first, size), _into(o.grads, first, row), _into(<char *>errors, first, size))


@cython.cdivision(True)
def q_values(spec, const real[::1] actions, const real[:, ::1] p, const real[::1] rewards, const real[::1] ends, const real[:, ::1] next,
             const real[:, ::1] chooser, const real[::1] weight, double discount, double factor, real[::1] values, real[:, ::1] grads,
             real[::1] errors, int threads):
    """The sum of the weighted losses of values of actions that were taken; None if an action is none, nan if a value of what follows is not finite.

    Parameters
    ----------
    spec : tuple (int, float, float)
        Kind of the loss and its two parameters.
    actions, rewards, ends : contiguous arrays of shape (n,), n > 0
    p, next, chooser : contiguous arrays of shape (n, k), k > 0
        Values of actions; of those in the states that follow, and those by which one is chosen there.
    weight : array of shape (n,), or None
    discount, factor : float
    values, errors : array of shape (n,), or None
        Outputs: weighted losses, and what is missing in the value of the action.
    grads : array of shape (n, k), or None
        Output.
    threads : int
        At most so many.
    """
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef fo_transitions s
    cdef outputs o
    cdef Py_ssize_t rows = max(1, BLOCK // p.shape[1]), blocks = (p.shape[0] + rows - 1) // rows, block
    cdef int wanted = spare(<int>max(1, min(threads, blocks)))
    cdef double[::1] sums = np.empty(blocks)
    cdef void *missing = <void *>_first(errors)
    o.values, o.grads = <char *>_first(values), NULL
    set_loss(&s.loss, spec)
    s.n, s.k, s.discount, s.factor = p.shape[0], p.shape[1], discount, factor
    s.actions, s.rewards, s.ends, s.weight = &actions[0], &rewards[0], &ends[0], _first(weight)
    s.next, s.chooser = &next[0, 0], &chooser[0, 0]
    if grads is not None:
        o.grads = <char *>&grads[0, 0]
    if not kernel.policies.actions(s.n, s.k, s.actions):
        return None
    with nogil:
        for block in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            sums[block] = _transitions(kernel, &s, block * rows, rows, &p[0, 0], &o, missing, sizeof(real))
    return sum(sums)


cdef bint _numbers(object array, int type_, Py_ssize_t n, real *out) noexcept:
    """out = n numbers of that type, whole ones or bools, if the array holds such."""
    cdef Py_ssize_t i
    if not (cnp.PyArray_CheckExact(array) and (<cnp.ndarray>array).ndim == 1 and cnp.PyArray_DIM(array, 0) == n):
        return False
    if is_small(array, type_):
        for i in range(n):
            out[i] = (<const real *>data(array))[i]
    elif is_small(array, cnp.NPY_INT64):
        for i in range(n):
            out[i] = <real>(<const int64_t *>data(array))[i]
    elif is_small(array, cnp.NPY_BOOL):
        for i in range(n):
            out[i] = <real>(<const uint8_t *>data(array))[i]
    else:
        return False
    return True


cdef bint _transitions_are(const fo_kernels *kernel, fo_transitions *s, int type_, object actions, object p, object rewards, object done,
                           real *numbers) except -1:
    """Sets what is one number a step, through `numbers` (3·SMALL); whether all of it is good."""
    cdef Py_ssize_t n = s.n, i
    cdef bint good = (_numbers(actions, type_, n, numbers) and _numbers(rewards, type_, n, numbers + SMALL) and _numbers(done, type_, n, numbers + 2 * SMALL)
                      and kernel.all_finite(n, numbers + SMALL) and kernel.policies.actions(n, s.k, numbers) and kernel.all_finite(n * s.k, data(p)))
    for i in range(n if good else 0):
        good &= 0 <= numbers[2 * SMALL + i] <= 1
    s.actions, s.rewards, s.ends = numbers, numbers + SMALL, numbers + 2 * SMALL
    return good


@cython.cdivision(True)
def transitions_at_once(tuple spec, actions, p, rewards, done, next, chooser, double discount):
    """The mean over few steps and its gradient, or None: the arrays are to be looked at, or are for `q_values`.

    Parameters
    ----------
    spec, discount
        See `q_values`.
    actions, p, rewards, done, next, chooser : object
        Whatever the user gave; chooser None: it is `next`.
    """
    cdef int type_ = float_type(p)
    cdef const fo_kernels *kernel = kernels(type_ == cnp.NPY_FLOAT)
    cdef double numbers[3 * SMALL]
    cdef cnp.ndarray grads
    cdef fo_transitions s
    cdef double total
    if not (is_small(p, type_) and (<cnp.ndarray>p).ndim == 2 and is_like(next, type_, p) and (chooser is None or is_like(chooser, type_, p))):
        return None
    s.n, s.k, s.discount, s.weight = cnp.PyArray_DIM(p, 0), cnp.PyArray_DIM(p, 1), discount, NULL
    s.next, s.chooser, s.factor = data(next), data(next if chooser is None else chooser), 1.0 / s.n
    if not (_transitions_are(kernel, &s, type_, actions, p, rewards, done, <float *>numbers) if type_ == cnp.NPY_FLOAT else
            _transitions_are(kernel, &s, type_, actions, p, rewards, done, <double *>numbers)):
        return None
    grads = like(p)
    set_loss(&s.loss, spec)
    total = kernel.policies.q_values(&s, data(p), NULL, cnp.PyArray_DATA(grads), NULL)
    return None if isnan(total) else (total / s.n, grads)


def discounted(const real[:, ::1] rewards, const real[:, ::1] ends, const real[::1] last, double discount, real[:, ::1] out):
    """out_t = rewards_t + discount·(1 − ends_t)·out_{t+1}, from `last` behind the last step.

    Parameters
    ----------
    rewards, ends, out : contiguous arrays of shape (T, n), none of them 0
    last : array of shape (n,)
    discount : float
    """
    with nogil:
        kernels(real is float).policies.discounted(rewards.shape[0], rewards.shape[1], discount, &rewards[0, 0], &ends[0, 0], &last[0], &out[0, 0])


def advantages(const real[:, ::1] rewards, const real[:, ::1] values, const real[:, ::1] ends, const real[::1] last, double discount,
               double trace, real[:, ::1] out):
    """out_t = d_t + discount·trace·(1 − ends_t)·out_{t+1}, d_t = rewards_t + discount·(1 − ends_t)·values_{t+1} − values_t.

    Parameters
    ----------
    rewards, values, ends, out : contiguous arrays of shape (T, n), none of them 0
    last : array of shape (n,)
        Values behind the last step.
    discount, trace : float
    """
    with nogil:
        kernels(real is float).policies.advantages(rewards.shape[0], rewards.shape[1], discount, trace, &rewards[0, 0], &values[0, 0], &ends[0, 0],
                                                   &last[0], &out[0, 0])
