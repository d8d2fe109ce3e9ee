"""Labels that are whole numbers of a small range: which there are, and the number of each row's class, by a table.

Used by _estimators.data, which sees to all other labels.  Allocates nothing of the size of y.
"""
cimport numpy as cnp
from libc.math cimport fabs, floor
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

import numpy as np

cnp.import_array()

cdef enum:
    TABLE_RANGE = 1 << 16          # whole numbers this close together are found by a table
cdef double EXACT = 2.0 ** 53      # below, doubles tell whole numbers apart


ctypedef struct Numbers:
    const char *first
    Py_ssize_t n, step      # bytes
    int kind                # NumPy's type


cdef double _read(const Numbers *y, Py_ssize_t i) noexcept nogil:
    cdef const char *p = y.first + i * y.step
    if y.kind == cnp.NPY_INT64:
        return <double>(<const int64_t *>p)[0]
    if y.kind == cnp.NPY_DOUBLE:
        return (<const double *>p)[0]
    if y.kind == cnp.NPY_INT32:
        return (<const int32_t *>p)[0]
    if y.kind == cnp.NPY_FLOAT:
        return (<const float *>p)[0]
    if y.kind == cnp.NPY_UINT8 or y.kind == cnp.NPY_BOOL:
        return (<const uint8_t *>p)[0]
    if y.kind == cnp.NPY_INT8:
        return (<const int8_t *>p)[0]
    if y.kind == cnp.NPY_INT16:
        return (<const int16_t *>p)[0]
    if y.kind == cnp.NPY_UINT16:
        return (<const uint16_t *>p)[0]
    if y.kind == cnp.NPY_UINT32:
        return (<const uint32_t *>p)[0]
    return <double>(<const uint64_t *>p)[0]


cdef bint _numbers(y, Numbers *found) except -1:
    """Whether y is a vector of numbers of at most 64 bits as they are read here, and where they are."""
    cdef cnp.ndarray array = y
    cdef int kind = cnp.PyArray_TYPE(array)
    if array.ndim != 1 or not array.shape[0] or not cnp.PyArray_ISNOTSWAPPED(array) or not cnp.PyArray_ISALIGNED(array):
        return False
    if kind in (cnp.NPY_LONGLONG, cnp.NPY_LONG) and cnp.PyArray_ITEMSIZE(array) == 8:
        kind = cnp.NPY_INT64
    if kind in (cnp.NPY_ULONGLONG, cnp.NPY_ULONG) and cnp.PyArray_ITEMSIZE(array) == 8:
        kind = cnp.NPY_UINT64
    found.first, found.n, found.step, found.kind = <const char *>cnp.PyArray_DATA(array), array.shape[0], array.strides[0], kind
    return kind in (cnp.NPY_INT64, cnp.NPY_DOUBLE, cnp.NPY_INT32, cnp.NPY_FLOAT, cnp.NPY_UINT8, cnp.NPY_BOOL, cnp.NPY_INT8,
                    cnp.NPY_INT16, cnp.NPY_UINT16, cnp.NPY_UINT32, cnp.NPY_UINT64)


cdef Py_ssize_t _place(double value, double low, double high) noexcept nogil:
    """Where a number is in the table; −1 if it is none of them."""
    if not low <= value <= high or floor(value) != value:
        return -1
    return <Py_ssize_t>(value - low)


cdef bint _near(double low, double high) noexcept nogil:
    """Whether a table of all whole numbers between these is small."""
    return fabs(low) < EXACT and fabs(high) < EXACT and high - low < TABLE_RANGE and floor(low) == low


cdef bint _mark(const Numbers *y, double low, double high, uint8_t *seen) noexcept nogil:
    """Mark the numbers that there are; False at one that is not whole."""
    cdef Py_ssize_t i, at
    for i in range(y.n):
        at = _place(_read(y, i), low, high)
        if at < 0:
            return False
        seen[at] = 1
    return True


cdef bint _count(const Numbers *y, double low, double high, const int32_t *table, uint8_t *narrow, int32_t *codes,
                 int64_t *counts) noexcept nogil:
    """The class of each row and the rows of each class; False at a label that the table has not."""
    cdef Py_ssize_t i, at
    for i in range(y.n):
        at = _place(_read(y, i), low, high)
        if at < 0 or table[at] < 0:
            return False
        at = table[at]
        counts[at] += 1
        if narrow:
            narrow[i] = <uint8_t>at
        else:
            codes[i] = <int32_t>at
    return True


def whole_numbers(y):
    """The labels in y, sorted, of its type.

    Parameters
    ----------
    y : ndarray

    Returns
    -------
    ndarray of shape (k,), or None
        None unless y is a vector of whole numbers of a small range.
    """
    cdef Numbers numbers
    cdef double low, high, value
    cdef Py_ssize_t i
    cdef uint8_t[::1] seen
    cdef bint whole
    if not _numbers(y, &numbers):
        return None
    with nogil:
        low = high = _read(&numbers, 0)
        for i in range(numbers.n):
            value = _read(&numbers, i)
            low, high = min(low, value), max(high, value)
    if not _near(low, high):
        return None
    found = np.zeros(<Py_ssize_t>(high - low) + 1, np.uint8)
    seen = found
    with nogil:
        whole = _mark(&numbers, low, high, &seen[0])
    return (np.flatnonzero(found) + <int64_t>low).astype(y.dtype) if whole else None


def codes_of(y, classes, codes, counts):
    """Fill in the number of each row's class, and how many rows each class has; whether all labels are classes, known by a table.

    Parameters
    ----------
    y : ndarray
    classes : ndarray of shape (k,)
        Sorted.
    codes : ndarray of shape (n,), of uint8 or int32, in one piece
    counts : ndarray of int64 of shape (k,)
        Zeros.
    """
    cdef Numbers numbers, known
    cdef Py_ssize_t i, at
    cdef double low, high
    cdef bint narrow = cnp.PyArray_ITEMSIZE(codes) == 1, found
    cdef char *out = <char *>cnp.PyArray_DATA(codes)
    cdef int64_t[::1] rows = counts
    cdef int32_t[::1] table
    if not _numbers(y, &numbers) or not _numbers(classes, &known):
        return False
    low, high = _read(&known, 0), _read(&known, known.n - 1)
    if not _near(low, high):
        return False
    table = np.full(<Py_ssize_t>(high - low) + 1, -1, np.int32)
    for i in range(known.n):
        at = _place(_read(&known, i), low, high)
        if at < 0:
            return False
        table[at] = <int32_t>i
    with nogil:
        found = _count(&numbers, low, high, &table[0], <uint8_t *>out if narrow else NULL, <int32_t *>out, &rows[0])
    return found
