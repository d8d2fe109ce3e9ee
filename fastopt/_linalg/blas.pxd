"""Vectors and matrices of float or double through SciPy's BLAS, one name for both types; sums come back as double.

Used by lbfgs and _lbfgsb; knows nothing of what the numbers are.
"""
from scipy.linalg.cython_blas cimport daxpy, dcopy, ddot, dgemv, dscal, saxpy, scopy, sdot, sgemv, sscal

ctypedef fused real:
    float
    double


cdef inline double inner(int d, real *a, real *b) noexcept nogil:
    cdef int one = 1
    if real is float:
        return sdot(&d, a, &one, b, &one)
    else:
        return ddot(&d, a, &one, b, &one)


cdef inline void add(int d, double factor, real *a, real *to) noexcept nogil:
    """to += factor · a"""
    cdef int one = 1
    cdef real alpha = <real>factor
    if real is float:
        saxpy(&d, &alpha, a, &one, to, &one)
    else:
        daxpy(&d, &alpha, a, &one, to, &one)


cdef inline void scale(int d, double factor, real *a) noexcept nogil:
    cdef int one = 1
    cdef real alpha = <real>factor
    if real is float:
        sscal(&d, &alpha, a, &one)
    else:
        dscal(&d, &alpha, a, &one)


cdef inline void copy(int d, real *a, real *to) noexcept nogil:
    cdef int one = 1
    if real is float:
        scopy(&d, a, &one, to, &one)
    else:
        dcopy(&d, a, &one, to, &one)


cdef inline void inner_rows(int count, int length, int stride, real *rows, real *v, real *out) noexcept nogil:
    """out ← the products of v with `count` rows, `stride` numbers apart"""
    gemv(b"T", count, length, stride, rows, v, 0, out)


cdef inline void add_rows(int count, int length, int stride, real *rows, real *factors, real *to) noexcept nogil:
    """to += Σ factor · row"""
    gemv(b"N", count, length, stride, rows, factors, 1, to)


cdef inline void gemv(char *how, int count, int length, int stride, real *rows, real *v, double beta,
                      real *out) noexcept nogil:
    """BLAS's gemv; to Fortran a row is a column."""
    cdef int one = 1
    cdef real alpha = 1, b = <real>beta
    if real is float:
        sgemv(how, &length, &count, &alpha, rows, &stride, v, &one, &b, out, &one)
    else:
        dgemv(how, &length, &count, &alpha, rows, &stride, v, &one, &b, out, &one)
