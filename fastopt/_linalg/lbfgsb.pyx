"""The minimum of L-BFGS-B's quadratic model within bounds: Cauchy point, then the variables that are free there.

With the factors M⁻¹ = L·Δ·Lᵀ and p̃ = L⁻¹·p, a product pᵀ·M·c is Σ p̃·c̃/Δ, so that a segment of the projected path costs one
triangular solve.  Used by _minimize.bounded; sums are double for both types; knows neither functions nor line searches.

References: Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization", SIAM J. Sci. Comput. 16
(1995); Morales and Nocedal, ACM TOMS 38 (2011), for the projection of the last step.
"""
cimport numpy as cnp
from libc.math cimport INFINITY
from libc.string cimport memcpy, memset
from fastopt._linalg.blas cimport real
from fastopt._linalg.compact cimport Model
from fastopt._linalg.heap cimport heapify, pop
from fastopt._linalg.lbfgs cimport History
from fastopt._linalg.ldl cimport backward, factor, forward

import numpy as np

cnp.import_array()


cdef class BoundedSteps:
    """Steps to the minimum of a model within bounds, and room for all that they compute.

    Parameters
    ----------
    model : Model
        It takes up its history's new pairs at each step.
    """
    cdef Model model
    cdef object rooms
    cdef void *moving              # d of the history's type: −g where a variable moves; then the way from the Cauchy point
    cdef double[::1] times         # when each variable reaches its bound on the path x − t·g, 0 if it is held from the start
    cdef int[::1] heap             # the variables of breakpoints to come
    cdef double *k                 # the factors of K = M⁻¹ − Wᵀ·W/θ over the free variables
    cdef double *p                 # −Wᵀ·g over the variables still moving
    cdef double *tp                # L⁻¹·p
    cdef double *tc                # L⁻¹·Wᵀ·(way from x)
    cdef double *q                 # rows of W, then what W is multiplied by

    def __init__(self, Model model not None):
        cdef double[:, ::1] matrix = np.zeros((model.all_rows, model.all_rows)), vectors = np.zeros((4, model.all_rows))
        cdef cnp.ndarray moving = np.zeros(model.d, model.history.pairs.dtype)
        self.model, self.rooms = model, (matrix, vectors, moving)
        self.times, self.heap = np.zeros(model.d), np.zeros(model.d, np.intc)
        self.moving, self.k = cnp.PyArray_DATA(moving), &matrix[0, 0]
        self.p, self.tp, self.tc, self.q = &vectors[0, 0], &vectors[1, 0], &vectors[2, 0], &vectors[3, 0]

    def step(self, cnp.ndarray x not None, cnp.ndarray g not None, cnp.ndarray lower not None, cnp.ndarray upper not None,
             cnp.ndarray out not None):
        """The way from x to the model's minimum within the bounds, into `out`; without a model, to the projection of x − g."""
        cdef bint found
        self.model._check((x, g, lower, upper, out))
        if self.model.history.is_float:
            found = self._step(f32(x), f32(g), f32(lower), f32(upper), f32(out))
        else:
            found = self._step(f64(x), f64(g), f64(lower), f64(upper), f64(out))
        if not found:
            self.model.history.clear()

    def cauchy(self, cnp.ndarray x not None, cnp.ndarray g not None, cnp.ndarray lower not None, cnp.ndarray upper not None,
               double[::1] times not None, cnp.ndarray out not None):
        """The first minimum of the model along the projected path, into `out`, by the times when bounds are reached."""
        self.model._check((x, g, lower, upper, out))
        if times.shape[0] != self.model.d:
            raise ValueError(f"{self.model.d} times expected, got {times.shape[0]}")
        self.times[:] = times
        if self.model.history.is_float:
            self._cauchy(f32(x), f32(g), f32(lower), f32(upper), f32(out))
        else:
            self._cauchy(f64(x), f64(g), f64(lower), f64(upper), f64(out))

    cdef bint _step(self, real *x, real *g, real *lower, real *upper, real *out) noexcept:
        """False if there was no model."""
        cdef bint found = False
        with nogil:
            if self.model._update(<real *>self.model.pairs):
                breakpoints(self.model.d, x, g, lower, upper, &self.times[0])
                found = self._to_minimum(self._cauchy(x, g, lower, upper, out), g)
            if found:
                self._leave_cauchy(x, g, lower, upper, out)
            else:
                project(self.model.d, x, g, lower, upper, out)
        return found

    # ---- the Cauchy point ----
    cdef double _cauchy(self, real *x, real *g, real *lower, real *upper, real *out) noexcept nogil:
        """It into `out`, and its time."""
        cdef double stop = self._first_minimum(g)
        place(self.model.d, stop, &self.times[0], x, g, lower, upper, out)
        return stop

    cdef double _first_minimum(self, real *g) noexcept nogil:
        """Its time on the projected path x − t·g; `p`, `tp` and `tc` are then those of that point."""
        cdef int i, b, waiting
        cdef double t = 0, square = 0, slope, curvature, rest, share, until = INFINITY
        cdef double *times = &self.times[0]
        cdef bint endless = False, in_order = False
        waiting = self._start(g, &square, &until, &endless)
        while True:
            slope, curvature = square * (self.model.theta * t - 1), self.model.theta * square
            for i in range(self.model.n):
                share = self.tp[i] / self.model.m[i * self.model.n + i]
                slope -= share * self.tc[i]
                curvature -= share * self.tp[i]
            rest = -slope / curvature if slope < 0 and curvature > 0 else 0
            if waiting == 0 and not (endless and rest < INFINITY):    # nothing moves any more, or the model is flat to rounding
                rest = 0
            if waiting == 0 or t + rest < until:
                self._go(rest)
                return t + rest
            if not in_order:
                heapify(waiting, &self.heap[0], times)
                in_order = True
            self._go(until - t)
            t = until
            b = pop(&waiting, &self.heap[0], times)
            square = max(square - <double>g[b] * g[b], 0)
            self._hold(<real *>self.model.pairs, b, g[b])
            until = times[self.heap[0]] if waiting else INFINITY

    cdef int _start(self, real *g, double *square, double *until, bint *endless) noexcept nogil:
        """How many breakpoints there are, `heap`, and the first; whether a variable moves for ever; g·g where it moves."""
        cdef int i, waiting = 0
        cdef double t
        cdef real *moving = <real *>self.moving
        for i in range(self.model.d):
            t = self.times[i]
            moving[i] = -g[i] if t > 0 else 0
            square[0] += <double>moving[i] * moving[i]
            if 0 < t < INFINITY:
                self.heap[waiting] = i
                waiting += 1
                until[0] = min(until[0], t)
            elif t > 0 and g[i] != 0:
                endless[0] = True
        self.model._w_transposed(<real *>self.model.pairs, moving, self.p)
        memcpy(self.tp, self.p, self.model.n * sizeof(double))
        memset(self.tc, 0, self.model.n * sizeof(double))
        forward(self.model.n, self.model.n // 2, self.model.m, self.tp)
        return waiting

    cdef inline void _go(self, double way) noexcept nogil:
        cdef int i
        for i in range(self.model.n):
            self.tc[i] += way * self.tp[i]

    cdef inline void _hold(self, real *pairs, int b, double g) noexcept nogil:
        """Variable b has reached its bound: p += g·(row b of W)."""
        cdef int i
        for i in range(self.model.n):
            self.q[i] = g * self.model._scale(i) * pairs[<Py_ssize_t>self.model.order[i] * self.model.d + b]
            self.p[i] += self.q[i]
        forward(self.model.n, self.model.n // 2, self.model.m, self.q)
        for i in range(self.model.n):
            self.tp[i] += self.q[i]

    # ---- the variables that are free there ----
    cdef bint _to_minimum(self, double stop, real *g) noexcept nogil:
        """`moving` ← the step from the Cauchy point to the minimum over the variables whose time is beyond `stop`.

        With the residual r = −(1 − θ·t)·g + W·v, v = M·Wᵀ·(way from x), it is (r + W·K⁻¹·Wᵀ·r/θ)/θ.  Wᵀ·r needs no product of
        length d: Wᵀ·g is in p, and Wᵀ·W over the free variables in K.
        """
        cdef int i, j, n = self.model.n
        cdef double left = 1 - self.model.theta * stop
        cdef double *right = self.tp
        cdef real *way = <real *>self.moving
        self._gram_of_free(<real *>self.model.pairs, stop)
        for i in range(n * n):
            self.k[i] = self.model.m_inverse[i] - self.model.over_some[i] / self.model.theta
        if not factor(n, n // 2, self.k, self.model.column):
            return False
        memcpy(self.q, self.tc, n * sizeof(double))
        backward(n, self.model.m, self.q)
        for i in range(n):
            right[i] = left * self.p[i]
            for j in range(n):
                right[i] += self.model.over_some[i * n + j] * self.q[j]
        forward(n, 0, self.k, right)
        backward(n, self.k, right)
        for i in range(n):
            self.q[i] += right[i] / self.model.theta
        self.model._w_times(<real *>self.model.pairs, self.q, way)
        for i in range(self.model.d):
            way[i] = <real>((way[i] - left * g[i]) / self.model.theta) if self.times[i] > stop else 0
        return True

    cdef void _gram_of_free(self, real *pairs, double stop) noexcept nogil:
        """The model's products over the free variables, from those that are fewer: free or held."""
        cdef int i, found = 0, free = 0
        cdef bint held
        for i in range(self.model.d):
            free += self.times[i] > stop
        held = free > self.model.d - free
        for i in range(self.model.d):
            if (self.times[i] <= stop) == held:
                self.model.chosen[found] = i
                found += 1
        self.model._gram_over(pairs, found, held)

    cdef void _leave_cauchy(self, real *x, real *g, real *lower, real *upper, real *out) noexcept nogil:
        """`out`, the Cauchy point, ← the way from x to the projection of the minimum, if that descends, else to where the step
        leaves the bounds."""
        cdef int i
        cdef double slope = 0, share
        cdef real *way = <real *>self.moving
        for i in range(self.model.d):
            slope += <double>(within(out[i] + way[i], lower[i], upper[i]) - x[i]) * g[i]
        share = 1 if slope < 0 else min(1, room(self.model.d, out, way, lower, upper))
        for i in range(self.model.d):
            out[i] = within(<real>(out[i] + share * way[i]), lower[i], upper[i]) - x[i]


# ---- vectors within bounds ----
def longest_step(cnp.ndarray x not None, cnp.ndarray direction not None, cnp.ndarray lower not None,
                 cnp.ndarray upper not None):
    """The largest t for which x + t·direction is within the bounds.

    Parameters
    ----------
    x, direction, lower, upper : ndarray of shape (d,), float32 or float64

    Returns
    -------
    float
    """
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef Py_ssize_t d = cnp.PyArray_SIZE(x)
    cdef cnp.ndarray a
    for a in (x, direction, lower, upper):
        if not (cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_TYPE(a) == kind and cnp.PyArray_SIZE(a) == d < 2 ** 31
                and (kind == cnp.NPY_DOUBLE or kind == cnp.NPY_FLOAT)):
            raise ValueError(f"contiguous vectors of one length and float type expected, got {a.dtype} × {cnp.PyArray_SIZE(a)}")
    if kind == cnp.NPY_FLOAT:
        return room(<int>d, f32(x), f32(direction), f32(lower), f32(upper))
    return room(<int>d, f64(x), f64(direction), f64(lower), f64(upper))


cdef inline float *f32(cnp.ndarray a) noexcept:
    return <float *>cnp.PyArray_DATA(a)


cdef inline double *f64(cnp.ndarray a) noexcept:
    return <double *>cnp.PyArray_DATA(a)


cdef inline real within(real x, real lower, real upper) noexcept nogil:
    return lower if x < lower else upper if x > upper else x


cdef double room(int d, real *x, real *way, real *lower, real *upper) noexcept nogil:
    """The largest t for which x + t·way is within the bounds."""
    cdef int i
    cdef double least = INFINITY
    for i in range(d):
        if way[i] != 0:
            least = min(least, ((upper[i] if way[i] > 0 else lower[i]) - x[i]) / <double>way[i])
    return least


cdef void breakpoints(int d, real *x, real *g, real *lower, real *upper, double *times) noexcept nogil:
    """When x − t·g reaches its bounds: 0 for what is there, also where the gradient is 0, inf for what never is."""
    cdef int i
    for i in range(d):
        if g[i] == 0:
            times[i] = INFINITY if lower[i] < x[i] < upper[i] else 0
        else:
            times[i] = (x[i] - (lower[i] if g[i] > 0 else upper[i])) / <double>g[i]


cdef void place(int d, double stop, double *times, real *x, real *g, real *lower, real *upper, real *out) noexcept nogil:
    """The point of the path at time `stop`."""
    cdef int i
    for i in range(d):
        if times[i] > stop:
            out[i] = within(<real>(x[i] - stop * g[i]), lower[i], upper[i])
        else:
            out[i] = lower[i] if g[i] > 0 else upper[i] if g[i] < 0 else x[i]


cdef void project(int d, real *x, real *g, real *lower, real *upper, real *out) noexcept nogil:
    """The way from x to the projection of x − g."""
    cdef int i
    for i in range(d):
        out[i] = within(x[i] - g[i], lower[i], upper[i]) - x[i]
