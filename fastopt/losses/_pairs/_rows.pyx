"""Rows of embeddings through the kernels, shared among threads, each row for itself, so that results are the same for any number of threads.

Used by fastopt.losses._pairs, which checks arguments before.  The mathematics is in csrc/pairs.
"""
cimport cython
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t
from libc.string cimport memcpy

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport (FO_APART_CONTRASTIVE, FO_APART_COSINE, FO_APART_TRIPLET, FO_DISTANCE_AGAINST, FO_DISTANCE_COSINE, FO_DISTANCE_EUCLIDEAN,
                                   FO_DISTANCE_SQUARED, FO_MINE_ALL, FO_MINE_CIRCLE, FO_MINE_HARD, FO_MINE_SEMI, fo_anchors, fo_kernels,
                                   kernels, real)

cdef enum:
    BLOCK = 64    # rows
    LINE = 64     # bytes: what each thread writes to begins a line behind what others do

#: elements of rows below which one thread does it all
PARALLEL_FROM = 1 << 17
DISTANCES = {"euclidean": FO_DISTANCE_EUCLIDEAN, "squared": FO_DISTANCE_SQUARED, "cosine": FO_DISTANCE_COSINE, "against": FO_DISTANCE_AGAINST}
MINING = {"batch_hard": FO_MINE_HARD, "batch_all": FO_MINE_ALL, "semi_hard": FO_MINE_SEMI, "circle": FO_MINE_CIRCLE}
COSTS = {"contrastive": FO_APART_CONTRASTIVE, "cosine": FO_APART_COSINE, "triplet": FO_APART_TRIPLET}


cdef Py_ssize_t _blocks(Py_ssize_t n) noexcept nogil:
    return (n + BLOCK - 1) // BLOCK


cdef int _threads(int threads, Py_ssize_t parts) noexcept nogil:
    return spare(<int>max(1, min(threads, parts)))


@cython.cdivision(True)
def normalize(const real[:, ::1] x, real[:, ::1] out, real[::1] inverse, int threads):
    """out (n, d) ← the rows of x at length 1, zeros where they are; inverse (n,) ← one over their lengths, or 0."""
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = x.shape[0], d = x.shape[1], i, block, count = _blocks(n)
    cdef int wanted = _threads(threads, count)
    with nogil:
        for block in prange(count, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            i = block * BLOCK
            kernel.pairs.normalize(min(BLOCK, n - i), d, &x[i, 0], &out[i, 0], &inverse[i])


@cython.cdivision(True)
def back(const real[:, ::1] unit, const real[::1] inverse, real[:, ::1] g, int threads):
    """g (n, d), derivatives in the rows of unit ← those in the rows that were normalized."""
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = unit.shape[0], d = unit.shape[1], i, block, count = _blocks(n)
    cdef int wanted = _threads(threads, count)
    with nogil:
        for block in prange(count, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            i = block * BLOCK
            kernel.pairs.back(min(BLOCK, n - i), d, &unit[i, 0], &inverse[i], &g[i, 0])


@cython.cdivision(True)
def distances(int distance, const real[:, ::1] a, const real[:, ::1] b, real[::1] out, int threads):
    """out (n,) ← how far the rows of a and b (n, d) are apart; for cosines they have length 1."""
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = a.shape[0], d = a.shape[1], i, block, count = _blocks(n)
    cdef int wanted = _threads(threads, count)
    with nogil:
        for block in prange(count, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            i = block * BLOCK
            kernel.pairs.distances(distance, min(BLOCK, n - i), d, &a[i, 0], &b[i, 0], &out[i])


@cython.cdivision(True)
def distances_back(int distance, const real[:, ::1] a, const real[:, ::1] b, const real[::1] found, const real[::1] slopes, real[:, ::1] in_a,
                   real[:, ::1] in_b, int threads):
    """Adds slopes times the derivatives of the distances that were found to in_a and in_b (n, d)."""
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = a.shape[0], d = a.shape[1], i, block, count = _blocks(n)
    cdef int wanted = _threads(threads, count)
    with nogil:
        for block in prange(count, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            i = block * BLOCK
            kernel.pairs.distances_back(distance, min(BLOCK, n - i), d, &a[i, 0], &b[i, 0], &found[i], &slopes[i], &in_a[i, 0], &in_b[i, 0])


def apart(int cost, double margin, const real[::1] y, const real[::1] found, real[::1] losses, real[::1] slopes):
    """Losses of distances (n,), and their derivatives in those."""
    with nogil:
        kernels(real is float).pairs.apart(cost, found.shape[0], margin, &y[0], &found[0], &losses[0], &slopes[0])


@cython.cdivision(True)
def anchors(int mining, int distance, double margin, double gamma, const int32_t[::1] labels, const real[::1] squares, real[:, ::1] products,
            const double[::1] factors, double[::1] losses, double[::1] counts, int threads):
    """The loss of each row beside all others, and the derivatives.

    Parameters
    ----------
    mining, distance : int
        See MINING, DISTANCES.
    margin, gamma : float
        The loss's.
    labels : array of shape (n,)
        Rows with equal ones belong together.
    squares : array of shape (n,)
        Products of rows with themselves.
    products : array of shape (n, n)
        Those of rows with each other; becomes the derivative of the weighted sum of the losses in them, by the anchor's row.
    factors : array of shape (n,)
        Weights of anchors.
    losses, counts : arrays of shape (n,)
        Outputs: what the comparisons of an anchor cost together, not weighted, and how many they are.
    threads : int
        At most so many.
    """
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef fo_anchors a
    cdef Py_ssize_t n = labels.shape[0], i, width = (n * sizeof(real) + LINE - 1) // LINE * LINE
    cdef Py_ssize_t room = (kernel.pairs.anchor_scratch(n) + LINE - 1) // LINE * LINE + width + LINE
    cdef int wanted = _threads(threads, n)
    cdef char[::1] scratch = np.empty(wanted * room, np.int8)
    a.mining, a.distance, a.n, a.margin, a.gamma, a.labels, a.squares = mining, distance, n, margin, gamma, &labels[0], &squares[0]
    with nogil:
        for i in prange(n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            losses[i] = _anchor(kernel, &a, i, &products[i, 0], factors[i], &counts[i], &scratch[threadid() * room], width,
                                n * sizeof(real))


cdef double _anchor(const fo_kernels *kernel, const fo_anchors *a, Py_ssize_t i, void *products, double factor, double *count, char *scratch,
                    Py_ssize_t width, Py_ssize_t size) noexcept nogil:
    """The products of an anchor are read from a copy, as derivatives take their place."""
    memcpy(scratch, products, size)
    return kernel.pairs.anchor(a, i, scratch, factor, count, scratch + width, products)


@cython.cdivision(True)
def arc(const int32_t[::1] labels, double scale, double margin, real[:, ::1] cosines, real[::1] slopes, int threads):
    """Cosines (n, k) of rows with classes ← scores, the own class with the margin; slopes (n,) ← the derivative of that one, over scale."""
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t n = cosines.shape[0], k = cosines.shape[1], i, block, count = _blocks(n)
    cdef int wanted = _threads(threads, count)
    with nogil:
        for block in prange(count, num_threads=wanted, schedule="static", use_threads_if=wanted > 1):
            i = block * BLOCK
            kernel.pairs.arc(min(BLOCK, n - i), k, &labels[i], scale, margin, &cosines[i, 0], &slopes[i])


def contrast(const real[:, ::1] similarities, bint both, real[:, ::1] slopes):
    """The cross-entropy of telling the diagonal of similarities (n, n) in rows, and in columns where `both`; slopes (n, n) ← its derivative."""
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef double[::1] scratch = np.empty(3 * similarities.shape[0])
    cdef double value
    with nogil:
        value = kernel.pairs.contrast(similarities.shape[0], both, &similarities[0, 0], &scratch[0], &slopes[0, 0])
    return value
