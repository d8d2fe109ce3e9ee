"""Cosines of rows: blocks of rows shared among threads, sums the same for any number of them.

Used by fastopt.losses._cosine_rows, which checks shapes and dtypes before.  The mathematics is in csrc/losses/cosine.h.
"""
cimport cython
from cython.parallel cimport prange

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport fo_kernels, kernels, real

cdef enum:
    BLOCK = 4096              # elements

#: elements below which one thread does it all
PARALLEL_FROM = 16 * BLOCK

cdef struct rows:
    const fo_kernels *kernels
    Py_ssize_t n, d, step, size    # rows, columns, rows of a block; bytes of an element
    const char *y
    const char *p
    const char *weight             # or NULL, as all that follow
    char *values
    char *in_y
    char *in_p
    double factor


cdef int _one_block(const rows *r, Py_ssize_t block, double *sums) noexcept nogil:
    """One block through the kernel.  1 if its elements are finite."""
    cdef Py_ssize_t i = block * r.step, m = min(r.n - i, r.step), at = i * r.d * r.size
    if not (r.kernels.all_finite(m * r.d, r.y + at) and r.kernels.all_finite(m * r.d, r.p + at)):
        return 0
    sums[block] = r.kernels.cosine(m, r.d, r.y + at, r.p + at, r.weight + i * r.size if r.weight else NULL, r.factor,
                                   r.values + i * r.size if r.values else NULL, r.in_y + at if r.in_y else NULL, r.in_p + at if r.in_p else NULL)
    return 1


cdef char *_start(real[::1] array) noexcept:
    return NULL if array is None else <char *>&array[0]


@cython.cdivision(True)
def evaluate(const real[:, ::1] y, const real[:, ::1] p, const real[::1] weight, double factor, real[::1] values, real[::1] in_y, real[::1] in_p,
             int threads):
    """The sum of −weight·cosine, or None if an element is not finite.

    Parameters
    ----------
    y, p : contiguous arrays of shape (n, d), none of them 0
    weight : array of shape (n,) or None
    factor : float
        What gradients are multiplied by, besides the weights.
    values : array of shape (n,) or None
        Output.
    in_y, in_p : arrays of shape (n·d,), both or none
        Outputs.
    threads : int
        At most so many.
    """
    cdef rows r
    cdef Py_ssize_t blocks, block, good = 0
    cdef int wanted
    cdef double total = 0
    cdef double[::1] sums
    r.kernels, r.n, r.d, r.step, r.size = kernels(real is float), p.shape[0], p.shape[1], max(1, BLOCK // p.shape[1]), sizeof(real)
    r.y, r.p, r.weight, r.factor = <const char *>&y[0, 0], <const char *>&p[0, 0], NULL, factor
    r.values, r.in_y, r.in_p = _start(values), _start(in_y), _start(in_p)
    if weight is not None:
        r.weight = <const char *>&weight[0]
    blocks = (r.n + r.step - 1) // r.step
    sums = np.zeros(blocks)
    wanted = spare(<int>max(1, min(threads, blocks // 8)))
    with nogil:
        for block in prange(blocks, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            good += _one_block(&r, block, &sums[0])
        for block in range(blocks):
            total += sums[block]
    return total if good == blocks else None
