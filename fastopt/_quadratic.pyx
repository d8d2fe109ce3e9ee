"""Epochs of coordinate descent over the weights of a penalised quadratic, and their extrapolation.

Used by _descent.pyx for quadratics that are known by columns of X, and from Python, where those that are known by their matrix are
minimised in one call.  The arithmetic on weights is in csrc/descent.h and BLAS's; knows neither samples nor losses.
"""
from libc.math cimport INFINITY, isfinite
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dasum
from scipy.linalg.cython_lapack cimport dposv

import numpy as np

from fastopt._blas cimport add, inner
from fastopt._core cimport fo_descent, fo_descent_kernels, fo_matrix, fo_regularizer, kernels
from fastopt._penalties cimport Regularizer

cdef enum:
    EPOCHS = 1000       # at most
    STEPS = 5           # epochs that are extrapolated, at most
    MOST = 10           # between extrapolations, each of which costs some epochs of few weights,
    WORK = 1 << 22      # and numbers that they would read if all weights moved
    IDLE = 3            # batches of epochs in a row that do not lower the value: rounding is all that is left


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


cdef bint _extrapolated(int m, int steps, double *points, double *moves, double *out) noexcept nogil:
    """The combination of the last of steps + 1 points whose steps cancel best (Anderson); False if there is none."""
    cdef double products[STEPS * STEPS]
    cdef double shares[STEPS]
    cdef double trace = 0, total = 0
    cdef int i, j, one = 1, info = 0
    memcpy(moves, points + m, steps * m * sizeof(double))
    for i in range(steps):
        add(m, -1, points + i * m, moves + i * m)
        for j in range(i + 1):
            products[i * steps + j] = products[j * steps + i] = inner(m, moves + i * m, moves + j * m)
        trace += products[i * steps + i]
    for i in range(steps):
        products[i * steps + i] += 1e-10 * trace
        shares[i] = 1
    dposv(b"L", &steps, &one, products, &steps, shares, &steps, &info)
    if info != 0:   # nothing moves
        return False
    for i in range(steps):
        total += shares[i]
    memset(out, 0, m * sizeof(double))
    for i in range(steps):
        add(m, shares[i] / total, points + (i + 1) * m, out)
    return isfinite(dasum(&m, out, &one))


def extrapolated(double[:, ::1] points):
    """The combination of the last points whose steps cancel best, of up to 6 points, the oldest first.

    Parameters
    ----------
    points : ndarray of shape (steps + 1, m)

    Returns
    -------
    ndarray of shape (m,), or None
        None where nothing moves, or the combination is not finite.
    """
    cdef int steps = <int>points.shape[0] - 1, m = <int>points.shape[1]
    if not 1 <= steps <= STEPS:
        raise ValueError(f"expected 2 to {STEPS + 1} points, got {points.shape[0]}")
    cdef double[:, ::1] out = np.empty((steps + 1, m))
    return np.asarray(out[steps]) if m and _extrapolated(m, steps, &points[0, 0], &out[0, 0], &out[steps, 0]) else None


cdef struct Quadratic:
    const fo_descent_kernels *kernel
    const fo_regularizer *penalty
    int m
    const double *H
    double *first       # (m,) the gradient at
    double *start       # (m,) this point
    double *move        # (m,) scratch


cdef double _value(Quadratic *q, double *w, double *g) noexcept nogil:
    """The value at w, where the gradient is g, up to a constant."""
    memcpy(q.move, w, q.m * sizeof(double))
    add(q.m, -1, q.start, q.move)
    return 0.5 * (inner(q.m, q.first, q.move) + inner(q.m, g, q.move)) + q.kernel.value(q.penalty, q.m, w)


cdef void _jump(Quadratic *q, double *w, double *g, double *trial, double *slope) noexcept nogil:
    """Go to another point if it is lower."""
    cdef Py_ssize_t j
    memcpy(slope, g, q.m * sizeof(double))
    for j in range(q.m):
        if trial[j] != w[j]:
            add(q.m, trial[j] - w[j], <double *>q.H + j * q.m, slope)
    if _value(q, trial, slope) < _value(q, w, g):
        memcpy(w, trial, q.m * sizeof(double))
        memcpy(g, slope, q.m * sizeof(double))


cdef int _minimize(Quadratic *q, fo_descent *plan, double *g, double tol, int between, double *room) noexcept nogil:
    """Epochs done, until none moves by more than tol allows or they do not lower the value; room has between + STEPS + 3 vectors."""
    cdef double *moves = room + (between + 1) * <Py_ssize_t>q.m
    cdef double *trial = moves + STEPS * <Py_ssize_t>q.m
    cdef double best = INFINITY, value
    cdef int done = 0, some, idle = 0
    while done < EPOCHS:
        some = epochs(q.kernel, q.H, g, NULL, q.penalty, plan, NULL, NULL, tol, between, room)
        done += abs(some)
        if some < 0:
            break
        if _extrapolated(q.m, STEPS, room + (between - STEPS) * <Py_ssize_t>q.m, moves, trial):
            _jump(q, plan.w, g, trial, moves)
        value = _value(q, plan.w, g)
        idle = 0 if value < best else idle + 1
        best = min(best, value)
        if idle >= IDLE or not isfinite(value):
            break
    return done


def minimize_quadratic(Regularizer penalty, const double[:, ::1] H, double[::1] g, double[::1] w, double tol):
    """Coordinate descent on g·(u − w) + ½ (u − w)ᵀH(u − w) + penalty(u), u the new w, extrapolated every few epochs.

    Every few epochs the combination of the last points whose steps cancel best is taken, where it is lower (Anderson's
    extrapolation, as Bertrand and Massias 2021 use it).

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

    Returns
    -------
    int
        Epochs done.
    """
    cdef fo_descent plan
    cdef Quadratic q
    cdef int m = <int>w.shape[0], done
    if penalty.n != m or g.shape[0] != m or H.shape[0] != m or H.shape[1] != m:
        raise ValueError(f"expected {penalty.n} weights, and a gradient and a Hessian of as many")
    if m == 0:
        return 0
    cdef int between = max(STEPS, min(MOST, WORK // (<Py_ssize_t>m * m)))
    cdef double[:, ::1] room = np.empty((between + STEPS + 6, m))
    plan.m, plan.w, plan.next = m, &w[0], &room[between + STEPS + 5, 0]
    q.kernel, q.penalty, q.m, q.H = &kernels(False).descent, &penalty.c, m, &H[0, 0]
    q.first, q.start, q.move = &room[between + STEPS + 2, 0], &room[between + STEPS + 3, 0], &room[between + STEPS + 4, 0]
    memcpy(q.first, &g[0], m * sizeof(double))
    memcpy(q.start, &w[0], m * sizeof(double))
    with nogil:
        done = _minimize(&q, &plan, &g[0], tol, between, &room[0, 0])
    return done
