"""Per-sample SGD: epochs, the order of samples, blocks, threads over outputs, and when to stop.

Used by the estimators.  The mathematics of a block is csrc/sgd.h; names and parameters are checked above.
"""
cimport cython
cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport prange
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

import numpy as np

from fastopt._core cimport (FO_DENSE, Matrix, fo_block, fo_kernels, fo_matrix, fo_output, fo_outputs, fo_sgd, kernels)

cnp.import_array()

ctypedef fused target:
    uint8_t
    int32_t
    float
    double

ctypedef fused real:
    float
    double

cdef enum:
    BLOCK_ELEMENTS = 32768        # targets of a block: n·k at most
    PACK_BYTES = 1 << 20          # rows of a strided X that are packed at a time
    MAX_BLOCK = 1024
    WORK_PER_CHECK = 50_000_000   # elements between two looks for Ctrl-C: some 20 ms


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


def shuffled(Py_ssize_t n, seed, int times=1):
    """The order in which `n` samples are visited after `times` epochs' shuffles."""
    order = np.arange(n, dtype=np.int32)
    for _ in range(times):
        _shuffle(order, seed)
    return order


cdef void _gather(const target *y, Py_ssize_t columns, const int32_t *rows, Py_ssize_t n, const int32_t *labels,
                  Py_ssize_t k, bint is_class, real negative, real *out) noexcept nogil:
    """out[i, j]: the target of output j at row rows[i]; for classes 1 where y is labels[j], else `negative`."""
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(k):
            if is_class:
                out[i * k + j] = <real>1 if y[rows[i]] == <target>labels[j] else negative
            else:
                out[i * k + j] = <real>y[<Py_ssize_t>rows[i] * columns + labels[j]]


cdef void _take(const real *weight, const int32_t *rows, Py_ssize_t n, real *out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = weight[rows[i]]


cdef _aligned(shape, dtype):
    """Zeros whose first element lies on a 64-byte boundary."""
    cdef Py_ssize_t size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size].view(dtype).reshape(shape)


cdef void *_data(array) noexcept:
    return cnp.PyArray_DATA(<cnp.ndarray>array) if array is not None else NULL
