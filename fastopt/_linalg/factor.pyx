"""A Cholesky factor of a Hessian, which singular ones have too.

Used by _solvers.smooth.newton, _solvers.smooth.newton_cg, _solvers.squares.direct and _solvers.paths.steps.  Knows no objective.
"""
cimport numpy as cnp
from libc.math cimport fabs, fmax, isfinite, sqrt
from libc.string cimport memcpy
from scipy.linalg.cython_lapack cimport dpotrf, dpotrs

import numpy as np
from scipy.linalg.blas import dsymm
from scipy.linalg.lapack import dpotri

cnp.import_array()

#: what is added to the diagonal, relative to it, for the factor to exist: at first, how it grows, and when it is enough
cdef double FIRST_DAMPING = 1e-10, GROWTH = 100.0, MOST_DAMPING = 1e8
#: the least square of a pivot that is more than rounding: along less, as where a column is there twice, steps would be noise
cdef double LEAST = 16 * 2.220446049250313e-16
#: the least element of the diagonal that counts
cdef double NOTHING = 1e-300
#: right-hand sides a row from which the inverse is made
cdef double MANY = 0.5


cdef class Factor:
    """A Cholesky factor of a Hessian whose columns are scaled to a diagonal of 1, damped where it is singular but for rounding.

    Parameters
    ----------
    hessian : ndarray of shape (n_params, n_params)
        Read on and below the diagonal; overwritten.

    Attributes
    ----------
    scale : ndarray of shape (n_params,)
        One over the roots of the diagonal; 0 where that vanishes beside the others' rounding: those parameters keep still.
    damping : float
        What was added to the diagonal of 1.
    """
    cdef readonly object scale
    cdef readonly double damping
    cdef object inverse
    cdef cnp.ndarray factor    # to Fortran its upper triangle
    cdef int n
    cdef double *scales
    cdef double *values

    def __init__(self, hessian):
        cdef cnp.ndarray H = np.ascontiguousarray(hessian, dtype=np.float64), scale = np.empty(len(hessian))
        cdef double *rows = <double *>cnp.PyArray_DATA(H)
        self.factor, self.scale, self.n, self.damping = np.empty_like(H), scale, <int>H.shape[0], 0
        self.scales, self.values = <double *>cnp.PyArray_DATA(scale), <double *>cnp.PyArray_DATA(self.factor)
        with nogil:
            self._scale(rows)
            while not self._exists(rows) and self.damping <= MOST_DAMPING:
                self.damping = fmax(FIRST_DAMPING, GROWTH * self.damping)

    cdef void _scale(self, double *H) noexcept nogil:
        """To a diagonal of 1."""
        cdef Py_ssize_t i, j, n = self.n
        cdef bint finite = True
        cdef double value
        for i in range(n):
            finite = finite and isfinite(H[i * n + i])
        for i in range(n):
            value = H[i * n + i]
            self.scales[i] = 1 / sqrt(value) if finite and value > NOTHING else 0
        for i in range(n):
            for j in range(i + 1):
                H[i * n + j] = H[i * n + j] * self.scales[j] * self.scales[i]

    cdef bint _exists(self, double *H) noexcept nogil:
        """Whether there is a factor with the damping, whose pivots are more than rounding."""
        cdef Py_ssize_t i, n = self.n
        cdef int info
        memcpy(self.values, H, n * n * sizeof(double))
        for i in range(n):
            self.values[i * n + i] = 1 + self.damping
        dpotrf(b"U", &self.n, self.values, &self.n, &info)
        if info != 0:
            return False
        for i in range(n):
            if self.scales[i] != 0 and not self.values[i * (n + 1)] * self.values[i * (n + 1)] >= LEAST:
                return False
        return True

    def solve(self, g):
        """H⁻¹·g, of a vector or of the columns of a matrix."""
        cdef cnp.ndarray x
        cdef int k, info
        if g.ndim > 1 and g.shape[1] >= MANY * len(g):   # a product by BLAS is quicker than triangles
            if self.inverse is None:   # its upper triangle
                self.inverse, _ = dpotri(self.factor.T, lower=0)
                self.inverse *= self.scale
                self.inverse *= self.scale[:, None]
            return np.asarray(dsymm(1.0, self.inverse, g.T, side=1, lower=0).T)
        x = np.multiply(self.scale, g.T, order="C")
        if x.ndim not in (1, 2) or x.shape[x.ndim - 1] != self.n:
            raise ValueError(f"g must have {self.n} rows, got shape {np.shape(g)}")
        k = <int>x.shape[0] if x.ndim > 1 else 1
        dpotrs(b"U", &self.n, &k, self.values, &self.n, <double *>cnp.PyArray_DATA(x), &self.n, &info)
        x *= self.scale
        return x.T
