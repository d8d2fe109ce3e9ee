"""Least squares with a penalty, for one strength after the other, each from the weights of the one before.

Used by _solvers/paths/least_squares.py, which has summed what this needs: products of columns, or the columns where they are more than the rows.  Steps are
penalised quadratics (_solvers/proximal/epochs.pyx) of the weights that are not 0 or break the optimality conditions.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, NAN, fabs, isfinite
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dgemm

import numpy as np

from fastopt._linalg.blas cimport add, add_rows, inner, inner_rows, scale
from fastopt._core.tables cimport fo_descent_kernels, fo_regularizer, kernels
from fastopt.penalties._regularizer cimport Regularizer
from fastopt._solvers.proximal.epochs cimport EXTRAPOLATED, MAX_SUPPORT, Quadratic, batch_of, duality_gap, minimize

cdef enum:
    MIN_PARTIAL = 128          # weights from which on a step takes those alone that may move
    FIRST_PRODUCTS = 64        # columns whose products are taken at first; later as many more as there are weights that are not 0
    PATIENCE = 5               # rounds in a row that lower neither the measure nor the value
    MAX_KEPT_COLUMNS = 512     # columns whose products are kept

cdef double EASE = 0.3             # share of the violation, or of the gap, that a step leaves while weights are missing
cdef double STILL_STEP = 1e-3      # step times curvature, as a share of the violation, of weights that count as unmoved
cdef double FINAL_GAP_SHARE = 0.8  # share of the wanted gap that a step of all weights that count goes for

#: why a walk has ended: it is within tol, rounds are over, only rounding is left
DONE, ROUNDS_OVER, ROUNDING = range(3)


cdef class Walk:
    """Half the mean square of y − X·w, X and y without their means if there is an intercept, l2/2·‖w‖² and a penalty of w.

    Parameters
    ----------
    w : ndarray of shape (m,)
        Where to begin; changed.
    g : ndarray of shape (m,)
        The mean of x·y.
    square : float
        The mean of y².
    H : ndarray of shape (m, m), or None
        The mean of x·xᵀ.
    X : ndarray of shape (m, n), and y : ndarray of shape (n,), or None
        Instead of H: columns and targets, each sample times the root of its share in the mean.
    """
    cdef double[::1] w, g, y, r, slope, each, sub, room
    cdef double[:, ::1] terms
    cdef const double[:, ::1] H, X
    cdef Py_ssize_t[::1] chosen, place
    cdef double square
    cdef int m, n
    cdef Py_ssize_t known            # columns whose products are kept, place[j] the number of column j among them or −1
    cdef double[:, ::1] copies, products

    def __init__(self, double[::1] w, double[::1] g, double square, H=None, X=None, y=None):
        self.w, self.g, self.square, self.m, self.n = w, g, square, <int>w.shape[0], 0
        if (H is None) == (X is None) or g.shape[0] != self.m or (X if H is None else H).shape[0] != self.m:
            raise ValueError(f"expected a matrix and sums of {self.m} columns")
        if H is None:
            self.X, self.y, self.n = X, y, <int>y.shape[0]
            self.r = np.empty(self.n)
            if self.X.shape[1] != self.n:
                raise ValueError(f"expected {self.X.shape[1]} targets, got {self.n}")
        else:
            self.H = H
        self.slope, self.each, self.sub = np.empty(self.m), np.empty(self.m), np.empty(3 * self.m)
        self.terms, self.chosen, self.place = np.empty((3, self.m)), np.empty(self.m, np.intp), np.full(self.m, -1, np.intp)
        self.room, self.copies, self.products, self.known = np.empty(0), np.empty((0, self.n)), np.empty((0, 0)), 0

    def solve(self, Regularizer penalty, double l2, bint sparse, bint gaps, double tol, int max_iter):
        """For a penalty and a strength of l2: value, violation, gap, rounds, and why they have ended.

        Parameters
        ----------
        penalty : Regularizer
        l2 : float
        sparse : bool
            Whether the penalty makes weights 0, each by itself.
        gaps : bool
            Whether `tol` is of the duality gap over the mean of y², for l1, alone or with l2; else of the violation.
        tol : float
        max_iter : int
            Rounds, at most.
        """
        cdef const fo_descent_kernels *kernel = &kernels(False).descent
        cdef double goal = tol * self.square if gaps else tol, best = INFINITY, least = INFINITY
        cdef double smooth, worth, violation, gap, measure, enough
        cdef int rounds = 0, idle = 0
        if penalty.n != self.m:
            raise ValueError(f"expected a penalty of {self.m} weights, got {penalty.n}")
        while True:
            smooth = self._look(l2)
            worth = kernel.value(&penalty.c, self.m, &self.w[0])
            violation = kernel.violation(&penalty.c, self.m, &self.w[0], &self.slope[0], &self.each[0])
            gap = duality_gap(&penalty.c, self.m, &self.w[0], &self.slope[0], smooth, worth) if gaps else NAN
            measure = gap if gaps else violation
            if violation == 0 or measure <= goal:
                return smooth + worth, violation, gap, rounds, DONE
            if not isfinite(smooth):
                return smooth + worth, violation, gap, rounds, ROUNDING
            idle = 0 if measure < best or smooth + worth < least - 1e-15 * fabs(least) else idle + 1
            best, least = min(best, measure), min(least, smooth + worth)
            if rounds >= max_iter or idle > PATIENCE:
                return smooth + worth, violation, gap, rounds, ROUNDING if idle > PATIENCE else ROUNDS_OVER
            enough = STILL_STEP * violation if gaps else max(min(EASE * violation, EASE * goal), STILL_STEP * violation)
            self._step(kernel, penalty, not sparse, l2, smooth, enough, goal, gap)
            PyErr_CheckSignals()
            rounds += 1

    cdef double _look(self, double l2) noexcept:
        """The value at w without the penalty; its gradient into `slope`."""
        cdef int m = self.m, n = self.n
        cdef Py_ssize_t j
        cdef double fit
        cdef double *w = &self.w[0]
        cdef double *slope = &self.slope[0]
        if n:
            memcpy(&self.r[0], &self.y[0], n * sizeof(double))
            for j in range(m):
                if w[j] != 0:
                    add(n, -w[j], <double *>&self.X[j, 0], &self.r[0])
            fit = inner(n, &self.r[0], &self.r[0])
            inner_rows(m, n, n, <double *>&self.X[0, 0], &self.r[0], slope)
            scale(m, -1, slope)
        else:
            self._products(w, slope)
            add(m, -1, &self.g[0], slope)
            fit = inner(m, w, slope) + self.square - inner(m, w, &self.g[0])
        if l2 != 0:
            fit += l2 * inner(m, w, w)
            add(m, l2, w, slope)
        return 0.5 * fit

    cdef void _products(self, double *w, double *out) noexcept:
        """H·w, by those rows of which the weight is not 0 where they are few."""
        cdef Py_ssize_t j, inside = 0
        for j in range(self.m):
            inside += w[j] != 0
        memset(out, 0, self.m * sizeof(double))
        if 3 * inside > self.m:
            add_rows(self.m, self.m, self.m, <double *>&self.H[0, 0], w, out)
            return
        for j in range(self.m):
            if w[j] != 0:
                add(self.m, w[j], <double *>&self.H[j, 0], out)

    cdef Py_ssize_t _choose(self, bint whole, bint *complete) noexcept:
        """How many weights a step takes, into `chosen` which: those that are not 0, and those that break the conditions most."""
        cdef Py_ssize_t j, inside = 0, missing = 0, some = 0, wanted, k = 0
        cdef double least = 0
        for j in range(self.m):
            if self.w[j] != 0:
                inside += 1
            elif self.each[j] > 0:
                missing += 1
                least = max(least, self.each[j])
        wanted = max(<Py_ssize_t>FIRST_PRODUCTS, inside) if self.n else missing
        whole = whole or self.n == 0 and (self.m < MIN_PARTIAL or 2 * (inside + missing) > self.m)
        complete[0] = whole or missing <= wanted
        while not complete[0] and some < wanted:
            least, some = 0.7 * least, 0
            for j in range(self.m):
                some += self.w[j] == 0 and self.each[j] > least
        if complete[0]:
            least = 0
        for j in range(self.m):
            if whole or self.w[j] != 0 or self.each[j] > least:
                self.chosen[k] = j
                k += 1
        return k

    cdef int _step(self, const fo_descent_kernels *kernel, Regularizer penalty, bint whole, double l2, double smooth, double tol,
                   double goal, double gap) except -1:
        """A quadratic of the weights that are chosen."""
        cdef fo_regularizer part = penalty.c
        cdef bint complete
        cdef Py_ssize_t k = self._choose(whole, &complete), a, support = min(k, <Py_ssize_t>MAX_SUPPORT)
        cdef double *u = &self.sub[0]
        cdef double *slope = u + k
        cdef Quadratic q
        cdef Py_ssize_t space = (batch_of(k) + EXTRAPOLATED + 6) * k + support * support, matrix = 0 if k == self.m and l2 == 0 and not self.n else k * k
        if self.room.shape[0] < space + matrix:
            self.room = np.empty(space + matrix)
        for a in range(k):
            u[a], slope[a] = self.w[self.chosen[a]], self.slope[self.chosen[a]]
        if k < self.m:
            self._penalty_of(&part, k)
        q.kernel, q.penalty, q.m, q.value, q.H = kernel, &part, <int>k, smooth, &self.room[space] if matrix else &self.H[0, 0]
        q.factor = NULL if penalty.c.groups else &self.room[space - support * support]
        q.goal = -1 if gap != gap else FINAL_GAP_SHARE * goal if complete else max(FINAL_GAP_SHARE * goal, EASE * gap)
        if matrix:
            self._matrix(k, l2, &self.room[space])
        with nogil:
            minimize(&q, u, slope, tol, &self.room[0])
        for a in range(k):
            self.w[self.chosen[a]] = u[a]
        return 0

    cdef void _penalty_of(self, fo_regularizer *part, Py_ssize_t k) noexcept:
        """The penalty of those that are chosen."""
        cdef Py_ssize_t a
        for a in range(k):
            if part.weight != NULL:
                self.terms[0, a] = part.weight[self.chosen[a]]
            if part.low != NULL:
                self.terms[1, a], self.terms[2, a] = part.low[self.chosen[a]], part.high[self.chosen[a]]
        part.weight = NULL if part.weight == NULL else &self.terms[0, 0]
        if part.low != NULL:
            part.low, part.high = &self.terms[1, 0], &self.terms[2, 0]

    cdef int _matrix(self, Py_ssize_t k, double l2, double *out) except -1:
        """The products of those that are chosen, l2 on the diagonal."""
        cdef Py_ssize_t a, b
        cdef const double *row
        cdef Py_ssize_t[::1] at = self.chosen
        if self.n:
            at = self.place
            self._multiply(k)
        for a in range(k):
            row = &self.products[at[self.chosen[a]], 0] if self.n else &self.H[self.chosen[a], 0]
            for b in range(k):
                out[a * k + b] = row[at[self.chosen[b]] if self.n else self.chosen[b]]
            out[a * k + a] += l2
        return 0

    cdef int _multiply(self, Py_ssize_t k) except -1:
        """Products of those that are chosen, where they are not known, with all that are."""
        cdef Py_ssize_t a, b, fresh = 0, before, size
        cdef int rows, columns, stride, n = self.n
        cdef double one = 1, none = 0
        for a in range(k):
            fresh += self.place[self.chosen[a]] < 0
        if fresh == 0:
            return 0
        if self.known + fresh > MAX_KEPT_COLUMNS:   # forget all
            self.place[:] = -1
            self.known, fresh = 0, k
        before, self.known = self.known, self.known + fresh
        if self.products.shape[0] < self.known:
            size = min(<Py_ssize_t>self.m, 2 * self.known)
            self.copies = self._grown(np.asarray(self.copies), before, size, n)
            self.products = self._grown(np.asarray(self.products), before, size, size)
        fresh = before
        for a in range(k):
            if self.place[self.chosen[a]] < 0:
                memcpy(&self.copies[fresh, 0], &self.X[self.chosen[a], 0], n * sizeof(double))
                self.place[self.chosen[a]] = fresh
                fresh += 1
        columns, rows, stride = <int>self.known, <int>(self.known - before), <int>self.products.shape[1]
        dgemm(b"T", b"N", &columns, &rows, &n, &one, &self.copies[0, 0], &n, &self.copies[before, 0], &n, &none,
              &self.products[before, 0], &stride)
        for a in range(before, self.known):
            for b in range(before):
                self.products[b, a] = self.products[a, b]
        return 0

    def _grown(self, array, Py_ssize_t count, Py_ssize_t size, Py_ssize_t width):
        """A larger array with the first rows of another."""
        larger = np.empty((size, width))
        larger[:count, :array.shape[1]] = array[:count]
        return larger
