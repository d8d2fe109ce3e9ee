"""The last steps of a minimisation and what they say of the Hessian, L-BFGS; and the product of two vectors.

Used by _minimize/ and _solvers/.  Products of vectors are BLAS's, through SciPy; knows neither objectives
nor line searches.
"""
cimport numpy as cnp
from libc.math cimport fabs, sqrt
from fastopt._linalg.blas cimport add, copy, inner, real, scale

import numpy as np

cnp.import_array()


def dot(cnp.ndarray a not None, cnp.ndarray b not None):
    """a·b as a float, of contiguous vectors of one length and type; unlike NumPy's it warns of no overflow.

    Parameters
    ----------
    a, b : ndarray of shape (d,), float32 or float64

    Returns
    -------
    float
    """
    cdef int kind = cnp.PyArray_TYPE(a)
    if not (cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(b) and kind == cnp.PyArray_TYPE(b)
            and cnp.PyArray_SIZE(a) == cnp.PyArray_SIZE(b) < 2 ** 31 and (kind == cnp.NPY_DOUBLE or kind == cnp.NPY_FLOAT)):
        raise ValueError("two contiguous vectors of one length and float type expected, got "
                         f"{a.dtype} × {cnp.PyArray_SIZE(a)} and {b.dtype} × {cnp.PyArray_SIZE(b)}")
    if kind == cnp.NPY_FLOAT:
        return inner(<int>cnp.PyArray_SIZE(a), <float *>cnp.PyArray_DATA(a), <float *>cnp.PyArray_DATA(b))
    return inner(<int>cnp.PyArray_SIZE(a), <double *>cnp.PyArray_DATA(a), <double *>cnp.PyArray_DATA(b))


def largest(cnp.ndarray a not None):
    """The largest magnitude in a contiguous vector of float64; nan if one is nan.

    Parameters
    ----------
    a : ndarray of shape (d,), float64

    Returns
    -------
    float
    """
    cdef Py_ssize_t i, n = cnp.PyArray_SIZE(a)
    cdef const double *values = <const double *>cnp.PyArray_DATA(a)
    cdef double size, most = 0
    if not cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_TYPE(a) != cnp.NPY_DOUBLE:
        raise ValueError(f"a contiguous vector of float64 expected, got {a.dtype}")
    for i in range(n):
        size = fabs(values[i])
        if not size <= most:
            most = size
            if size != size:
                break
    return most


cdef class History:
    """The last pairs of a step s = x₁ − x₀ and the change of the gradient y = g₁ − g₀, and −H·g for the H they make.

    H starts as s·y / y·y of the newest pair and takes up the pairs from the oldest to the newest (Nocedal, two loops).  A pair
    with s·y ≤ ε ‖s‖ ‖y‖, which would not leave H positive definite, is not kept.

    Parameters
    ----------
    size : int
        Pairs kept.
    d : int
        Parameters.
    dtype : numpy.dtype
        float32 or float64: that of all arrays.
    """
    def __init__(self, Py_ssize_t size, Py_ssize_t d, dtype):
        if d > 2 ** 31 - 1:
            raise ValueError(f"at most {2 ** 31 - 1} parameters, which is what BLAS counts to; got {d}")
        self.pairs = np.zeros((2 * size, d), dtype=dtype)
        self.y, self.s = self.pairs[:size], self.pairs[size:]
        self.new_y, self.new_s = np.empty((2, d), dtype=dtype)
        self.sy, self.alpha = np.zeros(size), np.zeros(size)
        self.size, self.d, self.is_float = size, <int>d, np.dtype(dtype) == np.float32
        self.epsilon, self.appended = np.finfo(dtype).eps, 0
        self.clear()

    def clear(self):
        """Forget all pairs: H is the identity."""
        self.count = self.first = 0
        self.newest_sy = self.yy = 1

    def append(self, x1, x0, g1, g0):
        """Keep the pair of two points and their gradients, for the oldest if there is no room; False if it is no use."""
        if self.is_float:
            return self._append[float](x1, x0, g1, g0)
        return self._append[double](x1, x0, g1, g0)

    cdef bint _append(self, real[::1] x1, real[::1] x0, real[::1] g1, real[::1] g0) except -1:
        cdef real[::1] s = self.new_s, y = self.new_y
        cdef real[:, ::1] all_s = self.s, all_y = self.y
        cdef double sy, yy, ss
        cdef Py_ssize_t row
        self._check(x1.shape[0], x0.shape[0], g1.shape[0], g0.shape[0])
        with nogil:
            difference(self.d, &x1[0], &x0[0], &s[0])
            difference(self.d, &g1[0], &g0[0], &y[0])
            sy, yy, ss = inner(self.d, &s[0], &y[0]), inner(self.d, &y[0], &y[0]), inner(self.d, &s[0], &s[0])
        if not sy > self.epsilon * sqrt(ss) * sqrt(yy):
            return False
        row = (self.first + self.count) % self.size
        if self.count == self.size:
            self.first = (self.first + 1) % self.size
        else:
            self.count += 1
        copy(self.d, &s[0], &all_s[row, 0])
        copy(self.d, &y[0], &all_y[row, 0])
        self.sy[row], self.newest_sy, self.yy = sy, sy, yy
        self.appended += 1
        return True

    def direction(self, g, out):
        """−H·g into `out`."""
        if self.is_float:
            self._direction[float](g, out)
        else:
            self._direction[double](g, out)

    cdef int _direction(self, real[::1] g, real[::1] out) except -1:
        cdef real[:, ::1] s = self.s, y = self.y
        cdef Py_ssize_t age, row
        cdef double beta
        self._check(g.shape[0], out.shape[0], g.shape[0], g.shape[0])
        with nogil:
            copy(self.d, &g[0], &out[0])
            for age in range(self.count - 1, -1, -1):
                row = (self.first + age) % self.size
                self.alpha[row] = inner(self.d, &s[row, 0], &out[0]) / self.sy[row]
                add(self.d, -self.alpha[row], &y[row, 0], &out[0])
            scale(self.d, -self.newest_sy / self.yy, &out[0])
            for age in range(self.count):
                row = (self.first + age) % self.size
                beta = inner(self.d, &y[row, 0], &out[0]) / self.sy[row]
                add(self.d, -self.alpha[row] - beta, &s[row, 0], &out[0])
        return 0

    cdef int _check(self, Py_ssize_t a, Py_ssize_t b, Py_ssize_t c, Py_ssize_t e) except -1:
        if not a == b == c == e == self.d:
            raise ValueError(f"arrays of {self.d} parameters expected, got {a}, {b}, {c}, {e}")
        return 0


cdef inline void difference(int d, real *a, real *b, real *out) noexcept nogil:
    """out = a − b"""
    copy(d, a, out)
    add(d, -1, b, out)
