"""An objective over a whole data set: value, gradient, products with the Hessian, by passes over X in blocks of rows.

Used by objective/__init__.py, which checks what users pass.  Rows are cut into parts, by their number and size alone; threads take parts
(objective/_pass.pyx), each part has sums of its own, added in the order of the parts.
"""
cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t
from libc.string cimport memcmp, memcpy, memset

import threading
import numpy as np

from fastopt._core.tables cimport FO_LOSS_squared_error, Matrix, kernels
from fastopt._core.load cimport spare
from fastopt._core.own_loss cimport set_loss
from fastopt.objective._csc cimport run_columns
from fastopt.objective._pass cimport CURVATURE, GRADIENT, PRODUCTS, VALUE, Job, all_zero, plan, predict_intercepts, run_part
from fastopt._common.checks import number
from fastopt._core.threads import resolve_threads
from fastopt.losses import WholeLoss

cnp.import_array()

cdef enum:
    THREAD_WORK = 1 << 17       # elements a thread, at least


cdef object _zeros(cnp.npy_intp size, int kind=cnp.NPY_DOUBLE):
    return cnp.PyArray_ZEROS(1, &size, kind, 0)


cdef class Objective:
    """What objective.LinearObjective is made of; it documents the public methods.

    Parameters
    ----------
    problem : Problem
    l2 : float
    n_threads : int or None
    """

    def __init__(self, problem, double l2, n_threads):
        cdef Job *job = &self.job
        cdef Matrix X = problem.X
        self.problem, self.X, self.y, self.weight = problem, X, problem.y, problem.weight
        self.columns, self.rows_, self.total, self.transposed = problem.columns, problem.rows, problem.total, problem.transposed
        self.fit_intercept, self.n_threads, self._l2 = problem.fit_intercept, n_threads, l2
        self.n_samples = job.n = X.d if self.transposed else X.n if self.rows_ is None else len(self.rows_)
        self.n_features = job.d = job.weights.d = X.n if self.transposed else X.d
        self.n_outputs = job.k = job.weights.k = job.samples.k = problem.n_outputs
        self.n_params = job.k * job.d + (job.k if self.fit_intercept else 0)
        self.lock = threading.Lock()
        self.python = problem.loss if isinstance(problem.loss, WholeLoss) else None
        if self.python is None:
            set_loss(&job.samples.loss, problem.loss.spec)
        job.given = NULL
        job.squares = self.python is None and job.samples.loss.kind == FO_LOSS_squared_error
        job.samples.y = cnp.PyArray_DATA(<cnp.ndarray>self.y)
        job.samples.weight = cnp.PyArray_DATA(<cnp.ndarray>self.weight) if self.weight is not None else NULL
        job.samples.factor = 1 / self.total
        job.rows = <const int32_t *>cnp.PyArray_DATA(<cnp.ndarray>self.rows_) if self.rows_ is not None else NULL
        plan(job, X, self.transposed)
        self._allocate()
        self._standardize()

    def _allocate(self):
        cdef Job *job = &self.job
        cdef int kind = cnp.NPY_FLOAT if job.item == 4 else cnp.NPY_DOUBLE
        cdef cnp.npy_intp rows[2]
        rows[0], rows[1] = job.n, job.k
        self.counting = np.arange(2 * job.chunk, dtype=np.int32)
        self.p = cnp.PyArray_EMPTY(2, rows, kind, 0)
        self.sums, self.w, self.shift = _zeros(job.parts * job.stride), _zeros(job.size, kind), _zeros(job.k)
        self.point, self.slope = _zeros(self.n_params), _zeros(self.n_params)
        self._point = <double *>cnp.PyArray_DATA(<cnp.ndarray>self.point)
        self._gradient = <double *>cnp.PyArray_DATA(<cnp.ndarray>self.slope)
        job.counting = <const int32_t *>cnp.PyArray_DATA(<cnp.ndarray>self.counting)
        job.p = <char *>cnp.PyArray_DATA(<cnp.ndarray>self.p)
        job.sums = <double *>cnp.PyArray_DATA(<cnp.ndarray>self.sums)
        job.w = <char *>cnp.PyArray_DATA(<cnp.ndarray>self.w)
        job.b = <double *>cnp.PyArray_DATA(<cnp.ndarray>self.shift)
        if job.column_parts:
            self.kept = np.empty((job.column_parts + 1, job.n, job.k), self.p.dtype)
            job.columns = <char *>cnp.PyArray_DATA(<cnp.ndarray>self.kept)
        self._scratch(1)

    def _standardize(self):
        cdef Job *job = &self.job
        job.weights.scale = job.weights.centre = NULL
        job.centre = NULL
        if self.columns is None:
            return
        mean, self.scale = (np.require(a, np.float64, ["C", "A"]) for a in self.columns)
        self.centre = np.zeros_like(mean, self.p.dtype) if job.sparse else mean.astype(self.p.dtype)   # taken from X as it is read
        self.rest = mean - self.centre                                                                 # made up for
        job.centre = NULL if job.sparse else cnp.PyArray_DATA(<cnp.ndarray>self.centre)
        job.weights.centre = <const double *>cnp.PyArray_DATA(<cnp.ndarray>self.rest)
        job.weights.scale = <const double *>cnp.PyArray_DATA(<cnp.ndarray>self.scale)

    def _scratch(self, int threads):
        if self.scratch is None or len(self.scratch) < threads * self.job.scratch_size:
            self.scratch = _zeros(threads * self.job.scratch_size, cnp.NPY_INT8)
            self.job.scratch = <char *>cnp.PyArray_DATA(<cnp.ndarray>self.scratch)

    cdef int _threads(self) except -1:
        """How many threads a pass is worth."""
        cdef double work = self.job.work
        cdef int threads = 1
        if self.job.parts > 1 and work > 2 * THREAD_WORK:
            threads = spare(min(<int>resolve_threads(self.n_threads), self.job.parts, <int>min(work / THREAD_WORK, 4096.0)))
            self._scratch(threads)
        return threads

    cdef int _run(self, int what, const double *w, char *products) except -1:
        """One pass.  The sums of all parts are in those of the first one then."""
        cdef Job *job = &self.job
        cdef int threads = self._threads(), j
        cdef Py_ssize_t part, width
        cdef Matrix X = self.X
        cdef double *shift = <double *>job.b
        job.kernels = kernels(X.is_float)
        job.what, job.products = what, products
        with nogil:
            if what & (PRODUCTS | CURVATURE):
                job.kernels.objective.enter(&job.weights, w, <void *>job.w, shift)
                if self.fit_intercept:
                    for j in range(job.k):
                        shift[j] += w[job.k * job.d + j]
            if job.column_parts:
                run_columns(job, X, threads)
            elif threads == 1:
                for part in range(job.parts):
                    run_part(job, X, part, job.scratch)
            else:
                for part in prange(job.parts, num_threads=threads, schedule="dynamic"):
                    run_part(job, X, part, job.scratch + threadid() * job.scratch_size)
            if job.parts > 1 and not job.column_parts and what & ~PRODUCTS:
                width = (job.stride + threads - 1) // threads
                for part in prange(threads, num_threads=threads, schedule="static", use_threads_if=threads > 1):
                    job.kernels.objective.combine(job.parts, job.stride, min(width, job.stride - part * width),
                                                  job.sums + part * width)
        if what & (PRODUCTS | CURVATURE | GRADIENT):
            self.passes += 1
        return 0

    cdef void _leave(self, double l2, const double *w, double *out) noexcept:
        """The gradient that a pass left, as the user sees it."""
        cdef Job *job = &self.job
        job.kernels.objective.leave(&job.weights, job.sums, job.sums + job.size, l2, w, out)
        if self.fit_intercept:
            memcpy(out + job.k * job.d, job.sums + job.size, job.k * sizeof(double))

    cdef cnp.ndarray _vector(self, name, w):
        """A vector of n_params numbers, in double."""
        cdef cnp.ndarray a
        if cnp.PyArray_CheckExact(w) and cnp.PyArray_TYPE(<cnp.ndarray>w) == cnp.NPY_DOUBLE and cnp.PyArray_ISCARRAY_RO(
                <cnp.ndarray>w):
            a = <cnp.ndarray>w
        else:
            a = np.require(np.ascontiguousarray(w, dtype=np.float64), None, ["A"])
        if a.ndim != 1 or a.shape[0] != self.n_params:
            raise ValueError(f"{name} must have shape ({self.n_params},), got {np.shape(w)}")
        return a

    cdef int _enter(self, w) except -1:
        """Make w the point that the objective is at."""
        cdef cnp.ndarray vector = self._vector("w", w)
        cdef const double *values = <const double *>cnp.PyArray_DATA(vector)
        cdef size_t size = self.n_params * sizeof(double)
        if self.have == 0 or memcmp(values, self._point, size) != 0:
            memcpy(self._point, values, size)
            self.have = 0
            self.version += 1
        return 0

    cdef int _move(self, w) except -1:
        """Make w the point, whose predictions are there already."""
        memcpy(self._point, cnp.PyArray_DATA(self._vector("w", w)), self.n_params * sizeof(double))
        self.have = PRODUCTS
        self.version += 1
        return 0

    cdef int _need(self, int what) except -1:
        """See to it that these are known at the point: PRODUCTS, VALUE, GRADIENT."""
        cdef int run = what & ~self.have
        if run & (VALUE | GRADIENT) and not self.have & PRODUCTS:
            run |= PRODUCTS
        if run & PRODUCTS and all_zero(self.job.k * self.job.d, self._point):   # where many runs start: X is not read
            self.job.kernels = kernels(self.X.is_float)
            predict_intercepts(&self.job, self._point + self.job.k * self.job.d if self.fit_intercept else NULL)
            self.have |= PRODUCTS
            run &= ~PRODUCTS
        if run == 0:
            return 0
        if self.python is not None:
            if run & PRODUCTS:
                self._run(PRODUCTS, self._point, self.job.p)
                self.have |= PRODUCTS
            if run & (VALUE | GRADIENT) and not self.have & VALUE:
                self._evaluate()
                self.have |= VALUE
            if run & GRADIENT:
                self._collect(self.factors)
                self._leave(0, self._point, self._gradient)
                self.have |= GRADIENT
            return 0
        self._run(run, self._point, self.job.p if run & PRODUCTS else NULL)
        if run & (VALUE | GRADIENT):
            self.sum_value = self.job.sums[self.job.stride - 1]
            run |= VALUE
        if run & GRADIENT:
            self._leave(0, self._point, self._gradient)
        self.have |= run
        return 0

    cdef int _evaluate(self) except -1:
        """Value and factors of a loss in Python at the predictions."""
        value, self.factors = self.python._evaluate(self.y, self.p, self.problem.row_weight)
        self.sum_value = value * self.total
        return 0

    cdef int _collect(self, factors) except -1:
        """The sums of rows times factors (n, k), as a pass of the kernels leaves them."""
        cdef Job *job = &self.job
        cdef Py_ssize_t j
        cdef double[::1] totals = factors.sum(axis=0, dtype=np.float64)
        job.given = <const char *>cnp.PyArray_DATA(<cnp.ndarray>factors)
        try:
            self._run(GRADIENT, self._point, NULL)
        finally:
            job.given = NULL
        for j in range(job.k):
            job.sums[job.size + j] = totals[j]
        return 0

    cdef double _value(self) noexcept:
        cdef double square = 0
        if self._l2 != 0:
            square = kernels(False).square_sum(self.job.k * self.job.d, self._point)
        return self.sum_value / self.total + self._l2 / 2 * square

    cdef object _gradient_out(self, out):
        """The gradient at the point, in `out` or a new array."""
        cdef cnp.npy_intp n = self.n_params
        cdef cnp.ndarray g
        if out is None:
            g = cnp.PyArray_EMPTY(1, &n, cnp.NPY_DOUBLE, 0)
        elif isinstance(out, np.ndarray) and out.shape == (n,) and out.dtype == np.float64 and cnp.PyArray_ISCARRAY(out):
            g = out
        else:
            raise ValueError(f"out must be a writeable contiguous float64 array of shape ({n},), got {type(out).__name__} of "
                             f"shape {np.shape(out)}")
        cdef double *to = <double *>cnp.PyArray_DATA(g)
        memcpy(to, self._gradient, n * sizeof(double))
        if self._l2 != 0:
            kernels(False).objective.move(self.job.k * self.job.d, self._l2, self._point, to)
        return g

    def value(self, w):
        """F(w).

        Parameters
        ----------
        w : array_like of shape (n_params,)

        Returns
        -------
        float
        """
        with self.lock:
            self._enter(w)
            self._need(VALUE)
            return self._value()

    def gradient(self, w, out=None):
        """The gradient of F at w.

        Parameters
        ----------
        w : array_like of shape (n_params,)
        out : ndarray of float64 of shape (n_params,), optional
            Where to put it.

        Returns
        -------
        ndarray of shape (n_params,)
            `out`, or a new array.
        """
        with self.lock:
            self._enter(w)
            self._need(GRADIENT)
            return self._gradient_out(out)

    def value_and_gradient(self, w, out=None):
        """Both from one reading of X.

        Parameters
        ----------
        w, out
            See `gradient`.

        Returns
        -------
        value : float
        gradient : ndarray of shape (n_params,)
        """
        with self.lock:
            self._enter(w)
            self._need(VALUE | GRADIENT)
            return self._value(), self._gradient_out(out)

    def stand_at(self, Objective other not None):
        """Take the point of another objective of the same samples and loss, with what is known there.

        Parameters
        ----------
        other : Objective
        """
        cdef size_t size = self.n_params * sizeof(double)
        with other.lock:
            memcpy(self._point, other._point, size)
            memcpy(self._gradient, other._gradient, size)
            if other.have & PRODUCTS:
                memcpy(self.job.p, other.job.p, self.job.n * self.job.k * self.job.item)
            self.have, self.sum_value, self.factors = other.have, other.sum_value, other.factors
            self.version += 1

    def forget(self):
        """Let the next call read X afresh: predictions that were moved along lines have gathered rounding."""
        self.have = 0

    def predictions(self, w):
        """Raw predictions X·w + b.

        Parameters
        ----------
        w : array_like of shape (n_params,)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            In the type of the computation.
        """
        with self.lock:
            self._enter(w)
            self._need(PRODUCTS)
            return self.p.copy()

    def hessp(self, w, v, *args):
        """The Hessian of F at w, times v.

        One reading of X if the predictions at w are known, or the loss is the squared error, else two.  Losses count with their second derivative, which is 0
        on the pieces of piecewise linear ones.

        Parameters
        ----------
        w, v : array_like of shape (n_params,)
        *args
            Ignored: what `scipy.optimize.minimize` hands on.

        Returns
        -------
        ndarray of shape (n_params,)
        """
        cdef cnp.ndarray vector = self._vector("v", v), out = np.empty(self.n_params)
        cdef const double *values = <const double *>cnp.PyArray_DATA(vector)
        with self.lock:
            self._enter(w)
            if not self.job.squares:
                self._need(PRODUCTS)
            if self.python is not None:
                along = np.empty_like(self.p)
                self._run(PRODUCTS, values, <char *>cnp.PyArray_DATA(<cnp.ndarray>along))
                self._collect(self.python._evaluate_product(self.y, self.p, along, self.problem.row_weight))
            else:
                self._run(CURVATURE, values, NULL)
            self._leave(self._l2, values, <double *>cnp.PyArray_DATA(out))
            return out

    @property
    def loss(self):
        return self.problem.loss

    @property
    def l2(self):
        return self._l2

    @l2.setter
    def l2(self, value):
        self._l2 = number("l2", value, at_least=0)

    @property
    def dtype(self):
        return self.p.dtype
