"""Losses and gains of queries: shared among threads, each query for itself, so that results are the same for any number of threads.

Used by fastopt.losses._ranking, which checks arguments before and adds up the losses.  The mathematics is in csrc/ranking.
"""
cimport cython
from cython.parallel cimport prange, threadid
from libc.stdint cimport int64_t

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport (FO_RANKING_LAMBDA, FO_RANKING_LISTNET, FO_RANKING_LOGISTIC, FO_RANKING_MARGIN, fo_kernels, fo_ranking, kernels,
                                   real)

cdef enum:
    LINE = 64    # bytes: what each thread writes to begins a line behind what others do

#: pairs of documents below which one thread does it all
PARALLEL_FROM = 1 << 16
KINDS = {"logistic": FO_RANKING_LOGISTIC, "margin": FO_RANKING_MARGIN, "listnet": FO_RANKING_LISTNET, "lambda": FO_RANKING_LAMBDA}


cdef fo_ranking _ranking(spec):
    cdef fo_ranking r
    r.kind, r.scale, r.truncation, r.exponential, r.normalize = spec
    return r


cdef Py_ssize_t _room(const fo_kernels *kernel, const int64_t[::1] starts):
    """Bytes of scratch of a thread."""
    return (kernel.ranking.scratch(np.max(np.diff(starts))) + 2 * LINE - 1) // LINE * LINE


@cython.cdivision(True)
def evaluate(spec, const real[::1] y, const real[::1] p, const int64_t[::1] starts, const double[::1] factors, double[::1] losses, real[::1] grads,
             int threads):
    """The loss of each query, and the gradient of their weighted sum.

    Parameters
    ----------
    spec : tuple (int, float, int, int, int)
        Kind, scale, truncation, whether gains are exponential, whether lambdas are normalised.
    y, p : contiguous arrays of shape (n,), n > 0
        Relevances and scores, finite.
    starts : array of shape (q + 1,), q > 0
        The documents of query i are those from starts[i] to starts[i + 1], one at least.
    factors : array of shape (q,)
        What gradients are multiplied by.
    losses : array of shape (q,), or None
        Output.
    grads : array of shape (n,), or None
        Output.
    threads : int
        At most so many.
    """
    cdef fo_ranking r = _ranking(spec)
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t i, at, n = starts.shape[0] - 1, room = _room(kernel, starts)
    cdef int wanted = spare(<int>max(1, min(threads, n))), values = losses is not None
    cdef double loss
    cdef char[::1] scratch = np.empty(wanted * room, np.int8)
    cdef real *gradient = &grads[0] if grads is not None else NULL
    with nogil:
        for i in prange(n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            at = starts[i]
            loss = kernel.ranking.query(&r, starts[i + 1] - at, &y[at], &p[at], factors[i], values, &scratch[threadid() * room],
                                        gradient + at if gradient else NULL)
            if values:
                losses[i] = loss


@cython.cdivision(True)
def ndcg(spec, const real[::1] y, const real[::1] p, const int64_t[::1] starts, double[::1] gains, int threads):
    """The normalised discounted cumulative gain of each query.

    Parameters
    ----------
    spec, y, p, starts, threads
        See `evaluate`; y at least 0.
    gains : array of shape (q,)
        Output.
    """
    cdef fo_ranking r = _ranking(spec)
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef Py_ssize_t i, at, n = starts.shape[0] - 1, room = _room(kernel, starts)
    cdef int wanted = spare(<int>max(1, min(threads, n)))
    cdef char[::1] scratch = np.empty(wanted * room, np.int8)
    with nogil:
        for i in prange(n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            at = starts[i]
            gains[i] = kernel.ranking.ndcg(&r, starts[i + 1] - at, &y[at], &p[at], &scratch[threadid() * room])
