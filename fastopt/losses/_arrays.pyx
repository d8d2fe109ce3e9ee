"""Losses over arrays: blocks of samples shared among threads, sums the same for any number of them; and the softmax of samples.

Used by fastopt.losses._base and _classification, which check shapes and dtypes before; what the arrays hold is checked here, block by
block while it is in the cache.  The mathematics is in csrc/losses/losses.h and softmax.h.
"""
cimport cython
cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.stdint cimport int64_t

import numpy as np

from fastopt._core.tables cimport fo_kernels, fo_loss, fo_overlap, fo_samples, kernels
from fastopt._core.load cimport spare
from fastopt._core.own_loss cimport set_loss
from fastopt.losses._small cimport data, float_type, is_like, is_small, like

cnp.import_array()

ctypedef fused real:
    float
    double

cdef enum:
    BLOCK = 4096              # samples: float32 sums go no further
    BLOCKS_PER_THREAD = 16    # some 50 µs: less work than this is not worth waking a thread for

#: below so many samples one thread does it all
PARALLEL_FROM = 2 * BLOCK * BLOCKS_PER_THREAD

cdef struct arrays:
    Py_ssize_t n
    const void *y
    const void *p
    const void *weight        # or NULL
    void *values              # or NULL
    void *grads               # or NULL
    double *sums              # one a block; NULL: only gradients are wanted


@cython.cdivision(True)
cdef int _one_block(const fo_kernels *kernel, const fo_loss *loss, const arrays *a, double factor, Py_ssize_t block,
                    Py_ssize_t size) noexcept nogil:
    """One block through the kernels, elements of `size` bytes.  1 if its y and p are acceptable."""
    cdef Py_ssize_t m = min(a.n - block * BLOCK, BLOCK), at = block * BLOCK * size
    cdef const char *y = <const char *>a.y + at
    cdef const char *p = <const char *>a.p + at
    cdef const char *weight = <const char *>a.weight + at if a.weight else NULL
    cdef char *values = <char *>a.values + at if a.values else NULL
    cdef char *grads = <char *>a.grads + at if a.grads else NULL
    if a.sums:
        a.sums[block] = kernel.loss_block(loss, m, y, p, weight, factor, values, grads)
    else:
        kernel.loss_grad_block(loss, m, y, p, weight, factor, grads)
    return kernel.loss_accepts(loss, m, y, p)


def admits(int kind, value):
    """Whether it is an array of floats, contiguous, whose elements the targets of a loss may be; False too where that is left to be found out.

    Parameters
    ----------
    kind : int
        Of a loss with that domain.
    value : object
    """
    cdef fo_loss loss
    cdef int type_ = float_type(value)
    if type_ == cnp.NPY_VOID or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>value):
        return False
    loss.kind = kind
    return bool(kernels(type_ == cnp.NPY_FLOAT).loss_accepts(&loss, cnp.PyArray_SIZE(value), data(value), data(value)))


def at_once(tuple spec, y, p):
    """Mean and gradient over a few samples in arrays as they are, or None: the arrays are to be looked at, or are for `evaluate`.

    The same bits as those of `evaluate`, without what checks and threads cost.

    Parameters
    ----------
    spec : tuple
        As for `evaluate`.
    y, p : object
        Whatever the user gave.
    """
    cdef fo_loss loss
    cdef int type_ = float_type(p)
    cdef const fo_kernels *kernel
    cdef cnp.ndarray grads
    cdef Py_ssize_t n
    cdef double total
    if not (is_small(p, type_) and is_like(y, type_, p)):
        return None
    n, kernel, grads = cnp.PyArray_SIZE(<cnp.ndarray>p), kernels(type_ == cnp.NPY_FLOAT), like(p)
    set_loss(&loss, spec)
    total = kernel.loss_block(&loss, n, cnp.PyArray_DATA(<cnp.ndarray>y), cnp.PyArray_DATA(<cnp.ndarray>p), NULL, 1.0 / n, NULL,
                              cnp.PyArray_DATA(grads))
    if not kernel.loss_accepts(&loss, n, cnp.PyArray_DATA(<cnp.ndarray>y), cnp.PyArray_DATA(<cnp.ndarray>p)):
        return None
    return total / n, grads


def rows_at_once(tuple spec, y, p):
    """The same of rows of predictions (n, k) and the numbers of their classes (n,): those of `evaluate_rows`.

    Parameters
    ----------
    spec : tuple
        As for `evaluate_rows`.
    y, p : object
        Whatever the user gave; y of int64 is looked at.
    """
    cdef fo_samples samples
    cdef int type_ = float_type(p)
    cdef const fo_kernels *kernel
    cdef cnp.ndarray grads
    cdef const int64_t *classes
    cdef float of_float[BLOCK]
    cdef double of_double[BLOCK]
    cdef Py_ssize_t n, k, i
    cdef double total
    if not (is_small(p, type_) and (<cnp.ndarray>p).ndim == 2 and is_small(y, cnp.NPY_INT64) and (<cnp.ndarray>y).ndim == 1):
        return None
    n, k = cnp.PyArray_DIM(<cnp.ndarray>p, 0), cnp.PyArray_DIM(<cnp.ndarray>p, 1)
    if cnp.PyArray_DIM(<cnp.ndarray>y, 0) != n or n > BLOCK // k:
        return None
    kernel, grads, classes = kernels(type_ == cnp.NPY_FLOAT), like(p), <const int64_t *>cnp.PyArray_DATA(<cnp.ndarray>y)
    for i in range(n):
        if not 0 <= classes[i] < k:
            return None
        if type_ == cnp.NPY_FLOAT:
            of_float[i] = <float>classes[i]
        else:
            of_double[i] = <double>classes[i]
    if not kernel.all_finite(n * k, cnp.PyArray_DATA(<cnp.ndarray>p)):
        return None
    set_loss(&samples.loss, spec)
    samples.k, samples.weight, samples.factor = k, NULL, 1.0 / n
    samples.y = <const void *>of_float if type_ == cnp.NPY_FLOAT else <const void *>of_double
    total = kernel.objective.errors(&samples, 0, n, NULL, cnp.PyArray_DATA(<cnp.ndarray>p), cnp.PyArray_DATA(grads), NULL)
    return total / n, grads


def evaluate(spec, const real[::1] y, const real[::1] p, const real[::1] weight, double factor, bint wants_sum,
             real[::1] values, real[::1] grads, int threads):
    """Sum of the weighted losses, or None if any y or p is not acceptable.

    Parameters
    ----------
    spec : tuple (int, float, float)
        Kind of the loss and its two parameters.
    y, p : contiguous arrays of shape (n,), n > 0
        Targets as the public losses take them, raw predictions.
    weight : array of shape (n,) or None
    factor : float
        What gradients are multiplied by, besides the weights.
    wants_sum : bool
        If not, only grads are computed, and 0 is returned.
    values, grads : arrays of shape (n,) or None
        Outputs.
    threads : int
        At most so many.
    """
    cdef fo_loss loss
    cdef arrays a
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t blocks = (p.shape[0] + BLOCK - 1) // BLOCK, block, good = 0
    cdef int wanted = spare(max(1, min(threads, blocks // BLOCKS_PER_THREAD)))
    cdef double total = 0
    cdef double[::1] sums
    set_loss(&loss, spec)
    a.n, a.y, a.p = p.shape[0], &y[0], &p[0]
    a.weight, a.values, a.grads, a.sums = NULL, NULL, NULL, NULL
    if weight is not None:
        a.weight = &weight[0]
    if values is not None:
        a.values = &values[0]
    if grads is not None:
        a.grads = &grads[0]
    if wants_sum:
        sums = np.empty(blocks)
        a.sums = &sums[0]
    with nogil:
        if wanted == 1:
            for block in range(blocks):
                good += _one_block(kernel, &loss, &a, factor, block, sizeof(real))
        else:
            for block in prange(blocks, num_threads=wanted, schedule="static"):
                good += _one_block(kernel, &loss, &a, factor, block, sizeof(real))
        if wants_sum:
            for block in range(blocks):
                total += a.sums[block]
    return total if good == blocks else None


cdef struct row_arrays:
    Py_ssize_t n, k, rows     # rows of a block
    const void *p
    void *values              # (n,), or NULL
    void *grads               # (n, k), or scratch of a block for each thread
    bint whole                # grads are (n, k)
    double *sums              # one a block


cdef int _block_of_rows(const fo_kernels *kernel, const fo_samples *samples, const row_arrays *a, Py_ssize_t block, int thread,
                        Py_ssize_t size) noexcept nogil:
    """One block of rows, elements of `size` bytes.  1 if its p is finite."""
    cdef Py_ssize_t i = block * a.rows, m = min(a.n - i, a.rows), row = a.k * size, j
    cdef char *p = <char *>a.p + i * row
    cdef char *grads = <char *>a.grads + (i if a.whole else thread * a.rows) * row
    cdef double value
    if not kernel.all_finite(m * a.k, p):
        return 0
    if a.values == NULL:
        a.sums[block] = kernel.objective.errors(samples, i, m, NULL, p, grads, NULL)
        return 1
    for j in range(m):
        value = kernel.objective.errors(samples, i + j, 1, NULL, p + j * row, grads + j * row, NULL)
        a.sums[block] += value
        if size == sizeof(float):
            (<float *>a.values)[i + j] = <float>value
        else:
            (<double *>a.values)[i + j] = value
    return 1


def evaluate_rows(spec, const real[::1] y, const real[:, ::1] p, const real[::1] weight, double factor, real[::1] values,
                  real[:, ::1] grads, int threads):
    """Sum of the weighted losses of rows of predictions, for a loss that couples them, or None if any p is not finite.

    Parameters
    ----------
    spec : tuple (int, float, float)
        Kind of the loss and its two parameters.
    y : contiguous array of shape (n,) or, of rows of k targets, (n·k,), n > 0
        They have been checked: numbers of classes are below k.
    p : contiguous array of shape (n, k)
    weight : array of shape (n,) or None
    factor : float
        What gradients are multiplied by, besides the weights.
    values : array of shape (n,) or None
        Output: the weighted losses.
    grads : array of shape (n, k) or None
        Output.
    threads : int
        At most so many.
    """
    cdef fo_samples samples
    cdef row_arrays a
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = p.shape[0], k = p.shape[1], rows = max(1, BLOCK // k), blocks = (n + rows - 1) // rows, block, good = 0
    cdef int wanted = spare(max(1, min(threads, blocks // BLOCKS_PER_THREAD)))
    cdef double total = 0
    cdef double[::1] sums = np.zeros(blocks)
    cdef real[:, ::1] scratch
    set_loss(&samples.loss, spec)
    samples.k, samples.y, samples.weight, samples.factor = k, &y[0], NULL, factor
    a.n, a.k, a.rows, a.p, a.values, a.whole, a.sums = n, k, rows, &p[0, 0], NULL, grads is not None, &sums[0]
    if weight is not None:
        samples.weight = &weight[0]
    if values is not None:
        a.values = &values[0]
    if grads is None:
        scratch = np.empty((wanted * rows, k), np.float32 if real is float else np.float64)
        a.grads = &scratch[0, 0]
    else:
        a.grads = &grads[0, 0]
    with nogil:
        if wanted == 1:
            for block in range(blocks):
                good += _block_of_rows(kernel, &samples, &a, block, 0, sizeof(real))
        else:
            for block in prange(blocks, num_threads=wanted, schedule="static"):
                good += _block_of_rows(kernel, &samples, &a, block, threadid(), sizeof(real))
        for block in range(blocks):
            total += sums[block]
    return total if good == blocks else None


def overlap(double alpha, double beta, double smooth, bint squared, const real[:, ::1] y, const real[:, ::1] p, const real[::1] weight,
            double factor, real[::1] values, real[:, ::1] grads, int threads):
    """The losses of rows by their overlap with targets, without weights.

    Parameters
    ----------
    alpha, beta, smooth, squared
        The fields of fo_overlap.
    y, p : contiguous arrays of shape (n, k), n > 0
        They have been checked.
    weight : array of shape (n,) or None
        Of gradients.
    factor : float
        What gradients are multiplied by, besides the weights.
    values : array of shape (n,)
        Output.
    grads : array of shape (n, k) or None
        Output.
    threads : int
        At most so many.
    """
    cdef fo_overlap o
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = p.shape[0], k = p.shape[1], i
    cdef int wanted = spare(<int>max(1, min(threads, n, n * k // (BLOCK * BLOCKS_PER_THREAD))))
    cdef const real *own = NULL
    cdef real *to = NULL
    o.alpha, o.beta, o.smooth, o.squared = alpha, beta, smooth, squared
    if weight is not None:
        own = &weight[0]
    if grads is not None:
        to = &grads[0, 0]
    with nogil:
        if wanted == 1:
            kernel.overlap(&o, n, k, &y[0, 0], &p[0, 0], own, factor, &values[0], to)
        else:
            for i in prange(n, num_threads=wanted, schedule="static"):
                kernel.overlap(&o, 1, k, &y[i, 0], &p[i, 0], own + i if own != NULL else NULL, factor, &values[i],
                               to + i * k if to != NULL else NULL)


def softmax(real[:, ::1] p):
    """The softmax of each sample, in place of its predictions.

    Parameters
    ----------
    p : array of shape (k, n), n > 0, k > 0
    """
    with nogil:
        kernels(real is float).softmax(p.shape[1], p.shape[0], &p[0, 0])
