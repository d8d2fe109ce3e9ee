"""Steps of a primal-dual interior point method, and of a method of multipliers, on a sum of losses with one kink each.

Used by _solvers/piecewise/interior_point.py, which says when a run ends, and _solvers/piecewise/solver.py.  Dense rows of moderate size are one array, whose
products are BLAS's; all other products are the design's own.  The arithmetic on rows is csrc/solvers/interior.h and csrc/solvers/multipliers.h.
"""
from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dasum, dgemm
from scipy.linalg.cython_lapack cimport dpotrf, dpotrs

import numpy as np

from fastopt._linalg.blas cimport add, add_rows, inner, inner_rows

cdef extern from "solvers/interior.h" nogil:
    ctypedef struct fo_interior:
        Py_ssize_t n
        const double *target
        const double *low
        const double *high
        const double *round
        double *p
        double *z
        double *above
        double *below
        double *under
        double *over
        double *q
        double *rest
        double *dp
        double *dz
        double *dunder
        double *dover
        double *v

    void interior_begin(const fo_interior *)
    void interior_slopes(const fo_interior *, double, int)
    void interior_direction(const fo_interior *, double *)
    double interior_ahead(const fo_interior *, double, double)
    void interior_move(const fo_interior *, double, double)
    double interior_losses(const fo_interior *)
    double interior_dual(const fo_interior *)
    double interior_held(Py_ssize_t, const double *, const double *, const double *, double, double, double)
    double interior_squares(Py_ssize_t, const double *, const double *)
    void interior_weighted(Py_ssize_t, Py_ssize_t, const double *, const double *, double *)
    void interior_unit(Py_ssize_t, double *, double *)
    void interior_over(Py_ssize_t, const double *, double *)

cdef extern from "solvers/multipliers.h" nogil:
    void multipliers_at(const fo_interior *, double, double, double *)
    Py_ssize_t multipliers_within(const fo_interior *, Py_ssize_t *)
    double multipliers_excess(const fo_interior *)
    double multipliers_rest(Py_ssize_t, const double *, const double *, const double *, double)

cdef double TO_BOUNDARY = 0.9995     # how far a step goes towards the boundary
cdef double MAX_GROWTH = 10.0        # how many times as large as those found unbounded weights of the minimum may be
cdef double MIN_PIVOT = 1e-7         # least diagonal of a factor of a matrix with a diagonal of 1
cdef double FIRST_WIDTH = 0.5        # the width of rounded kinks at first, as a share of the mean residual
cdef double WIDTH_FACTOR = 0.3       # the factor by which the width falls each time
cdef double SETTLED_RATIO = 10.0     # the part of the gap that rounding makes, over the rest of it, at which the width falls
cdef double MAX_END_SLOPE = 0.3      # slope at the end of a step, relative to that at its beginning
cdef enum:
    BLOCK_ROWS = 512                 # rows whose products are summed at once
    MAX_TRIALS = 20                  # lengths of a step
    ROW_ARRAYS = 13                  # arrays of a number for each row


def losses_of(const double[::1] r, const double[::1] low, const double[::1] high, const double[::1] round):
    """The sum of the losses of a `PiecewiseSum`, of residuals r; arrays of shape (n,)."""
    cdef fo_interior s
    cdef double[:, ::1] room = np.zeros((2, max(1, r.shape[0])))
    if not r.shape[0] == low.shape[0] == high.shape[0] == round.shape[0]:
        raise ValueError(f"expected arrays of {r.shape[0]} numbers")
    s.n, s.target, s.low, s.high, s.round, s.p, s.v = r.shape[0], &r[0], &low[0], &high[0], &round[0], &room[0, 0], &room[1, 0]
    return interior_losses(&s)


def held(const double[::1] ridge, const double[::1] g, const double[::1] w, double value, Py_ssize_t n):
    """The weights' part in what no value is below, where dual variables have made g: none is more than MAX_GROWTH times as far from 0
    as w, and where a ridge bounds them at this value, no further."""
    if not ridge.shape[0] == g.shape[0] == w.shape[0]:
        raise ValueError(f"expected arrays of {g.shape[0]} numbers")
    return interior_held(g.shape[0], &ridge[0], &g[0], &w[0], value, MAX_GROWTH, 1 / <double>n)


cdef class PrimalDual:
    """A sum of losses with one kink each, weights and dual variables, and the products with its rows that methods need.

    Parameters
    ----------
    total : PiecewiseSum
    rows : ndarray of shape (n, size), or None
        The rows of X in float64, with a 1 where there is an intercept; None: products are the design's.
    factorise : callable
        Of a matrix that is all but singular: how to solve with it.

    Attributes
    ----------
    w : ndarray of shape (size,)
    z : ndarray of shape (n,)
        Dual variables.
    patience : int
        Steps in which neither value nor bound becomes better, after which there is nothing more to gain.
    """
    cdef fo_interior s
    cdef object design, factorise, solve
    cdef readonly object w, z
    cdef int size, n, copies, ones
    cdef bint linear, plain
    cdef double[:, ::1] room, A, B, H
    cdef double[::1] weights, g, move, rates, own
    cdef const double[::1] ridge, target, low, high, round
    cdef const Py_ssize_t[::1] units

    def __init__(self, total, rows, factorise):
        self.design, self.factorise, self.linear, self.plain = total.design, factorise, total.linear, rows is not None
        self.size, self.n, self.copies, self.ones = self.design.size, self.design.n, self.design.copies, len(self.design.units)
        self.target, self.low, self.high, self.round, self.ridge = (
            np.ascontiguousarray(array, dtype=np.float64) for array in (total.target, total.low, total.high, total.round, total.ridge))
        if self.plain:
            self.A, self.B = rows, np.empty((min(BLOCK_ROWS, len(total.target)), self.size))
            self.units = np.ascontiguousarray(self.design.units, dtype=np.intp)
        room = np.zeros((ROW_ARRAYS, len(total.target)))   # the first step has none before it
        self.room = room
        self._place()
        self.w, self.z = np.empty(self.size), room[1]
        self.weights, self.H = self.w, np.empty((self.size, self.size))
        self.g, self.move, self.rates, self.own = np.empty(self.size), np.empty(self.size), np.empty(self.size), np.empty(self.n)
        self._start(room)

    cdef void _place(self) noexcept:
        """Where the arrays of rows are."""
        cdef fo_interior *s = &self.s
        s.n = self.room.shape[1]
        s.target, s.low, s.high, s.round = &self.target[0], &self.low[0], &self.high[0], &self.round[0]
        s.p, s.z, s.above, s.below, s.under = (&self.room[0, 0], &self.room[1, 0], &self.room[2, 0], &self.room[3, 0],
                                               &self.room[4, 0])
        s.over, s.q, s.rest, s.dp, s.dz = &self.room[5, 0], &self.room[6, 0], &self.room[7, 0], &self.room[8, 0], &self.room[9, 0]
        s.dunder, s.dover, s.v = &self.room[10, 0], &self.room[11, 0], &self.room[12, 0]

    cdef int _nearest(self) except -1:
        """Weights by least squares, and their predictions."""
        cdef Py_ssize_t i
        for i in range(self.s.n):
            self.s.q[i] = self.high[i] - self.low[i]
        self._factor()
        for i in range(self.s.n):
            self.s.v[i] = self.s.q[i] * self.target[i]
        self._transposed(self.s.v, &self.weights[0])
        self._solve(&self.weights[0])
        self._times(&self.weights[0], self.s.p)

    # ---- products with the rows ----

    cdef int _times(self, double *w, double *out) except -1:
        """Products of all rows with w."""
        cdef Py_ssize_t i
        if not self.plain:
            np.asarray(<double[:self.s.n]>out)[:] = self.design.matvec(np.asarray(<double[:self.size]>w))
            return 0
        inner_rows(self.n, self.size, self.size, &self.A[0, 0], w, out)
        for i in range(1, self.copies):
            memcpy(out + i * self.n, out, self.n * sizeof(double))
        out += self.copies * <Py_ssize_t>self.n
        for i in range(self.ones):
            out[i] = w[self.units[i]]
        return 0

    cdef double *_own(self, double *z) noexcept:
        """Of each row of X, whose copies have a number each, their sum."""
        cdef Py_ssize_t i
        if self.copies == 1:
            return z
        memcpy(&self.own[0], z, self.n * sizeof(double))
        for i in range(1, self.copies):
            add(self.n, 1, z + i * self.n, &self.own[0])
        return &self.own[0]

    cdef int _transposed(self, double *z, double *out) except -1:
        """The sum of all rows, each times its z."""
        cdef Py_ssize_t i
        if not self.plain:
            np.asarray(<double[:self.size]>out)[:] = self.design.rmatvec(np.asarray(<double[:self.s.n]>z))
            return 0
        memset(out, 0, self.size * sizeof(double))
        add_rows(self.n, self.size, self.size, &self.A[0, 0], self._own(z), out)
        z += self.copies * <Py_ssize_t>self.n
        for i in range(self.ones):
            out[self.units[i]] += z[i]
        return 0

    def _gram(self):
        """The sum of the outer products of all rows, each times its q, and the ridge; into H."""
        cdef Py_ssize_t i, first
        cdef double *q = self.s.q + self.copies * <Py_ssize_t>self.n
        cdef double *own
        if not self.plain:
            H = self.design.gram(np.asarray(self.room[6]))
            np.asarray(self.H)[:] = H
        else:
            own = self._own(self.s.q)
            memset(&self.H[0, 0], 0, self.size * self.size * sizeof(double))
            for first in range(0, self.n, BLOCK_ROWS):
                i = min(BLOCK_ROWS, self.n - first)
                interior_weighted(i, self.size, own + first, &self.A[first, 0], &self.B[0, 0])
                self._add_products(i, &self.A[first, 0])
            for i in range(self.ones):
                self.H[self.units[i], self.units[i]] += q[i]
        for i in range(self.size):
            self.H[i, i] += self.ridge[i]

    cdef void _add_products(self, int count, double *rows) noexcept:
        """H += the outer products of rows with those in B."""
        cdef double one = 1
        dgemm(b"N", b"T", &self.size, &self.size, &count, &one, &self.B[0, 0], &self.size, rows, &self.size, &one, &self.H[0, 0],
              &self.size)

    cdef int _factor(self) except -1:
        """By Cholesky; all but singular matrices otherwise."""
        cdef int info = 0
        cdef Py_ssize_t i
        self.solve = None
        self._gram()
        interior_unit(self.size, &self.H[0, 0], &self.rates[0])
        dpotrf(b"L", &self.size, &self.H[0, 0], &self.size, &info)
        if info == 0:
            for i in range(self.size):
                info = info or not self.H[i, i] > MIN_PIVOT
        if info != 0:
            self._gram()
            self.solve = self.factorise(np.asarray(self.H))
        return 0

    cdef int _solve(self, double *v) except -1:
        cdef int one = 1, info = 0
        if self.solve is not None:
            array = np.asarray(<double[:self.size]>v)
            array[:] = self.solve(array)
            return 0
        interior_over(self.size, &self.rates[0], v)
        dpotrs(b"L", &self.size, &one, &self.H[0, 0], &self.size, v, &self.size, &info)
        interior_over(self.size, &self.rates[0], v)
        return 0

    # ---- value and bound ----

    def value(self):
        """The sum at the weights."""
        return interior_losses(&self.s) + interior_squares(self.size, &self.ridge[0], &self.weights[0]) / 2

    def bound(self, const double[::1] w, double value):
        """What no weights are below, by the dual variables; of a sum that is `value` at w.  Each step needs it before."""
        self._transposed(self.s.z, &self.g[0])
        return interior_dual(&self.s) + held(self.ridge, self.g, w, value, self.s.n)


cdef class InteriorPoint(PrimalDual):
    """Mehrotra's predictor-corrector steps, from weights by least squares on."""
    patience = 12

    def _start(self, room):
        """Weights by least squares, dual variables of 0 or in the middle, and multipliers that are far from 0."""
        self._nearest()
        p, z, above, below, under, over, q = room[:7]
        low, high = np.asarray(self.low), np.asarray(self.high)
        r = np.asarray(self.target) - p
        away = max(float(np.abs(r).mean()), 1e-3)
        z[:] = np.where(np.minimum(-low, high) < 1e-3 * q, low / 2 + high / 2, 0.0)
        above[:], below[:] = z - low, high - z
        under[:], over[:] = np.maximum(-r, 0) + away, np.maximum(r, 0) + away

    def step(self):
        """One step, after `value` and `bound`; whether weights and dual variables are finite."""
        cdef double ratio[2]
        cdef double gap, ahead, mean
        cdef int one = 1, n = <int>self.s.n
        interior_begin(&self.s)
        self._factor()
        gap = inner(n, self.s.above, self.s.under) + inner(n, self.s.below, self.s.over)
        self._direction(0, False, ratio)
        ahead = interior_ahead(&self.s, ratio[0], ratio[1])
        mean = gap / (2 * <double>n) * (ahead / gap) ** 3
        self._direction(mean, True, ratio)
        if not self.linear:   # each of w and z is in the other's constraints: one step for both
            ratio[0] = ratio[1] = min(ratio[0], ratio[1])
        add(self.size, ratio[1], &self.move[0], &self.weights[0])
        self._times(&self.weights[0], self.s.p)
        interior_move(&self.s, ratio[0], ratio[1])
        return bool(isfinite(dasum(&self.size, &self.weights[0], &one)) and isfinite(dasum(&n, self.s.z, &one)))

    cdef int _direction(self, double mean, bint corrected, double *longest) except -1:
        """The step, and how far it may go: of the dual variables, and of the weights and multipliers."""
        cdef Py_ssize_t i
        interior_slopes(&self.s, mean, corrected)
        self._transposed(self.s.v, &self.move[0])
        for i in range(self.size):   # without what is in balance already
            self.move[i] += self.g[i] - self.ridge[i] * self.weights[i]
        self._solve(&self.move[0])
        self._times(&self.move[0], self.s.dp)
        interior_direction(&self.s, longest)
        for i in range(2):
            longest[i] = min(1.0, TO_BOUNDARY / longest[i]) if longest[i] > 0 else 1.0
        return 0


cdef class AugmentedLagrangian(PrimalDual):
    """Newton steps of a method of multipliers: kinks are rounded, about the dual variables found last, less widely each time."""
    patience = 40
    cdef double width
    cdef Py_ssize_t[::1] near       # rows whose kinks are rounded where the predictions are, the first of them

    def _start(self, room):
        """Weights by least squares, dual variables in the middle."""
        cdef Py_ssize_t i
        cdef double away = 0
        self._nearest()
        for i in range(self.s.n):
            self.s.rest[i] = self.low[i] / 2 + self.high[i] / 2
            away += fabs(self.target[i] - self.s.p[i])
        self.width = FIRST_WIDTH * max(away / <double>self.s.n, 1e-3)
        self.near = np.empty(self.s.n, dtype=np.intp)
        multipliers_at(&self.s, self.width, 0, self.s.z)

    def _gram(self):
        """The second derivative of the rounded losses, and the ridge; into H."""
        cdef Py_ssize_t i, j, first, count, here
        cdef double root
        if self.width == 0:   # at the start
            return PrimalDual._gram(self)
        count = multipliers_within(&self.s, &self.near[0])
        memset(&self.H[0, 0], 0, self.size * self.size * sizeof(double))
        for first in range(0, count, BLOCK_ROWS):
            here = min(BLOCK_ROWS, count - first)
            if self.plain:
                for i in range(here):
                    memcpy(&self.B[i, 0], &self.A[self.near[first + i] % self.n, 0], self.size * sizeof(double))
            else:
                self.B = self.design.rows(np.asarray(self.near[first:first + here]))
            for i in range(here):
                root = sqrt(self.s.q[self.near[first + i]] / self.width)
                for j in range(self.size):
                    self.B[i, j] *= root
            self._add_products(here, &self.B[0, 0])
        for i in range(self.size):
            self.H[i, i] += self.ridge[i]

    def step(self):
        """One step, after `value` and `bound`; whether the weights are finite."""
        cdef Py_ssize_t i
        cdef int one = 1
        cdef double slope, along
        if multipliers_excess(&self.s) > SETTLED_RATIO * multipliers_rest(self.size, &self.ridge[0], &self.g[0], &self.weights[0], MAX_GROWTH):
            memcpy(self.s.rest, self.s.z, self.s.n * sizeof(double))
            self.width *= WIDTH_FACTOR
            multipliers_at(&self.s, self.width, 0, self.s.z)
            self._transposed(self.s.z, &self.g[0])
        self._factor()
        for i in range(self.size):
            self.g[i] -= self.ridge[i] * self.weights[i]
        self.move[:] = self.g
        self._solve(&self.move[0])
        self._times(&self.move[0], self.s.dp)
        along = self._line(-inner(self.size, &self.g[0], &self.move[0]))
        add(self.size, along, &self.move[0], &self.weights[0])
        add(<int>self.s.n, along, self.s.dp, self.s.p)
        multipliers_at(&self.s, self.width, 0, self.s.z)
        return bool(isfinite(dasum(&self.size, &self.weights[0], &one)))

    cdef double _line(self, double first) noexcept:
        """How far along the step, at most all of it, the rounded sum falls: the slope there is small beside the first one."""
        cdef double shortest = 0, longest = 1, least = first, most = self._slope(1), along = 1, slope = most
        if most <= -MAX_END_SLOPE * first:
            return 1
        for _ in range(MAX_TRIALS):
            along = (shortest * most - longest * least) / (most - least)
            along = min(max(along, shortest + (longest - shortest) / 10), longest - (longest - shortest) / 10)
            slope = self._slope(along)
            if fabs(slope) <= -MAX_END_SLOPE * first:
                break
            if slope > 0:
                longest, most = along, slope
            else:
                shortest, least = along, slope
        return along

    cdef double _slope(self, double along) noexcept:
        """The slope of the rounded sum along the step."""
        cdef Py_ssize_t j
        cdef double sum = 0
        multipliers_at(&self.s, self.width, along, self.s.v)
        for j in range(self.size):
            sum += self.ridge[j] * (self.weights[j] + along * self.move[j]) * self.move[j]
        return sum - inner(<int>self.s.n, self.s.v, self.s.dp)
