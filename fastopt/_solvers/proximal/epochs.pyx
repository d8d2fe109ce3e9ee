"""Epochs of coordinate descent over the weights of a penalised quadratic, and their extrapolation.

Used by _solvers/proximal/columns.pyx for quadratics that are known by columns of X, and from Python, where those that are known by their matrix are
minimised in one call.  The arithmetic on weights is in csrc/solvers/descent.h and BLAS's; knows neither samples nor losses.
"""
from libc.math cimport INFINITY, NAN, copysign, fabs, isfinite
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dasum
from scipy.linalg.cython_lapack cimport dposv

import numpy as np

from fastopt._linalg.blas cimport add, inner
from fastopt._core.tables cimport fo_descent, fo_descent_kernels, fo_matrix, fo_regularizer, kernels
from fastopt.penalties._regularizer cimport Regularizer

from fastopt._core.tables import PENALTY_NAMES

cdef int L1 = PENALTY_NAMES.index("l1")

cdef enum:
    MAX_EPOCHS = 1000
    EPOCHS_BETWEEN = 10             # two extrapolations at most,
    NUMBERS_BETWEEN = 1 << 22       # and numbers that these epochs would read if all weights moved
    IDLE_BATCHES = 3                # of epochs in a row that do not lower the value: only rounding is left


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
    cdef double products[EXTRAPOLATED * EXTRAPOLATED]
    cdef double shares[EXTRAPOLATED]
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
    if not 1 <= steps <= EXTRAPOLATED:
        raise ValueError(f"expected 2 to {EXTRAPOLATED + 1} points, got {points.shape[0]}")
    cdef double[:, ::1] out = np.empty((steps + 1, m))
    return np.asarray(out[steps]) if m and _extrapolated(m, steps, &points[0, 0], &out[0, 0], &out[steps, 0]) else None


cdef double duality_gap(const fo_regularizer *r, Py_ssize_t m, const double *w, const double *g, double smooth,
                        double penalty) noexcept nogil:
    """The gap of squared errors with l1, alone or with l2: at w the penalty has this value, and all else of the objective has the
    value `smooth` and the gradient g.  Residuals are shrunk by c until they are feasible for the dual problem."""
    cdef double share = 1 if r.kind == L1 else r.a, c = 1, ridge = 0, pull = 0, alpha, limit, excess
    cdef Py_ssize_t j
    for j in range(m):
        alpha = r.alpha if r.weight == NULL else r.alpha * r.weight[j]
        limit = alpha * share
        excess = g[j] + (alpha - limit) * w[j]
        excess = fabs(excess) if r.low == NULL else -excess
        if excess > limit and limit < c * excess:
            c = limit / excess
        ridge += (alpha - limit) * w[j] * w[j]
        pull += g[j] * w[j]
    return smooth + penalty + c * c * (smooth + ridge / 2) - c * (2 * smooth - pull)


cdef double _smooth(Quadratic *q, double *w, double *g) noexcept nogil:
    """The value at w without the penalty, where the gradient is g, above that of the start."""
    memcpy(q.move, w, q.m * sizeof(double))
    add(q.m, -1, q.start, q.move)
    return 0.5 * (inner(q.m, q.first, q.move) + inner(q.m, g, q.move))


cdef double _value(Quadratic *q, double *w, double *g) noexcept nogil:
    """The value at w, where the gradient is g, up to a constant."""
    return _smooth(q, w, g) + q.kernel.value(q.penalty, q.m, w)


cdef bint _move_if_lower(Quadratic *q, double *w, double *g, double *trial, double *slope) noexcept nogil:
    """Go to another point if it is lower; whether it is."""
    cdef Py_ssize_t j
    memcpy(slope, g, q.m * sizeof(double))
    for j in range(q.m):
        if trial[j] != w[j]:
            add(q.m, trial[j] - w[j], <double *>q.H + j * q.m, slope)
    if not _value(q, trial, slope) < _value(q, w, g):
        return False
    memcpy(w, trial, q.m * sizeof(double))
    memcpy(g, slope, q.m * sizeof(double))
    return True


cdef bint _minimize_on_support(Quadratic *q, double *w, double *g, double *trial, double *slope) noexcept nogil:
    """Go to the minimum of l1, alone or with l2, or of no penalty, over the weights that are not 0 and keep their signs; False if that is
    not possible.  Where one would change its sign, all such are 0 if that is lower, or else the first of them ends the step."""
    cdef double share = 1 if q.penalty.kind == L1 else q.penalty.a, alpha, step = 1, ratio
    cdef double *move = slope   # of these weights alone
    cdef int k = 0, one = 1, info = 0, a = 0, b, crossing = 0, first = -1
    cdef Py_ssize_t i, j
    for j in range(q.m):
        k += w[j] != 0
    if not 0 < k <= MAX_SUPPORT:
        return False
    for j in range(q.m):
        if w[j] == 0:
            continue
        alpha = q.penalty.alpha if q.penalty.weight == NULL else q.penalty.alpha * q.penalty.weight[j]
        move[a], b = -g[j] - alpha * ((1 - share) * w[j] + copysign(share, w[j])), 0
        for i in range(j + 1):
            if w[i] != 0:
                q.factor[a * k + b] = q.H[j * q.m + i]
                b += 1
        q.factor[a * k + a] += alpha * (1 - share)
        a += 1
    dposv(b"U", &k, &one, q.factor, &k, move, &k, &info)
    if info != 0:
        return False
    a = 0
    for j in range(q.m):
        trial[j] = w[j]
        if w[j] == 0:
            continue
        trial[j] = w[j] + move[a]
        if trial[j] * w[j] <= 0:
            ratio, trial[j] = -w[j] / move[a], 0
            crossing += 1
            if ratio < step:
                step, first = ratio, <int>j
        q.factor[a] = move[a]   # whose room the next move takes
        a += 1
    if _move_if_lower(q, w, g, trial, slope) or not crossing or first < 0:
        return not crossing
    a = 0
    for j in range(q.m):
        trial[j] = w[j]
        if w[j] != 0:
            trial[j] = 0 if j == first else w[j] + step * q.factor[a]
            a += 1
    _move_if_lower(q, w, g, trial, slope)
    return False


cdef int batch_of(Py_ssize_t m) noexcept nogil:
    """Epochs between extrapolations."""
    return <int>max(EXTRAPOLATED, min(EPOCHS_BETWEEN, NUMBERS_BETWEEN // (m * m)))


cdef int minimize(Quadratic *q, double *w, double *g, double tol, double *room) noexcept nogil:
    """Epochs done, until the gap is closed, none moves by more than tol allows or they do not lower the value; `room` has
    batch_of(m) + EXTRAPOLATED + 6 vectors."""
    cdef int between = batch_of(q.m), done = 0, some, idle = 0, waited = 0, failures = 0
    cdef bint solved
    cdef double *moves = room + (between + 1) * <Py_ssize_t>q.m
    cdef double *trial = moves + EXTRAPOLATED * <Py_ssize_t>q.m
    cdef double best = INFINITY, value
    cdef fo_descent plan
    q.first, q.start, q.move = trial + q.m, trial + 2 * <Py_ssize_t>q.m, trial + 3 * <Py_ssize_t>q.m
    plan.m, plan.w, plan.next = q.m, w, trial + 4 * <Py_ssize_t>q.m
    memcpy(q.first, g, q.m * sizeof(double))
    memcpy(q.start, w, q.m * sizeof(double))
    while done < MAX_EPOCHS:
        some = epochs(q.kernel, q.H, g, NULL, q.penalty, &plan, NULL, NULL, tol, between, room)
        done += abs(some)
        if some < 0:
            break
        if q.goal >= 0 and duality_gap(q.penalty, q.m, w, g, q.value + _smooth(q, w, g), q.kernel.value(q.penalty, q.m, w)) <= q.goal:
            break
        waited += 1
        solved = False
        if q.factor != NULL and waited > 1 << min(failures, 10):
            solved, waited = _minimize_on_support(q, w, g, trial, moves), 0
            failures = 0 if solved else failures + 1
        if not solved and _extrapolated(q.m, EXTRAPOLATED, room + (between - EXTRAPOLATED) * <Py_ssize_t>q.m, moves, trial):
            _move_if_lower(q, w, g, trial, moves)
        value = _value(q, w, g)
        idle = 0 if value < best else idle + 1
        best = min(best, value)
        if idle >= IDLE_BATCHES or not isfinite(best):
            break
    return done


def minimize_quadratic(Regularizer penalty, const double[:, ::1] H, double[::1] g, double[::1] w, double tol, double value=NAN,
                       double gap=-1):
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
    value : float
        Half the mean square and l2/2·‖w‖² at w, of squared errors with l1, alone or with l2.
    gap : float
        The duality gap of these at which to end; negative: it is not looked at.

    Returns
    -------
    int
        Epochs done.
    """
    cdef Quadratic q
    cdef int m = <int>w.shape[0], done
    if penalty.n != m or g.shape[0] != m or H.shape[0] != m or H.shape[1] != m:
        raise ValueError(f"expected {penalty.n} weights, and a gradient and a Hessian of as many")
    if m == 0:
        return 0
    cdef double[:, ::1] room = np.empty((batch_of(m) + EXTRAPOLATED + 6, m)), factor = np.empty((min(m, <int>MAX_SUPPORT), min(m, <int>MAX_SUPPORT)))
    q.kernel, q.penalty, q.m, q.H, q.value, q.goal = &kernels(False).descent, &penalty.c, m, &H[0, 0], value, gap
    q.factor = &factor[0, 0] if gap >= 0 else NULL
    with nogil:
        done = minimize(&q, &w[0], &g[0], tol, &room[0, 0])
    return done
