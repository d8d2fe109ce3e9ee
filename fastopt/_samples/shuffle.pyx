"""NumPy's legacy shuffle of an order of samples, to the draw, without its checks of each swap: scikit-learn's perceptrons visit samples so.

Used by networks, whose epochs are short beside a shuffle.  Knows no seeds: the generator is the caller's, and goes on.
"""
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint32_t
from numpy.random cimport bitgen_t

from fastopt._core.memory cimport address

import numpy as np

cdef Py_ssize_t LARGEST = 0xffffffff      # draws up to this take 32 bits of the generator


cdef void _shuffle(int64_t *order, Py_ssize_t n, bitgen_t *generator) noexcept nogil:
    """Fisher–Yates from the last sample on; a draw beyond the place is drawn again, which here swaps a sample with itself."""
    cdef Py_ssize_t i = n - 1, j
    cdef bint fits
    cdef uint32_t mask = 1
    cdef int64_t swap
    while <Py_ssize_t>mask < i:
        mask = (mask << 1) | 1
    while i > 0:
        while i > <Py_ssize_t>(mask >> 1):   # as long as as many bits are needed
            j = generator.next_uint32(generator.state) & mask
            fits = j <= i
            j = j if fits else i
            swap = order[i]
            order[i] = order[j]
            order[j] = swap
            i -= fits
        mask >>= 1


def shuffle(rng, order):
    """Shuffle in place as ``rng.shuffle(order)`` does.

    Parameters
    ----------
    rng : RandomState
    order : ndarray of int64 of shape (n,), in one piece

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._samples.shuffle import shuffle
    >>> ours, numpys = np.arange(6), np.arange(6)
    >>> shuffle(np.random.RandomState(3), ours)
    >>> np.random.RandomState(3).shuffle(numpys)
    >>> np.array_equal(ours, numpys)
    True
    """
    cdef bitgen_t *generator
    cdef int64_t *first
    cdef Py_ssize_t n = order.shape[0]
    bits = getattr(rng, "_bit_generator", None)
    if bits is None or n > LARGEST or order.dtype != np.int64 or not order.flags.c_contiguous:
        rng.shuffle(order)
        return
    first = <int64_t *>address(order)
    generator = <bitgen_t *>PyCapsule_GetPointer(bits.capsule, "BitGenerator")
    with bits.lock:
        with nogil:
            _shuffle(first, n, generator)
