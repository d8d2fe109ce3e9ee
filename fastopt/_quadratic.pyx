"""Epochs of coordinate descent over the weights of a penalised quadratic.

Used by _descent.pyx for quadratics that are known by columns of X, and from Python for those that are known by their matrix.  The
arithmetic is in csrc/descent.h.
"""
from libc.string cimport memcpy

import numpy as np

from fastopt._core cimport fo_descent, fo_descent_kernels, fo_matrix, fo_regularizer, kernels
from fastopt._penalties cimport Regularizer


cdef int epochs(const fo_descent_kernels *kernel, const double *H, double *g, const fo_matrix *XT, const fo_regularizer *penalty,
                fo_descent *plan, const void *D, void *s, double tol, int most, double *history) noexcept nogil:
    """All weights, then those that are not 0 until they stand still, then all: until all stand still."""
    cdef int done = 0, full = 1
    cdef double moved
    memcpy(history, plan.w, plan.m * sizeof(double))
    while done < most:
        if H != NULL:
            moved = kernel.quadratic(penalty, plan, full, H, g)
        else:
            moved = kernel.columns(XT, penalty, plan, full, D, s)
        done += 1
        memcpy(history + done * plan.m, plan.w, plan.m * sizeof(double))
        if moved <= tol and full:
            return -done
        full = moved <= tol
    return done


def descend_quadratic(Regularizer penalty, const double[:, ::1] H, double[::1] g, double[::1] w, double tol, double[:, ::1] history):
    """Coordinate descent on g·(u − w) + ½ (u − w)ᵀH(u − w) + penalty(u), u the new w.

    Parameters
    ----------
    penalty : Regularizer
    H : ndarray of shape (m, m)
        Symmetric.
    g : ndarray of shape (m,)
        The gradient at w; changed to that at u.
    w : ndarray of shape (m,)
        Where to begin; changed.
    tol : float
        Until no step times its curvature exceeds it.
    history : ndarray of shape (epochs + 1, m)
        Epochs, at most; w before and after each of them is put there.

    Returns
    -------
    int
        Epochs done, negative if the last was one over all weights in which none moved by more than tol allows.
    """
    cdef fo_descent plan
    cdef int done
    cdef double[::1] scratch = np.empty(max(1, penalty.n))
    plan.m, plan.w, plan.next = w.shape[0], &w[0], &scratch[0]
    if penalty.n != plan.m or g.shape[0] != plan.m or H.shape[0] != plan.m or H.shape[1] != plan.m or history.shape[1] != plan.m:
        raise ValueError(f"expected {penalty.n} weights, and a gradient and a Hessian of as many")
    with nogil:
        done = epochs(&kernels(False).descent, &H[0, 0], &g[0], NULL, &penalty.c, &plan, NULL, NULL, tol,
                      <int>history.shape[0] - 1, &history[0, 0])
    return done
