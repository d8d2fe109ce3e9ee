"""L·Δ·Lᵀ of small symmetric matrices whose leading part is negative and whose Schur complement is positive definite.

For such matrices elimination without pivoting is stable.  Used by lbfgsb; matrices are stored by row, their lower triangles
are read; afterwards L is below the diagonal (its own is 1) and Δ on it.
"""
from libc.math cimport INFINITY


cdef inline bint factor(int n, int negative, double *a, double *column) noexcept nogil:
    """Into L and Δ; False if Δ is not finite with `negative` times − and then +.  `column` is room for n numbers."""
    cdef int i, j, k
    cdef double pivot, ratio
    for j in range(n):
        pivot = a[j * n + j]
        if not 0 < (-pivot if j < negative else pivot) < INFINITY:
            return False
        for i in range(j + 1, n):
            column[i] = a[i * n + j]
            if column[i] == 0:
                continue
            ratio = column[i] / pivot
            a[i * n + j] = ratio
            for k in range(j + 1, i + 1):
                a[i * n + k] -= ratio * column[k]
    return True


cdef inline void forward(int n, int start, double *a, double *v) noexcept nogil:
    """v ← L⁻¹·v, where the first `start` columns and rows of L are those of the identity among themselves"""
    cdef int i, j
    cdef double total
    for i in range(max(start, 1), n):
        total = v[i]
        for j in range(i):
            total -= a[i * n + j] * v[j]
        v[i] = total


cdef inline void backward(int n, double *a, double *v) noexcept nogil:
    """v ← L⁻ᵀ·Δ⁻¹·v"""
    cdef int i, j
    for i in range(n):
        v[i] /= a[i * n + i]
    for i in range(n - 1, 0, -1):
        for j in range(i):
            v[j] -= a[i * n + j] * v[i]
