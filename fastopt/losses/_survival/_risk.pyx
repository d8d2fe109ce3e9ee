"""The partial likelihood of strata one after the other, and pairs of subjects.

Used by fastopt.losses._survival, which checks and sorts before.  The mathematics is in csrc/ranking/cox.h and concordance.h.
"""
from libc.stdint cimport int64_t

import numpy as np

from fastopt._core.tables cimport fo_concordance, fo_cox, fo_cox_out, fo_kernels, kernels, real


cdef inline double *_at(double[::1] array, Py_ssize_t i) noexcept:
    return &array[i] if array is not None else NULL


def cox(bint efron, const double[::1] time, const unsigned char[::1] event, const real[::1] p, const double[::1] weight, const double[::1] v,
        const int64_t[::1] starts, double[::1] losses, double[::1] grads, double[::1] product, double[::1] diagonal):
    """Losses, and the derivatives of their sum.

    Parameters
    ----------
    efron : bool
        Ties as Efron has them.
    time, event, p, weight : arrays of shape (n,), n > 0
        Of each stratum the largest time first.
    v : array of shape (n,), or None
        What the Hessian is multiplied with.
    starts : array of shape (s + 1,)
        The subjects of stratum i are those from starts[i] to starts[i + 1], one at least.
    losses, grads, product, diagonal : arrays of shape (n,), or None
        Outputs.
    """
    cdef fo_cox c
    cdef fo_cox_out out
    cdef Py_ssize_t i, at
    cdef double[::1] scratch = np.empty(4 * np.max(np.diff(starts)))
    c.efron, out.scratch = efron, &scratch[0]
    for i in range(starts.shape[0] - 1):
        at = starts[i]
        c.n, c.time, c.event, c.weight = starts[i + 1] - at, &time[at], &event[at], &weight[at]
        c.v = &v[at] if v is not None else NULL
        out.losses, out.grads, out.product, out.diagonal = _at(losses, at), _at(grads, at), _at(product, at), _at(diagonal, at)
        with nogil:
            kernels(real is float).ranking.cox(&c, &p[at], &out)


def concordance(const double[::1] time, const unsigned char[::1] event, const real[::1] p):
    """Of pairs of subjects (comparable ones, concordant ones, those of equal scores).

    Parameters
    ----------
    time, event, p : arrays of shape (n,), n > 0
        The largest time first, and of equal times those without an event.
    """
    cdef fo_cox c
    cdef fo_concordance found
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef double[::1] scratch = np.empty(kernel.ranking.scratch(p.shape[0]) // sizeof(double) + 1)
    c.n, c.time, c.event = p.shape[0], &time[0], &event[0]
    with nogil:
        found = kernel.ranking.concordance(&c, &p[0], &scratch[0])
    return found.comparable, found.concordant, found.equal
