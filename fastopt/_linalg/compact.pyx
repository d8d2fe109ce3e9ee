"""The compact form of the Hessian that the pairs of L-BFGS make: B = θ·I − W·M·Wᵀ.

The columns of W are the y and θ·s of the pairs, the oldest first, and M⁻¹ = (−D, Lᵀ; L, θ·S·Sᵀ), with D the diagonal of the
products s·y and L what is below it (Byrd, Nocedal and Schnabel 1994).  Used by lbfgsb; products of rows are BLAS's, a chunk at
a time so that rows stay in the cache, and are summed in double for both types; knows no bounds.
"""
cimport numpy as cnp
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dsyrk
from fastopt._linalg.blas cimport add_rows, inner_rows, real
from fastopt._linalg.lbfgs cimport History
from fastopt._linalg.ldl cimport factor

import numpy as np

cnp.import_array()

cdef enum:
    CHUNK = 1024    # numbers of a row that are multiplied at once
    BLOCK = 128     # variables gathered at once


cdef class Model:
    """The compact form of a history's pairs, and room for its products.

    Parameters
    ----------
    history : History
        Its new pairs are taken up by `update`.
    """

    def __init__(self, History history not None):
        cdef double[:, :, ::1] matrices = np.zeros((4, 2 * history.size, 2 * history.size))
        cdef double[:, ::1] vectors = np.zeros((2, 2 * history.size))
        cdef cnp.ndarray pairs = history.pairs, sums = np.zeros(2 * history.size, history.pairs.dtype)
        self.history, self.d, self.all_rows, self.n = history, history.d, <int>(2 * history.size), 0
        self.theta = 1
        self.seen = history.appended - history.count
        self.matrices, self.sums_array = (matrices, vectors), sums
        self.pairs, self.sums = cnp.PyArray_DATA(pairs), cnp.PyArray_DATA(sums)
        self.order, self.chosen = np.zeros(self.all_rows, np.intc), np.zeros(self.d, np.intc)
        self.block = np.empty((self.all_rows, BLOCK))
        self.gram, self.m_inverse = &matrices[0, 0, 0], &matrices[1, 0, 0]
        self.m, self.over_some = &matrices[2, 0, 0], &matrices[3, 0, 0]
        self.column, self.other = &vectors[0, 0], &vectors[1, 0]
        self.update()

    def update(self):
        """Take up the history's new pairs; False if there are none to make a model of."""
        if self.history.is_float:
            return self._update(<float *>self.pairs)
        return self._update(<double *>self.pairs)

    @property
    def scale(self):
        """Factors of the rows of Wᵀ: 1 of the y, θ of the s."""
        return np.repeat([1.0, self.theta], self.n // 2)

    @property
    def inverse(self):
        """M⁻¹"""
        return np.array(<double[:self.n, :self.n]>self.m_inverse) if self.n else np.zeros((0, 0))

    def w(self, v):
        """W·v"""
        cdef cnp.ndarray out = np.empty(self.d, self.history.pairs.dtype)
        cdef double[::1] factors = np.array(v, dtype=np.float64)
        if factors.shape[0] != self.n or self.n == 0:
            raise ValueError(f"{self.n} factors expected, got {factors.shape[0]}")
        if self.history.is_float:
            self._w_times(<float *>self.pairs, &factors[0], <float *>cnp.PyArray_DATA(out))
        else:
            self._w_times(<double *>self.pairs, &factors[0], <double *>cnp.PyArray_DATA(out))
        return out

    def free_gram(self, free):
        """Wᵀ·W over the variables of a mask."""
        cdef bint others = 2 * np.count_nonzero(free) > self.d
        if np.shape(free) != (self.d,):
            raise ValueError(f"a mask of {self.d} variables expected, got shape {np.shape(free)}")
        where = np.flatnonzero(np.logical_not(free) if others else free)
        np.asarray(self.chosen)[:len(where)] = where
        if self.history.is_float:
            self._gram_over(<float *>self.pairs, <int>len(where), others)
        else:
            self._gram_over(<double *>self.pairs, <int>len(where), others)
        return np.array(<double[:self.n, :self.n]>self.over_some)

    cdef int _check(self, arrays) except -1:
        cdef int kind = cnp.NPY_FLOAT if self.history.is_float else cnp.NPY_DOUBLE
        cdef cnp.ndarray a
        for a in arrays:
            if not (cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_TYPE(a) == kind and cnp.PyArray_SIZE(a) == self.d):
                raise ValueError(f"contiguous arrays of {self.d} × {self.history.pairs.dtype} expected, got "
                                 f"{cnp.PyArray_SIZE(a)} × {a.dtype}")
        return 0

    cdef bint _update(self, real *pairs) noexcept nogil:
        """Gram matrix, M⁻¹ and its factors; False without pairs, or where rounding or overflow left M⁻¹ without its signs."""
        cdef int age, count = <int>self.history.count, size = self.all_rows // 2
        cdef int new = <int>min(self.history.appended - self.seen, <Py_ssize_t>count)
        for age in range(count):
            self.order[age] = <int>((self.history.first + age) % size)
            self.order[count + age] = size + self.order[age]
        for age in range(count - new, count):
            self._take_up(pairs, self.order[age])
        self.seen, self.n, self.theta = self.history.appended, 2 * count, self.history.yy / self.history.newest_sy
        self._invert(count)
        memcpy(self.m, self.m_inverse, self.n * self.n * sizeof(double))
        return count > 0 and factor(self.n, count, self.m, self.column)

    cdef void _take_up(self, real *pairs, int row) noexcept nogil:
        """Products of a pair, rows `row` and `size + row`, with all rows."""
        cdef Py_ssize_t chunk
        cdef int j, other = self.all_rows // 2 + row
        memset(self.column, 0, self.all_rows * sizeof(double))
        memset(self.other, 0, self.all_rows * sizeof(double))
        for chunk in range(blocks(self.d, CHUNK)):
            self._add_products(pairs, pairs + <Py_ssize_t>row * self.d, CHUNK * chunk, self.column)
            self._add_products(pairs, pairs + <Py_ssize_t>other * self.d, CHUNK * chunk, self.other)
        for j in range(self.all_rows):
            self.gram[row * self.all_rows + j] = self.gram[j * self.all_rows + row] = self.column[j]
            self.gram[other * self.all_rows + j] = self.gram[j * self.all_rows + other] = self.other[j]

    cdef void _add_products(self, real *pairs, real *v, Py_ssize_t begin, double *to) noexcept nogil:
        """to += the products of v with all rows, over CHUNK columns from `begin`"""
        cdef real *sums = <real *>self.sums
        cdef int j
        inner_rows(self.all_rows, <int>min(<Py_ssize_t>CHUNK, self.d - begin), self.d, pairs + begin, v + begin, sums)
        for j in range(self.all_rows):
            to[j] += sums[j]

    cdef void _invert(self, int count) noexcept nogil:
        """M⁻¹ from the products."""
        cdef int i, j, n = self.n
        memset(self.m_inverse, 0, n * n * sizeof(double))
        for i in range(count):
            self.m_inverse[i * n + i] = -self._gram_of(count + i, i)
            for j in range(count):
                self.m_inverse[(count + i) * n + count + j] = self.theta * self._gram_of(count + i, count + j)
            for j in range(i):
                self.m_inverse[(count + i) * n + j] = self.m_inverse[j * n + count + i] = self._gram_of(count + i, j)

    cdef inline double _gram_of(self, int i, int j) noexcept nogil:
        return self.gram[self.order[i] * self.all_rows + self.order[j]]

    cdef inline double _scale(self, int i) noexcept nogil:
        return 1 if 2 * i < self.n else self.theta

    cdef void _gram_over(self, real *pairs, int count, bint others) noexcept nogil:
        """`over_some` ← Wᵀ·W over the first `count` variables in `chosen`, or over all others."""
        cdef Py_ssize_t block
        cdef int i, j, n = self.n
        cdef double sign = -1 if others else 1, rest
        memset(self.over_some, 0, n * n * sizeof(double))
        for block in range(blocks(count, BLOCK)):
            self._add_block(pairs, BLOCK * block, <int>min(<Py_ssize_t>BLOCK, count - BLOCK * block), sign)
        for i in range(n):
            for j in range(i + 1):
                rest = self._gram_of(i, j) if others else 0
                self.over_some[i * n + j] = (self.over_some[i * n + j] + rest) * self._scale(i) * self._scale(j)
                self.over_some[j * n + i] = self.over_some[i * n + j]

    cdef void _add_block(self, real *pairs, Py_ssize_t begin, int length, double sign) noexcept nogil:
        """over_some += sign·(products over variables from `begin` on in `chosen`), the lower triangle, rows unscaled"""
        cdef int i, j, width = BLOCK
        cdef double one = 1
        cdef real *row
        for i in range(self.n):
            row = pairs + <Py_ssize_t>self.order[i] * self.d
            for j in range(length):
                self.block[i, j] = row[self.chosen[begin + j]]
        dsyrk(b"U", b"T", &self.n, &length, &sign, &self.block[0, 0], &width, &one, self.over_some, &self.n)

    cdef void _w_transposed(self, real *pairs, real *v, double *out) noexcept nogil:
        """out ← Wᵀ·v"""
        cdef Py_ssize_t chunk
        cdef int i
        memset(self.column, 0, self.all_rows * sizeof(double))
        for chunk in range(blocks(self.d, CHUNK)):
            self._add_products(pairs, v, CHUNK * chunk, self.column)
        for i in range(self.n):
            out[i] = self._scale(i) * self.column[self.order[i]]

    cdef void _w_times(self, real *pairs, double *v, real *out) noexcept nogil:
        """out ← W·v"""
        cdef int i, size = self.all_rows // 2
        cdef real *sums = <real *>self.sums
        for i in range(self.n):
            sums[self.order[i]] = <real>(self._scale(i) * v[i])
        memset(out, 0, self.d * sizeof(real))
        add_rows(self.n // 2, self.d, self.d, pairs, sums, out)
        add_rows(self.n // 2, self.d, self.d, pairs + <Py_ssize_t>size * self.d, sums + size, out)


cdef inline Py_ssize_t blocks(Py_ssize_t n, Py_ssize_t size) noexcept nogil:
    """Of this size, how many hold n."""
    return (n + size - 1) // size
