"""Losses over arrays: blocks of samples shared among threads, sums the same for any number of them.

Used by fastopt.losses, which checks names, shapes and dtypes before; values are checked here, block by block while they
are in the cache.  The mathematics is in csrc/losses.h.
"""
from cython.parallel cimport prange

import numpy as np

from fastopt._core cimport fo_kernels, fo_loss, kernels

ctypedef fused real:
    float
    double

cdef enum:
    BLOCK = 4096              # samples: float32 sums go no further
    BLOCKS_PER_THREAD = 8     # less work than this is not worth waking a thread for


cdef Py_ssize_t _run(const fo_loss *loss, const real[::1] y, const real[::1] p, const real[::1] weight, double factor,
                     double[::1] sums, real[::1] values, real[::1] grads, int threads) noexcept nogil:
    """Every block through the kernels; sums, values and grads may be empty.  How many blocks held bad y or p."""
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef const real *w = &weight[0] if weight.shape[0] else NULL
    cdef real *v = &values[0] if values.shape[0] else NULL
    cdef real *g = &grads[0] if grads.shape[0] else NULL
    cdef Py_ssize_t n = p.shape[0], block, i, m, bad = 0
    for block in prange((n + BLOCK - 1) // BLOCK, num_threads=threads, schedule="static", use_threads_if=threads > 1):
        i = block * BLOCK
        m = min(n - i, BLOCK)
        bad += not kernel.loss_accepts(loss, m, &y[i], &p[i])
        if sums.shape[0]:
            sums[block] = kernel.loss_block(loss, m, &y[i], &p[i], w + i if w else NULL, factor, v + i if v else NULL,
                                            g + i if g else NULL)
        else:
            kernel.loss_grad_block(loss, m, &y[i], &p[i], w + i if w else NULL, factor, g + i)
    return bad


def evaluate(spec, const real[::1] y, const real[::1] p, weight, double factor, bint wants_sum, values, grads,
             int threads):
    """Sum of the weighted losses, or None where any y or p is not acceptable.

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
        Otherwise only grads are computed, and 0 is returned.
    values, grads : arrays of shape (n,) or None
        Outputs.
    threads : int
        At most so many.
    """
    cdef fo_loss loss
    cdef Py_ssize_t blocks = (p.shape[0] + BLOCK - 1) // BLOCK, bad
    cdef const real[::1] w
    cdef real[::1] v, g
    cdef double[::1] sums = np.empty(blocks if wants_sum else 0)
    cdef int wanted = max(1, min(threads, blocks // BLOCKS_PER_THREAD))
    loss.kind, loss.a, loss.b = spec
    none = np.empty(0, np.float32 if real is float else np.float64)
    w = none if weight is None else weight
    v = none if values is None else values
    g = none if grads is None else grads
    with nogil:
        bad = _run[real](&loss, y, p, w, factor, sums, v, g, wanted)
    if bad:
        return None
    cdef double total = 0
    for block in range(sums.shape[0]):
        total += sums[block]
    return total
