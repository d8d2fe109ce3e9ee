"""The order in which samples are visited, and a block of them at a time: rows, targets and weights, read from the user's arrays.
Nothing of the size of X is copied: a number a row for the order, and buffers of one block.

Used by the loops over epochs (_samples/epochs.pyx) and by whatever else reads rows in blocks.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

import numpy as np

from fastopt._core.tables cimport Matrix, kernels, real

cnp.import_array()

ctypedef fused target:
    uint8_t
    int32_t
    int64_t
    float
    double

cdef enum:
    BLOCK_TARGETS = 8192      # n·k of a block at most
    BLOCK_ROWS = 1024
    SMALL_BLOCK = 256         # rows of a block for small X, beside which larger buffers would count
    SHARED_ROWS = 32768       # the same for several threads, which meet after each block
    SHARED_TARGETS = 1 << 18
    PACKED_BYTES = 1 << 20    # rows of a strided X that are packed at a time

#: types of y, in the order of the branches of Samples.targets
TARGET_TYPES = (np.uint8, np.int32, np.int64, np.float32, np.float64)


cdef uint32_t _xorshift(uint32_t *seed) noexcept nogil:
    """Marsaglia's 32-bit xorshift, to 31 bits: the generator behind scikit-learn's order of samples."""
    if seed[0] == 0:
        seed[0] = 1
    seed[0] ^= seed[0] << 13
    seed[0] ^= seed[0] >> 17
    seed[0] ^= seed[0] << 5
    return seed[0] & 0x7fffffff


cdef void _shuffle(int32_t[::1] order, uint32_t seed) noexcept nogil:
    """Fisher–Yates, from the first sample on."""
    cdef Py_ssize_t n = order.shape[0], i
    cdef uint32_t j
    cdef int32_t swap
    for i in range(n - 1):
        j = <uint32_t>i + _xorshift(&seed) % <uint32_t>(n - i)
        swap = order[i]
        order[i] = order[j]
        order[j] = swap


cdef void _draw(int32_t[::1] order, uint32_t *seed) noexcept nogil:
    """As many samples as there are, drawn with replacement; the seed goes on."""
    cdef Py_ssize_t n = order.shape[0], i
    for i in range(n):
        order[i] = <int32_t>(_xorshift(seed) % <uint32_t>n)


def shuffled(Py_ssize_t n, seed, int epochs=1):
    """The order in which `n` samples are visited in the last of so many epochs."""
    order = np.arange(n, dtype=np.int32)
    for _ in range(epochs):
        _shuffle(order, seed)
    return order


cdef void _take_classes(const target *y, const int32_t *rows, Py_ssize_t n, const int32_t *labels, Py_ssize_t k,
                        real negative, real *out) noexcept nogil:
    """out[i, j] = 1 where row rows[i] is of class labels[j], else `negative`; looked up, as a branch cannot be predicted."""
    cdef Py_ssize_t i, j
    cdef real[2] value = [negative, 1]
    for i in range(n):
        for j in range(k):
            out[i * k + j] = value[y[rows[i]] == <target>labels[j]]


cdef void _take_numbers(const target *y, const int32_t *rows, Py_ssize_t n, Py_ssize_t k, real *out) noexcept nogil:
    """out[i, 0] = the number of the class of row rows[i]."""
    cdef Py_ssize_t i
    for i in range(n):
        out[i * k] = <real>y[rows[i]]


cdef void _take_columns(const target *y, Py_ssize_t columns, const int32_t *rows, Py_ssize_t n, const int32_t *labels,
                        Py_ssize_t k, real *out) noexcept nogil:
    """out[i, j] = y[rows[i], labels[j]]."""
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(k):
            out[i * k + j] = <real>y[rows[i] * columns + labels[j]]


cdef bint _has_ordinary(a) except -1:
    """Whether some number is at least tiny/eps, so that its products with eps are not denormal; or all are 0."""
    cdef Py_ssize_t at = 0, rows = 1
    if a.dtype.kind != "f":
        return True
    least, nonzero = np.finfo(a.dtype).tiny / np.finfo(a.dtype).eps, False
    while at < len(a):
        part = np.abs(a[at:at + rows])
        if (part >= least).any():
            return True
        nonzero = nonzero or part.any()
        at, rows = at + rows, min(2 * rows, 1 + BLOCK_TARGETS * len(part) // max(part.size, 1))
    return not nonzero


cdef class Samples:
    """Rows of X with their targets and weights, visited block by block, epoch after epoch.

    Parameters
    ----------
    X : Matrix
    y : ndarray of shape (n,) or (n, k)
        Class numbers (uint8 or int32) or targets (int64, float32 or float64).
    k : int
        Outputs that a block must have room for.
    negative : float
        Target of the other classes, where y holds class numbers.
    weight : ndarray of shape (n,) or None
        Sample weights.
    held_out : ndarray of shape (n,) of uint8, or None
        Nonzero: the row is not learnt from.
    shuffle, seed : bool, int
        Whether each epoch permutes the order of the one before, and by which permutation.
    threads : int
        Threads that share the outputs: blocks are larger for several.
    block_rows : int
        Rows of a block at most; 0: as suits per-sample SGD.
    replace : bool
        Each epoch draws its samples with replacement instead, where `shuffle` is set.
    """

    def __init__(self, Matrix X, y, Py_ssize_t k, double negative=0, weight=None, held_out=None, bint shuffle=True,
                 seed=0, int threads=1, Py_ssize_t block_rows=0, bint replace=False):
        cdef Py_ssize_t size = 4 if X.is_float else 8
        self.X, self.kernels, self.matrix = X, kernels(X.is_float), X.c
        self.shuffle, self.replace, self.seed, self.held_out, self.negative = shuffle, replace, seed, held_out, negative
        self.y = np.require(y, None, ["C", "A"])
        self.y_type = TARGET_TYPES.index(self.y.dtype.type)
        self.y_columns = 1 if self.y.ndim == 1 else self.y.shape[1]
        self.y_data = cnp.PyArray_DATA(self.y)
        self.train_count = X.n - (0 if held_out is None else np.count_nonzero(held_out))
        if block_rows > 0:
            self.block_rows = max(16, min(block_rows, X.n))
        elif threads > 1:
            self.block_rows = max(16, min(SHARED_ROWS, SHARED_TARGETS // k, X.n))
        else:
            self.block_rows = max(16, min(BLOCK_ROWS, BLOCK_TARGETS // k, X.n, max(SMALL_BLOCK, X.n // 128)))
        self.order, self.count = np.arange(X.n, dtype=np.int32), X.n
        packed = None
        if X.packs:
            self.block_rows = max(16, min(self.block_rows, PACKED_BYTES // (size * X.d)))
            packed = np.empty((self.block_rows, X.d), dtype=X.dtype)
            self.matrix.data, self.matrix.stride = cnp.PyArray_DATA(packed), X.d
            self.identity = np.arange(self.block_rows, dtype=np.int32)
        self.rows = np.empty(self.block_rows, dtype=np.int32)
        self.kernel_rows = &self.identity[0] if X.packs else &self.rows[0]
        self.buffers = [packed]
        self._init_weight(weight)

    def _init_weight(self, weight):
        self.weights, self.weight = NULL, None
        if weight is not None:
            self.weight = np.require(weight, self.X.dtype, ["C", "A"])
            taken = np.empty(self.block_rows, dtype=self.X.dtype)
            self.weight_data, self.weights = cnp.PyArray_DATA(self.weight), cnp.PyArray_DATA(taken)
            self.buffers.append(taken)

    def has_ordinary_numbers(self):
        """Whether values, targets and weights are large enough for a loop that counts denormal numbers as 0.

        Known from the first rows, unless these are 0 or so small.
        """
        values = self.X.keep[0] if self.X.is_sparse else self.X.keep
        return all(_has_ordinary(np.asarray(a)) for a in (values, self.y, self.weight) if a is not None)

    cdef void start(self) noexcept nogil:
        """Begin an epoch."""
        self.position = 0
        if self.shuffle and self.replace:
            _draw(self.order, &self.seed)
        elif self.shuffle:
            _shuffle(self.order[:self.count], self.seed)

    cdef void leave_out(self) noexcept nogil:
        """Rows that are held out by now go behind the others, and epochs do not come to them: those of few rows cost no more."""
        cdef Py_ssize_t i = 0
        cdef int32_t row
        while i < self.count:
            row = self.order[i]
            if self.held_out is not None and self.held_out[row]:
                self.count -= 1
                self.order[i], self.order[self.count] = self.order[self.count], row
            else:
                i += 1

    cdef void take_in(self) noexcept nogil:
        """Come to all rows again."""
        self.count = self.X.n

    cdef Py_ssize_t next_block(self) noexcept nogil:
        """Make the next block of rows ready; how many, 0 at the end of the epoch."""
        cdef Py_ssize_t n = 0
        cdef int32_t zero = 0
        while self.position < self.count and n < self.block_rows:
            self.rows[n] = self.order[self.position]
            if self.held_out is None or not self.held_out[self.rows[n]]:
                n += 1
            self.position += 1
        if n > 0 and self.X.packs:
            self.kernels.pack_rows(n, self.X.d, self.X.base, self.X.row_stride, self.X.column_stride, &self.rows[0],
                                   <void *>self.matrix.data)
        if n > 0 and self.weights != NULL:
            if self.X.is_float:
                _take_columns(<const float *>self.weight_data, 1, &self.rows[0], n, &zero, 1, <float *>self.weights)
            else:
                _take_columns(<const double *>self.weight_data, 1, &self.rows[0], n, &zero, 1, <double *>self.weights)
        return n

    cdef void targets(self, Py_ssize_t n, const int32_t *labels, Py_ssize_t k, bint numbers, void *out) noexcept nogil:
        """Targets of the block's rows for some outputs: out (n, k), of the type of X.  With `numbers` of classes, these alone, in the first column."""
        if self.X.is_float:
            self._targets(n, labels, k, numbers, <float *>out)
        else:
            self._targets(n, labels, k, numbers, <double *>out)

    cdef void _targets(self, Py_ssize_t n, const int32_t *labels, Py_ssize_t k, bint numbers, real *out) noexcept nogil:
        cdef const int32_t *rows = &self.rows[0]
        if self.y_type == 0 and numbers:
            _take_numbers(<const uint8_t *>self.y_data, rows, n, k, out)
        elif self.y_type == 1 and numbers:
            _take_numbers(<const int32_t *>self.y_data, rows, n, k, out)
        elif self.y_type == 0:
            _take_classes(<const uint8_t *>self.y_data, rows, n, labels, k, <real>self.negative, out)
        elif self.y_type == 1:
            _take_classes(<const int32_t *>self.y_data, rows, n, labels, k, <real>self.negative, out)
        elif self.y_type == 2:
            _take_columns(<const int64_t *>self.y_data, self.y_columns, rows, n, labels, k, out)
        elif self.y_type == 3:
            _take_columns(<const float *>self.y_data, self.y_columns, rows, n, labels, k, out)
        else:
            _take_columns(<const double *>self.y_data, self.y_columns, rows, n, labels, k, out)
