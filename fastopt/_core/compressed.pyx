"""The arrays of CSR and CSC matrices: whether they agree, and whether a place has two values.

Used by Matrix, and by the check of what users pass (_common.sparse_input).  Knows neither values nor SciPy.
"""
from libc.stdint cimport int32_t, int64_t

import numpy as np

cdef Py_ssize_t LARGEST_INTP = np.iinfo(np.intp).max
cdef enum:
    BLOCK = 1 << 15     # indices that stay in the cache between NumPy's loops over them

ctypedef fused index:
    int32_t
    int64_t


cdef Py_ssize_t _misplaced(const index[::1] indptr, Py_ssize_t n) noexcept nogil:
    """The first of n + 1 offsets that is below the one before it, or below 0; −1 if there is none."""
    cdef Py_ssize_t i
    cdef index last = 0
    for i in range(n + 1):
        if indptr[i] < last:
            return i
        last = indptr[i]
    return -1


cdef bint _all_outside(indices, Py_ssize_t size, Py_ssize_t d, Py_ssize_t *descents, bint looks) except -1:
    """The same of many indices as `_outside`, by NumPy's loops, a block at a time."""
    cdef Py_ssize_t start
    for start in range(0, size, BLOCK):
        if indices[start:min(size, start + BLOCK)].view(f"u{indices.itemsize}").max() >= d:   # below 0 is large without a sign
            return True
        if looks:
            part = indices[max(0, start - 1):min(size, start + BLOCK)]
            descents[0] += np.count_nonzero(part[1:] <= part[:-1])
    return False


cdef bint _outside(const index[::1] indices, Py_ssize_t size, Py_ssize_t d, Py_ssize_t *descents) noexcept nogil:
    """Whether one of so many indices is not in 0 … d − 1; and how many are no larger than the one before."""
    cdef Py_ssize_t k, count = 0
    cdef index last = -1, j
    cdef bint found = False
    for k in range(size):
        j = indices[k]
        found |= <size_t>j >= <size_t>d
        count += j <= last
        last = j
    descents[0] = count
    return found


cdef enum Order:
    ASCEND, REPEAT, DESCEND


cdef Order _order(const index[::1] indptr, const index[::1] indices, Py_ssize_t n, Py_ssize_t descents) noexcept nogil:
    """Whether the indices ascend in each of n rows, all `descents` being where rows begin, so that none is there twice; or do so but
    for an index that is there twice; or neither."""
    cdef Py_ssize_t i, k
    for i in range(1, n):
        k = indptr[i]
        if 0 < k < indptr[i + 1]:
            descents -= indices[k] <= indices[k - 1]
    if descents == 0:
        return ASCEND
    for i in range(n):
        for k in range(indptr[i] + 1, indptr[i + 1]):
            if indices[k] < indices[k - 1]:
                return DESCEND
    return REPEAT


cdef bint _repeat(const index[::1] indptr, const index[::1] indices, Py_ssize_t n, index[::1] seen) noexcept nogil:
    """Whether one of n rows has an index twice; `seen`, 0 at first, holds for each index 1 + the row that had it last."""
    cdef Py_ssize_t i, k
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            if seen[indices[k]] == i + 1:
                return True
            seen[indices[k]] = <index>(i + 1)
    return False


cdef bint _check_compressed(const index[::1] indptr, const index[::1] indices, Py_ssize_t n, Py_ssize_t d, Py_ssize_t stored,
                            bint looks, words) except -1:
    """Every offset in order and inside the arrays, every index inside X: reading rows cannot leave the arrays.

    If it `looks` for them, whether a row has an index twice; else False.
    """
    cdef Py_ssize_t i = _misplaced(indptr, n), descents = 0
    cdef index last = indptr[n]
    cdef Order order
    if i >= 0 or indptr[0] != 0:
        raise ValueError(f"X.indptr must start at 0 and never decrease, got {indptr[i if i > 0 else 0]} at position "
                         f"{i if i > 0 else 0}")
    if last > stored or indices.shape[0] != stored:
        raise ValueError(f"X.indptr, X.indices and X.data must agree: indptr ends at {last}, but there are "
                         f"{indices.shape[0]} indices and {stored} values")
    if _all_outside(np.asarray(indices), last, d, &descents, looks) if last > BLOCK else _outside(indices, last, d, &descents):
        used = np.asarray(indices)[:last]
        raise ValueError(f"X.indices must lie in 0 … {d - 1} for {d} {words}, got {used.min() if used.min() < 0 else used.max()}")
    if not looks or not descents:
        return False
    order = _order(indptr, indices, n, descents)
    if order != DESCEND:
        return order == REPEAT
    if last < d >> 5 and n <= LARGEST_INTP // d:   # a table of all indices would take longer to clear than these to sort
        places = np.repeat(np.arange(n) * d, np.diff(indptr)) + np.asarray(indices)[:last]
        places.sort()
        return (np.diff(places) == 0).any()
    return _repeat[index](indptr, indices, n, np.zeros(d, np.int32 if sizeof(index) == 4 else np.int64))


def check_compressed(indptr, indices, Py_ssize_t n, Py_ssize_t d, Py_ssize_t stored, *, bint looks=True, words="columns"):
    """Whether one of n compressed rows has one of d indices twice, in a reading or two of the indices.

    Parameters
    ----------
    indptr, indices : ndarray
        Aligned and in one piece, both of int32 or both of int64.
    n, d, stored : int
        Rows, possible indices and values; for CSC matrices rows and columns change places.
    looks : bool
        Whether to look for indices that are there twice.
    words : str
        What the indices number.

    Raises
    ------
    ValueError
        If offsets and indices contradict each other or these numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._core.compressed import check_compressed
    >>> check_compressed(np.array([0, 2, 4]), np.array([1, 0, 2, 2]), 2, 3, 4)
    True
    """
    if indptr.ndim != 1 or indices.ndim != 1:
        raise ValueError(f"X.indices and X.indptr must have 1 dimension each, got {indices.ndim} and {indptr.ndim}")
    if indptr.shape[0] != n + 1:
        raise ValueError(f"X.indptr must hold {n + 1} offsets, got shape {indptr.shape}")
    if indices.dtype == np.int32:
        return _check_compressed[int32_t](indptr, indices, n, d, stored, looks, words)
    return _check_compressed[int64_t](indptr, indices, n, d, stored, looks, words)
