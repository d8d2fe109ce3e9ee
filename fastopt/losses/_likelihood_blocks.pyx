"""Likelihoods over arrays: blocks of samples shared among threads, sums the same for any number of them.

Used by fastopt.losses._likelihoods, which checks shapes and dtypes before; what the arrays hold is checked here, block by block while it is in
the cache.  The mathematics is in csrc/likelihoods.
"""
cimport cython
from cython.parallel cimport prange

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport fo_kernels, fo_likelihood, kernels, real

cdef enum:
    BLOCK = 4096              # samples: float32 sums go no further
    BLOCKS_PER_THREAD = 4     # some 100 µs

#: below so many samples one thread does it all
PARALLEL_FROM = 2 * BLOCK * BLOCKS_PER_THREAD


cdef int _one_block(const fo_kernels *kernel, const fo_likelihood *l, Py_ssize_t n, Py_ssize_t block, double *sums) noexcept nogil:
    """One block through the kernels.  1 if what it holds is acceptable."""
    cdef Py_ssize_t first = block * BLOCK, m = min(n - first, BLOCK)
    if not kernel.likelihoods.accepts(l, first, m):
        return 0
    kernel.likelihoods.block(l, first, m, sums + 3 * block)
    return 1


cdef void *_at(real[::1] array) noexcept:
    return NULL if array is None else &array[0]


@cython.cdivision(True)
def evaluate(int kind, double constant, const real[::1] y, const real[::1] p, const real[::1] scale, const real[::1] shape,
             const real[::1] weight, double factor, real[::1] values, real[::1] in_p, real[::1] in_scale, real[::1] in_shape, int threads):
    """Sums of the weighted losses and of the derivatives in a scale and a shape that are one for all; None if an input is not acceptable.

    Parameters
    ----------
    kind : int
        Of the likelihood: its place in LIKELIHOOD_NAMES.
    constant : float
        What is added to each loss.
    y, p : contiguous arrays of shape (n,), n > 0
    scale, shape : arrays of shape (n,) or (1,); shape None where the likelihood has none
    weight : array of shape (n,) or None
    factor : float
        What derivatives are multiplied by, besides the weights.
    values : array of shape (n,) or None
        Output: the weighted losses.
    in_p, in_scale, in_shape : arrays of shape (n,) or None
        Outputs; None where there is one for all, or, all three, where none is wanted.
    threads : int
        At most so many.
    """
    cdef fo_likelihood l
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = p.shape[0], blocks = (n + BLOCK - 1) // BLOCK, block, good = 0
    cdef int wanted = spare(<int>max(1, min(threads, blocks // BLOCKS_PER_THREAD)))
    cdef double[:, ::1] sums = np.zeros((blocks, 3))
    cdef double *first = &sums[0, 0]
    cdef double value = 0, in_one_scale = 0, in_one_shape = 0
    l.kind, l.constant, l.factor, l.y, l.p, l.scale = kind, constant, factor, &y[0], &p[0], &scale[0]
    l.one_scale, l.one_shape, l.shape, l.weight = scale.shape[0] < n or n == 1, 0, NULL, NULL
    if shape is not None:
        l.shape, l.one_shape = &shape[0], shape.shape[0] < n or n == 1
    if weight is not None:
        l.weight = &weight[0]
    l.values, l.in_p, l.in_scale, l.in_shape = _at(values), _at(in_p), _at(in_scale), _at(in_shape)
    with nogil:
        if wanted == 1:
            for block in range(blocks):
                good += _one_block(kernel, &l, n, block, first)
        else:
            for block in prange(blocks, num_threads=wanted, schedule="static"):
                good += _one_block(kernel, &l, n, block, first)
        for block in range(blocks):
            value, in_one_scale, in_one_shape = value + sums[block, 0], in_one_scale + sums[block, 1], in_one_shape + sums[block, 2]
    return (value, in_one_scale, in_one_shape) if good == blocks else None
